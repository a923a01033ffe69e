--[[
samples - two arms compared test sample by test sample (`flexlab compare --per sample`).

Pairs are (seed, sample): the scores that both arms have in a seed for a sample (samples.csv). But the unit of
replication stays the seed. The scores of a seed's samples come from one trained network, and patches of one film are
like one another, so 64 samples of 3 seeds are not 192 trials, and a p from them would be far too small. Therefore
  difference, interval and p   are those of the seeds: a seed's number is its mean over the samples that all arms have;
  the columns behind them      describe: a sample's difference is its mean over the seeds, "better on" the share of the
                               samples on which the arm is better, 10 %, median and 90 % the spread over samples.
They say whether an arm wins everywhere or by a few samples, and are no test.
--]]
local judging = require "flexlab.run.judging"
local literal = require "flexlab.literal"
local study_runs = require "flexlab.study.runs"
local samples = require "flexlab.evaluation.samples"
local stats = require "flexlab.stats"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

-- The size of a run's tiles, as its settings say it: tiles of other sizes at the same corner are other samples.
local function size_of(task)
  local data = type(task.config) == "table" and task.config.data
  local crop = type(data) == "table" and data.crop
  return crop and ", crop " .. literal.line(crop) or ""
end

-- The scores of a run by sample, and the methods that its samples.csv has; nil where there is none.
local function scores_of(task, metric, method)
  local rows = task.result and task.dir and samples.read(task.dir)
  if not rows then return nil, {} end
  local scores, methods, has, size = {}, {}, false, size_of(task)
  for _, row in ipairs(rows) do
    methods[row.method] = true
    if row.method == method then
      has = has or row[metric] ~= nil
      local value = row[metric]
      if value and value == value and math.abs(value) < math.huge then scores[samples.key(row) .. size] = value end
    end
  end
  return has and scores or nil, methods, rows[1] and rows[1][metric] == nil and rows or nil
end

-- The samples that every run with scores has, sorted.
local function common(all)
  local count, n, list = {}, 0, {}
  for _, scores in pairs(all) do
    n = n + 1
    for key in pairs(scores) do count[key] = (count[key] or 0) + 1 end
  end
  local left = 0
  for key, c in pairs(count) do
    if c == n then list[#list + 1] = key else left = left + 1 end
  end
  table.sort(list)
  return list, left, n
end

-- The same runs with one number each, `score` = of(task); without it they have no result.
local function with(runs, of)
  local tasks = {}
  for i, task in ipairs(runs.tasks) do
    local value = of(task)
    tasks[i] = { arm = task.arm, seed = task.seed, dir = task.dir, config = task.config,
      result = value and { score = value }, state = value == nil and (task.state or { word = "has no samples.csv" }) }
  end
  return study_runs.new { name = runs.name, tasks = tasks, grid = runs.grid,
    one_at_a_time = runs.one_at_a_time, dir = runs.dir }
end

-- A column with smaller numbers for better ones; of a metric whose direction nobody knows, as it is.
local function ranked(column, better)
  local ranks = { seeds = column.seeds }
  for i, value in ipairs(column) do ranks[i] = better and judging.rank(value, better) or value end
  return ranks
end

-- For each arm the list of its differences by sample, means over seeds, and the share of samples it is better on.
local function by_sample(runs, all, keys, o)
  local differences, better = {}, {}
  for _, key in ipairs(keys) do
    local p = with(runs, function(task) return all[task] and all[task][key] end):pivot(o.key, "score")
    local base = p[o.against]
    for arm, column in p:rows() do
      local d = arm ~= o.against and stats.differences(column, base) or {}
      if #d > 0 then
        differences[arm], better[arm] = differences[arm] or {}, better[arm] or 0
        table.insert(differences[arm], stats.mean(d))
        if stats.mean(stats.differences(ranked(column, o.better), ranked(base, o.better))) < 0 then
          better[arm] = better[arm] + 1
        end
      end
    end
  end
  return differences, better
end

local function read_all(runs, metric, o)
  local all, methods, known = {}, {}, {}
  for _, task in ipairs(runs.tasks) do
    local scores, own, rows = scores_of(task, metric, o.method)
    all[task] = scores
    for name in pairs(own) do methods[name] = true end
    for name, value in pairs(rows and rows[1] or {}) do
      if type(value) == "number" then known[name] = true end
    end
  end
  if next(all) then return all end
  if not next(methods) then
    error("compare: none of these runs has a samples.csv; flex.evaluate writes it beside the result of a run", 0)
  elseif not methods[o.method] then
    error(("compare: samples.csv has %s"):format(words.unknown(o.method, words.keys(methods))), 0)
  end
  error(("compare: samples.csv has %s"):format(words.unknown(metric, words.keys(known))), 0)
end

--- The arms of runs by sample: a table and the runs whose remarks belong to it.
---@param runs table     of runs.lua
---@param main table     { name =, better = } of the metric
---@param options table  key and against as of summary, method = "model"
---@return table  of flex.table
---@return table  runs whose remarks belong to it
---@return table  of pivot.lua
function M.compare(runs, main, options)
  local o = { key = options.key or nil, against = options.against, method = options.method, better = main.better }
  local metric = main.name
  local all = read_all(runs, metric, o)
  local keys, left, n = common(all)
  if #keys == 0 then error("compare: no test sample (place and size) is common to all of these runs", 0) end
  local means = with(runs, function(task)
    local values = {}
    for i, key in ipairs(keys) do values[i] = all[task] and all[task][key] end
    return #values > 0 and stats.mean(values) or nil
  end)
  if left > 0 then
    means:remark(("%d samples that not all of the %d runs have are left out"):format(left, n))
  end
  local p = means:pivot(o.key, "score")
  if not o.against then o.against = p:first() end
  local tests, differences, better = stats.paired(p, { against = o.against }), by_sample(runs, all, keys, o)
  local t = tabulate { "arm", metric, "n", "difference", "95 % CI", "p (Holm)", "samples", "better on", "10 %",
    "median", "90 %" }
  for arm, column in p:rows() do
    local test, d = tests[arm], differences[arm]
    local row = { tostring(arm), column:mean(), #column, test.diff, test.ci, test.p_text, #keys }
    local share = o.better and d and words.percent(better[arm] / #keys) or "-"
    for i, value in ipairs(d and { share, stats.quantile(d, 0.1),
      stats.median(d), stats.quantile(d, 0.9) } or { "", "", "", "" }) do row[7 + i] = value end
    t:row(row)
  end
  means:remark("n counts seeds, and p is of seeds: the samples of a seed are no trials of their own. What stands "
    .. "behind p describes the samples, each the mean over its seeds")
  return t, means, p
end

return M
