-- Laws of the tasks: degradations at every factor, coarse data that are given, several leads, fine-tuning,
-- other observables.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestTasks", suite)

local folder, path = support.folder()
local largest = support.largest

-- frames of value(frame, y, x)
local function write(name, frames, size, value)
  local w = assert(core.io.field_writer(path(name), { frames = frames, height = size, width = size }))
  for f = 1, frames do
    local list = {}
    for y = 1, size do
      for x = 1, size do list[#list + 1] = value(f, y, x) end
    end
    assert(w:append(core.tensor(list):reshape { 1, size, size, 1 }))
  end
  assert(w:number("Re", 400))
  assert(w:finish())
  return path(name)
end

local flow = support.flow(path "flow.h5")

local function nano(data, more) return flex.models.flex(support.smallest(more), data) end

function suite.test_every_degradation_at_every_factor()
  for _, name in ipairs(flex.degradations()) do
    for _, factor in ipairs { 2, 4, 8, 16 } do
      local set = flex.data.superres { file = flow, factor = factor, degradation = name, crop = 32, batch = 2,
        test_tiles = 1, seed = 1 }
      local b = set.train:batch(1)
      lu.assertEquals(b.low.shape, { 2, 32 // factor, 32 // factor, 1 })
      lu.assertEquals(b.estimate.shape, b.target.shape)
      lu.assertEquals(b.lowres:summary().nonfinite, 0, name)
    end
  end
end

-- SuperBench's files hold fields (T,C,8,12) and LR_fields (T,C,2,3).
function suite.test_coarse_fields_may_lie_in_the_same_file()
  local file = "tests/fixtures/data/superbench.h5"
  for _, memory in ipairs { 0, 1 << 20 } do
    local set = flex.data.superres { file = file, test = file, low = "LR_fields", factor = 4, crop = 8, batch = 6,
      test_tiles = 2, seed = 1, memory = memory }
    local low = require("flexlab.data.fields").open(file, { dataset = "LR_fields" })
    local b = set.train:batch(1)
    for i, draw in ipairs(b.index) do
      local x = (draw.x - 1) // 4 + 1
      lu.assertEquals(largest(b.low[i], low:read({ frame = draw.frame, x = x, width = 2 })[1]), 0)
    end
    lu.assertEquals(set.test:batches()().low.shape, { 2, 2, 2, 3 })
  end
  support.raises("there is no file 'LRfields'", flex.data.superres, { file = file, test = file, low = "LRfields",
    test_low = "LRfields", factor = 4, crop = 8 })
  support.raises("low must hold what 'tests/fixtures/data/superbench.h5' does, 2 times coarser", flex.data.superres,
    { file = file, test = file, low = "LR_fields", factor = 2, crop = 8 })
end

-- The cut-off keeps what the coarse grid carries exactly, and nothing above.
function suite.test_spectral_cut_off_is_a_projection()
  local d = flex.degradations.spectral
  local function wave(k)
    local list = {}
    for y = 0, 15 do
      for x = 0, 23 do list[#list + 1] = math.cos(2 * math.pi * (k * y / 16 + x / 24)) end
    end
    return core.tensor(list):reshape { 1, 16, 24, 1 }
  end
  local slow, fast = wave(1), wave(6)
  lu.assertTrue(largest(d.up(d.low(slow, 4), 16, 24), slow) < 1e-5)
  lu.assertTrue(d.low(fast, 4):abs():summary().max < 1e-5)
  local noise = core.normal({ 1, 16, 24, 2 }, { seed = 1, stream = "user" })
  local once = d.up(d.low(noise, 4), 16, 24)
  lu.assertTrue(largest(d.up(d.low(once, 4), 16, 24), once) < 1e-5)
  lu.assertAlmostEquals(d.low(slow, 4):get(1, 2, 3, 1), slow:get(1, 5, 9, 1), 1e-5)
  lu.assertErrorMsgContains("divisible", d.low, noise, 5)
end

function suite.test_noise_of_a_sensor_has_its_level_and_its_address()
  local function set(seed, noise)
    return flex.data.superres { file = flow, factor = 2, degradation = "noisy", noise = noise, crop = 32,
      batch = 2, seed = seed, test_tiles = 2 }
  end
  local clean, noisy = set(1, 0.0).train:batch(3), set(1, 0.1).train:batch(3)
  local difference = noisy.low - clean.low
  for i = 1, 2 do
    local sd = (clean.low[i] - clean.low[i]:mean():item()):square():mean():sqrt():item()
    lu.assertAlmostEquals(difference[i]:square():mean():sqrt():item() / sd, 0.1, 0.015)
  end
  lu.assertEquals(largest(set(1, 0.1).train:batch(3).low, noisy.low), 0)
  lu.assertTrue(largest(set(1, 0.1).train:batch(4).low, noisy.low) > 0)
  local first, again = set(1, 0.1).test:batches()(), set(1, 0.1).test:batches()()
  lu.assertEquals(largest(first.low, again.low), 0)
end

function suite.test_coarse_files_are_read_in_register()
  local fine = write("fine.h5", 3, 32, function(f, y, x) return 1000 * f + 32 * y + x end)
  local coarse = write("coarse.h5", 3, 8, function(f, y, x) return -(1000 * f + 32 * (4 * y - 3) + 4 * x - 3) end)
  local set = flex.data.superres { file = fine, low = coarse, factor = 4, crop = 16, batch = 4, split = 0.67,
    degradation = "registered", seed = 2 }
  local function check(b)
    lu.assertEquals(b.low.shape[2], 4)
    for i = 1, b.n do
      lu.assertEquals(b.low:get(i, 1, 1, 1), -b.truth:get(i, 1, 1, 1))
      lu.assertEquals(b.low:get(i, 3, 2, 1), -b.truth:get(i, 9, 5, 1))
    end
  end
  for step = 1, 5 do check(set.train:batch(step)) end
  for b in set.test:batches() do check(b) end
  lu.assertErrorMsgContains("4 times coarser: 3 frames of 8x8x1", flex.data.superres,
    { file = fine, low = flow, factor = 4, crop = 16 })
  lu.assertErrorMsgContains("test_low must be given", flex.data.superres,
    { file = fine, test = fine, low = coarse, factor = 4, crop = 16 })
end

function suite.test_several_leads_are_drawn_and_told()
  local film = write("film.h5", 8, 16, function(f) return f end)
  local set = flex.data.forecast { file = film, test = film, past = 2, lead = { 1, 2, 3 }, crop = 16, batch = 6,
    seed = 1, mean = 0, std = 1 }
  lu.assertEquals(set.cond_channels, 3)
  local seen = {}
  for step = 1, 4 do
    local b = set.train:batch(step)
    for i = 1, 6 do
      local lead = b.lead[i]
      seen[lead] = true
      lu.assertEquals(b.truth:get(i, 1, 1, 1) - b.estimate:get(i, 1, 1, 1), lead)
      lu.assertAlmostEquals(b.lowres:get(i, 4, 4, 3), lead / 3, 1e-6)
    end
  end
  lu.assertEquals(seen, { true, true, true })
  for b in set.test:at(2):batches() do
    lu.assertEquals(b.truth:get(1, 1, 1, 1) - b.estimate:get(1, 1, 1, 1), 2)
  end
  lu.assertErrorMsgContains("none of those", set.test.at, set.test, 4)
  lu.assertErrorMsgContains("whole numbers from 1", flex.data.forecast, { file = film, lead = { 1, 0 } })
end

function suite.test_velocity_is_divergence_free_and_its_curl_is_the_vorticity()
  local set = flex.data.superres { file = flow, factor = 2, crop = 32, batch = 1, observable = "velocity", seed = 1 }
  lu.assertEquals(set.channels, 2)
  local truth = set.train:batch(1)
  local one = { file = flow, factor = 2, crop = 32, batch = 1, observable = "velocity_x", seed = 1 }
  lu.assertEquals(flex.data.superres(one).train:batch(1).truth:totable(),
    truth.truth:narrow({ axis = 4, start = 1, length = 1 }):totable())
  local e = truth.index[1]
  local w = flex.data.superres({ file = flow, factor = 2, crop = 32, batch = 1, seed = 1 }).train:batch(1)
  lu.assertEquals(w.index[1].frame, e.frame)
  -- an independent check: spectral derivatives as matrices, d/dx of a periodic field of 32 points
  local n, rows = 32, {}
  for i = 0, n - 1 do
    rows[i + 1] = {}
    for j = 0, n - 1 do
      local s = 0
      for k = 1, n // 2 - 1 do s = s + 2 * k * math.sin(2 * math.pi * k * (i - j) / n) end
      rows[i + 1][j + 1] = i == j and 0 or -s / n
    end
  end
  local D = core.tensor(rows)
  local uv = truth.truth:reshape { n, n, 2 }:permute { 3, 1, 2 }
  local u, v = uv[1], uv[2]
  local function dx(f) return f:matmul(D:permute { 2, 1 }) end
  local function dy(f) return D:matmul(f) end
  local curl, divergence = dx(v) - dy(u), dx(u) + dy(v)
  local scale = w.truth:abs():summary().max
  lu.assertTrue(divergence:abs():summary().max < 1e-4 * scale)
  lu.assertTrue(largest(curl, w.truth:reshape { n, n }) < 1e-3 * scale)
  lu.assertErrorMsgContains("needs the frames in memory", flex.data.superres,
    { file = flow, factor = 2, crop = 32, observable = "velocity", memory = 0 })
end

local trained = flex.recipe("base", { from = flex.optional "string", observable = false, steps = 2 },
  function(cfg, run)
    local data = flex.data.superres { file = flow, factor = 2, crop = 16, batch = 1, test_tiles = 1,
      observable = cfg.observable }
    local model = nano(data, { seed = false })
    local before
    for _, p in ipairs(model:parameters()) do
      if p.name:find("input_blocks.1.0.in_layers.2.w", 1, true) then before = p end
    end
    local optim = flex.optim.adam(model, { lr = 1e-3, from = cfg.from })
    local start = before.tensor:detach():abs():sum():item()
    for _, batch in run:steps(data.train, cfg.steps) do optim:step(flex.diffusion.loss(model, batch)) end
    return { start = start, final = before.tensor:detach():abs():sum():item() }
  end)

function suite.test_fine_tuning_starts_from_the_averages_and_takes_other_channels()
  local first = trained({}, { root = folder, quiet = true, seed = 3 })
  local other = trained({ from = first.dir, observable = "velocity" }, { root = folder, quiet = true, seed = 4 })
  local model = flex.load_model(first.dir)
  local sum
  for _, p in ipairs(model:parameters()) do
    if p.name:find("input_blocks.1.0.in_layers.2.w", 1, true) then sum = p.tensor:abs():sum():item() end
  end
  lu.assertEquals(other.start, sum)
  lu.assertErrorMsgContains("train.from", trained, { from = folder .. "/none.h5" }, { root = folder, quiet = true })
  local copied, left = flex.checkpoint.transfer(first.dir, nano(nil, { height = 16, width = 16, in_channels = 2,
    cond_channels = 2 }))
  lu.assertTrue(copied > 50)
  table.sort(left)
  lu.assertEquals(left, { "decoder.final_layer.2.bias", "decoder.final_layer.2.weight",
    "encoder.input_blocks.0.0.weight", "superres_encoder.input_blocks.0.0.weight" })
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
