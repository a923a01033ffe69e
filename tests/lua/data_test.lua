-- Laws of flexlab.tasks: batches are functions of (seed, step), tiles side by side do not overlap, statistics are
-- training frames' own, and every wrong file has its sentence.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestData", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)
local function path(name) return folder .. "/" .. name end

-- frames of `value(frame, y, x, channel)`
local function write(name, o, value)
  local w = assert(core.io.field_writer(path(name), { dataset = "w", frames = o.frames, height = o.height,
    width = o.width, channels = o.channels or 1 }))
  for f = 1, o.frames do
    local list = {}
    for y = 1, o.height do
      for x = 1, o.width do
        for c = 1, o.channels or 1 do list[#list + 1] = value(f, y, x, c) end
      end
    end
    assert(w:append(core.tensor(list):reshape { 1, o.height, o.width, o.channels or 1 }))
  end
  for k, v in pairs(o.numbers or {}) do assert(w:number(k, v)) end
  for k, v in pairs(o.arrays or {}) do assert(w:array(k, v)) end
  assert(w:finish())
  return path(name)
end

local function ramp(f, y, x) return f * 100 + y + x / 10 end

local train = write("train.h5", { frames = 5, height = 32, width = 48, numbers = { Re = 2000 } }, ramp)
local test = write("test.h5", { frames = 2, height = 32, width = 32, numbers = { Re = 4000 } }, ramp)

local function superres(more)
  local cfg = { file = train, test = test, factor = 4, crop = 16, batch = 3, seed = 7 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.superres(cfg)
end

local function largest(a, b) return (a - b):abs():summary().max end

function suite.test_a_batch_is_a_function_of_seed_and_step()
  local a, b = superres().train:batch(4), superres().train:batch(4)
  lu.assertEquals(a.target.shape, { 3, 16, 16, 1 })
  lu.assertEquals(largest(a.target, b.target), 0)
  lu.assertTrue(largest(a.target, superres().train:batch(5).target) > 0)
  lu.assertTrue(largest(a.target, superres({ seed = 8 }).train:batch(4).target) > 0)
  local more = superres({ batch = 5 }).train:batch(4).target:narrow { axis = 1, start = 1, length = 3 }
  lu.assertEquals(largest(a.target, more), 0)
end

function suite.test_memory_and_disk_give_the_same_batches()
  local a, b = superres().train:batch(9), superres({ memory = 0 }).train:batch(9)
  lu.assertEquals(largest(a.target, b.target), 0)
end

function suite.test_a_batch_holds_what_the_degradation_makes()
  local data = superres()
  local b = data.train:batch(1)
  lu.assertEquals(b.low.shape, { 3, 4, 4, 1 })
  lu.assertAlmostEquals(b.re:get(2, 1), 2000 / 40000, 1e-7)
  lu.assertTrue(largest(flex.data.physical(b.target, b.scale), b.truth) < 1e-3)
  local e = b.index[1]
  lu.assertAlmostEquals(b.truth:get(1, 1, 1, 1), ramp(e.frame, e.y, e.x), 1e-3)
  lu.assertTrue(largest(flex.data.physical(b.estimate, b.scale), flex.baselines.bicubic(b)) < 1e-2)
end

function suite.test_statistics_are_those_of_the_training_frames()
  local data = superres()
  local sum, squares, n = 0, 0, 0
  for f = 1, 5 do
    for y = 1, 32 do
      for x = 1, 48 do
        sum, squares, n = sum + ramp(f, y, x), squares + ramp(f, y, x) ^ 2, n + 1
      end
    end
  end
  lu.assertAlmostEquals(data.scale.mean[1], sum / n, 1e-3)
  lu.assertAlmostEquals(data.scale.std[1], math.sqrt(squares / n - (sum / n) ^ 2), 1e-2)
  lu.assertEquals(superres({ mean = 0, std = 5 }).scale, { mean = { 0 }, std = { 5 } })
end

function suite.test_tiles_do_not_overlap_and_are_limited_evenly()
  local seen, n = {}, 0
  for b in superres().test:batches() do
    for _, e in ipairs(b.index) do
      local at = e.frame .. ":" .. e.y .. ":" .. e.x
      lu.assertNil(seen[at])
      seen[at] = true
      n = n + 1
    end
  end
  lu.assertEquals(n, 2 * 2 * 2)
  local ids = {}
  for b in superres({ test_tiles = 4 }).test:batches() do
    for _, id in ipairs(b.ids) do ids[#ids + 1] = id end
  end
  lu.assertEquals(ids, { 2, 4, 6, 8 })
end

function suite.test_without_a_test_file_time_is_split()
  local data = superres({ test = false, split = 0.6 })
  local frames = {}
  for step = 1, 20 do
    for _, e in ipairs(data.train:batch(step).index) do frames[e.frame] = true end
  end
  lu.assertEquals(#frames, 3)
  for b in data.test:batches() do
    for _, e in ipairs(b.index) do lu.assertTrue(e.frame >= 4) end
  end
end

function suite.test_forecasts_know_the_past_and_stay_within_a_run()
  local joint = write("joint.h5", { frames = 6, height = 16, width = 16,
    arrays = { Re = { 1, 1, 1, 9, 9, 9 } } }, ramp)
  local data = flex.data.forecast { file = joint, test = joint, crop = 16, batch = 4, past = 2 }
  lu.assertEquals(data.cond_channels, 2)
  for step = 1, 5 do
    local b = data.train:batch(step)
    for i, e in ipairs(b.index) do
      lu.assertTrue(e.frame == 2 or e.frame == 5)
      local function at(t, c) return flex.data.physical(t, b.scale):get(i, 1, 1, c) end
      lu.assertAlmostEquals(b.truth:get(i, 1, 1, 1), ramp(e.frame + 1, 1, 1), 1e-3)
      lu.assertAlmostEquals(at(b.estimate, 1), ramp(e.frame, 1, 1), 1e-2)
      lu.assertAlmostEquals(at(b.lowres, 1), ramp(e.frame - 1, 1, 1), 1e-2)
    end
  end
end

function suite.test_patterns_and_channels()
  write("many_re100.h5", { frames = 1, height = 16, width = 16, channels = 2 }, ramp)
  write("many_re300.h5", { frames = 2, height = 16, width = 16, channels = 2 }, ramp)
  local data = superres { file = path "many_re*.h5", test = false, split = 0.5 }
  lu.assertEquals(data.channels, 2)
  lu.assertEquals(#data.scale.mean, 2)
  local seen = {}
  for step = 1, 10 do seen[math.floor(data.train:batch(step).re:get(1, 1) * 40000 + 0.5)] = true end
  lu.assertEquals(seen, { [100] = true, [300] = true })
end

function suite.test_wrong_data_have_their_sentence()
  local cases = {
    { { file = path "trein.h5" }, "nearest in that folder: train.h5" },
    { { file = path "none_*.h5" }, "no file matches" },
    { { crop = 18 }, "crop 18x18 is not divisible by factor 4" },
    { { crop = 64 }, "crop 64x64 does not fit the 32x48 frames" },
    { { degradation = "cubic" }, "nearest is 'bicubic'" },
    { { factr = 4 }, "nearest is 'factor'" },
    { { test = write("two.h5", { frames = 1, height = 32, width = 32, channels = 2 }, ramp) },
      "training files have 1 channels, test files 2" },
    { { file = { train, path "two.h5" } }, "files of one set must agree" },
    { { file = write("nan.h5", { frames = 2, height = 16, width = 16 }, function(f, y)
      return f == 2 and y == 3 and 0 / 0 or 1
    end) }, "nan.h5" },
    { { test = false, split = 1 }, "the test part of" },
  }
  for _, case in ipairs(cases) do
    local ok, message = pcall(superres, case[1])
    lu.assertFalse(ok, case[2])
    lu.assertStrContains(tostring(message), case[2])
  end
end

function suite.test_a_writer_s_compression_is_a_whole_number_up_to_9()
  for value, said in pairs { [4294967297] = "must be 0 (off) to 9, got 4294967297",
    [-1] = "must be 0 (off) to 9, got -1",
    [10] = "must be 0 (off) to 9, got 10", [2.5] = "must be an integer, got 2.5", ["3"] = "must be an integer" } do
    local ok, message = pcall(core.io.field_writer, folder .. "/deflate.h5", { frames = 1, height = 8, width = 8,
      deflate = value })
    lu.assertFalse(ok)
    lu.assertStrContains(message, "field_writer: 'deflate' " .. said)
    lu.assertNil(core.sys.exists(folder .. "/deflate.h5"))
  end
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
