--[[
progress - one line on a terminal: step (or frame), rate, time left, the last logged numbers; later what is being
scored. Silent elsewhere. A run marks its steps in log.txt too (transcript.lua); in a study the study's own line takes
this one's place (`live`).
--]]
local core = require "flexlab.core"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local Progress = {}
Progress.__index = Progress

local M = {}

--- A line that begins with `name` and counts `unit`s.
---@param name string        what it begins with
---@param quiet boolean|nil  shows nothing
---@param unit string        "steps", "frames"
---@return table
function M.line(name, quiet, unit)
  return setmetatable({ shown = not quiet and core.sys.isatty(2), name = name, unit = unit, next = 0 }, Progress)
end

--- The line of a run, which counts steps.
---@param run table  with name, seed, transcript, quiet
---@return table
function M.new(run)
  local name = run.label and run.label ~= "" and run.label or run.recipe.name
  local line = M.line(("%s seed %d"):format(name, run.seed), run.quiet, "steps")
  line.transcript, line.live = run.transcript, run.live
  return line
end

--- Begins to count.
---@param first integer  the step that is done already
---@param n integer      the last step
function Progress:start(first, n)
  self.first, self.n, self.began = first, n, core.sys.time()
  if self.transcript then self.transcript:mark(first, n) end
end

--- Remembers numbers to show beside the step.
---@param row table  numbers by name, of which the first three are shown
function Progress:show(row)
  local parts = {}
  for _, k in ipairs(words.keys(row)) do
    if k ~= "step" and type(row[k]) == "number" and #parts < 3 then
      parts[#parts + 1] = k .. " " .. words.number(row[k])
    end
  end
  self.numbers = table.concat(parts, "  ")
end

--- Shows a line five times a second at most, or at once.
---@param line string          the whole line
---@param at_once boolean|nil  without waiting for the fifth of a second
---@return nil
function Progress:draw(line, at_once)
  if self.live then return self.live(line) end
  local now = core.sys.time()
  if not self.shown or (now < self.next and not at_once) then return end
  self.next = now + 0.2
  terminal.draw(line)
  self.open = true
end

--- Shows that a step is done: rate, time left and the numbers of `show`.
---@param step integer  its number
function Progress:step(step)
  local due = self.transcript and (step == self.n or self.transcript:due())
  if not (self.shown or self.live or due) then return end
  local rate = (step - self.first) / math.max(core.sys.time() - self.began, 1e-9)
  local speed = ("%.3g %s/s"):format(rate, self.unit)
  if due then self.transcript:mark(step, self.n, ("%s  %s"):format(speed, self.numbers or "")) end
  self:draw(("%s  %d/%d  %s  %s left  %s"):format(self.name, step, self.n, speed,
    words.duration((self.n - step) / math.max(rate, 1e-9)), self.numbers or ""), step == self.n)
end

--- Shows what goes on outside the loop of steps; the line is gone after `clear`.
---@param line string  what goes on
function Progress:note(line)
  if self.transcript and self.transcript:due() then self.transcript:mark(self.n or 0, self.n or 0, line) end
  self:draw(("%s  %s"):format(self.name, line))
end

--- Takes the line away.
function Progress:clear()
  if self.live then self.live(nil) end
  if self.open then terminal.wipe() end
  self.open = false
end

--- Ends the line.
function Progress:done()
  if self.open then terminal.warn "" end
  self.open = false
end

return M
