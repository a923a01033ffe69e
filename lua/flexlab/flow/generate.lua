--[[
generate - simulated data: two-dimensional turbulence on the periodic square [0, 2 pi]^2.

  flex.generate("turbulence", { re = { 1000, 4000 }, seed = 1, out = "data/train.h5" })

One file for each Reynolds number and member: with one, it is `out`; with several, `_re1000` and
`_member1` go before the extension (data/train_re1000.h5, data/train_re4000.h5), so that a file is
always one film and "data/train_re*.h5" names them all. A file holds the vorticity `w` (T,H,W) as f32,
or with `fields` its channels (T,C,H,W), beside solids a dataset `solid` (1,H,W), how solid a point is, and the
attributes Re, nu (= 1/Re), precision (of the steps), seed, times, k0, forcing and its numbers, drag, boundary
(flexlab.flow.boundaries) and its numbers, solver, version, kmax_eta, the least ratio of grid to dissipation scale
(below about 1 the flow is not resolved: `unresolved` says whether that is noted, refused, or allowed).
Units: length box/2 pi, velocity the initial r.m.s. one, time their ratio (csrc/sim/navier_stokes.h).
{hash} in `out` stands for a hash of the film's settings: "data/train_{hash}.h5" is another file for every film, so
that a recipe whose flow is shortened and then made whole finds each under its own name.
A file that already holds what was asked for is kept; another one is not overwritten
unless `fresh`. Files appear when they are whole; how one that was stopped goes on: flexlab.flow.film.
--]]

local boundaries = require "flexlab.flow.boundaries"
local context = require "flexlab.context"
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local film = require "flexlab.flow.film"
local film_flow = require "flexlab.flow.film_flow"
local literal = require "flexlab.literal"
local settings = require "flexlab.settings"
local words = require "flexlab.words"

local M = {}

local declared = settings.of "flow"

M.kinds = { turbulence = {
  doc = "decaying (or forced) 2-D turbulence by direct numerical simulation",
  defaults = declared.defaults,
} }

--- The file for one of `count` Reynolds numbers, and for a member of an ensemble.
---@param out string          the path that was given
---@param re number           Reynolds number
---@param count integer       how many Reynolds numbers there are
---@param member integer|nil  0 or nil: the flow itself
---@return string
function M.path(out, re, count, member)
  local stem, extension = out:match("^(.*)(%.[^./]+)$")
  stem, extension = stem or out, extension or ".h5"
  if count == 1 and (member or 0) == 0 then return out end
  return stem .. (count > 1 and ("_re%g"):format(re) or "")
    .. ((member or 0) > 0 and ("_member%d"):format(member) or "") .. extension
end

-- Settings that change a film's file, but not what it holds.
local apart = { out = true, fresh = true, quiet = true, unresolved = true, members = true, re = true }

-- The file of one film, {hash} filled in.
local function file_of(o, re, count, member)
  local path, meaning = M.path(o.out, re, count, member), { re = re, member = member }
  if not path:find("{hash}", 1, true) then return path end
  for key, value in pairs(o) do
    if not apart[key] then meaning[key] = value end
  end
  local hash = core.sys.hash(literal.encode(meaning)):sub(1, 8)
  return (path:gsub("{hash}", hash))
end

local function one_of(value, known, name)
  for _, word in ipairs(known) do
    if value == word then return end
  end
  error(("generate: %s: %s"):format(name, words.unknown(value, known)), 0)
end

local function check_fields(o)
  local seen = {}
  for _, name in ipairs(film_flow.names(o.fields)) do
    one_of(name, film_flow.fields, "fields")
    if seen[name] then error(("generate: fields: '%s' is given twice"):format(name), 0) end
    seen[name] = true
  end
end

-- Frames whose times are one number would be one frame under two names.
local function check_times(o)
  for frame = 2, o.frames do
    local before, at = o.time + (frame - 2) * o.spacing, o.time + (frame - 1) * o.spacing
    if at <= before then
      error(("generate: spacing %g is below the last digit of the time: frames %d and %d are both at %.17g; give a "
        .. "larger spacing"):format(o.spacing, frame - 1, frame, at), 0)
    end
  end
end

local function checked(o)
  check_fields(o)
  check_times(o)
  boundaries.check(o)
  if o.scalar == "initial" and not o.initial then
    error("generate: scalar 'initial' is that of the initial file; give --initial FILE", 0)
  end
  local list, seen = type(o.re) == "table" and o.re or { o.re }, {}
  for _, re in ipairs(list) do
    if seen[re] then error(("generate: Re %g is given twice"):format(re), 0) end
    seen[re] = true
  end
  return list
end

-- Makes one film unless it is there. Whoever waited for another process to make it finds it done.
local function ensure(s)
  local o, run = s.options, context.run()
  local at = { inputs = { o.initial or nil }, anywhere = true, home = run and run.dir }
  s.path = destination.of("generate", s.path, at)
  local function done()
    if not core.sys.exists(s.path) then return false end
    local holds, difference = film_flow.holds(s)
    if holds then return true end
    error(("generate: '%s' holds something else (its %s); give another name, or --fresh to replace it"):format(s.path,
      difference), 0)
  end
  if not o.fresh and done() then return end
  at.anywhere = false
  destination.of("generate", s.path, at)
  if run and run.rehearsal then return film.make(s) end
  if run then run:before_simulating() end
  local folder = s.path:match("^(.*)/[^/]*$")
  if folder and folder ~= "" then assert(core.sys.mkdirs(folder)) end
  local _ <close> = assert(core.sys.lock(s.path .. ".lock"))
  if o.fresh or not done() then film.make(s) end
end

--- Makes the films that are not there yet, or not whole; returns the paths of all. Another film of that name raises.
---@param kind string        "turbulence"
---@param options table|nil  settings.flow
---@return string[]
function M.make(kind, options)
  local known = M.kinds[kind]
  if type(kind) ~= "string" then
    error(("generate: the first argument must be a word, as in flex.generate(\"turbulence\", { re = 1000 }), got %s")
      :format(words.show(kind)), 2)
  end
  if not known then error("generate: " .. words.unknown(kind, words.keys(M.kinds)), 2) end
  local o = settings.options("generate", declared, options, nil, 2)
  local list, paths, films, seen = checked(o), {}, {}, {}
  for _, re in ipairs(list) do
    for member = 0, o.members do
      local path = file_of(o, re, #list, member)
      if seen[path] then
        error(("generate: Re %.17g and %.17g name the same file, '%s'"):format(seen[path], re, path), 0)
      end
      seen[path], paths[#paths + 1] = re, path
      films[#films + 1] = { path = path, options = o, re = re, member = member }
    end
  end
  for _, film_of in ipairs(films) do ensure(film_of) end
  return paths
end

return setmetatable(M, { __call = function(_, ...) return M.make(...) end })
