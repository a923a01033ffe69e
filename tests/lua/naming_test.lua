-- flexlab.study.naming: the arms of runs found in folders; the same settings under other code or data.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local literal = require "flexlab.literal"
local naming = require "flexlab.study.naming"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestNaming", suite)

support.rooted(suite)

local SCRIPT = [[
local flex = require "flexlab"
return flex.recipe("edited", { lr = 0.1 }, function(cfg, run)
  local score = LEVEL + cfg.lr + run.seed / 100
  return { rfne = score }
end, { metric = "rfne" })]]

local function flexlab(line)
  return support.flexlab((line:gsub("ROOT", suite.root)), suite.root .. ".out")
end

-- Runs the recipe as it is at some level, three seeds; returns the folder of the runs.
local function run(level, more)
  assert(core.sys.mkdirs(suite.root))
  assert(core.sys.write(suite.root .. "/edited.lua", (SCRIPT:gsub("LEVEL", level))))
  local code, out = flexlab(("run ROOT/edited.lua --seeds 1..3 --quiet --out ROOT/runs %s"):format(more or ""))
  lu.assertEquals(code, 0, out)
  local record = require("flexlab.study.record")
  local dir = record.find(suite.root .. "/runs/edited-sweep/latest")
  return suite.root .. "/runs/" .. record.read(dir).runs[1].dir:match "^(.*)/"
end

function suite.test_before_and_after_an_edit_are_two_arms()
  local before, after = run "1", run "0.5"
  lu.assertNotEquals(before, after)
  local first, second = before:match "[^/]*$", after:match "[^/]*$"
  local code, out = flexlab(("compare %s %s"):format(before, after))
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, ("best: code=%s: edited.lua\n"):format(second))
  local rows = ("\ncode=%s: edited.lua +1.120? +0.0100* +3\ncode=%s: edited.lua +0.620? +0.0100* +3 +%%-0.5 ")
  lu.assertNotNil(out:find(rows:format(first, second)), out)         -- the first that was named is compared with
  lu.assertStrContains(out, "note: runs of the same settings lie in several folders, since they differ in code or data")
  _, out = flexlab(("compare %s %s"):format(after, before))
  lu.assertNotNil(out:find(("code=%s: edited.lua +1.120? +0.0100* +3 +0.5 "):format(first)), out)
  code, out = flexlab "compare ROOT/runs/edited"                     -- the folder above
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, ("best: code=%s: edited.lua\n"):format(second))
  code, out = flexlab "report ROOT/runs/edited"
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(core.sys.read(out:match "(%S+)%s*$"), ("is that of code=%s: edited.lua"):format(second))
  _, out = flexlab "list runs --out ROOT/runs"
  local row = ("edited/%s/2 +done +%%S+ %%S+ +code=%s: edited.lua +rfne 0.62 %%*\n"):format(second, second)
  lu.assertNotNil(out:find(row), out)
  _, out = flexlab "table ROOT/runs/edited"
  lu.assertNotNil(out:find("^ *code +seed +rfne"), out)
end

function suite.test_only_where_settings_are_the_same()
  run "1"
  run("1", "--set lr=0.2")
  local asked = flex.runs(suite.root .. "/runs/edited")
  lu.assertEquals(asked:pivot(nil, "rfne"):arms(), { "lr=0.1", "lr=0.2" })
  lu.assertEquals(asked:remarks(), {})
end

-- Tasks as they are found in folders, with files.lua there.
local function task(folder, seed, settings, files)
  local dir = ("%s/%s/%d"):format(suite.root, folder, seed)
  assert(core.sys.mkdirs(dir))
  if files then assert(literal.write(dir:match "^(.*)/" .. "/files.lua", files, "")) end
  local flat = { recipe = "r" }
  for k, v in pairs(settings) do flat[k] = v end
  return { dir = dir, seed = seed, flat = flat, config = settings }
end

local function labels(tasks)
  local list = {}
  for i, t in ipairs(tasks) do list[i] = t.arm.label end
  return list
end

function suite.test_data_that_differ_are_named()
  local function file(hash) return { { path = "train.h5", bytes = 9, hash = hash } } end
  local tasks = { task("a/aaaaaaaa", 1, {}, file "1"), task("a/bbbbbbbb", 1, {}, file "2"),
    task("a/cccccccc", 2, {}, file "2") }
  lu.assertStrContains(naming.arms(tasks), "each folder is an arm")
  lu.assertEquals(tasks[1].arm.settings.data, "aaaaaaaa: train.h5")
  lu.assertEquals(tasks[2].arm.settings.data, "bbbbbbbb: train.h5")
  lu.assertEquals(tasks[3].arm.settings.data, "bbbbbbbb: train.h5")   -- the same data: named by its first folder
end

function suite.test_copies_are_told_apart_by_their_folders()
  local tasks = { task("x/aaaaaaaa", 1, {}), task("y/aaaaaaaa", 1, {}) }
  naming.arms(tasks)
  lu.assertEquals(labels(tasks), { "folder=" .. suite.root .. "/x/aaaaaaaa", "folder=" .. suite.root .. "/y/aaaaaaaa" })
  tasks = { task("x/aaaaaaaa", 1, {}), task("y/aaaaaaaa", 2, {}) }     -- seeds shared by two machines
  lu.assertNil(naming.arms(tasks))
  lu.assertEquals(labels(tasks), { "r", "r" })
end

function suite.test_numbers_are_spelled_and_sorted_as_numbers()
  local tasks = { task("z/aaaaaaaa", 1, { lr = 1000.0 }), task("z/bbbbbbbb", 1, { lr = 2 }),
    task("z/cccccccc", 1, { lr = 0.5 }), task("z/aaaaaaaa", 2, { lr = 1000 }) }
  lu.assertNil(naming.arms(tasks))
  lu.assertEquals(labels(tasks), { "lr=0.5", "lr=2", "lr=1000", "lr=1000" })
end

function suite.test_one_trial_is_wanted_once()
  run "1"
  local line = "run ROOT/edited.lua --quiet --out ROOT/once "
  local code, out = flexlab(line .. "--seeds 1,1")
  lu.assertEquals(code, 2)
  lu.assertStrContains(out, "run: --seeds: 1 is there twice; a seed is one trial")
  lu.assertEquals(flexlab(line .. "--seeds 1..4,3"), 2)
  code, out = flexlab(line .. "--sweep lr=1e-3,0.001")
  lu.assertEquals(code, 2)
  lu.assertStrContains(out, "run: --sweep: two arms are called 'lr=0.001'; a value is wanted once")
  lu.assertEquals(flexlab(line .. "--sweep lr=1,1.0"), 2)
  lu.assertErrorMsgContains("seeds: 2 is there twice", flex.study.seeds, { 2, 2 })
end

-- A recipe that fails with a long sentence, and whose number is not finite otherwise.
local ENDS = [[
local flex = require "flexlab"
return flex.recipe("ends", { how = "nan", n = 1 }, function(cfg)
  if cfg.how == "bad" then error(("the field is too small for this network, %s"):format(("and so on "):rep(20)), 0) end
  return { zeta = cfg.how == "nan" and 0 / 0 or 1, alpha = 2 }
end, { metric = "zeta" })]]

function suite.test_what_a_sweep_prints_is_short_and_said_once()
  assert(core.sys.mkdirs(suite.root))
  assert(core.sys.write(suite.root .. "/ends.lua", ENDS))
  local code, out = flexlab "run ROOT/ends.lua --sweep how=nan,fine,bad --seeds 1..2 --out ROOT/runs"
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "how=nan  seed 1  zeta nan  alpha 2")        -- the declared metric first
  lu.assertNotStrContains(out, "-nan")
  lu.assertNil(out:find "\n[%w_]+%.how=", out)                           -- the table is not repeated line by line
  _, out = flexlab "list runs --out ROOT/runs"
  lu.assertNotNil(out:find "\n[^\n]*/1 +failed: the field is too small[^\n]*\u{2026} +%d", out)
  lu.assertEquals(select(2, out:gsub("and so on and so on", "")), 1 * 10)
  for line in out:gmatch "[^\n]+" do
    lu.assertTrue(not line:find "^%S+/%d+  +%a+" or #line <= #suite.root + 110, line)
  end
  lu.assertNotNil(out:find "\n%S+/ends/%x+/1 and 1 more: failed: the field is too small for this network, and so", out)
end

os.exit(lu.LuaUnit.run())
