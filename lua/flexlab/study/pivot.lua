-- pivot.lua - one metric of finished runs by the values of one key.
--
--   local rfne = runs:pivot("model.conditioning", "rfne")
--   rfne.weak                 one number a seed, in the order of the seeds; :mean() :std()
--   for arm, column in rfne:rows() do ... end
--   rfne:best("min")          the arm with the least mean
-- Columns are paired: entry k of each belongs to block k, a seed together with the values of all
-- other keys (rfne:blocks() names them).

local literal = require "flexlab.literal"
local stats = require "flexlab.stats"
local words = require "flexlab.text"

local M = {}

local Column = {}
Column.__index = Column

function Column:mean() return stats.mean(self) end
function Column:std() return stats.sd(self) end

local methods = {}

-- The arms in the order of the grid.
function methods:arms() return table.move(rawget(self, "order"), 1, #rawget(self, "order"), 1, {}) end

function methods:blocks() return rawget(self, "names") end

-- Iterates over (arm, column).
function methods:rows()
  local i = 0
  return function()
    i = i + 1
    local arm = rawget(self, "order")[i]
    return arm, arm ~= nil and rawget(self, "columns")[arm] or nil
  end
end

-- The arm whose mean is least ("min") or largest ("max").
function methods:best(which)
  if which ~= "min" and which ~= "max" then
    error("best: wanted 'min' or 'max', got " .. tostring(which), 2)
  end
  local best, value
  for arm, column in self:rows() do
    local mean = column:mean()
    if not value or (which == "min" and mean < value) or (which == "max" and mean > value) then
      best, value = arm, mean
    end
  end
  return best
end

local Pivot = {}

-- An arm comes before a method of the same name; pivot:arms() etc. are for arms named otherwise.
function Pivot.__index(self, key)
  return rawget(self, "columns")[key] or methods[key]
end

-- The value of a metric such as "rfne" or "bicubic.rfne"; raises when the run has none.
function M.metric_of(task, metric, level)
  local value = task.result
  for part in metric:gmatch("[^.]+") do value = type(value) == "table" and value[part] or nil end
  if type(value) ~= "number" then
    error(("the result of %s, seed %d has %s"):format(task.arm.label, task.seed,
      words.unknown(metric, words.keys(task.result))), (level or 1) + 1)
  end
  return value
end

local function block_of(task, key)
  local others = {}
  for _, k in ipairs(words.keys(task.arm.settings)) do
    if k ~= key and key ~= nil then
      others[#others + 1] = (", %s=%s"):format(k, literal.encode(task.arm.settings[k]))
    end
  end
  return ("seed %d%s"):format(task.seed, table.concat(others))
end

-- Where one factor is changed at a time, the arms of a key are those that change nothing else.
local function belongs(runs, task, key)
  if not (runs.one_at_a_time and key) then return true end
  for k in pairs(task.arm.settings) do
    if k ~= key then return false end
  end
  return true
end

-- Columns are paired only if each has every block once.
local function check(pivot, level)
  for _, arm in ipairs(pivot.order) do
    local n = #pivot.columns[arm]
    if n ~= #pivot.names then
      error(("pivot: '%s' has %d of %d blocks (%s ...), so columns cannot be paired; narrow the runs by where")
        :format(tostring(arm), n, #pivot.names, pivot.names[1]), level + 1)
    end
  end
end

-- Puts the entries of every column in the order of the blocks.
local function align(pivot, entries)
  local position = {}
  for i, name in ipairs(pivot.names) do position[name] = i end
  for _, arm in ipairs(pivot.order) do
    table.sort(entries[arm], function(a, b) return position[a.block] < position[b.block] end)
    for i, entry in ipairs(entries[arm]) do pivot.columns[arm][i] = entry.value end
  end
end

--- One column for each value of `key` (or, without a key, for each whole arm).
function M.new(runs, key, metric, level)
  if key ~= nil and not runs.grid[key] then
    error("pivot: " .. words.unknown(key, words.keys(runs.grid)), level)
  end
  local pivot = { key = key or "arm", metric = metric, order = {}, columns = {}, names = {} }
  local seen, entries = {}, {}
  for _, task in ipairs(runs.tasks) do
    if belongs(runs, task, key) then
      local arm = task.arm.label
      if key then arm = require("flexlab.study.runs").setting(task, key) end
      local block = block_of(task, key)
      if not seen[block] then seen[block], pivot.names[#pivot.names + 1] = true, block end
      if not pivot.columns[arm] then
        pivot.columns[arm], entries[arm] = setmetatable({}, Column), {}
        pivot.order[#pivot.order + 1] = arm
      end
      table.insert(entries[arm], { block = block, value = M.metric_of(task, metric, level) })
    end
  end
  align(pivot, entries)
  check(pivot, level)
  return setmetatable(pivot, Pivot)
end

return M
