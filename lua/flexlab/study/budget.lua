--[[
budget - what the runs of a study that are still to be done will cost: hours, memory, disk. For --dry-run.

Of an arm that has a finished run, that run says it (cost.lua and the sizes of its files). Of another one a step is
measured (run/rehearsal.lua), for the first few arms and two minutes in all; the others are taken to cost the mean, and
the table says which. In the same two minutes all arms are rehearsed up to their first step: one that its run would
refuse there is refused here, in the same words. Hours of measured steps are those of training alone: what the
evaluation takes is not in them. What cannot fit is refused: more memory at a time than the machine (or its control
group) has, or more bytes than the disk has left.
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local keep = require "flexlab.checkpoint.keep"
local rehearsal = require "flexlab.run.rehearsal"
local state = require "flexlab.store.state"
local tables = require "flexlab.study.tables"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

M.most, M.seconds = 12, 120     -- arms that are measured, and seconds for all of them

-- Bytes of the files in a run's folder while it runs: a checkpoint that was reduced since counts as it was.
local function size_of(dir)
  local sum = keep.whole_bytes(dir)
  for _, name in ipairs(core.sys.list(dir) or {}) do
    if name ~= "last.h5" then sum = sum + (core.sys.size(dir .. "/" .. name) or 0) end
  end
  return sum
end

-- What a finished run says of its arm; nil where it was resumed, for its seconds are those of its last part.
local function of_finished(task)
  local cost = task.state.word == "done" and tables.cost(task)
  if not cost or cost.resumed or not cost.seconds then return nil end
  return { run_seconds = cost.seconds, steps = task.state.steps, peak_bytes = cost.peak_bytes,
    disk = size_of(task.dir), how = "its finished run" }
end

-- The arms of tasks in order: { label, tasks = those to do, known = from a finished run }.
local function arms_of(tasks)
  local arms, place = {}, {}
  for _, task in ipairs(tasks) do
    local label = task.arm.label
    if not place[label] then
      place[label] = { label = label, tasks = {} }
      arms[#arms + 1] = place[label]
    end
    local arm, word = place[label], task.state.word
    if word == "new" or word == "stopped" then table.insert(arm.tasks, task) end
    arm.known = arm.known or of_finished(task)
  end
  return arms
end

local function measure(recipe, arm)
  local r, why, refused = rehearsal.of(recipe, arm.tasks[1].overrides, arm.tasks[1].seed)
  if refused then arm.refused = why end
  if not r then return { how = (refused and "refused: " or "not measured: ") .. why } end
  return { step_seconds = r.seconds, run_seconds = r.seconds * r.steps, steps = r.steps, peak_bytes = r.peak_bytes,
    disk = r.checkpoint_bytes, how = "a measured step" }
end

-- What is known of an arm that is tried, not measured: that it is refused, if it is.
local function try(recipe, arm)
  local refusal = rehearsal.refusal(recipe, arm.tasks[1].overrides, arm.tasks[1].seed)
  arm.refused = refusal and blame.sentence(refusal)
  return refusal and { how = "refused: " .. arm.refused } or nil
end

-- The mean over the arms that are known, for those that are not.
local function mean_of(arms)
  local mean, n = { run_seconds = 0, peak_bytes = 0, disk = 0, how = "not measured: the mean of the others" }, 0
  for _, arm in ipairs(arms) do
    if arm.known and arm.known.run_seconds then
      n = n + 1
      for _, key in ipairs { "run_seconds", "peak_bytes", "disk" } do mean[key] = mean[key] + (arm.known[key] or 0) end
    end
  end
  for _, key in ipairs { "run_seconds", "peak_bytes", "disk" } do mean[key] = mean[key] / math.max(n, 1) end
  return n > 0 and mean or { how = "not measured" }
end

-- Bytes of memory that this process may use: the machine's, or its control group's if that is less.
local function memory()
  local function number(path, pattern)
    local file = io.open(path, "r")
    local content = file and file:read "a" or ""
    if file then file:close() end
    return tonumber(content:match(pattern))
  end
  local machine = number("/proc/meminfo", "MemTotal:%s+(%d+)")
  local group = number("/sys/fs/cgroup/memory.max", "^(%d+)") or
    number("/sys/fs/cgroup/memory/memory.limit_in_bytes", "^(%d+)")
  return math.min(machine and machine * 1024 or math.huge, group or math.huge)
end

-- The share of a run that is still to be done.
local function share(task, steps)
  local step = task.state.word == "stopped" and task.state.step
  return step and steps and steps > 0 and math.max(0, 1 - step / steps) or 1
end

--- What the open runs of a study cost: { arms =, seconds =, peak_bytes =, disk =, runs =, refused = nil or the first
--- arm that would be refused and the sentence }.
---@param recipe table   of flex.recipe
---@param tasks table[]  of Study:tasks, with their `dir`
---@return table
function M.of(recipe, tasks)
  for _, task in ipairs(tasks) do task.state = state.of(task.dir) end
  local arms, last, measured = arms_of(tasks), core.sys.time() + M.seconds, 0
  for _, arm in ipairs(arms) do
    if not arm.known and #arm.tasks > 0 and core.sys.time() < last then
      measured = measured + 1
      arm.known = (measured <= M.most and measure or try)(recipe, arm)
    end
  end
  local mean, b = mean_of(arms), { arms = arms, seconds = 0, peak_bytes = 0, disk = 0, runs = 0 }
  for _, arm in ipairs(arms) do
    arm.known = arm.known or mean
    b.refused = b.refused or arm.refused and { arm = arm.label, sentence = arm.refused }
    for _, task in ipairs(arm.tasks) do
      b.runs = b.runs + 1
      b.seconds = b.seconds + (arm.known.run_seconds or 0) * share(task, arm.known.steps)
      b.disk = b.disk + (arm.known.disk or 0)
      b.peak_bytes = math.max(b.peak_bytes, arm.known.peak_bytes or 0)
    end
  end
  return b
end

--- One row per arm.
---@param b table  of M.of
---@return table  of flex.table
function M.table(b)
  local t = tabulate { "arm", "runs to do", "steps", "s/step", "a run", "peak", "disk", "told by" }
  for _, arm in ipairs(b.arms) do
    local k = arm.known
    t:row { arm.label ~= "" and arm.label or "base", #arm.tasks, k.steps or "-", k.step_seconds or "-",
      k.run_seconds and words.time(k.run_seconds) or "-", k.peak_bytes and words.size(k.peak_bytes) or "-",
      k.disk and words.size(k.disk) or "-", k.how }
  end
  return t
end

--- What it comes to in a sentence, and a sentence on what cannot fit or nil.
---@param b table       of M.of
---@param jobs integer  runs at a time
---@param root string   the folder of runs
---@return string
---@return string|nil
function M.verdict(b, jobs, root)
  local refusal = b.refused and ("%s would be refused before its first step: %s"):format(b.refused.arm ~= ""
    and "'" .. b.refused.arm .. "'" or "a run", b.refused.sentence) or nil
  if b.seconds == 0 then return ("%d runs to do; what they cost is not known"):format(b.runs), refusal end
  local at_once = math.max(1, math.min(jobs, b.runs))
  while core.sys.exists(root) ~= "folder" and root:find "/" do root = root:match("^(.*)/[^/]*$") end
  local free = core.sys.disk_free(root ~= "" and core.sys.exists(root) == "folder" and root or ".") or math.huge
  local has, needs, disk = memory(), b.peak_bytes * at_once, b.disk * (1 + at_once / math.max(b.runs, 1))
  local size = words.size
  local sentence = ("%d runs to do, %s with %d at a time (training alone where a step was measured); peak %s of %s "
    .. "memory, %s of %s disk"):format(b.runs, words.time(b.seconds / at_once), at_once, size(needs), size(has),
    size(disk), size(free))
  if refusal then
    return sentence, refusal
  elseif needs > has then
    return sentence, ("%d runs at a time need %s of memory, this machine has %s: fewer --jobs, a smaller batch, or "
      .. "model.recompute = true"):format(at_once, size(needs), size(has))
  elseif disk > free then
    return sentence, ("the runs need %s of disk, %s are free below '%s': another --out, fewer runs, or `flexlab prune`")
      :format(size(disk), size(free), root)
  end
  return sentence
end

return M
