--[[
transcript - log.txt in a run's folder: what the run printed, and where it was when.

Lines of ours begin with a time: "2026-11-30T19:43:01Z  step 30 of 60  12.3 steps/s  loss 0.31". Others can read from
them how far a run is (store/state.lua), which is how a study, another terminal or another host follows it. Between them
stands what the body prints, as it is.

The prints of a run that is alone go to the terminal and to log.txt: print and io.write are replaced while it lasts,
so what C prints, and io.stdout:write, reach the terminal only. In a worker of a study standard output and error
*are* log.txt (`redirect`), so there everything is in it.
--]]
local core = require "flexlab.core"
local state = require "flexlab.store.state"

local Transcript = {}
Transcript.__index = Transcript

local M = {}

local SOON, LATER = 2, 10     -- seconds to the first mark and between later ones

-- print and io.write that write to log.txt too, until the transcript is closed.
local function tee(self)
  local print_before, write_before = print, io.write
  self.restore = function()
    rawset(_G, "print", print_before)
    rawset(io, "write", write_before)
  end
  rawset(_G, "print", function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    self:raw(table.concat(words, "\t") .. "\n")
    if self.clear then self.clear() end
    return print_before(...)
  end)
  rawset(io, "write", function(...)
    if io.output() == io.stdout then self:raw(table.concat({ ... })) end
    if self.clear then self.clear() end
    return write_before(...)
  end)
end

--- Goes on with log.txt in a folder. `clear` of what is returned, a function that takes away a line that is drawn
--- again and again, is called before something is printed.
---@param dir string            the run's folder
---@param redirect boolean|nil  standard output and error go there and nowhere else
---@return table
function M.open(dir, redirect)
  local self = setmetatable({ path = dir .. "/log.txt", at = core.sys.time() + SOON }, Transcript)
  if redirect then
    self.redirection = assert(core.sys.redirect(self.path))
  else
    tee(self)
  end
  return self
end

--- Text as it is. A log that cannot be written (a full disk) ends no run: the next file that counts will say so.
---@param text string  with its line's end
function Transcript:raw(text)
  if self.redirection then io.stdout:flush() end
  core.sys.append(self.path, text)
end

--- A line of ours.
---@param text string  a line, or the format of one
---@param ... any      values of the format
function Transcript:say(text, ...)
  self:raw(("%s  %s\n"):format(state.stamp(), select("#", ...) > 0 and text:format(...) or text))
end

--- "step 30 of 60  <text>": where the run is.
---@param step integer     that is done
---@param steps integer    the last one
---@param text string|nil  what stands behind
function Transcript:mark(step, steps, text)
  self.at = core.sys.time() + LATER
  self:say("step %d of %d%s", step, steps, text and text ~= "" and "  " .. text or "")
end

--- Whether it is time for another mark.
---@return boolean
function Transcript:due() return core.sys.time() >= self.at end

--- Ends the log; prints go where they went before.
function Transcript:close()
  if self.redirection then self.redirection:close() end
  if self.restore then self.restore() end
  self.redirection, self.restore = nil, nil
end

return M
