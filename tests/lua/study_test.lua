-- flexlab.study: arms, seeds as blocks, pivot, statistics, several processes.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestStudy", suite)

support.rooted(suite)
local recipe = support.toy_recipe

local design = { grid = { ["model.road"] = { "none", "weak", "both" } }, seeds = "1..5" }

function suite.test_seeds()
  lu.assertEquals(flex.study.seeds "1..4,7", { 1, 2, 3, 4, 7 })
  lu.assertEquals(flex.study.seeds(3), { 3 })
  lu.assertEquals(flex.study.seeds { 2, 5 }, { 2, 5 })
  for _, wrong in ipairs { "x", "4..1", "", "-1", "1.5" } do
    lu.assertErrorMsgContains("seeds:", flex.study.seeds, wrong)
  end
end

function suite.test_arms_are_all_combinations()
  local arms = flex.study.arms { b = { 1, 2 }, a = { "x", "y" } }
  local labels = {}
  for i, arm in ipairs(arms) do labels[i] = arm.label end
  lu.assertEquals(labels, { "a=x b=1", "a=x b=2", "a=y b=1", "a=y b=2" })
end

function suite.test_pivot_is_paired_by_seed_and_finished_runs_are_not_repeated()
  local seen
  local toy, calls = recipe()
  local study = flex.study("roads", toy, design, function(runs)
    seen = runs
    local rfne = runs:pivot("model.road", "rfne")
    local tests = flex.stats.paired(rfne, { against = "both" })
    return { best = rfne:best "min", p = tests.weak.p, mean = rfne.weak:mean(), sd = rfne.weak:std() }
  end)
  local result = study(nil, { root = suite.root, quiet = true })
  lu.assertEquals(calls(), 15)
  lu.assertEquals(result.best, "both")
  lu.assertAlmostEquals(result.p, 0.125, 1e-12)
  lu.assertAlmostEquals(result.mean, 2.13, 1e-12)
  lu.assertEquals(core.sys.exists(result.dir .. "/result.lua"), "file")
  local rfne = seen:pivot("model.road", "rfne")
  lu.assertEquals(rfne:arms(), { "none", "weak", "both" })
  lu.assertEquals(#rfne.none, 5)
  lu.assertAlmostEquals(rfne.none[3], 3.13, 1e-12)
  lu.assertEquals(rfne:blocks()[5], "seed 5")
  study(nil, { root = suite.root, quiet = true })
  lu.assertEquals(calls(), 15)
end

-- 3 seeds x 2 losses x 2 schedules are three pairs, not six: the toy's rfne is 2 or 1 (the road) + seed/100 + width/10.
function suite.test_other_keys_are_averaged_within_the_seed()
  local study = flex.study("two", recipe(), { grid = { ["model.road"] = { "weak", "both" },
    ["model.width"] = { 1, 2 } }, seeds = "1..3" }, function(runs)
    local p = runs:pivot("model.road", "rfne")
    lu.assertEquals(p:blocks(), { "seed 1", "seed 2", "seed 3" })
    for seed = 1, 3 do lu.assertAlmostEquals(p.weak[seed], 2 + seed / 100 + 0.15, 1e-12) end
    lu.assertEquals(p.weak.seeds, { 1, 2, 3 })
    lu.assertEquals(p:remarks(),
      { "each number is the mean of a seed over up to 2 settings of the other keys; n counts seeds" })
    local t, tests = runs:summary("rfne", { key = "model.road", against = "weak" })
    lu.assertEquals(tests.both.n, 3)
    lu.assertEquals(tests.both.p, 0.25)
    lu.assertAlmostEquals(tests.both.diff, -1, 1e-12)
    lu.assertStrContains(t:text(), "0.25 (least; needs 6 seeds for .05)")
    return { n = #p.both }
  end)
  lu.assertEquals(study({}, { root = suite.root, quiet = true }).n, 3)
end

function suite.test_wrong_use_raises_one_sentence()
  local toy, calls = recipe()
  local function body() return {} end
  lu.assertErrorMsgContains("wanted { grid", flex.study, "a", toy, {}, body)
  lu.assertErrorMsgContains("must be a list of values", flex.study, "a", toy, { grid = { lr = 3 } }, body)
  lu.assertErrorMsgContains("must be a recipe", flex.study, "a", {}, design, body)
  lu.assertErrorMsgContains("nearest is 'seeds'", flex.study, "a", toy,
    { grid = design.grid, seed = 3 }, body)
  local study = flex.study("a", toy, { grid = { ["model.rod"] = { 1 } }, seeds = "1" }, body)
  lu.assertErrorMsgContains("nearest is 'road'", study, nil, { root = suite.root, quiet = true })
  lu.assertEquals(calls(), 0)
end

function suite.test_missing_metric_names_the_nearest()
  local study = flex.study("a", recipe(), { grid = { ["model.road"] = { "weak" } }, seeds = "1" },
    function(runs) runs:pivot("model.road", "rfnee") end)
  lu.assertErrorMsgContains("nearest is 'rfne'", study, nil, { root = suite.root, quiet = true })
end

function suite.test_sweep_and_with()
  local sweep = flex.study.sweep(recipe(), { lr = { 0.1, 0.2 } }, { 1, 2 }, "x.lua")
  io.output(suite.root .. ".txt")
  local result = sweep(nil, { root = suite.root, quiet = true })
  io.close()
  io.output(io.stdout)
  lu.assertStrContains(core.sys.read(suite.root .. ".txt"), "minus first")
  os.remove(suite.root .. ".txt")
  lu.assertAlmostEquals(result.rfne["lr=0.1"], 2.115, 1e-12)
  local study = flex.study("a", recipe(), design, function() return {} end)
  lu.assertEquals(#study:with({ ["model.road"] = { "both" } }).arms, 1)
  lu.assertEquals(#study.arms, 3)
end

function suite.test_worker_command_repeats_the_settings()
  local workers = require "flexlab.study.workers"
  local sweep = flex.study.sweep(recipe(), { ["model.road"] = { "weak", "a b" } }, { 1, 2 }, "x.lua")
  local list = workers.arguments(sweep, { lr = 0.25 }, { 1, 2 }, { root = "out", fresh = true })
  lu.assertEquals(list, { "run", "x.lua", "--seeds", "1,2", "--out", "out", "--set", "lr=0.25",
    "--sweep", 'model.road="weak","a b"' })
end

function suite.test_a_label_is_one_line()
  local plan = require "flexlab.study.plan"
  local long, list = ("word "):rep(20), { 16, 56, deep = { b = true } }
  lu.assertEquals(plan.label { crop = { 16, 56 } }, "crop={ 16, 56 }")
  lu.assertEquals(plan.label { a = { long, list } },
    ('a={ "%s", { 16, 56, deep = { b = true } } }'):format(long))
  lu.assertEquals(plan.label { a = "two\nlines", b = "one line" }, 'a="two\\nlines" b=one line')
end

-- Arms of a study, their labels.
local function labels(study)
  local list = {}
  for i, arm in ipairs(study.arms) do list[i] = arm.label end
  return list
end

function suite.test_one_at_a_time_changes_one_and_skips_what_the_base_has()
  local seen
  local toy, calls = recipe()
  local study = flex.study("one", toy, { one_at_a_time = { ["model.road"] = { "none", "weak", "both" },
    ["model.width"] = { 1, 2 } }, seeds = "1,2" }, function(runs) seen = runs end)
  lu.assertEquals(#study.arms, 6)
  study({}, { root = suite.root, quiet = true })
  lu.assertEquals(calls(), 2 * 4)          -- base, none, both, width 2: weak and width 1 are the base's own
  local road = seen:pivot("model.road", "rfne")
  lu.assertEquals(road:arms(), { "weak", "none", "both" })
  lu.assertAlmostEquals(road.none[2] - road.weak[2], 1, 1e-12)
  local width = seen:pivot("model.width", "rfne")
  lu.assertEquals(width:arms(), { 1, 2 })
  lu.assertAlmostEquals(width[2][1] - width[1][1], 0.1, 1e-12)
  lu.assertEquals(seen:pivot(nil, "rfne"):arms(), { "base", "model.road=none", "model.road=both", "model.width=2" })
end

function suite.test_zip_varies_settings_together()
  local seen
  local study = flex.study("zipped", recipe(), { zip = { ["model.road"] = { "none", "both" }, lr = { 0.1, 0.2 } },
    seeds = "1,2" }, function(runs) seen = runs end)
  lu.assertEquals(labels(study), { "lr=0.1 model.road=none", "lr=0.2 model.road=both" })
  study({}, { root = suite.root, quiet = true })
  lu.assertEquals(#seen, 4)
  lu.assertEquals(seen:pivot(nil, "rfne"):arms(), labels(study))
  lu.assertErrorMsgContains("no seed has two of them", seen.pivot, seen, "lr", "rfne")      -- lr alone is not varied
  lu.assertEquals(flex.runs(suite.root .. "/zipped").tasks[1].arm.label, "lr=0.1 model.road=none")
  lu.assertErrorMsgContains("as many values of each setting: lr has 1, model.road has 2", flex.study, "a", recipe(),
    { zip = { ["model.road"] = { "none", "both" }, lr = { 0.1 } } }, function() end)
  local sweep = flex.study.sweep(recipe(), { lr = { 0.1, 0.2 }, ["model.width"] = { 3, 4 } }, { 1 }, "x.lua", "zip")
  lu.assertEquals(labels(sweep), { "lr=0.1 model.width=3", "lr=0.2 model.width=4" })
  local list = require("flexlab.study.workers").arguments(sweep, {}, { 1 }, { root = "out" })
  lu.assertEquals(list[#list], "--zip")
end

function suite.test_lists_are_tried_as_they_are()
  local study = flex.study("list", recipe(), { list = { { label = "small" }, { ["model.road"] = "both", lr = 0.1 } },
    seeds = "1" }, function(runs) return { n = #runs } end)
  lu.assertEquals(labels(study), { "small", "lr=0.1 model.road=both" })
  lu.assertEquals(study({}, { root = suite.root, quiet = true }).n, 2)
  local function body() return {} end
  lu.assertErrorMsgContains("two arms are called 'base'", flex.study, "a", recipe(), { list = { {}, {} } }, body)
  lu.assertErrorMsgContains("one plan is wanted", flex.study, "a", recipe(),
    { list = { {} }, grid = design.grid }, body)
  lu.assertErrorMsgContains("only a grid can be swept", study.with, study, { lr = { 1 } })
end

os.exit(lu.LuaUnit.run())
