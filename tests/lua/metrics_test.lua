-- Metrics against independent implementations (numpy, scipy, scikit-image, properscoring), recorded by
-- tests/oracle/metrics.py, and laws that need no oracle.
local lu = require "luaunit"
local core = require "flexlab.core"

local suite = {}
rawset(_G, "TestMetrics", suite)

local metrics = core.metrics
local recorded = assert(core.io.load "tests/fixtures/metrics.safetensors").tensors
local checked = {}

-- To 1e-6 of each number; of numbers that nearly cancel, to 1e-9 of the largest.
local function agree(name, tensor)
  local want, got = recorded["out/" .. name]:totable(), type(tensor) == "table" and tensor or tensor:totable()
  lu.assertEquals(#got, #want, name)
  local largest = 0
  for _, v in ipairs(want) do largest = math.max(largest, math.abs(v)) end
  for i, v in ipairs(want) do
    local allowed = 1e-6 * math.abs(v) + 1e-9 * largest
    lu.assertTrue(math.abs(got[i] - v) <= allowed, ("%s %d: %.12g, wanted %.12g"):format(name, i, got[i], v))
  end
  checked[name] = true
end

local function input(name) return recorded["in/" .. name] end

local function sample(t, i) return t:narrow { axis = 1, start = i, length = 1 } end

function suite.test_1_pairs()
  local p, y = input "prediction", input "truth"
  for _, m in ipairs(metrics.list) do
    if m.takes == "pair" then agree(m.name, metrics[m.name](p, y)) end
  end
  agree("spectrum", metrics.spectrum(y))
  agree("spectrum_window", metrics.spectrum(y, { window = true }))
  agree("coherence", metrics.coherence(p, y))
  agree("moments", metrics.moments(y))
  agree("histogram", metrics.histogram(y, { low = -2, high = 2, bins = 32 }))
  agree("exceedances", metrics.exceedances(y, { 0.5, 1, 2, 3 }))
end

-- 300 +- 0.1 and 270 +- 0.1: no number's digits are lost in the mean's, wherever it stands in the list.
function suite.test_1_fields_with_a_large_mean()
  local p, y = input "warm_prediction", input "warm_truth"
  local function close(name, tensor, columns)
    local want, got = recorded["out/warm_" .. name]:totable(), tensor:totable()
    lu.assertEquals(#got, #want, name)
    for i, v in ipairs(want) do
      if not columns or i % columns ~= 1 then
        lu.assertTrue(math.abs(got[i] - v) <= 1e-6 * math.abs(v), ("%s %d: %.12g, wanted %.12g"):format(name, i,
          got[i], v))
      end
    end
    checked["warm_" .. name] = true
  end
  for _, m in ipairs(metrics.list) do
    if m.takes == "pair" then close(m.name, metrics[m.name](p, y)) end
  end
  close("moments", metrics.moments(y))
  local rings = metrics.spectrum(y).shape[2]
  agree("warm_coherence", metrics.coherence(p, y))
  close("spectrum", metrics.spectrum(y))
  close("spectrum_window", metrics.spectrum(y, { window = true }), rings)
  agree("warm_spectrum_window", metrics.spectrum(y, { window = true }))   -- its ring 0 too, which is the mean's
end

-- The ring that holds a wave of unit amplitude with `ky` periods over h rows and `kx` over w columns.
local function ring_of(h, w, ky, kx)
  local list = {}
  for i = 0, h - 1 do
    for j = 0, w - 1 do list[#list + 1] = math.cos(2 * math.pi * (ky * i / h + kx * j / w)) end
  end
  local rows = metrics.spectrum(core.tensor(list):reshape { 1, h, w, 1 }):totable()
  for b, power in ipairs(rows) do
    if power > 0.4 then return b - 1, #rows end
  end
end

-- A ring is a wavelength in pixels, along either side, of fields of any shape: 16 / length for a shorter side of 16.
function suite.test_1_equal_wavelengths_fall_into_one_ring()
  for length, ring in pairs { [8] = 2, [4] = 4, [2] = 8 } do
    for _, side in ipairs { 16, 32, 64 } do
      lu.assertEquals({ ring_of(16, side, 0, side // length) }, { ring, 12 })
      lu.assertEquals({ ring_of(side, 16, side // length, 0) }, { ring, 12 })
    end
  end
  lu.assertEquals(ring_of(16, 16, 5, 5), 7)     -- 5 sqrt(2) = 7.07
  lu.assertEquals(ring_of(16, 32, 5, 10), 7)    -- the same wave
  lu.assertEquals(ring_of(8, 64, 0, 1), 1)      -- longer than twice the shorter side: not the mean's ring
end

-- Power that is lost at one wavelength is lost in one band, whichever side it runs along.
function suite.test_1_bands_count_waves_along_the_long_side()
  local function errors(h, w, along_rows, length)
    local y, p = {}, {}
    for i = 0, h - 1 do
      for j = 0, w - 1 do
        local x, k = along_rows and i or j, #y + 1
        y[k] = math.cos(2 * math.pi * x / 16) + math.cos(2 * math.pi * x / 5) + math.cos(2 * math.pi * x / 2.5)
        p[k] = y[k] - math.cos(2 * math.pi * x / length)
      end
    end
    local list = {}
    y, p = core.tensor(y):reshape { 1, h, w, 1 }, core.tensor(p):reshape { 1, h, w, 1 }
    for b, band in ipairs { "low", "middle", "high" } do
      list[b] = metrics["spectral_" .. band](p, y):item() > 0.9 and "lost" or "kept"
    end
    return list
  end
  for length, expected in pairs { [16] = { "lost", "kept", "kept" }, [5] = { "kept", "lost", "kept" },
    [2.5] = { "kept", "kept", "lost" } } do
    lu.assertEquals(errors(32, 80, false, length), expected, "columns, " .. length)
    lu.assertEquals(errors(80, 32, true, length), expected, "rows, " .. length)
  end
end

-- A mean that is added changes ring 0 alone, whatever the window; in f32 numbers that hold it exactly.
function suite.test_1_a_mean_stays_in_ring_0()
  local list = core.normal({ 24 * 30 }, { seed = 3 }):totable()
  for i, v in ipairs(list) do list[i] = math.floor(v * 64) / 64 end
  local field = core.tensor(list):reshape { 1, 24, 30, 1 }
  local raised = field + 1024
  for _, window in ipairs { false, true } do
    local before, after = metrics.spectrum(field, { window = window }), metrics.spectrum(raised, { window = window })
    for b = 2, before.shape[2] do
      local want = before:get(1, b)
      lu.assertAlmostEquals(after:get(1, b), want, 1e-9 * want + 1e-18)
    end
    lu.assertAlmostEquals(after:get(1, 1) - before:get(1, 1), 1024 ^ 2 + 2 * 1024 * metrics.moments(field):get(1, 1),
      1e-6)
  end
end

-- A biased ensemble whose members are nearly one: pulls of 2^20 + k/8, k = 0 .. 63, exactly.
function suite.test_1_pulls_far_from_0()
  local list = {}
  for m = -1, 1 do
    for k = 0, 63 do list[#list + 1] = 1024 + k / 8192 + m / 1024 end
  end
  local sums = metrics.calibration(3)
  sums:add(core.tensor(list):reshape { 3, 8, 8, 1 }, core.zeros { 1, 8, 8, 1 })
  local scores = sums:scores()
  lu.assertAlmostEquals(scores.pull_sd, math.sqrt((64 ^ 2 - 1) / 12) / 8, 1e-9)
  lu.assertAlmostEquals(scores.pull_mean, 2 ^ 20 + 31.5 / 8, 1e-6)
end

function suite.test_1_flows()
  for name, field in pairs { w = input "vorticity", u = input "velocity" } do
    for _, quantity in ipairs { "energy", "enstrophy" } do
      agree(quantity .. "_" .. name, metrics.spectrum(field, { quantity = quantity, spacing = 0.25 }))
    end
    for order = 2, 3 do
      for suffix, periodic in pairs { [""] = true, _inside = false } do
        agree(("structure_%s%d%s"):format(name, order, suffix),
          metrics.structure_function(field, { order = order, separations = 14, periodic = periodic }))
      end
    end
  end
  agree("divergence", metrics.divergence(input "velocity"))
  agree("divergence_inside", metrics.divergence(input "velocity", { periodic = false }))
end

function suite.test_1_ensembles()
  local members, truth = input "members", input "outcome"      -- (S,M,H,W,C), (S,H,W,C)
  local sums = metrics.calibration(members.shape[2])
  for s = 1, members.shape[1] do sums:add(members[s], sample(truth, s)) end
  local scores = sums:scores()
  for _, m in ipairs(metrics.list) do
    if m.takes == "ensemble" then agree(m.name, { scores[m.name] }) end
  end
  agree("ideal_pull_sd", { scores.ideal_pull_sd })
  agree("ranks", sums:ranks())
  agree("pulls", sums:pulls())
  lu.assertEquals({ scores.members, scores.samples }, { 9, 3 })
  local calibration = require "flexlab.evaluation.calibration"
  local s = calibration.sums()
  s.core = sums
  local observed = s:result().coverage.observed                -- from the empty interval outwards
  local outermost_first = {}
  for i = #observed, 2, -1 do outermost_first[#outermost_first + 1] = observed[i] end
  agree("coverage", outermost_first)
end

-- Runs after the others (LuaUnit sorts by name): nothing recorded is forgotten, nothing listed lacks a record.
function suite.test_2_every_metric_has_an_oracle()
  for name in pairs(recorded) do
    local metric = name:match "^out/(.*)$"
    lu.assertTrue(not metric or checked[metric], name)
  end
  for _, m in ipairs(metrics.list) do lu.assertTrue(checked[m.name], m.name) end
end

--- laws ---------------------------------------------------------------------------------------------

local function normal(shape, seed) return core.normal(shape, { seed = seed, stream = "user" }) end

function suite.test_one_sample_scores_are_those_of_its_sums()
  local members, truth = input("members")[1], sample(input "outcome", 1)
  local sums = metrics.calibration(9):add(members, truth)
  for _, m in ipairs(metrics.list) do
    if m.takes == "ensemble" then
      lu.assertEquals(metrics[m.name](members, truth):item(), sums:scores()[m.name], m.name)
    end
  end
  lu.assertAlmostEquals(metrics.ensemble(members, truth).crps:item(), metrics.crps(members, truth):item(), 1e-12)
end

-- Members and truth from one distribution: what "calibrated" means, within the noise of 64000 values.
function suite.test_an_exchangeable_truth_is_calibrated()
  local sums = metrics.calibration(7)
  for s = 1, 4 do sums:add(normal({ 7, 80, 50, 4 }, s), normal({ 1, 80, 50, 4 }, 100 + s), { sample = s }) end
  local scores = sums:scores()
  lu.assertAlmostEquals(scores.spread_skill, 1, 0.01)
  lu.assertAlmostEquals(scores.pull_mean, 0, 0.02)
  lu.assertAlmostEquals(scores.pull_sd, scores.ideal_pull_sd, 0.03)
  lu.assertTrue(scores.reliability < 0.03)
  lu.assertAlmostEquals(scores.crps, 1 / math.sqrt(math.pi), 0.01)   -- that of a perfect Gaussian forecast
  for _, count in ipairs(sums:ranks():totable()) do lu.assertAlmostEquals(count / 64000, 1 / 8, 0.006) end
end

-- Fair scores do not depend on M; plain ones punish small ensembles.
function suite.test_fair_scores_do_not_depend_on_the_size()
  local fair, plain = {}, {}
  for i, m in ipairs { 2, 16 } do
    local members, truth = normal({ m, 100, 100, 1 }, m), normal({ 1, 100, 100, 1 }, 77)
    fair[i], plain[i] = metrics.crps(members, truth):item(), metrics.crps_plain(members, truth):item()
  end
  lu.assertAlmostEquals(fair[1], fair[2], 0.02)
  lu.assertTrue(plain[1] - plain[2] > 0.2)
end

-- Equal values: every rank is as likely as another, the same key draws the same ones.
function suite.test_ties_are_broken_at_random_by_key()
  local zero, truth = core.zeros { 3, 60, 60, 1 }, core.zeros { 1, 60, 60, 1 }
  local function ranks(key) return metrics.calibration(3):add(zero, truth, key):ranks():totable() end
  local first = ranks { seed = 1, sample = 5 }
  for _, count in ipairs(first) do lu.assertAlmostEquals(count / 3600, 0.25, 0.03) end
  lu.assertEquals(ranks { seed = 1, sample = 5 }, first)
  lu.assertNotEquals(ranks { seed = 1, sample = 6 }, first)
end

function suite.test_a_turbulent_flow_obeys_its_identities()
  local flow = core.flow { height = 64, width = 64, re = 200, seed = 3, k0 = 5 }
  flow:advance(0.3)
  local w, u, report = flow:vorticity():to "f32", flow:velocity():to "f32", flow:diagnostics()
  local function total(t, quantity) return metrics.spectrum(t, { quantity = quantity }):sum():item() end
  for _, quantity in ipairs { "energy", "enstrophy" } do
    lu.assertAlmostEquals(total(w, quantity) / report[quantity], 1, 1e-6)
    lu.assertAlmostEquals(total(u, quantity) / report[quantity], 1, 1e-6)
  end
  lu.assertTrue(metrics.divergence(u):item() < 1e-6)
  lu.assertTrue(metrics.divergence(u, { periodic = false }):item() < 0.05)
  local coherence = metrics.coherence(w, w):totable()
  for k = 2, 20 do lu.assertAlmostEquals(coherence[k], 1, 1e-12) end
  local rough = (metrics.structure_function(w, { order = 2 })):totable()
  lu.assertTrue(rough[1] < rough[8] and rough[1] > 0)
end

function suite.test_wrong_uses_say_what_is_wrong()
  local function raises(text, f, ...) lu.assertErrorMsgContains(text, f, ...) end
  local one, three = core.zeros { 1, 8, 8, 1 }, core.zeros { 3, 8, 8, 1 }
  raises("2 .. 1000000 members, got 1", metrics.calibration, 1)
  raises("it is for 4 members, got (3,8,8,1)", metrics.calibration(4).add, metrics.calibration(4), three, one)
  raises("need a truth of shape (1,H,W,C), got (3,8,8,1)", metrics.spread_skill, three, three)
  raises("needs 2 channels (u, v), got 1", metrics.divergence, one)
  raises("1 channel (vorticity) or 2 (velocity), got 3", metrics.spectrum, core.zeros { 1, 8, 8, 3 },
    { quantity = "energy" })
  raises("separations must be 1 .. 7", metrics.structure_function, one, { separations = 8 })
  raises("order must be 1 .. 8", metrics.structure_function, one, { order = 0 })
  raises("low must be below high", metrics.histogram, one, { low = 1, high = 1 })
  raises("at least 8 x 8", metrics.spectral_high, core.zeros { 1, 4, 8, 1 }, core.zeros { 1, 4, 8, 1 })
  local sums = metrics.calibration(2)
  sums:close()
  raises("closed already", sums.scores, sums)
end

function suite.test_what_is_not_finite_is_not_hidden()
  local members, truth = normal({ 3, 8, 8, 1 }, 1), normal({ 1, 8, 8, 1 }, 2)
  members:set(2, 3, 3, 1, 0 / 0)
  local scores = metrics.calibration(3):add(members, truth):scores()
  for _, name in ipairs { "crps", "energy_score", "spread_skill" } do
    lu.assertTrue(scores[name] ~= scores[name], name)
  end
end

-- Only what fields like the truth do not allow is left out; another fault is the sampler's, and is told.
function suite.test_a_scorer_says_what_is_wrong_with_a_prediction()
  local evaluation = require "flexlab.evaluation"
  local truth = normal({ 1, 8, 8, 1 }, 2)
  local batch = { truth = truth, ids = { 1 }, scale = { mean = { 0 }, std = { 1 } } }
  local scorer = evaluation.scorer()
  scorer:add(batch, normal({ 1, 8, 8, 1 }, 1))
  local result = scorer:result()
  lu.assertIsNumber(result.rfne)
  lu.assertNil(result.ssim)
  lu.assertEquals(result.left_out, { ssim = "ssim: fields must be at least 11 x 11, got 8 x 8" })
  local function add(prediction) evaluation.scorer():add(batch, prediction) end
  lu.assertErrorMsgContains("prediction (1,8,9,1) and truth (1,8,8,1) must have the same shape", add,
    normal({ 1, 8, 9, 1 }, 1))
  lu.assertErrorMsgContains("must be f32, got f64", add, truth:to "f64")
  lu.assertErrorMsgContains("got nil", add, nil)
end

os.exit(lu.LuaUnit.run())
