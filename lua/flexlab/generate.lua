-- generate.lua - simulated data: two-dimensional turbulence on the periodic square [0, 2 pi]^2.
--
--   flex.generate("turbulence", { re = { 1000, 4000 }, seed = 1, out = "data/train.h5" })
--
-- One file for each Reynolds number: with one, it is `out`; with several, `_re1000` goes before the
-- extension (data/train_re1000.h5, data/train_re4000.h5), so that a file is always one film and
-- "data/train_re*.h5" names them all. A file holds the vorticity `w` (T,H,W) as f32 and the
-- attributes Re, nu (= 1/Re), seed, times, k0, forcing, solver, version, and kmax_eta, the least ratio
-- of grid to dissipation scale (below about 1 the flow is not resolved, and a note says so).
-- Units: length box/2 pi, velocity the initial r.m.s. one, time their ratio (csrc/sim/navier_stokes.h).
-- A file that already holds what was asked for is left alone; another one is not overwritten
-- unless `fresh`. Files appear when they are whole: Ctrl-C and errors leave nothing behind.

local config = require "flexlab.config"
local core = require "flexlab.core"
local words = require "flexlab.text"

local M = {}

M.kinds = { turbulence = {
  doc = "decaying (or forced) 2-D turbulence by direct numerical simulation",
  defaults = { re = 1000, seed = 1, size = 256, frames = 20, time = 0.5, spacing = 0.1, k0 = 10.0,
    forcing = "none", out = "data/turbulence.h5", fresh = false, quiet = false },
} }

local SOLVER = "pseudo-spectral, 2/3 rule, RK4 with integrating factor"

-- The file for one of `count` Reynolds numbers.
function M.path(out, re, count)
  if count == 1 then return out end
  local stem, extension = out:match("^(.*)(%.[^./]+)$")
  return ("%s_re%g%s"):format(stem or out, re, extension or ".h5")
end

local function positive(o, name, whole)
  local value = o[name]
  local fits = type(value) == "number" and value > 0 and value < math.huge
  if not fits or whole and not math.tointeger(value) then
    error(("generate: %s must be a positive %s, got %s"):format(name, whole and "whole number"
      or "number", tostring(value)), 0)
  end
end

local function checked(o)
  for _, name in ipairs { "size", "frames" } do positive(o, name, true) end
  for _, name in ipairs { "spacing", "k0" } do positive(o, name) end
  local fits = type(o.time) == "number" and o.time >= 0 and o.time < math.huge
  if not fits then
    error("generate: time must be 0 or more, got " .. tostring(o.time), 0)
  end
  if o.forcing ~= "none" and o.forcing ~= "kolmogorov" then
    error("generate: forcing: " .. words.unknown(o.forcing, { "none", "kolmogorov" }), 0)
  end
  local list, seen = type(o.re) == "table" and o.re or { o.re }, {}
  for _, re in ipairs(list) do
    positive({ re = re }, "re")
    if seen[re] then error(("generate: Re %g is given twice"):format(re), 0) end
    seen[re] = true
  end
  if #list == 0 then error("generate: re is empty", 0) end
  return list
end

local function attributes(o, re)
  return { Re = re, nu = 1 / re, seed = o.seed, k0 = o.k0, start = o.time, spacing = o.spacing }
end

-- Whether `path` already holds this simulation.
local function holds(path, o, re)
  local reader = core.io.field(path, "w")
  if not reader then return false end
  local same = reader.frames == o.frames and reader.height == o.size and reader.width == o.size
    and reader:text("forcing") == o.forcing and reader:text("version") == tostring(core.info().version)
  for name, value in pairs(attributes(o, re)) do
    local found = reader:number(name)
    same = same and found ~= nil and math.abs(found - value) <= 1e-12 * math.abs(value)
  end
  reader:close()
  return same
end

local function progress(o, re, frame, began)
  if o.quiet or not core.sys.isatty(2) then return end
  local spent = core.sys.time() - began
  local left = frame > 0 and spent / frame * (o.frames - frame) or 0
  io.stderr:write(("\r\27[Ksimulating Re %g at %dx%d: frame %d/%d  %s left"):format(re, o.size, o.size,
    frame, o.frames, words.duration(left)))
  if frame == o.frames then io.stderr:write("\r\27[K") end
  io.stderr:flush()
end

-- kmax eta below about 1: the finest eddies are smaller than the grid and the field has noise on it.
local function warn_unresolved(o, re, resolved)
  if resolved >= 1 or o.quiet then return end
  io.stderr:write(("note: Re %g is not resolved at %dx%d (kmax eta = %.2f, wanted 1 or more); a size of %d would do\n")
    :format(re, o.size, o.size, resolved, math.ceil(o.size / resolved / 64) * 64))
end

local function simulate(writer, o, re)
  local flow = core.flow { height = o.size, width = o.size, re = re, seed = o.seed, k0 = o.k0,
    forcing = o.forcing }
  local times, began, resolved = {}, core.sys.time(), math.huge
  for frame = 1, o.frames do
    local _ <close> = core.scope()
    times[frame] = o.time + (frame - 1) * o.spacing
    flow:advance(times[frame])
    assert(writer:append(flow:vorticity():to("f32")))
    resolved = math.min(resolved, flow:diagnostics().kmax_eta)
    progress(o, re, frame, began)
  end
  for name, value in pairs(attributes(o, re)) do assert(writer:number(name, value)) end
  assert(writer:array("times", times))
  assert(writer:number("kmax_eta", resolved))
  assert(writer:text("forcing", o.forcing))
  assert(writer:text("solver", SOLVER))
  assert(writer:text("version", tostring(core.info().version)))
  assert(writer:finish())
  warn_unresolved(o, re, resolved)
end

local function write(path, o, re)
  local folder = path:match("^(.*)/[^/]*$")
  if folder and folder ~= "" then assert(core.sys.mkdirs(folder)) end
  local writer = assert(core.io.field_writer(path, { dataset = "w", frames = o.frames,
    height = o.size, width = o.size, channels = 1 }))
  core.sys.catch_interrupts(true)
  local ok, message = pcall(simulate, writer, o, re)
  core.sys.catch_interrupts(false)
  if ok then return end
  writer:abandon()
  if core.sys.interrupts() > 0 then
    core.sys.clear_interrupts()
    message = ("stopped; '%s' was not written"):format(path)
  end
  error(message, 0)
end

-- Makes the files; returns the list of their paths.
function M.make(kind, options)
  local known = M.kinds[kind]
  if not known then error("generate: " .. words.unknown(kind, words.keys(M.kinds)), 2) end
  local o = config.options("generate", known.defaults, options, nil, 2)
  local list, paths = checked(o), {}
  for i, re in ipairs(list) do
    local path = M.path(o.out, re, #list)
    paths[i] = path
    local exists = core.sys.exists(path)
    if exists and not o.fresh and not holds(path, o, re) then
      error(("generate: '%s' holds something else; give another name, or --fresh to replace it")
        :format(path), 0)
    elseif not exists or o.fresh then
      write(path, o, re)
    end
  end
  return paths
end

return setmetatable(M, { __call = function(_, ...) return M.make(...) end })
