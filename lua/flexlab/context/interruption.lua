--[[
interruption - an end that the user (Ctrl-C), the system (SIGTERM) or a closed terminal (SIGHUP) asks for.

The core counts the signals (csrc/base/interrupt.h). For a second they only ask: a loop that can end in an orderly way
sees core.sys.interrupts() and raises M.error(sentence). Behind that second, and at a second press, every op, long
call and loop of plain Lua raises "interrupted!", so that every phase ends within two seconds, if not in so good an
order. M.is_cut tells such an error; whoever can say what is kept turns it into a sentence.

A process that ends so has the exit code that shells give: 128 and the number of the signal, 130 for Ctrl-C, 143 for
SIGTERM, 129 for SIGHUP; schedulers tell by it that the command was stopped and did not fail.
--]]
local core = require "flexlab.core"

local M = {}

local holds = 0

--- Signals are counted in place of ending the process, until as many releases as holds were called.
function M.hold()
  holds = holds + 1
  core.sys.catch_interrupts(true)
end

--- Undoes one `hold`; the last one gives the signals back to the system.
function M.release()
  holds = holds - 1
  if holds == 0 then core.sys.catch_interrupts(false) end
end

local Interrupted = { __name = "flexlab.Interrupted" }
function Interrupted.__tostring(e) return e.message end

--- Whether an end is asked for and not yet told to the user.
---@return boolean
function M.pending() return core.sys.interrupts() > 0 or core.sys.signal() ~= nil end

--- Whether an error is the abrupt end of a call, or one made here.
---@param e any  what was raised
---@return boolean
function M.is_cut(e) return type(e) == "string" and e:find "interrupted!$" ~= nil end
--- Whether an error is one that M.error made.
---@param e any  what was raised
---@return boolean
function M.is_interruption(e) return getmetatable(e) == Interrupted end

--- The error that tells the user of an interruption, which is thereby told: has `interrupted`, `exit_code`, reads as
--- the sentence; `more`: other entries.
---@param sentence string  what is kept, and how to go on
---@param more table|nil   other entries of the error
---@return table  to be raised
function M.error(sentence, more)
  local e = { interrupted = true, message = sentence }
  for k, v in pairs(more or {}) do e[k] = v end
  e.signal, e.number = core.sys.signal()
  e.exit_code = 128 + (e.number or 2)
  core.sys.clear_interrupts()
  return setmetatable(e, Interrupted)
end

return M
