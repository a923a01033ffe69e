--[[
tables - runs as tables: one row per run (Runs:table), what arms cost (Runs:costs), what holds a time (Runs:times).
Times and bytes stand in columns of their own that can be left out, since they differ between two runs of one thing.
--]]
local blocks = require "flexlab.study.blocks"
local config = require "flexlab.config"
local foreign = require "flexlab.store.foreign"
local own = require "flexlab.store.own"
local plan = require "flexlab.study.plan"
local setting = require "flexlab.study.setting"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

--- What a run cost: seconds, peak_bytes, parameters, gflop (of a forward pass); {} if it is not known.
---@param task table  a run
---@return table
function M.cost(task)
  return task.dir and foreign.entries(task.dir .. "/cost.lua", "list of costs", { seconds = "number",
    peak_bytes = "number", parameters = "number", gflop = "number", threads = "number", resumed = "boolean" }) or {}
end

local costs = { { "parameters", "parameters" }, { "GFLOP", "gflop" }, { "seconds", "seconds" } }

local function shown(value)
  return value == nil and "-" or plan.shown(value)
end

-- The names of all results, for a message.
local function known_of(tasks)
  local known = {}
  for _, task in ipairs(tasks) do
    for name in pairs(task.result or {}) do known[name] = true end
  end
  return words.keys(known)
end

-- A metric as cells: numbers, NaN where not finite, "-" of a run without it. Where none has it, it is misspelt.
local function metric_cells(self, metric, level)
  local cells, some = {}, false
  for i, task in ipairs(self.tasks) do
    local value, _, unknown = blocks.value_of(task, metric)
    cells[i] = value or (unknown or not task.result) and "-" or 0 / 0
    some = some or task.result ~= nil and not unknown
  end
  if not some then
    error("table: the results have " .. words.unknown(metric, known_of(self.tasks)), level + 1)
  end
  return cells
end

local function state_of(task)
  return task.result and "done" or task.state and task.state.word or "not finished"
end

-- The columns of a table of runs, { header, cells }, and the function that adds one.
local function columns_of(self, metrics, level)
  local columns, all_done = {}, true
  local function column(header, of)
    local cells = {}
    for i, task in ipairs(self.tasks) do cells[i] = of(task) end
    columns[#columns + 1] = { header, cells }
  end
  for _, key in ipairs(words.keys(self.grid)) do
    column(key, function(task) return shown(setting.of(task, key)) end)
  end
  column("seed", function(task) return task.seed end)
  for _, task in ipairs(self.tasks) do all_done = all_done and task.result ~= nil end
  if not all_done then column("state", state_of) end
  for _, metric in ipairs(metrics) do columns[#columns + 1] = { metric, metric_cells(self, metric, level + 1) } end
  return columns, column
end

-- All metrics, the main one first.
local function main_first(self)
  local names, main = self:metrics(), self:main()
  table.sort(names, function(a, b)
    if (a == main.name) ~= (b == main.name) then return a == main.name end
    return a < b
  end)
  return names
end

--- Settings that differ, seed, state where a run is not done, metrics, cost: one row per run.
---@param self table            of runs.lua
---@param metrics string[]|nil  names of numbers of a result; all, the main one first
---@param options table|nil     { cost = true }
---@param level integer         whom an error blames, as error's
---@return table  of flex.table
function M.runs(self, metrics, options, level)
  local o = config.options("table", { cost = true }, options, nil, level + 1)
  local columns, column = columns_of(self, metrics or main_first(self), level + 1)
  if o.cost then
    for _, c in ipairs(costs) do column(c[1], function(task) return M.cost(task)[c[2]] or "-" end) end
    column("peak MiB", function(task)
      local bytes = M.cost(task).peak_bytes
      return bytes and bytes / 2 ^ 20 or "-"
    end)
  end
  local headers = {}
  for i, c in ipairs(columns) do headers[i] = c[1] end
  local t = tabulate(headers)
  for k = 1, #self.tasks do
    local row = {}
    for i, c in ipairs(columns) do row[i] = c[2][k] end
    t:row(row)
  end
  return t
end

-- The mean of a cost over the runs of each arm, by label.
local function mean_cost(self, label, name)
  local sum, n = 0, 0
  for _, task in ipairs(self.tasks) do
    local value = task.arm.label == label and M.cost(task)[name]
    if value then sum, n = sum + value, n + 1 end
  end
  return n > 0 and sum / n or "-"
end

--- Means of what runs cost: one row per arm.
---@param self table         of runs.lua
---@param options table|nil  { times = true }
---@param level integer      whom an error blames, as error's
---@return table  of flex.table
function M.costs(self, options, level)
  local o = config.options("costs", { times = true }, options, nil, level + 1)
  local headers = { "arm", "parameters", "GFLOP" }
  if o.times then headers[4], headers[5] = "seconds", "peak MiB" end
  local t, seen = tabulate(headers), {}
  for _, task in ipairs(self.tasks) do
    local label = task.arm.label
    if not seen[label] then
      seen[label] = true
      local row = { label, mean_cost(self, label, "parameters"), mean_cost(self, label, "gflop") }
      if o.times then
        local bytes = mean_cost(self, label, "peak_bytes")
        row[4], row[5] = mean_cost(self, label, "seconds"), type(bytes) == "number" and bytes / 2 ^ 20 or "-"
      end
      t:row(row)
    end
  end
  return t
end

--- When each run began, on what host, how long it took, its peak: one row per run.
---@param self table  of runs.lua
---@return table  of flex.table
function M.times(self)
  local t = tabulate { "arm", "seed", "started", "host", "seconds", "peak MiB", "threads", "resumed" }
  for _, task in ipairs(self.tasks) do
    local env, cost = task.dir and own.read(task.dir, "env.txt") or "", M.cost(task)
    t:row { task.arm.label, task.seed, env:match "\nstarted%s+(%S+)" or "-", env:match "\nhost%s+(%S+)" or "-",
      cost.seconds or "-", cost.peak_bytes and cost.peak_bytes / 2 ^ 20 or "-", cost.threads or "-",
      cost.resumed == nil and "-" or tostring(cost.resumed) }
  end
  return t
end

return M
