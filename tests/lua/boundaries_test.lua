-- flexlab generate: walls, obstacles, free slip, the mask of solids, a passive scalar; all go on after a stop.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local boundaries = require "flexlab.flow.boundaries"
local settings = require "flexlab.settings"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestBoundaries", suite)

support.foldered(suite)

local function made(options)
  local o = { re = 100, size = 32, frames = 3, k0 = 4.0, seed = 3, quiet = true, out = suite.folder .. "/t.h5" }
  for k, v in pairs(options or {}) do o[k] = v end
  return flex.generate("turbulence", o)[1]
end

local function read(path, options, dataset, channel)
  local reader <close> = flex.fields.open(path, { dataset = dataset or "w", channels = channel })
  return assert(reader:read(options))
end

local function channel(path, frame, c) return read(path, { frame = frame }, "w", c) end

local function attributes(path)
  local file = core.io.container(path)
  local all = file:attributes ""
  file:close()
  return all
end

local function largest(t) return t:abs():max():item() end

function suite.test_each_boundary_goes_on_after_a_stop_with_the_same_bytes()
  for _, word in ipairs(settings.of("flow").entry.boundary.words) do
    local o = { boundary = word, wall = 0.5, radius = 0.6, cylinders = 2, fields = "w,c,u",
      out = suite.folder .. "/a.h5" }
    local whole = core.sys.read(made(o))
    o.out = suite.folder .. "/b.h5"
    local interrupts = core.sys.interrupts
    core.sys.interrupts = function() return 1 end
    local ok, message = pcall(made, o)
    core.sys.interrupts = interrupts
    lu.assertFalse(ok)
    lu.assertStrContains(tostring(message), "stopped; 1 of 3 frames", word)
    lu.assertTrue(core.sys.read(made(o)) == whole, word)
    lu.assertEquals(attributes(o.out).boundary, word)
    lu.assertErrorMsgContains("holds something else", made, { boundary = word == "box" and "channel" or "box",
      wall = 0.5, fields = "w,c,u", out = o.out })
    os.remove(suite.folder .. "/a.h5")
    os.remove(suite.folder .. "/b.h5")
  end
end

function suite.test_solids_are_in_the_file_and_hold_the_fluid()
  local path = made { boundary = "channel", wall = 0.6, size = 48, fields = "w,u,v,solid", mean_velocity = 0.5 }
  local solid = read(path, { frame = 1 }, "solid")
  lu.assertEquals(solid.shape, { 1, 48, 48, 1 })
  lu.assertEquals(largest(solid - channel(path, 3, 4)), 0)
  lu.assertAlmostEquals(solid:mean():item(), 0.6 / math.pi, 0.005)
  local inside = solid:get(1, 1, 7, 1)
  lu.assertTrue(inside > 0.999 and solid:get(1, 25, 7, 1) < 1e-6, tostring(inside))
  local u = channel(path, 3, 2)
  lu.assertTrue(math.abs(u:get(1, 1, 7, 1)) < 0.05)
  lu.assertAlmostEquals(u:mean():item(), 0.5, 1e-6)
  local a = attributes(path)
  lu.assertEquals({ a.wall, a.mean_velocity, a.sponge, a.cylinders }, { 0.6, 0.5, nil, nil })
  lu.assertTrue(a.penalty > 0 and a.penalty <= 2 * math.pi / 48)
end

function suite.test_cylinders_stand_apart_where_the_seed_puts_them()
  local o = flex.config.merge(flex.generate.kinds.turbulence.defaults,
    { boundary = "cylinders", cylinders = 6, radius = 0.4, sponge = 1.0, seed = 5 })
  local discs = boundaries.flow(o).cylinders
  lu.assertEquals(#discs, 18)
  local function gap(a, b)
    local d = math.abs(a - b)
    return math.min(d, 2 * math.pi - d)
  end
  for i = 1, 18, 3 do
    lu.assertTrue(discs[i] >= 0.8 and discs[i] <= 2 * math.pi - 1.8)
    for j = 1, i - 3, 3 do
      lu.assertTrue(math.sqrt(gap(discs[i], discs[j]) ^ 2 + gap(discs[i + 1], discs[j + 1]) ^ 2) >= 1.2)
    end
  end
  lu.assertEquals(boundaries.flow(o).cylinders, discs)
  o.seed = 6
  lu.assertNotEquals(boundaries.flow(o).cylinders, discs)
  o.cylinders = 100
  lu.assertErrorMsgContains("of 100 cylinders of radius 0.4 find a place", boundaries.flow, o)
end

function suite.test_a_cylinder_in_a_stream_and_discs_of_ones_own()
  local path = made { boundary = "cylinder", radius = 0.5, rms_velocity = 0 }
  local a = attributes(path)
  lu.assertEquals({ a.mean_velocity, a.sponge, a.initial, a.k0 }, { 1, 1, "rest", nil })
  local share = read(path, { frame = 1 }, "solid"):mean():item()
  lu.assertAlmostEquals(share, math.pi * 0.25 / (4 * math.pi ^ 2), 3e-3)
  local w = read(path, { frame = 3 })   -- from rest the wake is symmetric: w is odd about the cylinder's axis
  lu.assertTrue(largest(w) > 0.5)
  for y = 2, 16 do lu.assertAlmostEquals(w:get(1, 17 + y - 1, 12, 1), -w:get(1, 17 - y + 1, 12, 1), 1e-4) end
  path = made { boundary = "cylinders", discs = { 1, 1, 0.5, 4, 4, 0.6 }, out = suite.folder .. "/d.h5" }
  lu.assertEquals(attributes(path).cylinders, "1,1,0.5;4,4,0.59999999999999998")
  lu.assertEquals(attributes(path).sponge, nil)
end

function suite.test_free_slip_walls_are_a_mirror_also_for_members_and_the_scalar()
  local paths = flex.generate("turbulence", { re = 200, size = 32, frames = 2, k0 = 4.0, quiet = true, members = 1,
    boundary = "free_slip", fields = "w,c", out = suite.folder .. "/s.h5" })
  for _, path in ipairs(paths) do
    for c = 1, 2 do
      local field = channel(path, 1, c)
      for y = 2, 16 do lu.assertAlmostEquals(field:get(1, y, 5, 1), -field:get(1, 34 - y, 5, 1), 1e-5) end
    end
    support.raises("has no dataset 'solid'; it has 'times' (2), 'w'", flex.fields.open, path, { dataset = "solid" })
  end
end

function suite.test_a_scalar_is_random_or_that_of_the_initial_file()
  local first = made { fields = "c,w", schmidt = 2, time = 0 }
  local c = channel(first, 1, 1)
  lu.assertAlmostEquals(c:square():mean():item(), 1, 1e-6)
  for frame = 1, 3 do lu.assertAlmostEquals(channel(first, frame, 1):mean():item(), 0, 1e-7) end
  local a = attributes(first)
  lu.assertEquals({ a.schmidt, a.scalar, a.scalar_k0 }, { 2, "random", 3 })
  local next = made { fields = "c,w", schmidt = 2, time = 0, initial = first, scalar = "initial", initial_frame = 1,
    out = suite.folder .. "/n.h5" }
  lu.assertTrue(largest(channel(next, 3, 1) - channel(first, 3, 1)) < 1e-5)
  lu.assertTrue(largest(channel(next, 3, 2) - channel(first, 3, 2)) < 1e-4)
  local without = made { out = suite.folder .. "/w.h5" }
  lu.assertErrorMsgContains("has no channel 'c'; the nearest is 'w' (known: w)", made,
    { fields = "c", initial = without, scalar = "initial", out = suite.folder .. "/x.h5" })
  lu.assertErrorMsgContains("give --initial FILE", made, { scalar = "initial", out = suite.folder .. "/x.h5" })
end

function suite.test_the_drag_not_given_is_the_solvers()
  for forcing, drag in pairs { none = 0, kolmogorov = 0.1, ring = 0.1 } do
    local path = made { forcing = forcing, frames = 1, out = ("%s/%s.h5"):format(suite.folder, forcing) }
    lu.assertEquals(attributes(path).drag, drag)
  end
end

function suite.test_wrong_boundaries()
  local function refused(words, options) lu.assertErrorMsgContains(words, made, options) end
  refused("nearest is 'channel'", { boundary = "chanel" })
  refused("radius must be a number above 0", { boundary = "cylinder", radius = 0 })
  refused("discs are x, y, radius of each, got 2 numbers", { boundary = "cylinder", discs = { 1, 2 } })
  refused("boundary cylinder or cylinders, not box", { boundary = "box", discs = { 1, 2, 3 } })
  refused("half its thickness", { boundary = "box", wall = 0.01 })
  refused("closed box has no mean velocity", { boundary = "box", wall = 0.5, mean_velocity = 1.0 })
  refused("symmetry of the flow", { boundary = "free_slip", forcing = "ring" })
  refused("needs a mean", { sponge = 1.0 })
  refused("cylinders must be a whole number", { boundary = "cylinders", cylinders = 0 })
  refused("rms_velocity must be a number from 0", { rms_velocity = -1 })
  lu.assertEquals(core.sys.list(suite.folder), {})
end

os.exit(lu.LuaUnit.run())
