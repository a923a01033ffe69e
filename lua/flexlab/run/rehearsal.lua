--[[
rehearsal - a run that ends early: before its first step, to learn whether it would be refused; or after two steps, to
learn what the whole run will cost.

  rehearsal.refusal(recipe, overrides, seed) -> the error that ends the run before its first step, or nil
  rehearsal.of(recipe, overrides, seed) -> { seconds = of the second step, steps =, peak_bytes =, checkpoint_bytes = }
  or nil, why it could not be measured, and whether that is a refusal
The body runs as ever, in a folder of its own that is removed afterwards: it reads its data, builds its network and, to
be measured, makes two steps of its first loop, of which the second is timed (the first allocates). What comes behind
the loop is not done, such as the evaluation, for it is most of what a short run costs. A deadline ends a body that
does not reach its steps; such a run is not known to be refused.

Nothing is simulated: a film that is not there is stood for by a file of its size, channels and attributes that holds
its first field with noise (flow/film.lua), and who names the film is given that file (`stands`, data/paths.lua). A
sentence that misses the film itself, since the body opens it in another way, says nothing about the run.

A run that is about to simulate rehearses itself first (`before_simulating`), so that a bad setting is refused before
the minutes or hours that a simulation takes. A rehearsal prints nothing, and is no business of the runs around it.
Recipes that its body calls are rehearsed with it: the first loop of steps ends it, whosever it is.
--]]
local blame = require "flexlab.blame"
local checkpoint = require "flexlab.checkpoint"
local config = require "flexlab.config"
local core = require "flexlab.core"
local interruption = require "flexlab.context.interruption"
local loading = require "flexlab.loading"

local M = {}

M.deadline = 30       -- seconds for one rehearsal

local Rehearsal = {}
Rehearsal.__index = Rehearsal
Rehearsal.__name = "flexlab.Rehearsal"
function Rehearsal.__tostring() return "the rehearsal is over" end

--- Whether an error is the end of a rehearsal.
---@param e any  what was raised
---@return boolean
function M.is(e) return getmetatable(e) == Rehearsal end

--- Called by Run:steps as a loop of steps begins; raises where nothing behind that is asked.
---@param n integer  the last step of the loop
function Rehearsal:entering(n)
  self.entered = true
  if n == 0 then self.why = "its loop has no step" end
  if not self.measures or n == 0 then error(self, 0) end
end

--- Called by Run:steps behind each step of a rehearsal; raises once all is known.
---@param run table      the one that is rehearsed
---@param step integer   that is done
---@param first integer  the step before the first one
---@param n integer      the last step of the loop
function Rehearsal:stepped(run, step, first, n)
  local now = core.sys.time()
  if step - first < 2 and step < n then
    self.began = now
    return
  end
  self.seconds, self.steps = now - (self.began or run.began), n
  self.peak_bytes = core.memory().peak
  self.checkpoint_bytes = checkpoint.bytes(run)
  error(self, 0)
end

--- The path of the file that stands for one that would have to be simulated. Called by whoever would simulate it.
---@param path string  of the file that is not there
---@return string
function Rehearsal:stand_in(path)
  self.stands[path] = ("%s/stand-in/%s"):format(self.root, (path:gsub("^/", "")))
  return self.stands[path]
end

-- Removes a folder with what is in it; links are not followed.
local function remove(path)
  if not core.sys.readlink(path) then
    for _, name in ipairs(core.sys.exists(path) == "folder" and core.sys.list(path) or {}) do
      remove(path .. "/" .. name)
    end
  end
  os.remove(path)
end

-- Calls f; ends it at the deadline, where it runs Lua.
local function within(self, f)
  local last = core.sys.time() + M.deadline
  debug.sethook(function()
    if core.sys.time() < last then return end
    self.why = ("it did not make two steps in %g s"):format(M.deadline)
    error(self, 0)
  end, "", 1000)
  local ok, e = xpcall(f, blame.handler)
  debug.sethook()
  return ok, e
end

-- f() without a print, and without any of the open runs being told what it reads.
local function unseen(f)
  local watchers, print_before, write_before = loading.watchers, print, io.write
  loading.watchers = {}
  rawset(_G, "print", function() end)
  rawset(io, "write", function() return io.stdout end)
  local results = table.pack(f())
  loading.watchers = watchers
  rawset(_G, "print", print_before)
  rawset(io, "write", write_before)
  return table.unpack(results, 1, results.n)
end

-- An error in which stand-ins are called by the names that they stand for; nil where a film itself was missed.
local function without_stand_ins(self, e)
  if type(e) ~= "string" then return e end
  for path, stand in pairs(self.stands) do
    local before, text = e, ""
    local from, to = before:find(stand, 1, true)
    local named = from ~= nil
    while from do
      text, before = text .. before:sub(1, from - 1) .. path, before:sub(to + 1)
      from, to = before:find(stand, 1, true)
    end
    if not named and e:find(path, 1, true) then return nil end
    e = text .. before
  end
  return e
end

-- A rehearsal: itself, and the error that refuses the run or nil.
local function rehearse(recipe, overrides, seed, measures)
  local root = os.tmpname()
  os.remove(root)
  local self = setmetatable({ root = root, stands = {}, measures = measures }, Rehearsal)
  local ok, e = unseen(function()
    return within(self, function()
      recipe(overrides, { root = root, seed = seed, quiet = true, redirect = true,
        rehearsal = function() return self end })
    end)
  end)
  remove(root)
  collectgarbage()      -- its frames and weights, before the run that is rehearsed has its own
  if interruption.is_interruption(e) or interruption.is_cut(e) then error(e, 0) end
  if ok then
    self.why = "it has no loop of steps"
  elseif not M.is(e) then
    self.why = blame.sentence(e)
    return self, not self.entered and without_stand_ins(self, e) or nil
  end
  return self
end

--- Why a run would be refused before its first step: the error that it would end with; nil where it would begin.
---@param recipe table         of flex.recipe
---@param overrides table|nil  nested or flat
---@param seed integer         of the run
---@return any
function M.refusal(recipe, overrides, seed)
  return (select(2, rehearse(recipe, overrides, seed, false)))
end

--- What a run will cost: see the head of this file.
---@param recipe table         of flex.recipe
---@param overrides table|nil  nested or flat
---@param seed integer         of the run
---@return table|nil
---@return string|nil  why it could not be measured
---@return boolean|nil  whether that is a refusal
function M.of(recipe, overrides, seed)
  local self, refusal = rehearse(recipe, overrides, seed, true)
  if refusal then return nil, blame.sentence(refusal), true end
  if self.why then return nil, self.why, false end
  return { seconds = self.seconds, steps = self.steps, peak_bytes = self.peak_bytes,
    checkpoint_bytes = self.checkpoint_bytes }
end

--- Called by whoever is about to simulate for a run: raises what would refuse the run before its first step.
---@param run table  the current one
function M.before_simulating(run)
  if run.rehearsed or run.rehearsal or not run.recipe then return end
  run.rehearsed = true
  local refusal = M.refusal(run.recipe, config.plain(run.cfg), run.seed)
  if refusal then error(refusal, 0) end
end

return M
