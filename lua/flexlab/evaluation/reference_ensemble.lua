--[[
reference_ensemble - the true distribution of flows behind one coarse observation, from the solver.

  local e = flex.reference_ensemble { re = 1000, size = 128, factor = 4, members = 16, leads = { 0, 0.2 } }
  e.members[m][l], e.truth[l]      vorticity (1,H,W,1) f32 of member m, and of the observed flow, at lead l
  e:calibration(2).spread_skill    the truth against the members; e:distance(2, samples): against a model's
A flow is simulated up to `time` and observed there, coarser by `factor`. Each member has the same coarse
field (to rounding) and unseen scales with the flow's own spectrum and random phases (csrc/sim/perturb.h);
then all are integrated. What a super-resolution or forecast model should say given that observation is
this ensemble, not one truth. Random phases have no vortices at first: at lead 0 the unseen scales are
Gaussian and the truth's are not; the flow makes its structures within an eddy's turnover.
`e:save(path, l)` writes the members at a lead as frames of an HDF5 file.
--]]
local calibration = require "flexlab.evaluation.calibration"
local config = require "flexlab.config"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local settings = require "flexlab.settings"

local M = {}

local usual = settings.of("flow").defaults

M.defaults = { re = usual.re, seed = usual.seed, size = 128, k0 = usual.k0, forcing = usual.forcing,
  time = 0.5, leads = { 0 }, members = 8, factor = 4, coarse = "subsample", ensemble_seed = 1 }

local Ensemble = {}
Ensemble.__index = Ensemble

local function check(o)
  if math.type(o.members) ~= "integer" or o.members < 1 then
    error("reference_ensemble: members must be a whole number from 1 on, got " .. tostring(o.members), 3)
  end
  local last = 0
  for i, lead in ipairs(o.leads) do
    if type(lead) ~= "number" or lead < last then
      error(("reference_ensemble: leads must rise from 0 on; number %d is %s after %g"):format(i,
        tostring(lead), last), 3)
    end
    last = lead
  end
  if #o.leads == 0 then error("reference_ensemble: leads is empty", 3) end
end

local function flow_of(o, initial)
  return core.flow { height = o.size, width = o.size, re = o.re, seed = o.seed, k0 = o.k0, forcing = o.forcing,
    initial = initial }
end

-- The flow at every lead, as f32.
local function follow(flow, o)
  local fields = {}
  for l, lead in ipairs(o.leads) do
    flow:advance(o.time + lead)
    fields[l] = flow:vorticity():to "f32"
  end
  return fields
end

local function member(w, o, m)
  local flow <close> = flow_of(o, "rest")
  flow:set_vorticity(core.perturb(w, { factor = o.factor, coarse = o.coarse,
    key = { seed = o.ensemble_seed, stream = "data", sample = o.seed, member = m } }), o.time)
  return follow(flow, o)
end

--- Simulates; member m depends on (seed, ensemble_seed, m), not on how many there are.
---@param options table|nil  M.defaults: the flow as in flex.generate, observed at `time`; leads: times after it;
---  coarse: how the observer coarsens, subsample, block_mean or cutoff (see core.perturb)
---@return table  members, truth, observed, leads
function M.make(options)
  local o = config.options("reference_ensemble", M.defaults, options, nil, 2)
  check(o)
  local e = setmetatable({ options = o, leads = o.leads, members = {} }, Ensemble)
  local flow <close> = flow_of(o)
  flow:advance(o.time)
  e.observed = flow:vorticity()
  for m = 1, o.members do
    local scope <close> = core.scope()
    e.members[m] = scope:keep(member(e.observed, o, m))
    scope:close()
  end
  e.truth = follow(flow, o)
  return e
end

-- The members at lead number l, each (1,H,W,1).
local function members_at(self, what, l)
  expected.place("reference_ensemble." .. what, "lead number", l, #self.leads, 3)
  local list = {}
  for m, fields in ipairs(self.members) do list[m] = fields[l] end
  return list
end

--- The members (M,H,W,1) at lead number l.
---@param l integer  number of the lead, from 1
---@return flexlab.Tensor
function Ensemble:stack(l)
  local list = members_at(self, "stack", l)
  return calibration.stack(list, 1)
end

--- Calibration of the members at lead l against the flow that was observed (evaluation/calibration.lua).
---@param l integer  number of the lead, from 1
---@return table
function Ensemble:calibration(l)
  local list, sums = members_at(self, "calibration", l), calibration.sums()
  sums:add(list, { truth = self.truth[l], ids = { self.options.seed } })
  return sums:result() or error("reference_ensemble: calibration needs two members", 2)
end

-- Mean of ||a - b|| over members of two ensembles; of one with itself over different members.
local function separation(a, b)
  local sum, count = 0, 0
  for i, x in ipairs(a) do
    for j, y in ipairs(b) do
      if a ~= b or i ~= j then
        sum, count = sum + math.sqrt((x - y):square():sum():item()), count + 1
      end
    end
  end
  return sum / count
end

--- How far a model's samples (a list of (1,H,W,1)) are from the members at lead l as distributions: the
--- energy distance 2 E||x - y|| - E||x - x'|| - E||y - y'|| over the mean distance between members;
--- 0 if they are the same, in expectation [Szekely & Rizzo 2013]. Both need two at least.
---@param l integer                 number of the lead, from 1
---@param samples flexlab.Tensor[]  each (1,H,W,1)
---@return number
function Ensemble:distance(l, samples)
  local own = members_at(self, "distance", l)
  if #samples < 2 or #own < 2 then error("reference_ensemble.distance: two members and samples are needed", 2) end
  local scope <close> = core.scope()
  local within = separation(own, own)
  local distance = (2 * separation(own, samples) - within - separation(samples, samples)) / within
  scope:close()
  return distance
end

--- Writes the members at lead l as the frames of an HDF5 file; the truth is the last frame.
---@param path string  of the file
---@param l integer    number of the lead, from 1
---@return string  path
function Ensemble:save(path, l)
  local o, count, list = self.options, #self.members, members_at(self, "save", l)
  local writer = assert(core.io.field_writer(path, { dataset = "w", frames = count + 1, height = o.size,
    width = o.size, channels = 1 }))
  for _, field in ipairs(list) do assert(writer:append(field)) end
  assert(writer:append(self.truth[l]))
  for _, name in ipairs { "seed", "k0", "factor", "time", "ensemble_seed" } do
    assert(writer:number(name, o[name]))
  end
  assert(writer:number("Re", o.re))
  assert(writer:number("lead", self.leads[l]))
  assert(writer:number("members", count))
  assert(writer:text("coarse", o.coarse))
  assert(writer:text("version", tostring(core.info().version)))
  assert(writer:finish())
  return path
end

return M
