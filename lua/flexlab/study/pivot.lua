-- pivot.lua - the finished runs of a study, and tables of one metric by the values of one key.
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

local Runs = {}
Runs.__index = Runs

-- The value of a metric such as "rfne" or "bicubic.rfne"; raises when the run has none.
local function metric_of(task, metric)
  local value = task.result
  for part in metric:gmatch("[^.]+") do value = type(value) == "table" and value[part] or nil end
  if type(value) ~= "number" then
    error(("the result of %s, seed %d has %s"):format(task.arm.label, task.seed,
      words.unknown(metric, words.keys(task.result))), 3)
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

-- One column for each value of `key` (or, without a key, for each whole arm).
function Runs:pivot(key, metric)
  if key ~= nil and not self.grid[key] then
    error("pivot: " .. words.unknown(key, words.keys(self.grid)), 2)
  end
  local pivot = { key = key or "arm", metric = metric, order = {}, columns = {}, names = {} }
  local seen = {}
  for _, task in ipairs(self.tasks) do
    local arm = task.arm.label
    if key then arm = task.arm.settings[key] end
    local block = block_of(task, key)
    if not seen[block] then seen[block], pivot.names[#pivot.names + 1] = true, block end
    if not pivot.columns[arm] then
      pivot.columns[arm] = setmetatable({}, Column)
      pivot.order[#pivot.order + 1] = arm
    end
    table.insert(pivot.columns[arm], metric_of(task, metric))
  end
  return setmetatable(pivot, Pivot)
end

-- Names of the numbers that every run returned.
function Runs:metrics()
  local names = {}
  for _, name in ipairs(words.keys(self.tasks[1].result)) do
    local everywhere = true
    for _, task in ipairs(self.tasks) do
      everywhere = everywhere and type(task.result[name]) == "number"
    end
    if everywhere then names[#names + 1] = name end
  end
  return names
end

-- What the body of a study gets: dir, name, seeds, grid, tasks (a list of {arm, seed, result}).
function M.runs(study, tasks, seeds, dir)
  return setmetatable({ name = study.name, grid = study.grid, tasks = tasks, seeds = seeds,
    dir = dir }, Runs)
end

return M
