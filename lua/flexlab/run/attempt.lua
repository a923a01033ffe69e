--[[
attempt - one attempt at a run: who may make it (store/locks.lua), what an earlier one left, and how it ended.

  local lock <close> = attempt.begin(dir, options)     raises when another has the run, or when it has diverged before
  ... the body ...
  attempt.ended(run, error) -> error or nil            what is written down, and what the caller is told

An attempt ends in one of five ways: its result (recipe.lua writes it last); interrupted (the last whole step is
saved, the same command goes on from there); failed or diverged (failed.txt says what, where and when); lost (another
took the lock over: nothing more is written). A run that failed is tried again when it is asked for by itself, and that
is said; within a study, and where it diverged, that needs retry = "failed": the same seed would do the same again.
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local folder = require "flexlab.store.folder"
local interruption = require "flexlab.context.interruption"
local locks = require "flexlab.store.locks"
local must = require "flexlab.must"
local own = require "flexlab.store.own"
local state = require "flexlab.store.state"
local temporary = require "flexlab.store.temporary"
local terminal = require "flexlab.terminal"

local M = {}

-- What a run adds to; other files are written whole under their names, in the place of a link.
local WRITTEN_TO = { "log.txt", "metrics.jsonl", "metrics.csv", "code" }

-- Takes the lock; with `wait` as soon as it is free.
local function take(dir, wait, quiet)
  local said = false
  while true do
    local lock, owner, message = locks.take(dir)
    if lock then return lock end
    if not owner then error(message, 0) end
    if not wait then error(locks.busy(dir, owner), 0) end
    if not said and not quiet then
      terminal.warn(("waiting for %s, which has %s"):format(locks.describe(owner), dir))
    end
    said = true
    core.sys.sleep(1)
    if interruption.pending() then
      error(interruption.error(("stopped while waiting for %s"):format(locks.describe(owner))), 0)
    end
  end
end

--- Forgets what earlier attempts left, so that a run begins anew; the lock must be held.
M.clear = folder.clear

--- Temporary files that killed attempts left in a run's folder, and in the folders above, which runs share: there
--- those whose writers are gone. Only the owner of the lock may call this: then nobody else is writing in the run's.
---@param dir string  the run's folder
function M.sweep(dir)
  temporary.sweep(dir)
  for _ = 1, 2 do
    dir = dir:match "^(.+)/[^/]+$"
    for _, name in ipairs(dir and temporary.left(dir) or {}) do core.sys.remove(dir .. "/" .. name) end
  end
end

-- What is to be said of an earlier attempt that failed; raises where it diverged and is not to be repeated.
local function earlier(dir, o)
  local failure = state.failed(dir)
  if not failure or o.fresh then return nil end
  if failure.state == "diverged" and o.retry ~= "failed" then
    error(("%s has diverged: %s (--retry failed tries again, --fresh from the first step)"):format(dir,
      failure.sentence), 0)
  end
  return ("it failed before%s: %s; trying again"):format(failure.step and (" at step %d"):format(failure.step) or "",
    failure.sentence)
end

--- The lock of a run's folder, which is made; `lock.note` and `lock.earlier` are sentences to be said, or nil.
---@param dir string  the run's folder
---@param o table     wait, retry, fresh, quiet
---@return table  the lock
function M.begin(dir, o)
  must(core.sys.mkdirs(dir))
  local lock = take(dir, o.wait, o.quiet)
  local ok, message = pcall(function()
    if not o.fresh then own.demand(dir, WRITTEN_TO) end       -- else they are about to be removed
    lock.earlier = earlier(dir, o)
    M.sweep(dir)
  end)
  if not ok then
    lock:release()
    error(message, 0)
  end
  for _, sentence in ipairs { lock.note or lock.earlier, lock.note and lock.earlier } do
    if sentence then terminal.note(sentence) end
  end
  return lock
end

-- The error of a run that was cut off within a step: the state before that step is saved if it still is whole.
local function cut(run)
  local e = interruption.error("", { dir = run.dir })     -- first: a signal that counts would cut the saving too
  local saved = run:save_before_step()
  e.step = run.step
  e.message = ("stopped at step %d of '%s'; the same command goes on from %s (%s)"):format(run.step or 0,
    run.recipe.name, saved and "there" or "its last checkpoint", run.dir)
  return e
end

-- Writes failed.txt, if the disk lets us; what else can be done is in the error itself, which goes on to the user.
local function record(run, e)
  local sentence = blame.sentence(e)
  local diverged = run.diverged and sentence:find(run.diverged, 1, true) ~= nil
  local failure = { state = diverged and "diverged" or "failed", sentence = sentence, step = run.step,
    steps = run.steps_wanted, time = core.sys.now(), traceback = blame.trace(e) }
  state.fail(run.dir, failure)
  run.transcript:say("%s: %s", failure.state, sentence)
  if failure.traceback then run.transcript:raw(failure.traceback .. "\n") end
end

--- Notes how an attempt ended that raised `e`; returns the error that the caller is to see in its place, or nil.
---@param run table  the current one
---@param e any      what was raised
---@return any
function M.ended(run, e)
  if locks.is_lost(e) or run.rehearsal or not run.lock:held() then return nil end
  if interruption.is_cut(e) then e = cut(run) end
  if interruption.is_interruption(e) then
    run.transcript:say("%s", e.message)
    return e
  end
  record(run, e)
end

return M
