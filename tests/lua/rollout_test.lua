-- Forecasts that are fed with their own answers, and how they are judged lead by lead.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestRollout", suite)

local folder, path = support.folder()
local largest = support.largest

local flow = support.flow(path "flow.h5")

local function forecast(horizon, more)
  local settings = { file = flow, test = flow, crop = 16, batch = 2, past = 2, horizon = horizon, test_tiles = 2,
    seed = 1 }
  for k, v in pairs(more or {}) do settings[k] = v end
  local data = flex.data.forecast(settings)
  local model = flex.models.flex(support.smallest(), data)
  for _, p in ipairs(model:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 5, stream = "user" }), 0.02) end)
  end
  return data, model
end

function suite.test_rollouts_begin_with_the_same_bits_and_feed_members_their_own_past()
  local data, model = forecast(4)
  local batch = data.test:batches()()
  local short = flex.rollout(model, batch, { length = 2, members = 2, steps = 1 })
  local long = flex.rollout(model, batch, { length = 4, members = 3, steps = 1 })
  for k = 1, 2 do
    for m = 1, 2 do lu.assertEquals(largest(short[k].members[m], long[k].members[m]), 0) end
  end
  lu.assertTrue(largest(long[2].members[1], long[2].members[2]) > 0)
  -- step 2 of member 2 by hand: from the last frame and member 2's own first answer
  local scale, tasks = batch.scale, require "flexlab.tasks.kinds"
  local own = flex.data.normalise(short[1].members[2], scale)
  local next_batch = tasks.forecast.condition({ n = batch.n, re = batch.re, scale = scale, ids = batch.ids },
    { past = 2, lead = 1 }, { batch.past[2], own }, { 1, 1 })
  local by_hand = flex.diffusion.sample(model, next_batch, { steps = 1, first_member = (1 << 16) + 2 })
  lu.assertEquals(largest(by_hand, short[2].members[2]), 0)
  local shared = flex.rollout(model, batch, { length = 2, members = 2, steps = 1, feedback = "mean" })
  lu.assertEquals(largest(shared[1].members[2], short[1].members[2]), 0)
  lu.assertTrue(largest(shared[2].members[2], short[2].members[2]) > 0)
  lu.assertErrorMsgContains("'member' or 'mean'", flex.rollout, model, batch, { feedback = "none" })
end

function suite.test_rollouts_are_scored_by_lead()
  local data, model = forecast(3)
  local r = flex.rollout.evaluate(model, data.test, { length = 3, steps = 1, members = 2 })
  lu.assertEquals(#r.rfne, 3)
  lu.assertEquals(#r.table.rows, 3)
  local sum, n = 0, 0
  for b in data.test:batches() do
    for _, v in ipairs(core.metrics.rfne(flex.data.physical(b.estimate, b.scale), b.after(2)):totable()) do
      sum, n = sum + v, n + 1
    end
  end
  lu.assertAlmostEquals(r.persistence[2], sum / n, 1e-9)
  lu.assertErrorMsgContains("horizon = 9", flex.rollout.evaluate, model, data.test, { length = 9 })
end

function suite.test_scores_of_every_sample_and_lead_are_kept_beside_a_result()
  local made = flex.recipe("rolled", {}, function()
    local data, model = forecast(2)
    local r = flex.rollout.evaluate(model, data.test, { length = 2, steps = 1 })
    return { first = r.rfne[1], last = r.rfne[2], persistence = r.persistence[2] }
  end)({}, { root = path "runs", quiet = true })
  local sums, counts = {}, {}
  for _, row in ipairs(require("flexlab.evaluation.samples").read(made.dir)) do
    sums[row.method] = (sums[row.method] or 0) + row.rfne
    counts[row.method] = (counts[row.method] or 0) + 1
    lu.assertEquals(row.file, flow)
  end
  for method, value in pairs { ["model, lead 1"] = made.first, ["model, lead 2"] = made.last,
    ["persistence, lead 2"] = made.persistence } do
    lu.assertAlmostEquals(sums[method] / counts[method], value, 1e-12, method)
  end
end

-- A field (1,64,64,channels) of waves along x: { wavenumber = amplitude }, the same in each channel.
local function waves(amplitudes, channels)
  local field = core.zeros { 1, 64, 64, channels or 1 }
  for x = 1, 64 do
    local value = 0
    for k, a in pairs(amplitudes) do value = value + a * math.cos(2 * math.pi * k * (x - 1) / 64) end
    for y = 1, 64 do
      for c = 1, channels or 1 do field:set(1, y, x, c, value) end
    end
  end
  return field
end

-- The result of a rollout of the same step at every lead.
local function judged(length, members, truth, persistence)
  local scores = require("flexlab.evaluation.rollout_scores").new(length)
  local mean = members[1]
  for i = 2, #members do mean = mean + members[i] end
  local step = { members = members, mean = mean * (1 / #members) }
  for k = 1, length do scores:add(k, { 1 }, step, truth, persistence) end
  return scores:result()
end

local bands = { "low", "middle", "high" }

function suite.test_a_wave_is_in_the_ring_of_its_wavenumber()
  local truth, member, last = waves { [5] = 2 }, waves { [12] = 3 }, waves { [20] = 1 }
  local s = judged(1, { member, member }, truth, last).spectrum[1]
  for name, wanted in pairs { truth = { 5, 2 }, members = { 12, 3 }, mean = { 12, 3 }, persistence = { 20, 1 } } do
    local k, total, beside, most = wanted[1], 0, 0, 1
    for b, power in ipairs(s[name]) do
      total = total + power
      if math.abs(b - 1 - k) > 1 then beside = beside + power end
      if power > s[name][most] then most = b end
    end
    lu.assertEquals(most - 1, k, name)
    -- A window of one period mixes a wave with its neighbours only, and keeps the mean square of one.
    lu.assertAlmostEquals(total, wanted[2] ^ 2 / 2, 1e-5, name)
    lu.assertTrue(beside < 1e-9, name)
  end
end

function suite.test_a_perfect_forecast_has_no_error_in_any_band()
  local truth = core.normal({ 1, 64, 64, 2 }, { seed = 1 })
  local r = judged(2, { truth, truth }, truth, core.normal({ 1, 64, 64, 2 }, { seed = 2 }) * 0.5)
  for k = 1, 2 do
    lu.assertAlmostEquals(r.rfne[k], 0, 1e-6)
    lu.assertAlmostEquals(r.pearson[k], 1, 1e-6)
    lu.assertAlmostEquals(r.fine_scales[k], 1, 1e-6)
    for _, band in ipairs(bands) do
      lu.assertAlmostEquals(r.bands[band].members[k], 0, 1e-6)
      lu.assertAlmostEquals(r.bands[band].mean[k], 0, 1e-6)
      -- noise of half the amplitude has a quarter of the power, in every band
      lu.assertAlmostEquals(r.bands[band].persistence[k], 0.75, 0.1)
    end
  end
  lu.assertEquals(r.horizon, 3)
end

-- Hyperviscosity takes exp(-2 (k / 24)^8) off a wave's amplitude: next to nothing at 4, all but 2 % of the power at 24.
function suite.test_a_forecast_smoothed_by_hyperviscosity_loses_the_high_band()
  local truth, smooth, lost = { [4] = 2, [12] = 1, [24] = 0.5 }, {}, {}
  for k, a in pairs(truth) do
    local left = math.exp(-2 * (k / 24) ^ 8)
    smooth[k], lost[k] = a * left, 1 - left ^ 2
  end
  for channels = 1, 2 do
    local field = waves(truth, channels)
    local r = judged(1, { waves(smooth, channels) }, field, field)
    for band, k in pairs { low = 4, middle = 12, high = 24 } do
      lu.assertAlmostEquals(r.bands[band].members[1], lost[k], 1e-5, band)
      lu.assertAlmostEquals(r.bands[band].persistence[1], 0, 1e-6, band)
    end
    lu.assertTrue(r.bands.high.members[1] > 0.98 and r.bands.middle.members[1] < 0.02)
  end
end

-- Two members in opposite phase are right each; their mean is nothing.
function suite.test_members_are_judged_one_by_one_and_beside_their_mean()
  local up, down = waves { [24] = 1 }, waves { [24] = -1 }
  local r = judged(1, { up, down }, up, up)
  lu.assertAlmostEquals(r.bands.high.members[1], 0, 1e-6)
  lu.assertAlmostEquals(r.bands.high.mean[1], 1, 1e-6)
end

local function rows_of(name)
  local rows = {}
  for line in core.sys.read(path(name)):gmatch("[^\n]+") do rows[#rows + 1] = line end
  return rows
end

-- Any length, one member or several, velocity: files and report have every lead.
function suite.test_files_and_report_of_a_rollout()
  for _, case in ipairs { { 1, 1, "velocity" }, { 3, 2, false }, { 5, 1, false } } do
    local length, members, observable = table.unpack(case)
    local data, model = forecast(length, { observable = observable or nil })
    local r = flex.rollout.evaluate(model, data.test, { length = length, steps = 1, members = members })
    r:save(folder)
    local rows = rows_of "rollout.csv"
    lu.assertEquals(rows[1], "lead,RFNE,persistence,r,r persistence,fine scales,"
      .. (observable and "RFNE u,RFNE v," or "") .. "low,low mean,low persistence,"
      .. "middle,middle mean,middle persistence,high,high mean,high persistence")
    lu.assertEquals(#rows, 1 + length)
    rows = rows_of "rollout_spectra.csv"
    lu.assertEquals(rows[1], "lead,wavenumber,truth,members,mean,persistence")
    local bins = #core.metrics.spectrum(core.zeros { 1, 16, 16, 1 }):totable()
    lu.assertEquals(#rows, 1 + length * bins)
    lu.assertStrContains(rows[#rows], ("%d,%d,"):format(length, bins - 1))
    lu.assertStrContains(core.sys.read(path "rollout_spectra.svg"), ("Power spectrum, lead %d"):format(length))
    flex.report.write(folder, r:parts())
    local page = core.sys.read(path "report.html")
    for _, text in ipairs { "Error by lead", "Correlation by lead", "Spectra by lead", "Power spectrum, lead 1" } do
      lu.assertStrContains(page, text)
    end
  end
end

-- Persistence's spectrum and bands are those of the frame itself.
function suite.test_spectra_of_a_rollout_are_those_of_its_fields()
  local data, model = forecast(2)
  local r = flex.rollout.evaluate(model, data.test, { length = 2, steps = 1, members = 2 })
  local high, power, n = 0, 0, 0
  for b in data.test:batches() do
    local last = flex.data.physical(b.estimate, b.scale)
    for _, v in ipairs(core.metrics.spectral_high(last, b.after(2)):totable()) do high, n = high + v, n + 1 end
    for _, v in ipairs(core.metrics.spectrum(last, { window = true }):totable()) do power = power + v end
  end
  local total = 0
  for _, v in ipairs(r.spectrum[2].persistence) do total = total + v end
  lu.assertAlmostEquals(r.bands.high.persistence[2], high / n, 1e-9)
  lu.assertAlmostEquals(total, power / n, 1e-6 * total)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
