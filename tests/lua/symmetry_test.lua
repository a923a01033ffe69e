-- Laws of data.augment: moved fields solve the same equations, velocity and vorticity move together, conditions
-- move with what they belong to, and what is no symmetry of the data is refused.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local symmetry = require "flexlab.data.symmetry"
local core = flex.core

local suite = {}
rawset(_G, "TestSymmetry", suite)

local folder, path = support.folder()
local largest = support.largest

local elements = {}
for turns = 0, 3 do
  for _, mirror in ipairs { false, true } do elements[#elements + 1] = { turns = turns, mirror = mirror } end
end

local function flow_of(w)
  local flow = core.flow { height = 32, width = 32, re = 200, initial = "rest", k0 = 4 }
  flow:set_vorticity(w, 0)
  return flow
end

local function initial()
  local flow <close> = core.flow { height = 32, width = 32, re = 200, seed = 5, k0 = 4 }
  flow:advance(0.2)
  return flow:vorticity()
end

local function moved(frame, kinds, element) return symmetry.apply(frame[1], kinds, element):reshape(frame.shape) end

-- The velocity that the solver finds for the moved vorticity is the moved velocity, for each of the 8.
function suite.test_velocity_and_vorticity_move_together()
  local w = initial()
  local before <close> = flow_of(w)
  local velocity = before:velocity()
  for _, element in ipairs(elements) do
    local after <close> = flow_of(moved(w, { "vorticity" }, element))
    lu.assertTrue(largest(after:velocity(), moved(velocity, { "x", "y" }, element)) < 1e-10)
  end
end

-- To move and to wait commute; with the vorticity's sign left as it was, reflections do not.
function suite.test_moved_flows_solve_the_same_equation()
  local w = initial()
  local straight <close> = flow_of(w)
  straight:advance(0.3)
  for _, element in ipairs(elements) do
    for _, kind in ipairs { "vorticity", "scalar" } do
      local flow <close> = flow_of(moved(w, { kind }, element))
      flow:advance(0.3)
      local error = largest(flow:vorticity(), moved(straight:vorticity(), { kind }, element))
      local right = kind == "vorticity" or not element.mirror
      lu.assertEquals(error < 1e-8, right, ("%d %s %s %g"):format(element.turns, element.mirror, kind, error))
      if not right then lu.assertTrue(error > 0.1) end
    end
  end
end

-- Four turns, or two reflections, are none; a turn goes from x to y.
function suite.test_elements_form_the_group_of_the_square()
  local kinds = { "x", "vorticity", "y", "scalar" }
  local t = core.normal({ 6, 6, 4 }, support.KEY)
  local turned = t
  for _ = 1, 4 do turned = symmetry.apply(turned, kinds, { turns = 1 }) end
  lu.assertEquals(largest(turned, t), 0)
  local twice = symmetry.apply(symmetry.apply(t, kinds, { turns = 1 }), kinds, { turns = 1 })
  lu.assertEquals(largest(twice, symmetry.apply(t, kinds, { turns = 2 })), 0)
  lu.assertEquals(largest(symmetry.apply(twice, kinds, { turns = 1 }), symmetry.apply(t, kinds, { turns = 3 })), 0)
  local mirror = { turns = 0, mirror = true }
  lu.assertEquals(largest(symmetry.apply(symmetry.apply(t, kinds, mirror), kinds, mirror), t), 0)
  for _, element in ipairs(elements) do
    local by_hand = symmetry.apply(element.mirror and symmetry.apply(t, kinds, mirror) or t, kinds,
      { turns = element.turns })
    lu.assertEquals(largest(symmetry.apply(t, kinds, element), by_hand), 0)
  end
  local u = symmetry.apply(core.full({ 2, 2, 2 }, 1), { "x", "y" }, { turns = 1 })
  lu.assertEquals(u:totable(), { -1, 1, -1, 1, -1, 1, -1, 1 })   -- (1, 1) becomes (-1, 1)
end

local function write(name, frames, size, about, value)
  local w = assert(core.io.field_writer(path(name), { frames = frames, height = size, width = size }))
  for f = 1, frames do assert(w:append(value(f))) end
  for k, v in pairs(about) do assert(w:text(k, v)) end
  assert(w:number("Re", 300))
  assert(w:finish())
  return path(name)
end

local function noise(f) return core.normal({ 1, 24, 24, 1 }, { seed = 2, stream = "user", sample = f }) end
local periodic = write("periodic.h5", 4, 24, { boundary = "periodic" }, noise)

-- Each training patch is a patch of the torus, moved by its element: found by looking.
function suite.test_patches_are_moved_pieces_of_the_torus()
  local set = flex.data.superres { file = periodic, test = periodic, crop = 8, batch = 16, factor = 2, seed = 1,
    augment = true }
  local seen, crossing = {}, 0
  for step = 1, 4 do
    local batch = set.train:batch(step)
    for i, draw in ipairs(batch.index) do
      local frame = noise(draw.frame)[1]
      local round = frame:concat(frame, { axis = 1 })
      round = round:concat(round, { axis = 2 }):narrow({ axis = 1, start = draw.y, length = 8 })
        :narrow { axis = 2, start = draw.x, length = 8 }
      lu.assertTrue(largest(symmetry.apply(round, { "vorticity" }, draw.element), batch.truth[i]) < 1e-6)
      seen[draw.element.turns .. tostring(draw.element.mirror)] = true
      crossing = crossing + (math.max(draw.y, draw.x) > 17 and 1 or 0)
    end
  end
  for _, element in ipairs(elements) do lu.assertTrue(seen[element.turns .. tostring(element.mirror)]) end
  lu.assertTrue(crossing > 10)
end

-- frame f is f times one field: a condition that moved otherwise than its truth would not be proportional.
function suite.test_the_past_moves_with_the_future()
  local film = write("film.h5", 6, 24, { boundary = "periodic" }, function(f) return noise(1) * f end)
  local set = flex.data.forecast { file = film, test = film, crop = 8, batch = 8, past = 2, lead = 2, augment = true,
    mean = 0, std = 1 }
  for step = 1, 3 do
    local b = set.train:batch(step)
    for i, draw in ipairs(b.index) do
      local f = draw.frame
      lu.assertTrue(largest(b.truth[i] * (1 / (f + 2)), b.past[2][i] * (1 / f)) < 1e-5)
      lu.assertTrue(largest(b.truth[i] * (1 / (f + 2)), b.past[1][i] * (1 / (f - 1))) < 1e-5)
    end
  end
end

-- Coarse files stay registered with the fine ones, samples on points and means of blocks alike.
function suite.test_coarse_files_move_with_the_fine_ones()
  for _, name in ipairs { "registered", "block_mean" } do
    local low = flex.degradations[name].low
    local given = write(name .. ".h5", 4, 6, { boundary = "periodic" }, function(f) return low(noise(f), 4) end)
    local set = flex.data.superres { file = periodic, low = given, test = periodic, test_low = given, factor = 4,
      degradation = name, crop = 8, batch = 16, augment = true, seed = 1 }
    for step = 1, 3 do
      local b = set.train:batch(step)
      lu.assertTrue(largest(b.low, low(b.truth, 4)) < 1e-6, name)
    end
  end
end

function suite.test_patches_that_are_not_square_turn_by_halves()
  local set = flex.data.superres { file = periodic, test = periodic, crop = { 8, 16 }, batch = 32, factor = 2,
    augment = { "rotation" } }
  local turns = { [0] = 0, [2] = 0 }
  for _, draw in ipairs(set.train:batch(1).index) do turns[draw.element.turns] = turns[draw.element.turns] + 1 end
  lu.assertEquals(turns[0] + turns[2], 32)
  lu.assertTrue(turns[0] > 4 and turns[2] > 4)
end

function suite.test_without_augment_nothing_changes()
  local function set(more)
    local cfg = { file = periodic, test = periodic, crop = 8, batch = 4, factor = 2 }
    for k, v in pairs(more) do cfg[k] = v end
    return flex.data.superres(cfg).train:batch(2)
  end
  lu.assertEquals(largest(set({}).truth, set({ augment = {} }).truth), 0)
  lu.assertEquals(set({}).index[1].y, set({ augment = { "rotation" } }).index[1].y)   -- the same corners
end

function suite.test_what_is_no_symmetry_is_refused()
  local function with(file, more)
    local cfg = { file = file, test = file, crop = 8, batch = 2, factor = 2 }
    for k, v in pairs(more) do cfg[k] = v end
    return flex.data.superres, cfg
  end
  local silent = write("silent.h5", 2, 24, {}, noise)
  local forced = write("forced.h5", 2, 24, { boundary = "periodic", forcing = "kolmogorov" }, noise)
  local wall = write("wall.h5", 2, 24, { boundary = "wall" }, noise)
  support.raises("it does not say that its boundaries are periodic", with(silent, { augment = { "shift" } }))
  support.raises("its boundaries are wall", with(wall, { augment = true }))
  support.raises("its forcing has a direction", with(forced, { augment = { "reflection" } }))
  support.raises("its forcing depends on the place", with(forced, { augment = { "shift" } }))
  support.raises("nearest is 'rotation'", with(periodic, { augment = { "rotations" } }))
  support.raises("kinds must be one word per channel (1)", with(periodic, { augment = true, kinds = { "x", "y" } }))
  support.raises("kinds must be a list, each of it 'scalar',", with(periodic, { augment = true, kinds = { "vortex" } }))
  support.raises("without its 'y'", with(periodic, { augment = true, kinds = { "x" } }))
  lu.assertTrue(pcall(with(wall, { augment = { "rotation", "reflection" } })))
  local two = assert(core.io.field_writer(path "fields.h5", { dataset = "fields", frames = 1, height = 24, width = 24,
    channels = 2 }))
  assert(two:append(core.normal({ 1, 24, 24, 2 }, { seed = 1, stream = "data" })) and two:finish())
  support.raises("to turn or reflect channel 'fields.1' one must know", with(path "fields.h5", { split = 1,
    augment = { "rotation" } }))
  lu.assertTrue(pcall(with(path "fields.h5", { augment = { "rotation" }, kinds = { "x", "y" } })))
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
