--[[
notes - sentences that a reader of a run's numbers must know: test frames that were trained on, a mean that is most of
a score, settings that nobody read (unread.lua). One mechanism for all of them:

  notes.add(sentence)    of the current run: said, and kept in its folder as notes.lua
  notes.remind(dir)      of a finished run whose result is returned again: said again
  notes.go_on(run)       of a run that goes on from its checkpoint: said again, and kept
  notes.of(dir)          the list
What is said goes to the standard error, also of a quiet run: quiet means no progress. In a study, whose runs are many,
a process says a sentence once and a quiet one not at all, for the study says all notes behind its table: they are
among the remarks of its runs (study/runs.lua), which table, compare, list and the study's report show too.
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local terminal = require "flexlab.terminal"

local M = {}

M.file = "notes.lua"

local say, say_once = terminal.note, terminal.note_once   -- once: outside of runs, and in runs of a study

-- Of a study's run once in this process, and not at all where it is quiet.
local function say_for(run, sentence)
  if not (run.live or run.redirect) then
    say(sentence)
  elseif not run.quiet then
    say_once(sentence)
  end
end

--- Says a sentence of the current run (or of none, at a prompt); nil says nothing.
---@param sentence string|nil  what a reader of the run's numbers must know
---@return nil
function M.add(sentence)
  local run = context.run()
  if not sentence then return end
  if not run then return say_once(sentence) end
  run.notes = run.notes or {}
  for _, known in ipairs(run.notes) do
    if known == sentence then return end
  end
  run.notes[#run.notes + 1] = sentence
  say_for(run, sentence)
  run:keep_value("notes", run.notes)
end

--- The sentences kept in a run's folder.
---@param dir string  the run's folder
---@return string[]
function M.of(dir) return foreign.rows(dir .. "/" .. M.file, "list of notes", "string") or {} end

--- Says again what was said of a run that is done.
---@param dir string  the run's folder
function M.remind(dir)
  for _, sentence in ipairs(M.of(dir)) do say(sentence) end
end

--- For a run that begins: what an earlier attempt noted is noted again, or holds no more.
---@param dir string  the run's folder
function M.forget(dir)
  local path = dir .. "/" .. M.file
  if core.sys.exists(path) then assert(core.sys.remove(path)) end
end

--- For a run that goes on from its checkpoint: what was noted of the part that is not repeated, that it trains on test
--- frames say, holds still. It is said again.
---@param run table  that goes on
function M.go_on(run)
  run.notes = M.of(run.dir)
  for _, sentence in ipairs(run.notes) do say_for(run, sentence) end
end

return M
