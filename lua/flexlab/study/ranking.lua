--[[
ranking - which arm is the best, and when none may be called so. One place for list's star, compare, the page of a
study and pivot:best.

  best, about = ranking.best(pivot, "lower")
  about = { seeds = those it is decided over, means = { [arm] = mean over them }, why = no best, note = left out }
An arm must not win by failing where it is hard: a mean over the seeds that an arm happens to have rewards the one that
diverged at the hard seed. So means are over the seeds that *every* arm with a number has; without such a seed no best
is named. Nor is one named where runs of one seed were scored on different test data (data.txt of their folders), or
where nobody knows which way the metric is better.
--]]
local judging = require "flexlab.run.judging"
local own = require "flexlab.store.own"
local stats = require "flexlab.stats"

local M = {}

-- What a run was scored on, by contents: the lines of data.txt on test files, else on all (one set, split).
local function scored_on(task)
  if task.scored_on == nil then
    local test, all = {}, {}
    for line in (task.dir and own.read(task.dir, "data.txt") or ""):gmatch "[^\n]+" do
      local role, facts = line:match "^(%S+) .-\t(.*)$"
      if role then all[#all + 1] = facts end
      if role == "test" then test[#test + 1] = facts end
    end
    local list = #test > 0 and test or all
    table.sort(list)
    task.scored_on = table.concat(list, "\n")
  end
  return task.scored_on
end

--- Why the numbers of runs cannot be ranked, in a phrase: two of one seed were scored on different data; else nil.
---@param tasks table[]  runs
---@return string|nil
function M.different_tests(tasks)
  local first = {}
  for _, task in ipairs(tasks) do
    local data = task.result and scored_on(task) or ""
    local other = data ~= "" and first[task.seed]
    if other and scored_on(other) ~= data then
      return ("the runs were scored on different test data (%s and %s; data.txt there tells which)"):format(other.dir,
        task.dir)
    elseif data ~= "" then
      first[task.seed] = task
    end
  end
end

-- The arms that have a number, and how many of them have each seed.
local function counted(pivot)
  local arms, count = {}, {}
  for arm, column in pivot:rows() do
    if #column > 0 then arms[#arms + 1] = arm end
    for _, seed in ipairs(column.seeds) do count[seed] = (count[seed] or 0) + 1 end
  end
  return arms, count
end

-- The mean of a column over some seeds.
local function mean_over(column, wanted)
  local values = {}
  for i, seed in ipairs(column.seeds) do
    if wanted[seed] then values[#values + 1] = column[i] end
  end
  return stats.mean(values)
end

-- "seed 3", "seeds 3, 5".
local function named(seeds) return ("seed%s %s"):format(#seeds > 1 and "s" or "", table.concat(seeds, ", ")) end

--- The best arm of a pivot, or nil; and what it rests on (above).
---@param pivot table        of pivot.lua
---@param better string|nil  "lower", "higher", "0", "1"; nil: it is not known
---@return any
---@return table
function M.best(pivot, better)
  local arms, count = counted(pivot)
  local about = { seeds = {}, means = {} }
  local left, wanted, _, seeds = {}, {}, pivot:blocks()
  for _, seed in ipairs(seeds) do
    if count[seed] == #arms then
      about.seeds[#about.seeds + 1], wanted[seed] = seed, true
    elseif count[seed] then
      left[#left + 1] = seed
    end
  end
  if not better then
    about.why = "it is not known which way this metric is better (compare and report take --better)"
  elseif #about.seeds == 0 then
    about.why = "the arms have no seed in common"
  else
    about.why = pivot.different_tests
  end
  if about.why then return nil, about end
  if #left > 0 then
    about.note = ("the best is decided over the seeds that all arms have, %s; left out: %s"):format(
      table.concat(about.seeds, ", "), named(left))
  end
  local best, least
  for _, arm in ipairs(arms) do
    about.means[arm] = mean_over(pivot[arm], wanted)
    local rank = judging.rank(about.means[arm], better)
    if not least or rank < least then best, least = arm, rank end
  end
  return best, about
end

return M
