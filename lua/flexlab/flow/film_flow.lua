--[[
film_flow - what a film shows: the options of flexlab.flow.generate as a flow, as attributes of the file, and as
channels of its frames. How it is written, and goes on after a kill: flexlab.flow.film.

A film is s = { options = o (generate's), re =, member = (0: the flow itself), path = }. Two films whose attributes
are the same are the same.
--]]
local boundaries = require "flexlab.flow.boundaries"
local core = require "flexlab.core"
local film_file = require "flexlab.flow.film_file"
local words = require "flexlab.words"

local M = {}

M.solver = "pseudo-spectral, 2/3 rule, RK4 with integrating factor"

-- Options of the solver that are settings of the same name and passed on as they are: all of its list that is `own`,
-- and those that count with the forcing of these options (csrc/sim/flow_options.def).
local function passed_on(o)
  local list = {}
  for _, row in ipairs(core.flow_options) do
    local forcings = row.setting:match "^forcing=(.*)$"
    if row.own or forcings and ("|" .. forcings .. "|"):find("|" .. o.forcing .. "|", 1, true) then
      list[#list + 1] = row
    end
  end
  return list
end

--- "u, v" as a list.
---@param fields string  names between commas
---@return string[]
function M.names(fields)
  local list = {}
  for name in (fields .. ","):gmatch "%s*([^,]*)," do list[#list + 1] = name end
  return list
end

local function shows(o, wanted) return words.has(M.names(o.fields), wanted) end

-- From rest also where a file says where it starts.
local function at_rest(o) return o.initial or o.rms_velocity == 0 end

local function flow_options(s)
  local o = s.options
  local f = boundaries.flow(o)
  f.height, f.width, f.re, f.seed, f.drag = o.size, o.size, s.re, o.seed, o.drag or nil
  for _, row in ipairs(passed_on(o)) do f[row.name] = o[row.name] end
  f.initial = at_rest(o) and "rest" or "random"
  if not at_rest(o) then f.k0, f.rms_velocity = o.k0, o.rms_velocity end
  if shows(o, "c") then f.scalar, f.schmidt = true, o.schmidt end
  return f
end

local function describe_start(o, numbers, texts)
  texts.initial = o.initial or at_rest(o) and "rest" or "random"
  if o.initial then
    numbers.initial_frame = o.initial_frame
  elseif not at_rest(o) then
    numbers.k0 = o.k0
    if o.rms_velocity ~= 1 then numbers.rms_velocity = o.rms_velocity end
  end
  if not shows(o, "c") then return end
  texts.scalar, numbers.schmidt = o.scalar, o.schmidt
  if o.scalar == "random" then numbers.scalar_k0 = o.scalar_k0 end
end

--- What the film is, as attributes of its file: numbers and texts.
---@param s table  a film, as the head says
---@return table  numbers by name
---@return table  texts by name
function M.attributes(s)
  local o = s.options
  local numbers = { Re = s.re, nu = 1 / s.re, seed = o.seed, start = o.time, spacing = o.spacing,
    drag = core.flow_settings(flow_options(s)).drag }
  local texts = { solver = M.solver, version = tostring(core.info().version) }
  boundaries.describe(o, numbers, texts)
  describe_start(o, numbers, texts)
  for _, row in ipairs(passed_on(o)) do
    local value = o[row.name]
    if type(value) == "number" then numbers[row.name] = value else texts[row.name] = tostring(value) end
  end
  if s.member > 0 then numbers.member, numbers.member_factor = s.member, o.member_factor end
  if o.fields ~= "w" then texts.channels = table.concat(M.names(o.fields), ",") end
  return numbers, texts
end

-- What a file of an earlier version, which did not say it, has; of an option that is not here its default.
local silent = { drag = 0, cfl = 0.8, boundary = "periodic", initial = "random", precision = "double" }
for _, row in ipairs(core.flow_options) do
  if row.own and silent[row.name] == nil then
    silent[row.name] = type(row.default) == "boolean" and tostring(row.default) or row.default
  end
end

--- All that tells two films apart, in one table. Which FlexLab wrote them does not: the solver decides the numbers.
---@param s table  a film, as the head says
---@return table
function M.identity(s)
  local o, numbers, texts = s.options, M.attributes(s)
  local all = { frames = o.frames, height = o.size, width = o.size, channels = #M.names(o.fields) }
  all.fields, texts.channels, texts.version = texts.channels, nil, nil
  for name, value in pairs(numbers) do all[name] = value end
  for name, value in pairs(texts) do all[name] = value end
  return all
end

local function same(a, b)
  if type(a) ~= "number" or type(b) ~= "number" then return a == b end
  return math.abs(a - b) <= 1e-12 * math.abs(b)
end

--- The first thing, in the order of names, in which a film that was found is not the one that is wanted:
--- "precision is double, not single"; nil if there is none. Both are as M.identity gives.
---@param found table   of M.identity
---@param wanted table  of M.identity
---@return string|nil
function M.difference(found, wanted)
  local all = {}
  for name in pairs(found) do all[name] = true end
  for name in pairs(wanted) do all[name] = true end
  all.version = nil       -- the identities of 0.1.0 had it
  for _, name in ipairs(words.keys(all)) do
    local is = found[name] == nil and silent[name] or found[name]
    if not same(is, wanted[name]) then
      return ("%s is %s, not %s"):format(name, is or "absent", wanted[name] or "given")
    end
  end
end

--- Whether the file at s.path already holds this film; if not, what differs.
---@param s table  a film, as the head says
---@return boolean
---@return string|nil
function M.holds(s)
  local film = film_file.open(s.path, "w")
  if not film then return false, "dataset w is absent" end
  local wanted, found = M.identity(s), {}
  for name, value in pairs(wanted) do
    found[name] = type(value) == "number" and film:number(name) or film:text(name)
  end
  for _, name in ipairs { "member", "mean_velocity", "sponge", "rms_velocity" } do found[name] = film:number(name) end
  for _, name in ipairs { "frames", "height", "width", "channels" } do found[name] = film[name] end
  if wanted.fields then found.fields = film:text "channels" end
  film:close()
  local difference = M.difference(found, wanted)
  return difference == nil, difference
end

-- The channel `name` of the frame that the film starts from.
local function read_initial(o, name)
  local film, message = film_file.open(o.initial, "w")
  if not film then error("generate: initial: " .. message, 0) end
  local _ <close> = film
  local function fail(...) error("generate: initial" .. select(1, ...):format(select(2, ...)), 0) end
  if film.height ~= o.size or film.width ~= o.size then
    fail(": '%s' has frames of %dx%d, and size is %d; give --size %d", o.initial, film.height, film.width, o.size,
      film.height)
  end
  local frame = o.initial_frame < 0 and film.frames + 1 + o.initial_frame or o.initial_frame
  if frame < 1 or frame > film.frames then
    fail("_frame is %d, '%s' has frames 1 to %d", o.initial_frame, o.initial, film.frames)
  end
  local channel, names = nil, M.names(film:text "channels" or "w")
  for i, known in ipairs(names) do channel = known == name and i or channel end
  if not channel then fail(": '%s' has %s", o.initial, words.unknown(name, names, "channel")) end
  local w, bad = film:read(frame, channel)
  return w or error("generate: initial: " .. bad, 0)
end

-- A random field of mean 0 and mean square 1: the vorticity of another flow, of the same symmetry.
local function random_scalar(o)
  local other <close> = core.flow { height = o.size, width = o.size, re = 1, k0 = o.scalar_k0,
    seed = o.seed ~ (1 << 62), walls = o.boundary == "free_slip" and "slip" or "none" }
  local c = other:vorticity()
  return c * (1 / math.sqrt(c:square():mean():item()))
end

--- The flow at time 0.
---@param s table  a film, as the head says
---@return flexlab.Flow
function M.begin(s)
  local o, _ <close> = s.options, core.scope()
  local flow = core.flow(flow_options(s))
  if o.initial then flow:set_vorticity(read_initial(o, "w"), 0) end
  if shows(o, "c") then flow:set_scalar(o.scalar == "random" and random_scalar(o) or read_initial(o, "c")) end
  return flow
end

-- What a frame may show; velocity() gives both components, made once per frame.
local readers = {}
function readers.w(flow) return flow:vorticity() end
function readers.u(_, velocity) return velocity():narrow { axis = 4, start = 1, length = 1 } end
function readers.v(_, velocity) return velocity():narrow { axis = 4, start = 2, length = 1 } end
function readers.p(flow) return flow:pressure() end
function readers.c(flow) return flow:scalar() end
function readers.solid(flow) return flow:solid() end
M.fields = words.keys(readers)

--- The channels of the film at this moment, (1,H,W,C) f32.
---@param flow flexlab.Flow  at the moment of the frame
---@param s table            a film, as the head says
---@return flexlab.Tensor
function M.frame(flow, s)
  local frame, both
  local function velocity()
    both = both or flow:velocity()
    return both
  end
  for _, name in ipairs(M.names(s.options.fields)) do
    local channel = readers[name](flow, velocity):to "f32"
    frame = frame and core.concat(frame, channel, { axis = -1 }) or channel
  end
  return frame
end

return M
