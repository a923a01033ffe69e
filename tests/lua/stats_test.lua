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

function suite.test_p_text_refuses_what_n_cannot_reach()
  lu.assertEquals(stats.p_text(0.0625, 5), "0.062 (least)")
  lu.assertEquals(stats.p_text(0.5, 5), "0.5")
  lu.assertEquals(stats.p_text(1, 1), "-")
  lu.assertErrorMsgContains("the least is 0.062", stats.p_text, 0.01, 5)
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

os.exit(lu.LuaUnit.run())
