--[[
blocks - which numbers of a study make a pair. The unit of replication is the seed: all runs of a seed see the same
data, first weights and noise, so four runs of one seed under other settings are no four independent trials.

  entries[arm][seed][cell] = value        a cell is one setting of all keys but the one compared
Within a seed an arm's value is the mean over the cells that *every* arm with runs of this seed has. So no arm is
judged under easier settings than another; if the arms were alike, the difference of a seed would have either
sign with equal chance whatever cells are missing, which is all that the sign-flip test asks for. 3 seeds under 2
other settings are therefore n = 3. Refused: a pair for each seed and cell (n = 6 of 3 seeds gives p = 0.03 where
0.25 is the least), and to drop a whole seed for one missing run (that costs power, and a test stays valid without).

A run that failed, diverged, or whose number is not finite has no value: it is left out, and named in the remarks.
An arm keeps the seeds that it has; differences are taken over the seeds that both arms have (stats.differences).
--]]
local judging = require "flexlab.run.judging"
local plan = require "flexlab.study.plan"
local words = require "flexlab.words"

local M = {}

local MOST_NAMED = 6      -- runs, or seeds, that a remark names

-- Why a run has no result: its state, and the sentence that goes with it.
local function reason(s)
  if not s then return "not finished" end
  return s.sentence and ("%s: %s"):format(s.word, s.sentence) or s.word
end

--- A number of a run's result such as "rfne" or "bicubic.rfne"; or nil and why there is none.
---@param task table     a run
---@param metric string  "rfne", "bicubic.rfne"
---@return number|nil
---@return string|nil
---@return boolean|nil  whether the run has ended and has no such number
function M.value_of(task, metric)
  if not task.result then return nil, reason(task.state) end
  local value = judging.value(task.result, metric)
  if not value then return nil, ("has no %s"):format(metric), true end
  if value ~= value or math.abs(value) == math.huge then return nil, "not finite" end
  return value
end

--- The setting of all keys but one: "a=1, b=2".
local function cell_of(runs, task, key, setting)
  local parts = {}
  for _, k in ipairs(key ~= nil and words.keys(runs.grid) or {}) do
    if k ~= key then parts[#parts + 1] = ("%s=%s"):format(k, plan.shown(setting(task, k))) end
  end
  return table.concat(parts, ", ")
end

-- Where one factor is changed at a time, the arms of a key are those that change nothing else.
local function belongs(runs, task, key)
  if not (runs.one_at_a_time and key) then return true end
  for k in pairs(task.arm.settings) do
    if k ~= key then return false end
  end
  return true
end

local function branch(t, key)
  t[key] = t[key] or {}
  return t[key]
end

local function twice(arm, task, other, level)
  error(("pivot: seed %d of '%s' is there twice, in %s and %s: they differ in code or data; name the folders that are "
    .. "meant (a study's folder names its own runs), or narrow the runs by where"):format(task.seed, tostring(arm),
    tostring(other), tostring(task.dir)), level + 1)
end

--- Sorts the runs: { arms = in order, seeds = in order, entries =, left = { { task, why } } }.
---@param runs table        of runs.lua
---@param key string|nil    the setting whose values are arms; nil: whole arms
---@param metric string     "rfne"
---@param setting function  setting(task, key) -> value
---@param level integer     whom an error blames, as error's
---@return table
function M.gather(runs, key, metric, setting, level)
  local g = { arms = {}, seeds = {}, entries = {}, left = {} }
  local seen, places, spelled = {}, {}, false
  for _, task in ipairs(runs.tasks) do
    if belongs(runs, task, key) then
      local arm = task.arm.label
      if key ~= nil then arm = setting(task, key) end
      if type(arm) == "table" or arm == nil then arm = plan.shown(arm) end
      arm = math.type(arm) == "float" and math.tointeger(arm) or arm      -- 1 and 1.0 are one arm
      if not g.entries[arm] then g.entries[arm], g.arms[#g.arms + 1] = {}, arm end
      if not seen[task.seed] then seen[task.seed], g.seeds[#g.seeds + 1] = true, task.seed end
      local value, why, unknown = M.value_of(task, metric)
      spelled = spelled or task.result ~= nil and not unknown
      local cell = cell_of(runs, task, key, setting)
      local place = branch(branch(places, arm), task.seed)
      if place[cell] and place[cell] ~= task.dir then twice(arm, task, place[cell], level + 1) end
      place[cell] = task.dir or "a run"
      if value then branch(g.entries[arm], task.seed)[cell] = value else g.left[#g.left + 1] = { task, why } end
    end
  end
  g.spelled = spelled
  return g
end

--- The cells of a seed that every arm with runs of it has, sorted; and how many there are in all.
---@param g table       of M.gather
---@param seed integer  of the block
---@return string[]
---@return integer
function M.cells(g, seed)
  local count, arms = {}, 0
  for _, arm in ipairs(g.arms) do
    if g.entries[arm][seed] then
      arms = arms + 1
      for cell in pairs(g.entries[arm][seed]) do count[cell] = (count[cell] or 0) + 1 end
    end
  end
  local common, all = {}, words.keys(count)
  for _, cell in ipairs(all) do
    if count[cell] == arms then common[#common + 1] = cell end
  end
  return common, #all
end

local function listed(list)
  if #list <= MOST_NAMED then return table.concat(list, "; ") end
  return ("%s; and %d more"):format(table.concat(list, "; ", 1, MOST_NAMED), #list - MOST_NAMED)
end

-- The runs that were left out; those of an arm that ended alike are named together.
local function about_runs(g, remarks)
  local list, order, seeds = {}, {}, {}
  for _, entry in ipairs(g.left) do
    local key = entry[1].arm.label .. "\n" .. entry[2]
    if not seeds[key] then seeds[key], order[#order + 1] = {}, { key, entry[1].arm.label, entry[2] } end
    table.insert(seeds[key], entry[1].seed)
  end
  for i, o in ipairs(order) do
    local own = seeds[o[1]]
    list[i] = ("%s, seed%s %s (%s)"):format(o[2], #own > 1 and "s" or "", table.concat(own, ", "), o[3])
  end
  if #list > 0 then remarks[#remarks + 1] = ("left out, with no number: %s"):format(listed(list)) end
end

local function about_cells(g, key, remarks)
  local partial, none, most = {}, {}, 1
  for _, seed in ipairs(g.seeds) do
    local common, all = M.cells(g, seed)
    if all > 0 and #common == 0 then
      none[#none + 1] = tostring(seed)
    elseif #common < all then
      partial[#partial + 1] = ("seed %d (%s)"):format(seed, table.concat(common, "; "))
    end
    most = math.max(most, #common)
  end
  if most > 1 then
    remarks[#remarks + 1] = ("each number is the mean of a seed over up to %d settings of the other keys; n counts "
      .. "seeds"):format(most)
  end
  if #partial > 0 then
    remarks[#remarks + 1] = ("not every value of %s has every other setting: only those that all have are averaged, in "
      .. "%s"):format(tostring(key), listed(partial))
  end
  if #none > 0 then
    remarks[#remarks + 1] = ("left out, since no other setting is common to all values of %s: seed %s"):format(
      tostring(key), table.concat(none, ", "))
  end
end

local function about_seeds(g, columns, remarks)
  local list = {}
  for _, arm in ipairs(g.arms) do
    local n = #columns[arm]
    if n < #g.seeds then
      list[#list + 1] = ("%s has %s"):format(tostring(arm), n == 0 and "none"
        or (n > 1 and "seeds " or "seed ") .. table.concat(columns[arm].seeds, ", "))
    end
  end
  if #list > 0 then
    remarks[#remarks + 1] = ("of the %d seeds %s; a mean is over the seeds an arm has, a difference over those that "
      .. "both have"):format(#g.seeds, listed(list))
  end
end

--- What was left out or averaged, in sentences; {} when every arm has every seed and nothing is averaged.
---@param g table         of M.gather
---@param key string|nil  as of gather
---@param columns table   of a pivot
---@return string[]
function M.remarks(g, key, columns)
  local remarks = {}
  about_runs(g, remarks)
  about_cells(g, key, remarks)
  about_seeds(g, columns, remarks)
  return remarks
end

return M
