-- flexlab.run.judging: which number a run is judged by; flexlab.store.latest: links that are followed and passed by.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local latest = require "flexlab.store.latest"
local judging = require "flexlab.run.judging"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestMetric", suite)

support.foldered(suite)

local function recipe(about, result)
  local made = flex.recipe("judged", { lr = 0.1 }, function(cfg)
    return result or { psnr = 3, bicubic = 1, lr = cfg.lr }
  end, about)
  return made
end

function suite.test_a_declaration_is_checked()
  lu.assertEquals(recipe({ metric = "rfne" }).metric, { name = "rfne", better = "lower" })
  lu.assertEquals(recipe({ metric = "psnr" }).metric, { name = "psnr", better = "higher" })      -- as it is known
  lu.assertEquals(recipe({ metric = "bicubic.ssim" }).metric.better, "higher")
  lu.assertEquals(recipe({ metric = "psnr_last" }).metric.better, "higher")
  lu.assertEquals(recipe({ metric = "spread_skill" }).metric.better, "1")
  lu.assertEquals(recipe({ metric = "gain", better = "higher" }).metric.better, "higher")
  lu.assertNil(recipe().metric)
  for text, about in pairs { ["must be a table"] = "rfne", ["no 'metrik'; the nearest is 'metric'"] = { metrik = "a" },
    ["must be the name of a number"] = { metric = 3 }, ["lower, higher, 0 or 1, got 'min'"] =
    { metric = "a", better = "min" } } do
    lu.assertErrorMsgContains(text, recipe, about)
    lu.assertErrorMsgContains("judging_test.lua", recipe, about)
  end
end

function suite.test_it_is_kept_with_the_run_and_changes_no_hash()
  local plain = recipe()({}, { root = suite.folder .. "/a", quiet = true })
  local judged = recipe({ metric = "psnr" })({}, { root = suite.folder .. "/b", quiet = true })
  lu.assertEquals(plain.dir:match "judged.*", judged.dir:match "judged.*")
  lu.assertNil(judging.of(plain.dir))
  lu.assertEquals(judging.of(judged.dir), { name = "psnr", better = "higher" })
  local misspelt = recipe({ metric = "prsn" })({}, { root = suite.folder .. "/c", quiet = true })
  local noted = require("flexlab.context.notes").of(misspelt.dir)
  lu.assertEquals(#noted, 1)
  lu.assertStrContains(noted[1], "recipe 'judged': the metric it declares is no number of its result, which has no "
    .. "'prsn'; the nearest is 'psnr'")
end

function suite.test_the_choice_where_nothing_is_declared()
  local a, b = { bicubic = 1, gain = 2, rfne = 3 }, { bicubic = 1, gain = 3, rfne = 3 }
  local rfne, none = judging.choose({ "bicubic", "gain", "rfne" }, { a, b }, {}), judging.choose({}, {}, {})
  lu.assertEquals(rfne, { name = "rfne", better = "lower", why = "rfne is there; no recipe declares a main metric" })
  lu.assertEquals(judging.choose({ "bicubic", "gain" }, { a, b }, {}).name, "gain")
  lu.assertEquals(judging.choose({ "bicubic" }, { a, b }, {}).name, "bicubic")
  lu.assertNil(none)
  local declared = { { name = "gain", better = "higher" }, { name = "gain", better = "higher" } }
  lu.assertEquals(judging.choose({ "bicubic", "gain" }, { a, b }, declared).better, "higher")
  lu.assertStrContains(judging.choose({ "rfne" }, { a, b }, { { name = "x", better = "lower" } }).why,
    "which no result has")
  declared[2] = { name = "rfne", better = "lower" }
  lu.assertStrContains(judging.choose({ "rfne" }, { a, b }, declared).why, "different main metrics")
end

function suite.test_values_are_found_by_key_and_by_path()
  local result = { rfne = 1, ["rfne.u"] = 2, bicubic = { rfne = 3 } }
  lu.assertEquals(judging.value(result, "rfne"), 1)
  lu.assertEquals(judging.value(result, "rfne.u"), 2)
  lu.assertEquals(judging.value(result, "bicubic.rfne"), 3)
  lu.assertNil(judging.value(result, "bicubic"))
  lu.assertNil(judging.value(result, "rfne.v"))
  lu.assertNil(judging.value(3, "rfne"))
  local runs = require("flexlab.study.runs").new { name = "a", tasks = { { arm = { settings = {}, label = "x" },
    seed = 1, result = result } } }
  lu.assertEquals(runs:table().headers, { "seed", "rfne", "rfne.u", "parameters", "GFLOP", "seconds", "peak MiB" })
  lu.assertEquals({ table.unpack(runs:table().rows[1], 1, 3) }, { 1, 1, 2 })
end

function suite.test_a_declaration_that_is_no_number_of_the_result()
  lu.assertNil(judging.missing({ name = "rfne" }, { rfne = 1 }))
  lu.assertStrContains(judging.missing({ name = "rfn" }, { rfne = 1 }), "has no 'rfn'; the nearest is 'rfne'")
  lu.assertEquals(judging.missing({ name = "rfne" }, { rfne = { flex = 1, bicubic = 2 } }), "the metric it declares, "
    .. "'rfne', is a table of its result; a number of it is rfne.bicubic or rfne.flex")
end

function suite.test_ranks()
  lu.assertTrue(judging.rank(1, "lower") < judging.rank(2, "lower"))
  lu.assertTrue(judging.rank(2, "higher") < judging.rank(1, "higher"))
  lu.assertTrue(judging.rank(-0.1, "0") < judging.rank(0.2, "0"))
  lu.assertTrue(judging.rank(1.1, "1") < judging.rank(0.5, "1"))
end

function suite.test_latest_leads_to_the_run_begun_last()
  local function begin(seed) return recipe()({}, { root = suite.folder, seed = seed, quiet = true }).dir end
  begin(1)
  local second = begin(2)
  local link = suite.folder .. "/judged/latest"
  lu.assertEquals(latest.resolve(link), second)
  lu.assertEquals(latest.resolve(link .. "/"), second)
  lu.assertEquals(core.sys.readlink(link), second:match "judged/(.*)")            -- relative: it can be moved
  lu.assertEquals(latest.folders(suite.folder .. "/judged"), { second:match "judged/(%x+)" })
  lu.assertEquals(#flex.runs(suite.folder).tasks, 2)                              -- none is counted twice
  lu.assertEquals(latest.resolve(second), second)
  assert(core.sys.symlink("../../etc", link))
  lu.assertErrorMsgContains("out of its folder; it is not followed", latest.resolve, link)
  assert(core.sys.symlink("/etc", link))
  lu.assertErrorMsgContains("it is not followed", latest.resolve, link)
end

function suite.test_what_else_is_called_latest_stays()
  assert(core.sys.mkdirs(suite.folder .. "/x/latest"))
  lu.assertStrContains(latest.point(suite.folder, "x", "1"), "no link to the latest run")
  lu.assertEquals(core.sys.exists(suite.folder .. "/x/latest"), "folder")
end

function suite.test_folders_are_sorted_by_size_then_by_name()
  for _, name in ipairs { "10", "9", "1e5a", "ab", "02345678", "12345678" } do
    assert(core.sys.mkdirs(suite.folder .. "/" .. name))
  end
  lu.assertEquals(latest.folders(suite.folder), { "9", "10", "02345678", "12345678", "1e5a", "ab" })
  lu.assertEquals(latest.folders(suite.folder .. "/none"), {})
end

os.exit(lu.LuaUnit.run())
