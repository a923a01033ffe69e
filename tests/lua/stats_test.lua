-- Laws of flexlab.stats; reference values from tables of Student's t and by hand.
local lu = require "luaunit"
local stats = require "flexlab.stats"

local suite = {}
rawset(_G, "TestStats", suite)

local function pivot(columns, order)
  return setmetatable({}, { __index = function(_, key)
    if key == "arms" then return function() return order end end
    if key ~= "rows" then return columns[key] end
    return function()
      local i = 0
      return function() i = i + 1; return order[i], columns[order[i]] end
    end
  end })
end

function suite.test_mean_and_sd()
  lu.assertEquals(stats.mean { 1, 2, 3, 6 }, 3)
  lu.assertAlmostEquals(stats.sd { 1, 2, 3, 6 }, math.sqrt(14 / 3), 1e-15)
  lu.assertNotEquals(stats.sd { 1 }, stats.sd { 1 })
end

function suite.test_quantiles()
  lu.assertEquals(stats.median { 4, 1, 3 }, 3)
  lu.assertAlmostEquals(stats.quantile({ 1, 2, 3, 4 }, 0.25), 1.75, 1e-15)
end

function suite.test_sign_flip_of_equal_signs_is_the_least_p()
  for n = 1, 12 do
    local d = {}
    for i = 1, n do d[i] = i / 7 end
    lu.assertAlmostEquals(stats.sign_flip(d), 2 / 2 ^ n, 1e-15)
    lu.assertAlmostEquals(stats.least_p(n), 2 / 2 ^ n, 1e-15)
  end
end

-- All 2^n patterns the plain way.
local function brute(d)
  local n, observed, count = #d, math.abs(stats.mean(d)) * #d, 0
  for mask = 0, 2 ^ n - 1 do
    local sum = 0
    for i = 1, n do sum = sum + ((mask >> (i - 1)) & 1 == 0 and d[i] or -d[i]) end
    if math.abs(sum) >= observed - 1e-12 then count = count + 1 end
  end
  return count / 2 ^ n
end

function suite.test_sign_flip_equals_brute_force()
  for seed = 1, 20 do
    local draw, d = stats.generator(seed), {}
    for i = 1, 3 + seed % 7 do d[i] = draw(1000) - 400 end
    lu.assertAlmostEquals(stats.sign_flip(d), brute(d), 1e-15)
  end
end

function suite.test_sign_flip_beyond_the_exact_range_is_close_and_repeatable()
  local draw, d = stats.generator(3), {}
  for i = 1, 30 do d[i] = draw(1000) - 450 end
  local p = stats.sign_flip(d)
  lu.assertEquals(p, stats.sign_flip(d))
  local t = math.abs(stats.mean(d)) / stats.sd(d) * math.sqrt(30)
  lu.assertAlmostEquals(p, 1 - stats.t_central(t, 29), 0.02)
end

function suite.test_p_text_says_what_n_seeds_can_reach()
  lu.assertEquals(stats.p_text(0.0625, 5), "0.062 (least; needs 6 seeds for .05)")
  lu.assertEquals(stats.p_text(0.25, 3), "0.25 (least; needs 6 seeds for .05)")
  lu.assertEquals(stats.p_text(2 / 2 ^ 8, 8), "0.0078 (least)")
  lu.assertEquals(stats.p_text(0.5, 5), "0.5")
  -- Holm's correction of three comparisons: 3 * 2 / 2^n <= 0.05 from n = 7 on
  lu.assertEquals(stats.p_text(0.75, 3, { raw = 0.25, comparisons = 3 }), "0.75 (least; needs 7 seeds for .05)")
  lu.assertEquals(stats.p_text(3 / 128, 8, { raw = 1 / 128, comparisons = 3 }), "0.023 (least)")
  lu.assertEquals({ stats.needed(1), stats.needed(3), stats.needed(100) }, { 6, 7, 12 })
end

function suite.test_p_text_never_raises()
  lu.assertEquals(stats.p_text(1, 1), "- (one pair)")
  lu.assertEquals(stats.p_text(0 / 0, 0), "- (no pairs)")
  lu.assertEquals(stats.p_text(0 / 0, 4), "- (not finite)")
  lu.assertEquals(stats.p_text(0, 3), "- (0 cannot come from 3 pairs)")
  lu.assertEquals(stats.p_text(0.01, 5), "- (0.01 cannot come from 5 pairs)")
end

function suite.test_numbers_that_are_not_finite_have_no_p()
  for _, d in ipairs { { 0 / 0, 1, 2 }, { math.huge, 1, 2 }, {} } do
    local p = stats.sign_flip(d)
    lu.assertNotEquals(p, p)
  end
end

function suite.test_holm()
  local p = stats.holm { 0.01, 0.04, 0.03 }
  lu.assertAlmostEquals(p[1], 0.03, 1e-15)
  lu.assertAlmostEquals(p[2], 0.06, 1e-15)
  lu.assertAlmostEquals(p[3], 0.06, 1e-15)
  lu.assertEquals(stats.holm { 0.9, 0.8 }, { 1, 1 })
end

function suite.test_student_quantiles()
  lu.assertAlmostEquals(stats.t_quantile(0.95, 1), 12.7062047, 1e-6)
  lu.assertAlmostEquals(stats.t_quantile(0.95, 2), 4.30265273, 1e-7)
  lu.assertAlmostEquals(stats.t_quantile(0.95, 7), 2.36462425, 1e-7)
  lu.assertAlmostEquals(stats.t_quantile(0.99, 10), 3.16927267, 1e-7)
end

function suite.test_intervals_hold_the_mean()
  local x = { 3, 5, 4, 6, 2, 7, 5, 4 }
  for _, ci in ipairs { stats.t_interval(x), stats.bootstrap(x) } do
    lu.assertTrue(ci[1] < 4.5 and 4.5 < ci[2])
  end
  lu.assertEquals(tostring(stats.t_interval { 1, 3 }), "[-10.71, 14.71]")
  lu.assertEquals(stats.bootstrap(x), stats.bootstrap(x))
end

function suite.test_paired_compares_seed_by_seed()
  local arms = pivot({ both = { 1, 2, 3, 4, 5 }, weak = { 2, 3, 4, 5, 6 },
    none = { 1, 2, 3, 4, 9 } }, { "none", "weak", "both" })
  local tests = stats.paired(arms, { against = "both" })
  lu.assertEquals(tests.weak.diff, 1)
  lu.assertEquals(tests.weak.sd, 0)
  lu.assertAlmostEquals(tests.weak.p_raw, 2 / 32, 1e-15)
  lu.assertAlmostEquals(tests.weak.p, 4 / 32, 1e-15)
  lu.assertEquals(tests.none.p_raw, 1)
  lu.assertEquals(tests.both.diff, "")
  lu.assertEquals(stats.paired(arms, { against = "both", correct = "none" }).weak.p, 2 / 32)
  lu.assertErrorMsgContains("no arm 'all'", stats.paired, arms, { against = "all" })
end

local function column(values, seeds)
  values.seeds = seeds
  return values
end

function suite.test_columns_are_paired_by_the_seeds_that_both_have()
  local a, b = column({ 5, 6, 7 }, { 1, 2, 4 }), column({ 1, 3, 4 }, { 2, 3, 4 })
  lu.assertEquals(stats.differences(a, b), { 5, 3 })
  local tests = stats.paired(pivot({ a = a, b = b, gone = column({}, {}), one = column({ 9 }, { 2 }) },
    { "a", "b", "gone", "one" }), { against = "b" })
  lu.assertEquals({ tests.a.n, tests.one.n, tests.gone.n }, { 2, 1, 0 })
  lu.assertEquals(tests.a.diff, 4)
  lu.assertEquals(tests.gone.p_text, "- (no pairs)")
  lu.assertEquals(tests.one.p_text, "- (one pair)")
  lu.assertEquals(tests.a.p, 1)            -- Holm over the two comparisons that have a p: 2 * 0.5
  lu.assertEquals(tests.a.p_text, "1 (least; needs 7 seeds for .05)")
end

function suite.test_the_least_p_is_marked_behind_holm_too()
  local arms = pivot({ a = { 1, 2, 3 }, b = { 2, 3, 4 }, c = { 3, 1, 5 } }, { "a", "b", "c" })
  local tests = stats.paired(arms, { against = "a" })
  lu.assertEquals(tests.b.p_text, "0.5 (least; needs 7 seeds for .05)")
  lu.assertEquals(tests.c.p_text, "0.5")              -- raw 4/8, the last of two
  lu.assertEquals(stats.paired(arms, { against = "a", correct = "none" }).b.p_text,
    "0.25 (least; needs 6 seeds for .05)")
end

os.exit(lu.LuaUnit.run())
