--[[
sweep - the study that `flexlab run RECIPE --sweep key=a,b --seeds 1..8` means: every metric of
the result by arm, with mean, spread and the paired difference from the first arm.
--]]

local judging = require "flexlab.run.judging"
local stats = require "flexlab.stats"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"

local M = {}

-- The metrics of which some run has a finite number; of others there is nothing to say but what the runs' notes do.
local function finite(runs)
  local list = {}
  for _, metric in ipairs(runs:metrics()) do
    local found = false
    for _, task in ipairs(runs.tasks) do
      local value = judging.value(task.result, metric)
      found = found or value ~= nil and value - value == 0
    end
    if found then list[#list + 1] = metric end
  end
  return list
end

-- One arm, several seeds: there is nothing to compare.
local function summary(runs, metrics)
  local t = tabulate { "metric", "mean", "sd", "95 % CI", "seeds" }
  local result = {}
  for _, metric in ipairs(metrics) do
    local _, column = runs:pivot(nil, metric):rows()()
    t:row { metric, column:mean(), column:std(), stats.t_interval(column), #column }
    result[metric] = column:mean()
  end
  return t, result
end

local function comparison(runs, metrics)
  local t = tabulate { "metric", "arm", "mean", "sd", "minus first", "95 % CI", "p (Holm)" }
  local result = {}
  for _, metric in ipairs(metrics) do
    local pivot = runs:pivot(nil, metric)
    local tests = stats.paired(pivot, { against = pivot:first() })
    for arm, column in pivot:rows() do
      local test = tests[arm]
      t:row { metric, arm, column:mean(), column:std(), test.diff, test.ci, test.p_text }
      result[metric] = result[metric] or {}
      result[metric][arm] = column:mean()
    end
    t:gap()
  end
  return t, result
end

--- The body of such a study: prints and writes its table, and the page where there are several arms.
---@param runs table  of runs.lua
---@return table  numbers
function M.body(runs)
  local metrics = finite(runs)
  if #metrics == 0 then error("sweep: the recipe returns no finite numbers to compare", 0) end
  local arms = runs:pivot(nil, metrics[1]):arms()
  local t, result = (#arms > 1 and comparison or summary)(runs, metrics)
  t:print():save(runs.dir .. "/sweep.csv")
  if #arms > 1 then terminal.say("report: " .. runs:report()) end
  return result
end

return M
