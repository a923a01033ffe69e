--[[
workers - the runs of a study in several processes, which the command that was typed looks after.

A worker is `flexlab run FILE ... --worker`: it takes one free run after the other (queue.lua) until there is none. The
command works on no run itself: it starts workers while runs are free, shows what becomes of them (read from their
folders), passes signals on, and starts another worker when one has died. A worker writes to no terminal but what is
wrong with itself: what a run prints goes to its log.txt. It is in a process group of its own, so Ctrl-C at the
terminal reaches it once, through the command; it ends (orderly) when the command is killed.
--]]

local blame = require "flexlab.blame"
local config = require "flexlab.config"
local core = require "flexlab.core"
local interruption = require "flexlab.context.interruption"
local literal = require "flexlab.literal"
local words = require "flexlab.words"

local M = {}

local function quoted(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

--- A shell command that reads as `flexlab`: this program, or the stock interpreter that runs us. Both get our module
--- paths, which a script may have changed.
---@return string
function M.program()
  local paths = ("LUA_PATH_5_4=%s LUA_CPATH_5_4=%s "):format(quoted(package.path), quoted(package.cpath))
  local argument = rawget(_G, "arg") or {}
  local lowest = 0
  while argument[lowest - 1] do lowest = lowest - 1 end
  if package.preload["flexlab.core"] then return paths .. quoted(argument[lowest] or "flexlab") end
  local lua = lowest < 0 and argument[lowest] or "lua5.4"
  return paths .. quoted(lua) .. " -e 'return require(\"flexlab.commands\").exit(arg)' /dev/null"
end

--- The command line that repeats this study, without its --worker.
---@param study table          of init.lua
---@param overrides table|nil  nested or flat
---@param seeds integer[]      of the study
---@param o table              the study's options: root, fresh, ...
---@return string[]
function M.arguments(study, overrides, seeds, o)
  local list = { "run", study.source, "--seeds", table.concat(seeds, ","), "--out", o.root }
  local function setting(option, key, text)
    list[#list + 1], list[#list + 2] = option, key .. "=" .. text
  end
  local plain = config.plain(overrides or {})
  for _, key in ipairs(words.keys(plain)) do setting("--set", key, literal.encode(plain[key])) end
  if study.sweep then
    for _, key in ipairs(words.keys(study.grid)) do
      local values = {}
      for i, value in ipairs(study.grid[key]) do values[i] = literal.encode(value) end
      setting("--sweep", key, table.concat(values, ","))
    end
    if study.kind == "zip" then list[#list + 1] = "--zip" end
  end
  for _, name in ipairs { "device", "parts" } do
    if o[name] then list[#list + 1], list[#list + 2] = "--" .. name, o[name] end
  end
  if blame.wanted() then list[#list + 1] = "--traceback" end
  return list
end

local function command(study, overrides, seeds, o)
  local list = M.arguments(study, overrides, seeds, o)
  for k, word in ipairs(list) do list[k] = quoted(word) end
  local threads = o.threads or math.max(1, (core.info().cores or 1) // o.jobs)
  return { "/bin/sh", "-c", ("exec env %s %s --threads %d --worker"):format(M.program(), table.concat(list, " "),
    threads) }
end

local PAUSE = 0.1        -- seconds between two looks at our workers
local AGAIN = 1          -- seconds between two starts of workers in place of others
local IDLE = 3           -- workers that may end without a run before we believe that none can start

local Crew = {}
Crew.__index = Crew

--- Starts workers for free runs: at first as many as wanted, later one a second at most.
function Crew:hire()
  local free, now = self.queue:count "free", core.sys.time()
  while free > 0 and #self.pids < self.wanted and (not self.begun or now >= self.next) do
    self.pids[#self.pids + 1] = assert(core.sys.start(self.command))
    free, self.next = free - 1, now + AGAIN
  end
  self.begun = true
end

--- Notes which workers have ended. One that ends by itself with 0 has found nothing more to do.
function Crew:count()
  for i = #self.pids, 1, -1 do
    local how, number = core.sys.ended(self.pids[i])
    if how then
      local pid = table.remove(self.pids, i)
      if how == "exit" and number == 0 or self.stopping then
        self.idle = 0
      elseif not self.queue:bury(pid, how, number) and how == "exit" and number < 128 then
        self.idle = self.idle + 1
      end
    end
  end
end

--- Passes a signal on to all.
---@param signal string  "TERM", "INT"
function Crew:pass(signal)
  for _, pid in ipairs(self.pids) do core.sys.kill(pid, signal) end
end

--- Waits for the end of all after a signal; one that comes meanwhile is passed on, too.
---@param signal string|nil  "TERM"
function Crew:disband(signal)
  self.stopping = true
  self:pass(signal or "TERM")
  while #self.pids > 0 do
    if core.sys.interrupts() > 0 then
      self:pass(core.sys.signal() or "TERM")
      core.sys.clear_interrupts()
    end
    self:count()
    core.sys.sleep(PAUSE)
  end
end

-- The error of a study that was interrupted, once all workers have ended. The count of signals is cleared first: the
-- second of grace is for each worker to save its run, and would else cut our waiting for them.
local function stopped(crew)
  local e = interruption.error ""
  crew:disband(e.signal)
  crew.queue:look(true)
  e.message = crew.queue:stopped().message
  return e
end

local function watch(crew, live)
  local queue = crew.queue
  while true do
    queue:look()
    crew:count()
    if interruption.pending() then error(stopped(crew), 0) end
    if crew.idle >= IDLE then
      crew:disband()
      error(("workers of '%s' end without taking a run; what they say is above"):format(queue.study.name), 0)
    end
    crew:hire()
    if #crew.pids == 0 and queue:count "open" == 0 then return end
    live:draw(queue)
    core.sys.sleep(PAUSE)
  end
end

--- Has the free runs of a queue made by o.jobs workers; returns when every run is settled, by whomever.
---@param queue table          of queue.lua
---@param overrides table|nil  nested or flat
---@param seeds integer[]      of the study
---@param o table              the study's options: jobs, root, ...
---@param live table           of live.lua
function M.run(queue, overrides, seeds, o, live)
  local study = queue.study
  if not study.source then
    error(("study '%s' is not in a file, so other processes cannot run it; use jobs = 1"):format(study.name), 0)
  end
  local crew = setmetatable({ queue = queue, pids = {}, wanted = o.jobs, idle = 0,
    command = command(study, overrides, seeds, o) }, Crew)
  local ok, e = xpcall(watch, blame.handler, crew, live)
  if not ok then
    if interruption.is_cut(e) then e = stopped(crew) end
    crew:disband()
  end
  live:clear()
  if not ok then error(e, 0) end
end

return M
