--[[
film - one simulation as one file, written as it is made; a run that was killed goes on.

  film.make { path = "data/train.h5", options = o, re = 1000, member = 0 }      (o: flexlab.flow.generate's)
While it runs there are two files beside the one to be: PATH.part, where every finished frame is already
readable (the structure of the file never changes, so a kill leaves a whole file), and PATH.part.safetensors,
the state of the solver after the last finished frame with the number of frames done. The frame is on the
disk before the state says so. The same call then goes on behind that frame, with the same bits as a run
that was never stopped: a flow remembers nothing but its Fourier coefficients, its time and the number of
its steps (csrc/sim/navier_stokes.h). PATH appears when it is whole. PATH.lock is held meanwhile, so that of
two processes that want one film the second waits for the first and finds it done.
--]]
local boundaries = require "flexlab.flow.boundaries"
local context = require "flexlab.context"
local core = require "flexlab.core"
local film_flow = require "flexlab.flow.film_flow"
local interruption = require "flexlab.context.interruption"
local progress = require "flexlab.context.progress"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

-- Member m is the flow at the first frame with other small scales, and then goes its own way; the forcing,
-- keyed by the step, is the same for all.
local function perturb(flow, s)
  local o, at, steps = s.options, flow:time(), flow:diagnostics().steps
  flow:set_vorticity(core.perturb(flow:vorticity(), { factor = o.member_factor, coarse = "subsample",
    key = { seed = o.seed, stream = "data", member = s.member } }), at)
  flow:restore(flow:state(), at, steps)
  flow:advance(at)   -- no step: between slip walls it takes away what their symmetry does not have
end

-- The state after the last finished frame of a film that was stopped, or nil. One of another film is an error
-- unless `fresh`: somebody's hours may be in it.
local function saved(s)
  local state = core.sys.exists(s.state) and core.sys.exists(s.part) and core.io.load(s.state)
  if not state or s.options.fresh then return nil end
  if state.text.film ~= s.identity then
    local other = core.json.decode(state.text.film or "{}") or {}
    local difference = other.Re and film_flow.difference(other, film_flow.identity(s))
    if other.Re and not difference then return state end     -- another version's words for the same film
    error(("generate: '%s' is the beginning of another film%s; give another name, or --fresh to replace it")
      :format(s.part, difference and (" (its %s)"):format(difference) or ""), 0)
  end
  return state
end

local function save(s, flow, frame, resolved)
  return core.io.save(s.state, { tensors = { state = flow:state() }, text = { film = s.identity, frames = frame,
    time = ("%a"):format(flow:time()), steps = flow:diagnostics().steps, kmax_eta = ("%a"):format(resolved) } })
end

-- kmax eta below about 1: the finest eddies are smaller than the grid and the field has noise on it.
local function check_resolved(s, resolved, time)
  local o = s.options
  if resolved >= 1 or o.unresolved == "allow" then return end
  local text = ("Re %g is not resolved at %dx%d (kmax eta = %.2f, wanted 1 or more); a size of %d would do"):format(
    s.re, o.size, o.size, resolved, math.ceil(o.size / resolved / 64) * 64)
  if o.unresolved == "refuse" then error(("generate: at time %g %s"):format(time, text), 0) end
  if not o.quiet then terminal.note(text) end
end

-- Makes the frames behind number `done`; stops orderly behind a frame when Ctrl-C was pressed.
local function record(s, flow, writer, done, resolved)
  local o = s.options
  s.line = progress.line(("simulating Re %g at %dx%d"):format(s.re, o.size, o.size), o.quiet, "frames")
  s.line:start(done, o.frames)
  for frame = done + 1, o.frames do
    local _ <close> = core.scope()
    flow:advance(o.time + (frame - 1) * o.spacing)
    if frame == 1 and s.member > 0 then perturb(flow, s) end
    assert(writer:append(film_flow.frame(flow, s)))
    resolved = math.min(resolved, flow:diagnostics().kmax_eta)
    if o.unresolved == "refuse" then check_resolved(s, resolved, flow:time()) end
    if frame < o.frames then
      assert(writer:flush())
      assert(save(s, flow, frame, resolved))
    end
    s.done = frame
    s.line:step(frame)
    if core.sys.interrupts() > 0 and frame < o.frames then error("interrupted", 0) end
  end
  s.line:clear()
  assert(writer:number("kmax_eta", resolved))
  assert(writer:finish())
  core.sys.remove(s.state)
  if o.unresolved == "warn" then check_resolved(s, resolved) end
end

local function describe(s, writer, flow)
  local o, times = s.options, {}
  for frame = 1, o.frames do times[frame] = o.time + (frame - 1) * o.spacing end
  for _, name in ipairs(words.keys(s.numbers)) do assert(writer:number(name, s.numbers[name])) end
  for _, name in ipairs(words.keys(s.texts)) do assert(writer:text(name, s.texts[name])) end
  assert(writer:number("kmax_eta", math.huge))   -- its place; known at the end
  assert(writer:array("times", times))
  if boundaries.solid(o) then
    assert(writer:number("penalty", flow:settings().penalty))
    assert(writer:plane("solid", flow:solid()))
  end
  assert(writer:flush())
end

local function simulate(s)
  local o, state = s.options, saved(s)
  local flow <close> = film_flow.begin(s)
  local done = state and math.tointeger(tonumber(state.text.frames)) or 0
  local resolved = state and tonumber(state.text.kmax_eta) or math.huge
  if state then
    flow:restore(state.tensors.state, tonumber(state.text.time), math.tointeger(tonumber(state.text.steps)))
  end
  s.done = done
  s.writer = assert(core.io.field_writer(s.path, { dataset = "w", frames = o.frames, height = o.size,
    width = o.size, channels = #film_flow.names(o.fields), done = done }))
  if not state then describe(s, s.writer, flow) end
  record(s, flow, s.writer, done, resolved)
end

-- What remains of a film that stopped: all that can be resumed, or nothing.
local function stopped(s, message)
  if s.line then s.line:clear() end
  local kept = s.done and s.done > 0 and core.sys.exists(s.state)
  if s.writer and kept then s.writer:leave() elseif s.writer then s.writer:abandon() end
  local stop = interruption.pending() or interruption.is_cut(message)
  local hint = kept and ("%d of %d frames are in '%s'; the same command goes on"):format(s.done, s.options.frames,
    s.part) or ("'%s' was not written"):format(s.path)
  if stop then error(interruption.error("stopped; " .. hint), 0) end
  error(kept and ("%s (%s)"):format(message, hint) or message, 0)
end

-- What stands for a film in a rehearsal (run/rehearsal.lua): a file like it, whose frames are the flow's first field
-- with noise, since no two frames of a film are equal. A film that starts from another one may lack that one then.
local function stand_in(s, rehearsal)
  local o, path = {}, rehearsal:stand_in(s.path)
  for name, value in pairs(s.options) do o[name] = value end
  if o.initial and not core.sys.exists(o.initial) then o.initial, o.rms_velocity, o.scalar = false, 1, "random" end
  local flow <close> = film_flow.begin { options = o, re = s.re, member = s.member }
  assert(core.sys.mkdirs(path:match "^(.*)/"))
  local writer = assert(core.io.field_writer(path, { dataset = "w", frames = o.frames, height = o.size,
    width = o.size, channels = #film_flow.names(o.fields) }))
  describe(s, writer, flow)
  local field, frames <close> = film_flow.frame(flow, s), core.scope()
  for frame = 1, o.frames do
    local _ <close> = frames and core.scope()
    local noise = core.normal(field.shape, { seed = o.seed, stream = "data", step = frame, member = s.member })
    assert(writer:append(field + noise * 0.01))
  end
  assert(writer:number("kmax_eta", 1))
  assert(writer:finish())
end

--- Makes the film that `s` describes, or goes on with it; an end that is asked for is told in a sentence.
---@param s table  { path =, options = (generate's), re =, member = 0: the flow itself }, to which its temporary paths
---  are added
---@return nil
function M.make(s)
  s.part, s.state = s.path .. ".part", s.path .. ".part.safetensors"
  s.numbers, s.texts = film_flow.attributes(s)
  s.identity = core.json.encode(film_flow.identity(s))
  local run = context.run()
  if run and run.rehearsal then return stand_in(s, run.rehearsal) end
  interruption.hold()
  local ok, message = pcall(simulate, s)
  interruption.release()
  if not ok then stopped(s, message) end
end

return M
