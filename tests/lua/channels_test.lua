-- Scores of each channel, and of the anomaly of a field whose mean is most of it: numbers by hand, in doubles.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestChannels", suite)

local folder, path = support.folder()
local FRAMES, SIDE = 6, 16

-- A film of channels u, v (velocity-like) or one of temperature: value(f, y, x, c).
local function film(name, channels, value)
  local w = assert(core.io.field_writer(path(name), { frames = FRAMES, height = SIDE, width = SIDE,
    channels = channels }))
  for f = 1, FRAMES do
    local list = {}
    for y = 1, SIDE do
      for x = 1, SIDE do
        for c = 1, channels do list[#list + 1] = value(f, y, x, c) end
      end
    end
    assert(w:append(core.tensor(list):reshape { 1, SIDE, SIDE, channels }))
  end
  assert(w:finish())
  return path(name)
end

local function wave(f, y, x) return math.sin(0.7 * x + f) + 0.5 * math.cos(0.4 * y * f) end

local function set_of(file, more)
  local cfg = { file = file, test = file, factor = 4, crop = SIDE, batch = 2, seed = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.superres(cfg)
end

-- Mean over frames of ||error|| / ||truth - m|| of the channels in `list`, in doubles, from the f32 values themselves.
local function by_hand(test, sampler, list, means)
  local sum, n = 0, 0
  for batch in test:batches() do
    local truth, answer = batch.truth:totable(), sampler(batch):totable()
    local channels, count = batch.truth.shape[4], batch.truth.shape[1]
    local size = #truth // count
    for i = 0, count - 1 do
      local error, norm = 0, 0
      for _, c in ipairs(list) do
        for at = i * size + c, (i + 1) * size, channels do
          error = error + (answer[at] - truth[at]) ^ 2
          norm = norm + (truth[at] - means[c]) ^ 2
        end
      end
      sum, n = sum + math.sqrt(error / norm), n + 1
    end
  end
  return sum / n
end

local function close(got, want) lu.assertAlmostEquals(got, want, 1e-9 * math.abs(want)) end

function suite.test_several_channels_are_scored_each()
  local set = set_of(film("uv.h5", 2, function(f, y, x, c) return (c == 1 and 100 or 1) * wave(f, x, y) end))
  set.names = { "u", "v/10" }
  local function sampler(batch)
    local answer = flex.baselines.bicubic(batch)
    return answer, { answer, answer + 0.1 }
  end
  local scores = flex.evaluate(sampler, set.test)
  lu.assertEquals(scores.channels, { "u", "v_10" })
  close(scores.rfne, by_hand(set.test, sampler, { 1, 2 }, { 0, 0 }))
  close(scores["rfne.u"], by_hand(set.test, sampler, { 1 }, { 0, 0 }))
  close(scores["rfne.v_10"], by_hand(set.test, sampler, { 2 }, { 0, 0 }))
  lu.assertEquals(#scores.per_sample["rfne.v_10"], FRAMES)
  for _, name in ipairs { "ssim", "pearson", "crps", "spread", "rmse" } do
    lu.assertIsNumber(scores[name .. ".u"], name)
  end
  lu.assertTrue(scores["crps.v_10"] < scores["crps.u"])
  lu.assertNil(scores.rfne_anomaly)
  lu.assertNil(scores.note)
  local direction = require("flexlab.run.judging").direction
  lu.assertEquals({ direction "psnr.v_10", direction "rfne.u" }, { "higher", "lower" })
  local c = flex.report.compare(sampler, set.test)
  lu.assertStrContains(tostring(c.channels.table), "RFNE v_10")
  lu.assertEquals(c.scores.FLEX["rfne.u"], scores["rfne.u"])
  local one = scores:summary({ "rfne", "nothing" }, { more = 3 })
  lu.assertEquals(one, { rfne = scores.rfne, ["rfne.u"] = scores["rfne.u"], ["rfne.v_10"] = scores["rfne.v_10"],
    more = 3 })
end

local kelvin = film("kelvin.h5", 1, function(f, y, x) return 300 + 0.1 * wave(f, y, x) end)

function suite.test_a_field_in_kelvin_is_scored_by_its_anomaly_too()
  local set = set_of(kelvin)
  local scores = flex.evaluate(flex.baselines.bicubic, set.test)
  local mean = set.scale.mean[1]
  lu.assertAlmostEquals(mean, 300, 0.05)
  lu.assertTrue(scores.rfne < 1e-3)
  close(scores.rfne_anomaly, by_hand(set.test, flex.baselines.bicubic, { 1 }, { mean }))
  lu.assertTrue(scores.rfne_anomaly > 0.1)
  lu.assertStrContains(scores.note, "over the test tiles the mean of 'w' is 300 and its standard deviation 0.0")
  lu.assertEquals(scores:summary { "rfne" }, { rfne = scores.rfne, rfne_anomaly = scores.rfne_anomaly })
  local c = flex.report.compare(flex.baselines.registered, set.test)
  lu.assertStrContains(tostring(c.table), "RFNE anomaly")
  lu.assertStrContains(c.parts[1].text, "rfne_anomaly is that of the fields less their training mean")
end

-- With mean = 0 given, what is subtracted is still the mean of the training frames.
function suite.test_the_mean_is_that_of_training_frames_whatever_the_scale()
  local warm = film("warm.h5", 1, function(f, y, x) return 301 + 0.1 * wave(f + 3, y, x) end)
  local fitted = set_of(warm, { file = kelvin }).scale.mean[1]
  local set = set_of(warm, { file = kelvin, mean = 0, std = 100 })
  local scores = flex.evaluate(flex.baselines.bicubic, set.test)
  close(scores.rfne_anomaly, by_hand(set.test, flex.baselines.bicubic, { 1 }, { fitted }))
  -- a mean that is given and that the field is around is taken as it is: that of a checkpoint
  set = set_of(warm, { file = kelvin, mean = 299.5, std = 1 })
  close(flex.evaluate(flex.baselines.bicubic, set.test).rfne_anomaly,
    by_hand(set.test, flex.baselines.bicubic, { 1 }, { 299.5 }))
end

function suite.test_channels_of_which_one_has_a_large_mean()
  local set = set_of(film("two.h5", 2, function(f, y, x, c) return (c == 2 and 50 or 0) + wave(f, y, x) end))
  set.names = { "w", "T" }
  local scores, means = flex.evaluate(flex.baselines.nearest, set.test), set.scale.mean
  local nearest = flex.baselines.nearest
  close(scores["rfne_anomaly.T"], by_hand(set.test, nearest, { 2 }, means))
  close(scores["rfne_anomaly.w"], by_hand(set.test, nearest, { 1 }, means))
  close(scores.rfne_anomaly, by_hand(set.test, nearest, { 1, 2 }, means))
  lu.assertStrContains(scores.note, "the mean of 'T' is 50")
end

function suite.test_a_run_keeps_them_and_notes_why()
  local recipe = flex.recipe("warm", { data = { file = kelvin, split = 0.5, factor = 4, crop = SIDE, batch = 2 } },
    function(cfg)
      local data = flex.data.superres(cfg.data)
      return flex.evaluate(flex.baselines.bicubic, data.test):summary { "rfne", "pearson" }
    end)
  local result = recipe({}, { root = folder .. "/runs", quiet = true })
  lu.assertIsNumber(result.rfne_anomaly)
  lu.assertStrContains(require("flexlab.context.notes").of(result.dir)[1], "RFNE is small whatever a method does")
  lu.assertStrContains(core.sys.read(result.dir .. "/samples.csv"), "rfne_anomaly")
  lu.assertStrContains(core.sys.read(flex.report(result.dir)), "Notes")
end

function suite.test_a_forecast_has_them_by_lead()
  local set = flex.data.forecast { file = kelvin, test = kelvin, past = 1, horizon = 2, crop = SIDE, batch = 2,
    seed = 1 }
  local model = flex.models.flex(support.smallest {}, set)
  local r = flex.rollout.evaluate(model, set.test, { length = 2, steps = 1 })
  lu.assertEquals(r.others, { "rfne_anomaly" })
  lu.assertTrue(r.rfne_anomaly[1] > 100 * r.rfne[1] and r.rfne_anomaly[2] > 100 * r.rfne[2])
  lu.assertStrContains(tostring(r.table), "RFNE anomaly")
  lu.assertEquals(r:summary { rfne = 1 }, { rfne = 1, rfne_anomaly = r.rfne_anomaly[1] })
end

-- A tile without rain: its truth is zero, so no RFNE; frame 4 holds one number, so no PSNR. All methods leave both out.
function suite.test_samples_of_one_number_are_left_out_of_what_they_do_not_allow()
  local file = film("rain.h5", 1, function(f, y, x)
    return f == 2 and 0 or f == 4 and 7 or wave(f, y, x)
  end)
  local set = set_of(file, { batch = 4 })
  local function off(batch) return batch.truth + 0.5 end
  local wet = { [1] = true, [3] = true, [5] = true, [6] = true }
  for name, sampler in pairs { off = off, bicubic = flex.baselines.bicubic } do
    local scores = flex.evaluate(sampler, set.test, { name = name })
    local rfne, psnr = scores.per_sample.rfne, scores.per_sample.psnr
    for i = 1, FRAMES do
      lu.assertEquals(rfne[i] == rfne[i], i ~= 2, name)
      lu.assertEquals(psnr[i] == psnr[i], wet[i] or false, name)
    end
    close(scores.rfne, (rfne[1] + rfne[3] + rfne[4] + rfne[5] + rfne[6]) / 5)
    close(scores.psnr, (psnr[1] + psnr[3] + psnr[5] + psnr[6]) / 4)
    for _, metric in ipairs { "rmse", "mae", "spectral_low", "kurtosis_error" } do
      lu.assertTrue(scores[metric] < math.huge, metric)
    end
    lu.assertEquals(scores.notes, { "2 of 6 test samples hold one number everywhere and are left out of means of "
      .. "scores that divide by what they hold, for every method: sample 2, all zero, from "
      .. "RFNE; samples 2 and 4, the same everywhere, "
      .. "from PSNR, r, kurtosis and spectral errors" })
  end
  local dry = set_of(file, { test = film("dry.h5", 1, function() return 0 end) })
  local scores = flex.evaluate(off, dry.test)
  lu.assertTrue(scores.rfne ~= scores.rfne)
  lu.assertAlmostEquals(scores.mae, 0.5, 1e-6)
  lu.assertEquals(flex.evaluate(off, set_of(film("wet.h5", 1, wave)).test).notes, {})
end

function suite.test_a_channel_of_zeros_is_named()
  local file = film("snow.h5", 2, function(f, y, x, c) return c == 2 and f == 3 and 0 or wave(f, y, x) + c end)
  local scores = flex.evaluate(flex.baselines.bicubic, set_of(file).test)
  lu.assertTrue(scores["rfne.w_2"] < math.huge)
  lu.assertStrContains(scores.notes[#scores.notes], "1 of 6 test samples of w_2 hold one number everywhere and "
    .. "are left out of means of scores that divide by what they hold, for every method: sample 3, all zero, from RFNE")
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
