--[[
terminal - what FlexLab says to people passes here, and nowhere else (tests/lua/terminal_test.lua looks).

Names of files, variables, settings and arms, and sentences that a run's folder recorded, come from others, and a
terminal obeys the control characters in them: a name could rewrite what was said before it. So they are shown, never
sent (words.printable). What a user's own recipe prints is the user's, and passes as it is.

  say(text)       a line on standard output          note(sentence)   "note: ..." on standard error
  write(text)     a text on standard output          warn(text)       a line on standard error
  note_once(sentence)   the same, once in a process
  draw(text)      the line that changes, on standard error; wipe() takes it away
  json(value)     one line of JSON on standard output
print and io.write are looked up at each call, since a run's transcript replaces them.
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

--- A line on standard output.
---@param text string|nil  an empty line
function M.say(text) print(words.printable(text or "")) end

--- A text on standard output, without a line's end.
---@param text string  of any origin
function M.write(text) io.write(words.printable(text)) end

--- A line on standard error.
---@param text string  of any origin
function M.warn(text) io.stderr:write(words.printable(text), "\n") end

--- "note: ..." as a line on standard error.
---@param sentence string  without the word
function M.note(sentence) M.warn("note: " .. sentence) end

local noted = {}

--- The same, of a sentence that this process has not noted so yet: that a word has another name now.
---@param sentence string  without the word
function M.note_once(sentence)
  if not noted[sentence] then M.note(sentence) end
  noted[sentence] = true
end

--- The end of a command that failed: one sentence.
---@param sentence string  without the name of the program
function M.fail(sentence) M.warn("flexlab: " .. sentence) end

--- Draws the changing line anew, cut to the width of the terminal.
---@param text string  one line
function M.draw(text)
  local columns = core.sys.columns() or 80
  io.stderr:write("\r\27[K", words.one_line(text):sub(1, math.max(columns - 1, 20)))
  io.stderr:flush()
end

--- Wipes the changing line.
function M.wipe() io.stderr:write "\r\27[K" end

-- JSON escapes control characters but for these, which it allows.
local function escaped(c) return ("\\u%04x"):format(utf8.codepoint(c)) end

--- A value as a line of JSON on standard output, control characters escaped.
---@param value any  what core.json.encode takes
function M.json(value)
  print((core.json.encode(value):gsub("\127", escaped):gsub("\xC2[\x80-\x9F]", escaped)))
end

return M
