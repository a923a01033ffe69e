--[[
notes - sentences that a reader of a run's numbers must know: test frames that were trained on, a mean that is most of
a score. Each is said once, on the standard error before training goes on, and kept in the run's folder as notes.lua
for its report.
--]]
local own = require "flexlab.run.own"
local Run = require "flexlab.run"

local M = {}

local said = {}   -- outside of runs

local function to_stderr(sentence) io.stderr:write("note: " .. sentence .. "\n") end

--- Says a sentence of the current run (or of none, at a prompt); nil says nothing.
function M.add(sentence)
  local run = Run.current()
  if not sentence then return end
  if not run then
    if not said[sentence] then to_stderr(sentence) end
    said[sentence] = true
    return
  end
  run.notes = run.notes or {}
  for _, known in ipairs(run.notes) do
    if known == sentence then return end
  end
  run.notes[#run.notes + 1] = sentence
  if not run.quiet then to_stderr(sentence) end
  run:record("notes", run.notes)
end

--- The sentences kept in a run's folder.
function M.of(dir)
  local list = own.value(dir, "notes.lua")
  return type(list) == "table" and list or {}
end

return M
