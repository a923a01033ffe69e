--[[
live - what one sees of a study that runs: a line for each run that has ended, and one line that changes, with the runs
done, running (with their steps), failed, and the time left. On a terminal it is drawn anew five times a second, else
a line is written each minute. It is drawn from the folders of the runs, so it shows those of other commands and hosts.

The time left comes from the runs' own rates: what a finished run took, or, before there is one, the steps that running
ones have yet to do, times the runs that wait, divided by how many run at a time.
--]]
local core = require "flexlab.core"
local judging = require "flexlab.run.judging"
local stats = require "flexlab.stats"
local tables = require "flexlab.study.tables"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local Live = {}
Live.__index = Live

local M = {}

local MINUTE = 60
local MOST = 3           -- running runs that are named

--- The line of a study with so many runs.
---@param name string        of the study
---@param total integer      runs
---@param quiet boolean|nil  shows nothing
---@return table
function M.new(name, total, quiet)
  return setmetatable({ name = name, total = total, quiet = quiet, terminal = core.sys.isatty(2), ended = 0,
    next = core.sys.time() + (core.sys.isatty(2) and 0 or MINUTE) }, Live)
end

local function seconds_of(task)
  local ok, cost = pcall(tables.cost, task)      -- a view ends no study; its table says what is wrong
  return ok and cost.seconds or nil
end

-- What came of a run, in a few words: the metric that its recipe declares stands first.
local function outcome(task)
  if not task.result then return ("%s: %s"):format(task.state.word:upper(), task.state.sentence or "") end
  local metrics, seconds, main = {}, seconds_of(task), judging.of(task.dir)
  local first = main and judging.value(task.result, main.name)
  if first then metrics[1] = main.name .. " " .. words.number(first) end
  for _, key in ipairs(words.keys(task.result)) do
    if type(task.result[key]) == "number" and #metrics < 4 and not (first and key == main.name) then
      metrics[#metrics + 1] = key .. " " .. words.number(task.result[key])
    end
  end
  return table.concat(metrics, "  ") .. (seconds and ("  (%s)"):format(words.duration(seconds)) or "")
end

--- Says how many runs had ended before; `version`: in what way some of them are another version's.
---@param n integer           runs
---@param version string|nil  in what way some of them are another version's
function Live:found(n, version)
  self.ended = n
  if n == 0 or self.quiet then return end
  terminal.say(("%s: %d of %d runs had ended before"):format(self.name, n, self.total))
  if version then terminal.say(("note: some of them are done, %s; --fresh repeats them"):format(version)) end
end

--- Says, once, what came of a run.
---@param task table  done, failed or diverged
function Live:settled(task)
  if task.shown or task.found then return end
  task.shown = true
  self.ended = self.ended + 1
  if self.quiet then return end
  self:clear()
  terminal.say(("%s %d/%d  %s  seed %d  %s"):format(self.name, self.ended, self.total, task.arm.label, task.seed,
    outcome(task)))
  io.flush()
end

-- Mean of what is known.
local function mean(list) return #list > 0 and stats.mean(list) or nil end

-- Seconds that a running run still needs, and that it needs in all, by its own steps.
local function by_steps(task)
  local s = task.state
  if not (s.step and s.steps and s.rate and s.rate > 0) then return nil end
  return math.max(0, s.steps - s.step) / s.rate, s.steps / s.rate
end

--- Seconds until all is done, or nil while nothing is known.
---@param tasks table[]  of a queue
---@return number|nil
function M.left(tasks)
  local whole, rest, running, waiting = {}, 0, 0, 0
  for _, task in ipairs(tasks) do
    if task.result and not task.found then
      whole[#whole + 1] = seconds_of(task)
    elseif task.state and task.state.word == "running" then
      running = running + 1
      local left, all = by_steps(task)
      rest = rest + (left or 0)
      task.whole = all
    elseif not task.settled then
      waiting = waiting + 1
    end
  end
  if #whole == 0 then
    for _, task in ipairs(tasks) do
      if task.state and task.state.word == "running" then whole[#whole + 1] = task.whole end
    end
  end
  local one = mean(whole)
  return one and (rest + waiting * one) / math.max(running, 1) or nil
end

--- The text of the line.
---@param name string  of the study
---@param queue table  of queue.lua
---@return string
function M.text(name, queue)
  local parts = { ("%s  %d/%d done"):format(name, queue:count "done", #queue.tasks) }
  local named = {}
  for _, task in ipairs(queue.tasks) do
    local s = task.state
    if s and s.word == "running" and #named < MOST then
      named[#named + 1] = ("%s seed %d %s/%s"):format(task.arm.label, task.seed, s.step or "?", s.steps or "?")
    end
  end
  local running = queue:count "running"
  if running > 0 then
    parts[#parts + 1] = ("%d running (%s%s)"):format(running, table.concat(named, ", "), running > #named and ", ..."
      or "")
  end
  for _, word in ipairs { "failed", "diverged" } do
    if queue:count(word) > 0 then parts[#parts + 1] = ("%d %s"):format(queue:count(word), word) end
  end
  local left = M.left(queue.tasks)
  parts[#parts + 1] = left and words.duration(left) .. " left" or nil
  return table.concat(parts, "  ")
end

--- Shows where the study is, if it is time to.
---@param queue table  of queue.lua
function Live:draw(queue)
  local now = core.sys.time()
  if self.quiet or now < self.next then return end
  queue:look()
  local text = M.text(self.name, queue)
  if self.terminal then
    self.next, self.open = now + 0.2, true
    terminal.draw(text)
  else
    self.next = now + MINUTE
    terminal.warn(text)
  end
end

--- What a run of this process draws in place of its own line; without a line it is taken away.
---@param queue table  of queue.lua
---@return function  takes the line of the run, or nil
function Live:of_run(queue)
  return function(line)
    if line then self:draw(queue) else self:clear() end
  end
end

--- Takes the line away.
function Live:clear()
  if self.open then terminal.wipe() end
  self.open = false
end

return M
