--[[
film - one simulation as one file, written as it is made; a run that was killed goes on.

  film.make { path = "data/train.h5", options = o, re = 1000, member = 0 }      (o: flexlab.generate's)
While it runs there are two files beside the one to be: PATH.part, where every finished frame is already
readable (the structure of the file never changes, so a kill leaves a whole file), and PATH.part.safetensors,
the state of the solver after the last finished frame with the number of frames done. The frame is on the
disk before the state says so. The same call then goes on behind that frame, with the same bits as a run
that was never stopped: a flow remembers nothing but its Fourier coefficients, its time and the number of
its steps (csrc/sim/navier_stokes.h). PATH appears when it is whole. PATH.lock is held meanwhile, so that of
two processes that want one film the second waits for the first and finds it done.
--]]
local core = require "flexlab.core"
local words = require "flexlab.text"

local M = {}

M.solver = "pseudo-spectral, 2/3 rule, RK4 with integrating factor"

-- Options of generate that core.flow takes as they are, and those that count with a forcing only.
local plain = { "seed", "forcing", "cfl" }
local forced = { kolmogorov = { "forcing_wavenumber", "forcing_amplitude" },
  ring = { "forcing_wavenumber", "forcing_width", "forcing_rate" } }

local function flow_options(s)
  local o = s.options
  local f = { height = o.size, width = o.size, re = s.re, initial = o.initial and "rest" or "random" }
  for _, name in ipairs(plain) do f[name] = o[name] end
  for _, name in ipairs(forced[o.forcing] or {}) do f[name] = o[name] end
  if not o.initial then f.k0 = o.k0 end
  if o.drag then f.drag = o.drag end
  return f
end

--- "u, v" as a list.
function M.names(fields)
  local list = {}
  for name in (fields .. ","):gmatch "%s*([^,]*)," do list[#list + 1] = name end
  return list
end

-- What a film is, as attributes of its file: numbers and texts. Two films with the same are the same.
function M.attributes(s)
  local o = s.options
  local numbers = { Re = s.re, nu = 1 / s.re, seed = o.seed, start = o.time, spacing = o.spacing, cfl = o.cfl,
    drag = o.drag or (o.forcing == "none" and 0 or 0.1) }
  local texts = { forcing = o.forcing, solver = M.solver, version = tostring(core.info().version),
    boundary = "periodic", initial = "random" }
  for _, name in ipairs(forced[o.forcing] or {}) do numbers[name] = o[name] end
  if o.initial then
    texts.initial, numbers.initial_frame = o.initial, o.initial_frame
  else
    numbers.k0 = o.k0
  end
  if s.member > 0 then numbers.member, numbers.member_factor = s.member, o.member_factor end
  if o.fields ~= "w" then texts.channels = table.concat(M.names(s.options.fields), ",") end
  return numbers, texts
end

-- What a file of an earlier version, which did not say it, has.
local silent = { drag = 0, cfl = 0.8, boundary = "periodic", initial = "random" }

--- Whether `path` already holds this film.
function M.holds(s)
  local o, reader = s.options, core.io.field(s.path, "w")
  if not reader then return false end
  local numbers, texts = M.attributes(s)
  local same = reader.frames == o.frames and reader.height == o.size and reader.width == o.size
    and reader.channels == #M.names(s.options.fields)
  for name, value in pairs(numbers) do
    local found = reader:number(name) or silent[name]
    same = same and found ~= nil and math.abs(found - value) <= 1e-12 * math.abs(value)
  end
  for name, value in pairs(texts) do same = same and (reader:text(name) or silent[name]) == value end
  same = same and (numbers.member ~= nil) == (reader:number "member" ~= nil)
  reader:close()
  return same
end

local function read_initial(s)
  local o = s.options
  local reader, message = core.io.field(o.initial, "w")
  if not reader then error("generate: initial: " .. message, 0) end
  if reader.height ~= o.size or reader.width ~= o.size then
    local text = ("generate: initial: '%s' has frames of %dx%d, and size is %d; give --size %d"):format(o.initial,
      reader.height, reader.width, o.size, reader.height)
    reader:close()
    error(text, 0)
  end
  local frame = o.initial_frame < 0 and reader.frames + 1 + o.initial_frame or o.initial_frame
  if frame < 1 or frame > reader.frames then
    error(("generate: initial_frame is %d, '%s' has frames 1 to %d"):format(o.initial_frame, o.initial,
      reader.frames), 0)
  end
  local w, bad = reader:read { frame = frame, channel = 1, channels = 1 }
  reader:close()
  return w or error("generate: initial: " .. bad, 0)
end

-- Member m is the flow at the first frame with other small scales, and then goes its own way; the forcing,
-- keyed by the step, is the same for all.
local function perturb(flow, s)
  local o, at, steps = s.options, flow:time(), flow:diagnostics().steps
  flow:set_vorticity(core.perturb(flow:vorticity(), { factor = o.member_factor, coarse = "subsample",
    key = { seed = o.seed, stream = "data", member = s.member } }), at)
  flow:restore(flow:state(), at, steps)
end

local function begin(s)
  local flow = core.flow(flow_options(s))
  if s.options.initial then flow:set_vorticity(read_initial(s), 0) end
  return flow
end

-- The state after the last finished frame of a film that was stopped, or nil. One of another film is an error
-- unless `fresh`: somebody's hours may be in it.
local function saved(s)
  local state = core.sys.exists(s.state) and core.sys.exists(s.part) and core.io.load(s.state)
  if not state or s.options.fresh then return nil end
  if state.text.film ~= s.identity then
    error(("generate: '%s' is the beginning of another film; give another name, or --fresh to replace it")
      :format(s.part), 0)
  end
  return state
end

local function save(s, flow, frame, resolved)
  return core.io.save(s.state, { tensors = { state = flow:state() }, text = { film = s.identity, frames = frame,
    time = ("%a"):format(flow:time()), steps = flow:diagnostics().steps, kmax_eta = ("%a"):format(resolved) } })
end

local function progress(s, frame, began, first)
  local o = s.options
  if o.quiet or not core.sys.isatty(2) then return end
  local spent = core.sys.time() - began
  local left = frame > first and spent / (frame - first) * (o.frames - frame) or 0
  io.stderr:write(("\r\27[Ksimulating Re %g at %dx%d: frame %d/%d  %s left"):format(s.re, o.size, o.size,
    frame, o.frames, words.duration(left)))
  if frame == o.frames then io.stderr:write("\r\27[K") end
  io.stderr:flush()
end

-- kmax eta below about 1: the finest eddies are smaller than the grid and the field has noise on it.
local function check_resolved(s, resolved, time)
  local o = s.options
  if resolved >= 1 or o.unresolved == "allow" then return end
  local text = ("Re %g is not resolved at %dx%d (kmax eta = %.2f, wanted 1 or more); a size of %d would do"):format(
    s.re, o.size, o.size, resolved, math.ceil(o.size / resolved / 64) * 64)
  if o.unresolved == "refuse" then error(("generate: at time %g %s"):format(time, text), 0) end
  if not o.quiet then io.stderr:write("note: ", text, "\n") end
end

local readers = {}
function readers.w(flow) return flow:vorticity() end
function readers.u(flow) return flow:velocity():narrow { axis = 4, start = 1, length = 1 } end
function readers.v(flow) return flow:velocity():narrow { axis = 4, start = 2, length = 1 } end
function readers.p(flow) return flow:pressure() end
M.fields = words.keys(readers)

local function frame_of(flow, s)
  local frame
  for _, name in ipairs(M.names(s.options.fields)) do
    local channel = readers[name](flow):to "f32"
    frame = frame and core.concat(frame, channel, { axis = -1 }) or channel
  end
  return frame
end

-- Makes the frames behind number `done`; stops orderly behind a frame when Ctrl-C was pressed.
local function record(s, flow, writer, done, resolved)
  local o, began = s.options, core.sys.time()
  for frame = done + 1, o.frames do
    local _ <close> = core.scope()
    flow:advance(o.time + (frame - 1) * o.spacing)
    if frame == 1 and s.member > 0 then perturb(flow, s) end
    assert(writer:append(frame_of(flow, s)))
    resolved = math.min(resolved, flow:diagnostics().kmax_eta)
    if o.unresolved == "refuse" then check_resolved(s, resolved, flow:time()) end
    if frame < o.frames then
      assert(writer:flush())
      assert(save(s, flow, frame, resolved))
    end
    s.done = frame
    progress(s, frame, began, done)
    if core.sys.interrupts() > 0 and frame < o.frames then error("interrupted", 0) end
  end
  assert(writer:number("kmax_eta", resolved))
  assert(writer:finish())
  core.sys.remove(s.state)
  if o.unresolved == "warn" then check_resolved(s, resolved) end
end

local function describe(s, writer)
  local numbers, texts = M.attributes(s)
  local o, times = s.options, {}
  for frame = 1, o.frames do times[frame] = o.time + (frame - 1) * o.spacing end
  for _, name in ipairs(words.keys(numbers)) do assert(writer:number(name, numbers[name])) end
  for _, name in ipairs(words.keys(texts)) do assert(writer:text(name, texts[name])) end
  assert(writer:array("times", times))
  assert(writer:flush())
end

local function simulate(s)
  local o, state = s.options, saved(s)
  local flow <close> = begin(s)
  local done = state and math.tointeger(tonumber(state.text.frames)) or 0
  local resolved = state and tonumber(state.text.kmax_eta) or math.huge
  if state then
    flow:restore(state.tensors.state, tonumber(state.text.time), math.tointeger(tonumber(state.text.steps)))
  end
  s.done = done
  s.writer = assert(core.io.field_writer(s.path, { dataset = "w", frames = o.frames, height = o.size,
    width = o.size, channels = #M.names(s.options.fields), done = done }))
  if not state then describe(s, s.writer) end
  record(s, flow, s.writer, done, resolved)
end

-- What remains of a film that stopped: all that can be resumed, or nothing.
local function stopped(s, message)
  local kept = s.done and s.done > 0 and core.sys.exists(s.state)
  if s.writer and kept then s.writer:leave() elseif s.writer then s.writer:abandon() end
  if core.sys.interrupts() > 0 then
    core.sys.clear_interrupts()
    message = "stopped"
  end
  local hint = kept and ("%d of %d frames are in '%s'; the same command goes on"):format(s.done, s.options.frames,
    s.part) or ("'%s' was not written"):format(s.path)
  error(message == "stopped" and ("stopped; %s"):format(hint) or kept and ("%s (%s)"):format(message, hint)
    or message, 0)
end

--- Makes the film s = { path =, options = (generate's), re =, member = (0: the flow itself) }.
function M.make(s)
  s.part, s.state = s.path .. ".part", s.path .. ".part.safetensors"
  local numbers, texts = M.attributes(s)
  s.identity = core.json.encode { numbers, texts, s.options.frames, s.options.size }
  core.sys.catch_interrupts(true)
  local ok, message = pcall(simulate, s)
  core.sys.catch_interrupts(false)
  if not ok then stopped(s, message) end
end

return M
