--[[
queue - the runs of a study, shared among all who work on it: each takes the next run that nobody has.

Who works: the command itself (--jobs 1), its worker processes (--jobs N, workers.lua), and every further `flexlab run`
of the same study with the same --out, started at any time, on any host that shares the folder.

Data. There is no list that they share: the queue *is* the folders of the runs. Whether a run is new, running, stopped,
failed, diverged or done is read from its folder (store/state.lua); who has it says its lock (store/locks.lua).
Everybody walks the same list of tasks in the same order.

Invariants.
  1. A task is *settled* when it is done, failed or diverged. Settled tasks are never taken again (--fresh and
     --retry failed unsettle them first, once, by the command that was given those options).
  2. Whoever takes a task holds its lock until it is settled; two who see it free ask for the lock, and one gets it.
  3. When nothing is free, a worker ends; the command waits for what others run, and takes it over when its owner dies.
     So a study ends with a table whatever happens to its runs, and kill -9 of a worker costs what it did since its last
     checkpoint.
  4. The result of a run does not depend on who made it, or on how often it was resumed: the bits are those of a serial
     study on the same instruction set (machines.lua says in the table where that was mixed).

Refused. Strides (worker i of n does every n-th run): a slow or dead worker leaves its share undone. A server, or a list
file under a lock, that hands out tasks: one more state that can disagree with the folders, and a place to fail.
--]]
local attempt = require "flexlab.run.attempt"
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local interruption = require "flexlab.context.interruption"
local locks = require "flexlab.store.locks"
local own = require "flexlab.store.own"
local state = require "flexlab.store.state"
local terminal = require "flexlab.terminal"

local Queue = {}
Queue.__index = Queue

local M = {}

local EVERY = 1          -- seconds between two looks at folders that are not ours
local TRIES = 3          -- processes that may die on a run before it counts as failed

--- A queue of tasks { arm, seed, overrides } of a study; each gets its folder as `dir`.
---@param study table     of init.lua
---@param tasks table[]   of Study:tasks
---@param o table         the study's options
---@param live table|nil  shows what becomes of them (live.lua)
---@return table
function M.new(study, tasks, o, live)
  for _, task in ipairs(tasks) do
    local place = study.recipe:place(task.overrides, { seed = task.seed, root = o.root, fresh = o.fresh })
    task.dir, task.version = place.dir, place.version
  end
  return setmetatable({ study = study, tasks = tasks, o = o, live = live, looked = -math.huge }, Queue)
end

-- Takes the lock of a task's folder, which is made, for a moment.
local function hold(task, f)
  assert(core.sys.mkdirs(task.dir))
  local lock, owner, message = locks.take(task.dir)
  if not lock then error(owner and locks.busy(task.dir, owner) or message, 0) end
  local ok, e = pcall(f)
  lock:release()
  if not ok then error(e, 0) end
end

--- What --fresh and --retry failed ask for, once, before anybody works. Returns how many runs are tried again.
---@return integer
function Queue:unsettle()
  local again = 0
  for _, task in ipairs(self.tasks) do
    local word = state.of(task.dir).word
    if self.o.fresh then
      hold(task, function() attempt.clear(task.dir) end)
    elseif self.o.retry == "failed" and (word == "failed" or word == "diverged") then
      again = again + 1
      hold(task, function()
        own.demand(task.dir, { "log.txt" })
        core.sys.append(task.dir .. "/log.txt", own.read(task.dir, "failed.txt") or "")
        assert(core.sys.remove(task.dir .. "/failed.txt"))
      end)
    end
  end
  return again
end

-- Reads a task's folder; settles it if it has ended.
local function update(task)
  task.state = state.of(task.dir)
  local word = task.state.word
  if word == "done" then
    local result, message = own.try(task.dir, "result.lua")
    task.result = type(result) == "table" and result or nil
    if not task.result then
      task.state = { word = "failed", sentence = ("result.lua cannot be read: %s"):format(message or "it is no table") }
    end
  end
  task.settled = word == "done" or word == "failed" or word == "diverged"
end

--- Reads the folders of the tasks that are not settled, at most once a second; `now`: at once.
---@param now boolean|nil  at once
function Queue:look(now)
  if not now and core.sys.time() < self.looked + EVERY then return end
  for _, task in ipairs(self.tasks) do
    if not task.settled then
      update(task)
      if task.settled and self.live then self.live:settled(task) end
    end
  end
  self.looked = core.sys.time()
end

--- The first look: what has ended before this command is only counted.
function Queue:begin()
  local found, version = 0, nil
  for _, task in ipairs(self.tasks) do
    update(task)
    task.found = task.settled
    found = found + (task.settled and 1 or 0)
    version = version or task.result and task.version
  end
  if self.live then self.live:found(found, version) end
end

--- How many tasks are in a state: "free" (new or stopped), "running", "done", "failed", "diverged", "open" (not
--- settled).
---@param what string  a state
---@return integer
function Queue:count(what)
  local n = 0
  for _, task in ipairs(self.tasks) do
    local word = task.state and task.state.word or "new"
    local free = not task.settled and (word == "new" or word == "stopped")
    if word == what or what == "free" and free or what == "open" and not task.settled then n = n + 1 end
  end
  return n
end

-- A run that raised where nothing could be written down (a read-only disk): known to this process only.
local function refused(task, e)
  update(task)
  if task.settled then return end
  task.state = { word = "failed", sentence = blame.sentence(e) }
  task.settled = true
end

-- Makes a run, whatever comes of it; false when another has it.
local function make(self, task)
  local o = self.o
  local ok, e = xpcall(self.study.recipe, blame.handler, task.overrides, { seed = task.seed, root = o.root,
    quiet = o.quiet, label = task.arm.label, redirect = o.worker, live = self.live and self.live:of_run(self) })
  if ok then
    task.dir = e.dir
    update(task)
  elseif interruption.is_interruption(e) or interruption.is_cut(e) then
    error(e, 0)
  elseif locks.is_busy(e) or locks.is_lost(e) then
    if locks.is_lost(e) then terminal.note(tostring(e)) end
    return false
  else
    refused(task, e)
  end
  return true
end

--- Takes one run after the other until none is free.
function Queue:work()
  local took = true
  while took do
    took = false
    for _, task in ipairs(self.tasks) do
      if not task.settled then update(task) end
      local free = not task.settled and task.state.word ~= "running"
      if free and make(self, task) then took = true end
      if task.settled and self.live then self.live:settled(task) end
    end
  end
end

--- Works, and waits for what others run, until every run is settled.
function Queue:finish()
  while true do
    self:work()
    self:look(true)
    if self:count "open" == 0 then return end
    if self.live then self.live:draw(self) end
    core.sys.sleep(EVERY)
    if interruption.pending() then error(self:stopped(), 0) end
  end
end

--- The error of a study that was interrupted.
---@return table  to be raised
function Queue:stopped()
  return interruption.error(("'%s' stopped with %d of %d runs to do; the same command goes on from there"):format(
    self.study.name, self:count "open", #self.tasks))
end

-- Writes down that processes die on a run.
local function give_up(task, how, number)
  local where = state.of(task.dir)
  hold(task, function()
    assert(state.fail(task.dir, { state = "failed", step = where.step, steps = where.steps, time = core.sys.now(),
      sentence = ("its process was ended by %s %d, %d times"):format(how == "signal" and "signal" or "exit code",
        number, task.deaths) }))
  end)
  update(task)
end

--- Notes that a process of this command has died. The run that it had is free again; one on which three have died
--- counts as failed, for a fourth would die as well. Returns whether it had one.
---@param pid integer     of the process
---@param how string      "exit" or "signal"
---@param number integer  exit code, or number of the signal
---@return boolean
function Queue:bury(pid, how, number)
  for _, task in ipairs(self.tasks) do
    local owner = not task.settled and locks.owner(task.dir)
    if owner and not owner.alive and owner.pid == pid then
      task.deaths = (task.deaths or 0) + 1
      if task.deaths >= TRIES then give_up(task, how, number) end
      if task.settled and self.live then self.live:settled(task) end
      return true
    end
  end
  return false
end

return M
