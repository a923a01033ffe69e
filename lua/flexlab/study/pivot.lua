--[[
pivot - one metric of finished runs by the values of one key.

  local rfne = runs:pivot("model.conditioning", "rfne")
  rfne.weak                 one number per seed, in the order of the seeds; .seeds names them; :mean() :std()
  for arm, column in rfne:rows() do ... end
  rfne:best("min")          the arm with the least mean over the seeds that all have; nil and why (ranking.lua)
  rfne:remarks()            what was left out or averaged, in sentences
Columns are paired by seed: within a seed an arm is the mean over the other keys' settings (blocks.lua).
--]]

local blocks = require "flexlab.study.blocks"
local judging = require "flexlab.run.judging"
local ranking = require "flexlab.study.ranking"
local setting = require "flexlab.study.setting"
local stats = require "flexlab.stats"
local words = require "flexlab.words"

local M = {}

local Column = {}
Column.__index = Column

--- Mean over the seeds.
---@return number
function Column:mean() return stats.mean(self) end
--- Standard deviation over the seeds, divisor n - 1.
---@return number
function Column:std() return stats.sd(self) end

local methods = {}

-- The arms in the order of the grid.
function methods:arms() return table.move(rawget(self, "order"), 1, #rawget(self, "order"), 1, {}) end

-- The first arm that has a number: what others are compared with when nobody says.
function methods:first()
  for arm, column in self:rows() do
    if #column > 0 then return arm end
  end
end

-- The names of the seeds, and the seeds.
function methods:blocks()
  local names = {}
  for i, seed in ipairs(rawget(self, "seeds")) do names[i] = ("seed %d"):format(seed) end
  return names, rawget(self, "seeds")
end

function methods:remarks() return rawget(self, "notes") end

-- Iterates over (arm, column).
function methods:rows()
  local i = 0
  return function()
    i = i + 1
    local arm = rawget(self, "order")[i]
    return arm, arm ~= nil and rawget(self, "columns")[arm] or nil
  end
end

local directions = { min = "lower", max = "higher" }
for _, word in ipairs(judging.directions) do directions[word] = word end

-- The arm whose mean over the seeds that all have is least ("min", "lower"), largest ("max", "higher") or nearest to
-- "0" or "1"; nil and why where none may be named.
function methods:best(which)
  if not directions[which] then
    error("best: wanted 'min' or 'max', got " .. tostring(which), 2)
  end
  local best, about = ranking.best(self, directions[which])
  return best, best == nil and about.why or about.note
end

local Pivot = {}

-- An arm comes before a method of the same name; pivot:arms() etc. are for arms named otherwise.
function Pivot.__index(self, key)
  return rawget(self, "columns")[key] or methods[key]
end

-- The column of an arm: the mean of each seed over the cells of that seed.
local function column_of(g, arm, cells)
  local column = setmetatable({ seeds = {} }, Column)
  for _, seed in ipairs(g.seeds) do
    local values, own = {}, g.entries[arm][seed]
    for i, cell in ipairs(own and cells[seed] or {}) do values[i] = own[cell] end
    if #values > 0 then
      column[#column + 1], column.seeds[#column.seeds + 1] = stats.mean(values), seed
    end
  end
  return column
end

-- Why there is no number at all, as an error.
local function refuse(runs, g, key, metric, level)
  if not g.spelled then
    local known = {}
    for _, task in ipairs(runs.tasks) do
      for name in pairs(task.result or {}) do known[name] = true end
    end
    error(("pivot: the results have %s"):format(words.unknown(metric, words.keys(known))), level + 1)
  end
  for _, arm in ipairs(g.arms) do
    if next(g.entries[arm]) then
      error(("pivot: the values of %s cannot be paired: no seed has two of them under the same other settings; compare "
        .. "whole arms (no key), or narrow the runs by where"):format(tostring(key)), level + 1)
    end
  end
  error(("pivot: no run has a finite %s"):format(metric), level + 1)
end

--- One column for each value of `key` (or, without a key, for each whole arm).
---@param runs table      of runs.lua
---@param key string|nil  the setting whose values are columns; nil: whole arms
---@param metric string   "rfne"
---@param level integer   whom an error blames, as error's
---@return table
function M.new(runs, key, metric, level)
  if key ~= nil and not runs.grid[key] then
    error("pivot: " .. words.unknown(key, words.keys(runs.grid)), level)
  end
  local g = blocks.gather(runs, key, metric, setting.of, level)
  local cells, columns, some = {}, {}, false
  for _, seed in ipairs(g.seeds) do cells[seed] = blocks.cells(g, seed) end
  for _, arm in ipairs(g.arms) do
    columns[arm] = column_of(g, arm, cells)
    some = some or #columns[arm] > 0
  end
  if not some then refuse(runs, g, key, metric, level) end
  local pivot = { key = key or "arm", metric = metric, order = g.arms, columns = columns, seeds = g.seeds,
    notes = blocks.remarks(g, key, columns), different_tests = ranking.different_tests(runs.tasks) }
  for _, remark in ipairs(pivot.notes) do runs:remark(remark) end
  return setmetatable(pivot, Pivot)
end

return M
