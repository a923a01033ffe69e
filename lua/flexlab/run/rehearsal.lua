--[[
rehearsal - a run that ends after two steps, to learn what the whole run will cost.

  rehearsal.of(recipe, overrides, seed) -> { seconds = of the second step, steps =, peak_bytes =, checkpoint_bytes = }
  or nil, why it could not be measured
The body runs as ever, in a folder of its own that is removed afterwards: it reads its data, builds its network and
makes two steps of its first loop, of which the second is timed (the first allocates). Nothing is simulated: data that
are not there are a reason not to measure. Neither is what comes behind the loop, such as the evaluation, for it is
most of what a short run costs. A deadline ends a body that does not reach its steps.
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local interruption = require "flexlab.context.interruption"

local M = {}

M.deadline = 30       -- seconds for one rehearsal

local Rehearsal = {}
Rehearsal.__index = Rehearsal
Rehearsal.__name = "flexlab.Rehearsal"
function Rehearsal.__tostring() return "the rehearsal is over" end

function M.is(e) return getmetatable(e) == Rehearsal end

--- Called by Run:steps behind each step of a rehearsal; raises once all is known.
function Rehearsal:stepped(run, step, first, n)
  local now = core.sys.time()
  if step - first < 2 and step < n then
    self.began = now
    return
  end
  self.seconds, self.steps = now - (self.began or run.began), n
  self.peak_bytes = core.memory().peak
  self.checkpoint_bytes = require("flexlab.run.checkpoint").bytes(run)
  error(self, 0)
end

--- Called by whoever would simulate data.
function Rehearsal:simulating(path)
  self.why = ("'%s' must be simulated first"):format(path)
  error(self, 0)
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
  end, "", 100000)
  local ok, e = xpcall(f, blame.handler)
  debug.sethook()
  return ok, e
end

--- What a run will cost: see the head of this file.
function M.of(recipe, overrides, seed)
  local self, root = setmetatable({}, Rehearsal), os.tmpname()
  os.remove(root)
  local ok, e = within(self, function()
    recipe(overrides, { root = root, seed = seed, quiet = true, redirect = true,
      rehearsal = function() return self end })
  end)
  remove(root)
  if interruption.is_interruption(e) or interruption.is_cut(e) then error(e, 0) end
  if ok then return nil, "it has no loop of steps" end
  if not M.is(e) then return nil, blame.sentence(e) end
  if self.why then return nil, self.why end
  return { seconds = self.seconds, steps = self.steps, peak_bytes = self.peak_bytes,
    checkpoint_bytes = self.checkpoint_bytes }
end

return M
