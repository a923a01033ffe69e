-- flex.calibration: numbers and curves from a sampler, the spread corrected, the charts, the report.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestCalibration", suite)

local M, SIDE = 11, 24

local function normal(seed, sample, member)
  return core.normal({ 1, SIDE, SIDE, 1 }, { seed = seed, stream = "user", sample = sample, member = member })
end

-- Batches of one sample; members and truth are signal plus noise, the members' times `spread`.
local test = {}
function test.batches()
  local i = 0
  return function()
    i = i + 1
    return i <= 8 and { truth = normal(1, i) * 2 + normal(2, i), ids = { i }, signal = normal(1, i) * 2 } or nil
  end
end

local function sampler(spread, bias)
  return function(batch)
    local members, sum = {}, nil
    for m = 1, M do
      members[m] = batch.signal + (bias or 0) + normal(3, batch.ids[1], m) * spread
      sum = sum and sum + members[m] or members[m]
    end
    return sum * (1 / M), members
  end
end

function suite.test_a_calibrated_sampler()
  local c = flex.calibration(sampler(1), test)
  lu.assertEquals({ c.members, c.samples, #c.ranks, #c.coverage.nominal }, { M, 8, M + 1, 6 })
  lu.assertAlmostEquals(c.spread_skill, 1, 0.03)
  lu.assertAlmostEquals(c.pull_sd, c.ideal_pull_sd, 0.05)
  lu.assertAlmostEquals(c:covered(0.5), 0.5, 0.03)
  lu.assertEquals(c:covered(0), 0)
  lu.assertNotEquals(c:covered(0.9), c:covered(0.9))  -- NaN: eleven members reach 10/12
  lu.assertAlmostEquals(c.outside, 2 / 12, 0.03)
end

-- Half the spread: the ratio says so, coverage and ranks too; multiplying by the factor mends them.
function suite.test_the_spread_is_mended_and_the_mean_kept()
  local narrow = sampler(0.5)
  local before = flex.calibration(narrow, test)
  lu.assertAlmostEquals(before.spread_skill, 0.5, 0.03)
  lu.assertTrue(before:covered(0.8) < 0.55 and before.outside > 0.35)
  local wide = flex.calibration.respread(narrow, before:factor())
  local after = flex.calibration(wide, test)
  lu.assertAlmostEquals(after.spread_skill, 1, 1e-5)
  lu.assertAlmostEquals(after:covered(0.8), 0.8, 0.05)
  lu.assertTrue(after.crps < before.crps and after.reliability < before.reliability)
  local batch = test.batches()()
  lu.assertEquals((narrow(batch)):totable(), (wide(batch)):totable())
end

function suite.test_a_bias_is_seen()
  local c = flex.calibration(sampler(1, 0.8), test)
  lu.assertAlmostEquals(c.pull_mean, 0.8 * 1.09, 0.1)     -- <1/std> of eleven values is 1.09
  lu.assertTrue(c.ranks[1] > 2 * c.ranks[M + 1])
end

function suite.test_evaluate_gives_every_listed_metric()
  local scores = flex.evaluate(sampler(1), test, { batches = 4 })
  for _, m in ipairs(core.metrics.list) do lu.assertIsNumber(scores[m.name], m.name) end
  lu.assertEquals(scores.calibration.samples, 4)
  lu.assertAlmostEquals(scores.crps, scores.calibration.crps, 1e-9)
  lu.assertNil(flex.evaluate(function(batch) return batch.signal end, test).calibration)
end

function suite.test_charts_and_part_of_a_report()
  local part = flex.calibration(sampler(0.5), test):part()
  lu.assertStrContains(part.text, "over-confident")
  lu.assertEquals(#part.charts, 3)
  for _, chart in ipairs(part.charts) do
    local svg = chart:svg()
    lu.assertStrContains(svg, "calibrated")
    lu.assertNil(svg:find("[^%a]nan[^%a]"))
  end
  local root = os.tmpname()
  os.remove(root)
  core.sys.mkdirs(root)
  local page = core.sys.read(flex.report(root, { part }))
  os.execute("rm -rf '" .. root .. "'")
  lu.assertStrContains(page, "spread_skill")
  lu.assertStrContains(page, "Rank of the truth")
end

function suite.test_without_an_ensemble_it_says_so()
  lu.assertErrorMsgContains("two members or more", flex.calibration, function(batch) return batch.truth end, test)
  lu.assertErrorMsgContains("nearest is 'batches'", flex.calibration, sampler(1), test, { batchs = 2 })
  lu.assertErrorMsgContains("no test batches", flex.calibration, sampler(1),
    { batches = function() return function() end end })
end

os.exit(lu.LuaUnit.run())
