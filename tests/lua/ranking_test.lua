-- flexlab.study.ranking: which arm is the best, and when none may be called so; in list, compare and report.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local judging = require "flexlab.run.judging"
local ranking = require "flexlab.study.ranking"
local study_runs = require "flexlab.study.runs"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestRanking", suite)

support.rooted(suite)

-- Runs of toys: { arm = { [seed] = rfne } }.
local function runs(arms)
  local tasks = {}
  for label, scores in pairs(arms) do
    for seed, score in pairs(scores) do
      tasks[#tasks + 1] = { seed = seed, dir = ("%s/%d"):format(label, seed), result = { rfne = score },
        arm = { settings = { arm = label }, label = label } }
    end
  end
  table.sort(tasks, function(a, b) return a.dir < b.dir end)
  return study_runs.new { name = "hand", tasks = tasks }
end

function suite.test_an_arm_does_not_win_by_failing_at_a_hard_seed()
  local p = runs({ safe = { 1, 1, 9, 1 }, fragile = { [1] = 1.5, [2] = 1.5, [4] = 1.5 } }):pivot(nil, "rfne")
  lu.assertTrue(p.fragile:mean() < p.safe:mean())                    -- the trap
  local best, about = ranking.best(p, "lower")
  lu.assertEquals({ best, about.seeds, about.means }, { "safe", { 1, 2, 4 }, { safe = 1, fragile = 1.5 } })
  lu.assertEquals(about.note, "the best is decided over the seeds that all arms have, 1, 2, 4; left out: seed 3")
  lu.assertEquals({ p:best "min" }, { "safe", about.note })
  lu.assertEquals(p:best "max", "fragile")
end

function suite.test_no_best_where_arms_share_no_seed()
  local p = runs({ a = { 1 }, b = { [2] = 2 } }):pivot(nil, "rfne")
  lu.assertEquals({ p:best "min" }, { nil, "the arms have no seed in common" })
end

function suite.test_no_best_where_nobody_knows_the_direction()
  local p = runs({ a = { 1 }, b = { 2 } }):pivot(nil, "rfne")
  local best, about = ranking.best(p, nil)
  lu.assertNil(best)
  lu.assertStrContains(about.why, "it is not known which way this metric is better")
  lu.assertEquals(judging.direction "gain", "higher")
  lu.assertEquals(judging.direction "gain_percent", "higher")
  lu.assertEquals(judging.direction "bicubic.rfne", "lower")
  for _, name in ipairs { "spread", "bicubic", "loops", "spread_last" } do
    lu.assertNil(judging.direction(name), name)
  end
  lu.assertEquals(judging.declared("r", { metric = "loops" }, 1).better, "lower")      -- who declares means to rank
end

function suite.test_no_best_across_different_test_data()
  local asked = runs { a = { 1, 1 }, b = { 2, 2 } }
  local function data(task, test)
    task.dir, task.scored_on = suite.root .. "/" .. task.dir, nil
    assert(core.sys.mkdirs(task.dir))
    assert(core.sys.write(task.dir .. "/data.txt", ("train x.h5\t%s, hash 1\n%s"):format(task.dir, test)))
  end
  for _, task in ipairs(asked.tasks) do data(task, "test moved/t.h5\t4 frames, hash 2\n") end
  lu.assertEquals(asked:pivot(nil, "rfne"):best "min", "a")          -- other training data: may be compared
  asked.tasks[4].scored_on = nil
  assert(core.sys.write(asked.tasks[4].dir .. "/data.txt", "test t.h5\t4 frames, hash 3\n"))
  local best, why = asked:pivot(nil, "rfne"):best "min"
  lu.assertNil(best)
  lu.assertStrContains(why, "the runs were scored on different test data (")
  lu.assertStrContains(why, "b/2; data.txt there tells which)")
end

-- The same through the commands: an arm that fails at the hard seed, 3.
function suite.test_list_compare_and_report_agree()
  local recipe = flex.recipe("trap", { arm = "safe" }, function(cfg, run)
    if cfg.arm == "fragile" and run.seed == 3 then error("too hard", 0) end
    local hard = run.seed == 3 and 8 or 0
    return { gain = 1 / (1 + hard), rfne = hard + 1 + (cfg.arm == "fragile" and 0.5 or 0), loops = run.seed }
  end)
  flex.study("traps", recipe, { grid = { arm = { "safe", "fragile" } }, seeds = "1..4" }, function() end)(nil,
    { root = suite.root, quiet = true })
  local function flexlab(line)
    return select(2, support.flexlab(line:gsub("ROOT", suite.root), suite.root .. ".out"))
  end
  local note = "the best is decided over the seeds that all arms have, 1, 2, 4; left out: seed 3"
  local out = flexlab "compare ROOT/trap"
  lu.assertStrContains(out, "best: arm=safe\n")
  lu.assertStrContains(out, "note: " .. note)
  out = flexlab "list runs --out ROOT"
  lu.assertNotNil(out:find "arm=safe +rfne 9 %*\n", out)
  lu.assertNil(out:find "arm=fragile[^\n]*%*", out)
  lu.assertStrContains(out, "note: trap: " .. note)
  lu.assertStrContains(out, "arm=safe (rfne 1)")                     -- the study's best arm
  local page = core.sys.read(flexlab("report ROOT/traps"):match "(%S+)%s*$")
  lu.assertStrContains(page, "is that of arm=safe (1 over 3 seeds). The best is decided over the seeds that all arms")
  out = flexlab "compare ROOT/trap --metric gain"
  lu.assertStrContains(out, "main metric: gain (higher is better; by its name)")
  out = flexlab "compare ROOT/trap --metric loops"
  lu.assertStrContains(out, "best: none is named, since it is not known which way this metric is better")
  lu.assertStrContains(out, "main metric: loops (it is not known which way is better; by its name)")
  out = flexlab "compare ROOT/trap --metric loops --better higher"
  lu.assertStrContains(out, "best: arm=")
  lu.assertStrContains(out, "main metric: loops (higher is better; as asked)")
end

os.exit(lu.LuaUnit.run())
