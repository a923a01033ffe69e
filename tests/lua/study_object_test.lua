-- A study as an object: its folder lists its runs, and table, compare, report and flex.runs work on it.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local literal = require "flexlab.literal"
local record = require "flexlab.study.record"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestStudyObject", suite)

support.rooted(suite)

local calls      -- how many runs the study made last has had

local function study(name, grid, seeds, body)
  local recipe
  recipe, calls = support.toy_recipe()
  local made = flex.study(name, recipe, { grid = grid or { ["model.road"] = { "none", "both" } },
    seeds = seeds or "1..3" }, body or function() end)
  return made
end

local function go(made, options)
  local o = { root = suite.root, quiet = true }
  for k, v in pairs(options or {}) do o[k] = v end
  return made(nil, o)
end

local function flexlab(line) return support.flexlab(line, suite.root .. ".out") end

function suite.test_its_folder_lists_plan_and_runs()
  local seen
  local made = study("roads", nil, nil, function(runs)
    seen = record.read(runs.dir)                        -- it is there before the study ends
  end)
  local dir = go(made).dir
  local list = record.read(dir)
  lu.assertEquals(seen, list)
  lu.assertEquals({ list.name, list.plan, list.recipe, list.seeds }, { "roads", "grid", "toy", { 1, 2, 3 } })
  lu.assertEquals(list.arms[2], { label = "model.road=both", settings = { ["model.road"] = "both" } })
  lu.assertEquals(#list.runs, 6)
  lu.assertEquals({ list.runs[2].arm, list.runs[2].seed }, { 2, 1 })
  lu.assertNotNil(list.runs[1].dir:match "^toy/%x+/1$")          -- relative to the folder of runs
  lu.assertEquals(core.sys.readlink(suite.root .. "/roads/latest"), dir:match "[^/]*$")
end

function suite.test_it_is_written_before_its_first_run()
  local recipe = flex.recipe("stops", { lr = 0.1 }, function() error("out of luck", 0) end)
  local made = flex.study("broken", recipe, { grid = { lr = { 0.1, 0.2 } }, seeds = "1" }, function() end)
  pcall(made, nil, { root = suite.root, quiet = true })
  local list = record.read(record.find(suite.root .. "/broken"))
  lu.assertEquals(#list.runs, 2)
  lu.assertErrorMsgContains("no finished run in " .. suite.root .. "/broken (2 failed; the first: out of luck)",
    flex.runs, suite.root .. "/broken")
end

function suite.test_flex_runs_knows_it_in_every_form()
  local dir = go(study("roads")).dir
  go(study("more", { ["model.road"] = { "weak" } }))               -- other runs of the same recipe
  for _, path in ipairs { dir, suite.root .. "/roads", suite.root .. "/roads/latest", suite.root .. "/roads/" } do
    local runs = flex.runs(path)
    lu.assertEquals(#runs, 6, path)
    lu.assertEquals(runs.name, "roads")
    lu.assertEquals(runs:pivot("model.road", "rfne"):arms(), { "none", "both" })       -- in the order of the plan
  end
  lu.assertEquals(#flex.runs(suite.root .. "/toy"), 9)
  lu.assertEquals(#flex.runs(suite.root), 9)                       -- links and studies count no run twice
  lu.assertEquals(#flex.runs { suite.root .. "/roads", suite.root .. "/more", suite.root .. "/toy" }, 9)
end

function suite.test_links_are_passed_by()
  go(study("roads"))
  local other = suite.root .. "-other"
  go(study("roads"), { root = other })
  assert(core.sys.symlink(other .. "/toy", suite.root .. "/elsewhere"))       -- out of the folder of runs
  local hash = require("flexlab.store.latest").folders(suite.root .. "/toy")[1]
  assert(core.sys.symlink(hash, suite.root .. "/toy/12345678"))               -- and to a run that is there
  lu.assertEquals(#flex.runs(suite.root), 6)
  lu.assertEquals(#flex.runs(suite.root .. "/toy"), 6)
  local _, out = flexlab("list runs --out " .. suite.root)
  lu.assertNotStrContains(out, "elsewhere")
  lu.assertNotStrContains(out, "12345678")
  lu.assertEquals(select(2, out:gsub("/toy/%x+/%d ", "")), 6)
  os.execute("rm -rf '" .. other .. "'")
end

function suite.test_more_seeds_or_arms_run_only_what_is_new()
  local first = go(study("grows", nil, "1..2")).dir
  lu.assertEquals(calls(), 4)
  local second = go(study("grows", { ["model.road"] = { "none", "both", "weak" } }, "1..3")).dir
  lu.assertEquals(calls(), 9 - 4)
  lu.assertNotEquals(first, second)                                -- the larger study has a hash of its own
  lu.assertEquals(#flex.runs(first), 4)                            -- and the smaller one stays
  local runs = flex.runs(suite.root .. "/grows")
  lu.assertEquals(#runs, 9)
  lu.assertStrContains(runs:remarks()[1], "holds 2 studies; this is the latest, " .. second:match "[^/]*$")
end

function suite.test_a_moved_folder_works()
  local dir = go(study("roads")).dir
  local moved = suite.root .. "-moved"
  assert(core.sys.rename(suite.root, moved))
  local runs = flex.runs(moved .. "/roads/latest")
  lu.assertEquals(#runs, 6)
  lu.assertStrContains(runs:report(), moved .. "/roads/")
  local page = core.sys.read(moved .. "/roads/" .. dir:match "[^/]*$" .. "/report.html")
  lu.assertNotStrContains(page, suite.root .. "/")
  os.execute("rm -rf '" .. moved .. "'")
end

function suite.test_a_study_that_does_not_list_its_runs_says_what_to_do()
  local dir = go(study("roads")).dir
  core.sys.remove(dir .. "/study.lua")
  for _, path in ipairs { dir, suite.root .. "/roads" } do
    lu.assertErrorMsgContains("run it again (finished runs are not repeated)", flex.runs, path)
  end
end

function suite.test_the_same_study_in_another_root_has_the_same_hash()
  local a, b = go(study("roads")).dir, go(study("roads"), { root = suite.root .. "/other" }).dir
  lu.assertEquals(a:match "roads/%x+", b:match "roads/%x+")
  lu.assertEquals(core.sys.read(a .. "/study.lua"), core.sys.read(b .. "/study.lua"))
end

function suite.test_a_list_of_runs_that_is_not_one_is_refused()
  local dir = go(study("roads")).dir
  local good = literal.read(dir .. "/study.lua")
  local function refused(text, change)
    local copy = literal.read(dir .. "/study.lua")
    change(copy)
    assert(literal.write(dir .. "/study.lua", copy))
    local ok, message = pcall(flex.runs, dir)
    assert(literal.write(dir .. "/study.lua", good))
    lu.assertFalse(ok)
    lu.assertStrContains(message, "study.lua is no study's list of runs")
    lu.assertStrContains(message, text)
  end
  refused("it has no runs", function(t) t.runs = {} end)
  refused("it has no arms", function(t) t.arms = nil end)
  refused("a run is not", function(t) t.runs[1].arm = 9 end)
  for _, path in ipairs { "/etc/12345678/1", "../../12345678/1", "toy/12345678/../../x", "toy/latest" } do
    refused("'" .. path .. "' is no run below the folder of runs", function(t) t.runs[1].dir = path end)
  end
  -- A link on the way is not followed.
  local hash = good.runs[1].dir:match "/(%x+)/"
  assert(core.sys.rename(suite.root .. "/toy/" .. hash, suite.root .. "/elsewhere"))
  assert(core.sys.symlink("../elsewhere", suite.root .. "/toy/" .. hash))
  lu.assertErrorMsgContains("is a link; runs are not looked for behind it", flex.runs, dir)
end

function suite.test_runs_without_a_result_stand_in_the_table()
  local dir = go(study("roads")).dir
  local list = record.read(dir)
  local failed, gone = suite.root .. "/" .. list.runs[1].dir, suite.root .. "/" .. list.runs[4].dir
  core.sys.remove(failed .. "/result.lua")
  assert(require("flexlab.store.state").fail(failed, { state = "diverged", sentence = "the loss is nan at step 7",
    step = 7, time = 0 }))
  os.execute("rm -r '" .. gone .. "'")
  local runs = flex.runs(dir)
  lu.assertEquals(#runs, 6)
  local text = runs:table():text()
  lu.assertStrContains(text, "diverged")
  lu.assertStrContains(text, "new")
  runs:summary("rfne", { key = "model.road" })
  local said = table.concat(runs:remarks(), "\n")
  lu.assertStrContains(said, "model.road=none, seed 1 (diverged: the loss is nan at step 7)")
  lu.assertStrContains(said, "model.road=both, seed 2 (new)")
end

function suite.test_the_page_says_that_machines_were_mixed()
  local dir = go(study("roads")).dir
  flex.runs(dir):report()
  lu.assertNotStrContains(core.sys.read(dir .. "/report.html"), "several instruction sets")
  local env = suite.root .. "/" .. record.read(dir).runs[1].dir .. "/env.txt"
  local text, n = core.sys.read(env):gsub("\nisa( +)%S+", "\nisa%1other")
  lu.assertEquals(n, 1)
  assert(core.sys.write(env, text))
  flex.runs(dir):report()
  lu.assertStrContains(core.sys.read(dir .. "/report.html"), "computed with several instruction sets")
  lu.assertStrContains(core.sys.read(dir .. "/report.html"), "other (1 runs)")
end

function suite.test_the_command_line_takes_studies_where_and_metrics()
  go(study("roads", { ["model.road"] = { "none", "both" }, lr = { 0.1, 0.2 } }))
  local roads = suite.root .. "/roads/latest"
  local code, out = flexlab("table " .. roads .. " --where lr=0.1")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "main metric: rfne (lower is better; rfne is there; no recipe declares a main metric)")
  lu.assertEquals(select(2, out:gsub("\n0%.1 ", "")), 6)
  code, out = flexlab("compare " .. roads .. " --by model.road")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "best: both")
  lu.assertStrContains(out, "each number is the mean of a seed over up to 2 settings")
  code, out = flexlab("compare " .. roads .. " --by model.road --where lr=0.1 --better higher")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "best: none")
  lu.assertNotStrContains(out, "each number is the mean")
  code, out = flexlab("report " .. roads .. " --where lr=0.2")
  lu.assertEquals(code, 0)
  lu.assertStrContains(core.sys.read(out:match "(%S+)%s*$"), "lr=0.2 model.road=none")
  for command in pairs { table = 1, compare = 1, report = 1 } do
    code, out = flexlab(command .. " " .. roads .. " --where model.road=bth")
    lu.assertEquals(code, 1)
    lu.assertStrContains(out, command .. ": no run has model.road=bth; model.road is none and both")
    code, out = flexlab(command .. " " .. roads .. " --where model.rod=both")
    lu.assertEquals(code, 2)
    lu.assertStrContains(out, command .. ": --where: no 'model.rod'; the nearest is 'model.road'")
    lu.assertEquals(flexlab(command .. " " .. roads .. " --where nonsense"), 2)
  end
end

-- A name that these runs do not have is wrong use, with the command's name and the nearest word.
function suite.test_misspelt_names_of_settings_arms_and_metrics()
  local roads = go(study("roads")).dir
  local one = flex.runs(roads).tasks[1].dir
  for line, sentence in pairs {
    ["compare RUNS --by model.rod"] = "compare: --by: no 'model.rod'; the nearest is 'model.road'",
    ["compare RUNS --against model.road=bth"] = "compare: --against: no 'model.road=bth'; the nearest is "
      .. "'model.road=both'",
    ["compare RUNS --by model.road --against bth"] = "compare: --against: no 'bth'; the nearest is 'both'",
    ["compare RUNS --metric rfen"] = "compare: --metric: no 'rfen'; the nearest is 'rfne'",
    ["report RUNS --metric rfen"] = "report: --metric: no 'rfen'; the nearest is 'rfne'",
    ["report RUNS --by model.rod"] = "report: --by: no 'model.rod'; the nearest is 'model.road'",
    ["table RUNS --metrics rfne,rfen"] = "table: --metrics: no 'rfen'; the nearest is 'rfne'",
    ["list choices RUNS"] = "a folder comes behind `runs`: flexlab list runs " .. roads,
    ["report RUNS --where seed=1 --where model.road=both --by model.road"] = "report: --by is for the comparison of "
      .. "runs, and " .. suite.root,
    ["report ONE --metric rfne"] = "report: --metric is for the comparison of runs, and ONE is one run",
    ["report ONE --better higher"] = "report: --better is for the comparison of runs, and ONE is one run",
  } do
    local code, out = flexlab((line:gsub("RUNS", roads):gsub("ONE", one)))
    lu.assertEquals(code, 2, line)
    lu.assertStrContains(out, (sentence:gsub("ONE", one)))
  end
end

-- A study's path is a word of every command that takes runs.
function suite.test_commands_take_a_study_s_path()
  go(study("roads"))
  local path = suite.root .. "/roads"
  for _, line in ipairs { "table ", "compare ", "report ", "list runs ", "list " } do
    local code, out = flexlab(line .. path)
    lu.assertEquals(code, 0, line .. out)
    if line:find "^list" then lu.assertStrContains(out, "/toy/") end
  end
end

-- A recipe whose runs end in every way; with `road` bad it fails behind its third step, of five.
local SCRIPT = [[
local flex = require "flexlab"
return flex.recipe("ends", { road = "weak", train = { steps = 5 } }, function(cfg, run)
  for step in run:steps(nil, cfg.train.steps, { checkpoint = 1 }) do
    run:log(step, { loss = 1 / step })
    if step == 3 and cfg.road == "bad" then error("out of luck", 0) end
  end
  return { bicubic = 1, gain = ({ weak = 2, both = 3 })[cfg.road] + run.seed / 100 }
end, { metric = "gain", better = "higher" })]]

function suite.test_zip_on_the_command_line()
  assert(core.sys.mkdirs(suite.root))
  local file = suite.root .. "/ends.lua"
  assert(core.sys.write(file, SCRIPT))
  local run = ("run %s --quiet --out %s/runs "):format(file, suite.root)
  local code, out = flexlab(run .. "--sweep road=weak,both --sweep train.steps=2,3 --zip")
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, "road=both train.steps=3")
  lu.assertNotStrContains(out, "road=both train.steps=2")
  lu.assertEquals(record.read(record.find(suite.root .. "/runs/ends-sweep")).plan, "zip")
  code, out = flexlab(run .. "--sweep road=weak,both --sweep train.steps=2,3,4 --zip --dry-run")
  lu.assertEquals(code, 2)
  lu.assertStrContains(out, "road has 2, train.steps has 3")
  code, out = flexlab(run .. "--zip")
  lu.assertEquals(code, 2)
  lu.assertStrContains(out, "--zip joins the values of several --sweep of a recipe; there is none")
end

function suite.test_list_shows_state_date_settings_and_the_best()
  assert(core.sys.mkdirs(suite.root))
  local file, out = suite.root .. "/ends.lua"
  assert(core.sys.write(file, SCRIPT))
  local runs = suite.root .. "/runs"
  for _, road in ipairs { "weak", "both", "bad" } do
    flexlab(("run %s --set road=%s --seeds 1..2 --quiet --out %s"):format(file, road, runs))
  end
  _, out = flexlab("list runs --out " .. runs)
  local today = os.date("%Y-%m-%d"):gsub("%-", "%%-")
  lu.assertNotNil(out:find("ends/%x+/1%s+done%s+" .. today .. " %d%d:%d%d%s+road=weak%s+gain 2.01\n"), out)
  lu.assertNotNil(out:find("ends/%x+/1%s+done%s+%S+ %S+%s+road=both%s+gain 3.01 %*\n"), out)
  lu.assertNotNil(out:find("ends/%x+/2%s+done%s+%S+ %S+%s+road=both%s+gain 3.02 %*\n"), out)
  lu.assertStrContains(out, "ends: main metric gain (higher is better; declared by the recipe); * is the best arm "
    .. "(mean 3.015)")
  lu.assertNotNil(out:find("ends%-sweep/%x+%s+grid%s+1%s+2%s+done 2%s+%S+ %S+%s+%(gain 3.015%)"), out)
  local bad = out:match "(%S+/ends/%x+/1)%s+[^\n]+road=bad"
  core.sys.remove(bad .. "/failed.txt")
  _, out = flexlab("list " .. runs .. "/ends")
  lu.assertNotNil(out:find "ends/%x+/1%s+stopped %d/5%s+%S+ %S+%s+road=bad", out)
  assert(require("flexlab.store.state").fail(bad, { state = "failed", sentence = "out of luck", step = 3, time = 0 }))
  _, out = flexlab("list " .. runs .. "/ends")
  lu.assertNotNil(out:find "ends/%x+/1%s+failed: out of luck%s+1970%-01%-01", out)
  local code
  code, out = flexlab("list " .. runs .. "/nothing")
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "there is no folder")
end

function suite.test_a_recipe_s_metric_ranks_in_report_and_compare()
  assert(core.sys.mkdirs(suite.root))
  local file = suite.root .. "/ends.lua"
  assert(core.sys.write(file, SCRIPT))
  flexlab(("run %s --sweep road=weak,both --seeds 1..2 --quiet --out %s/runs"):format(file, suite.root))
  os.remove(file)                                       -- ranked without the recipe's code
  local _, out = flexlab("compare " .. suite.root .. "/runs/ends")
  lu.assertStrContains(out, "best: road=both")
  lu.assertStrContains(out, "main metric: gain (higher is better; declared by the recipe)")
  _, out = flexlab("report " .. suite.root .. "/runs/ends")
  lu.assertStrContains(core.sys.read(out:match "(%S+)%s*$"),
    "The best mean gain (higher is better; declared by the recipe) is that of road=both (3.015 over 2 seeds)")
  _, out = flexlab("table " .. suite.root .. "/runs/ends --as csv")
  lu.assertStrContains(out, "road,seed,gain,bicubic")                -- the main metric first
end

-- Every file of two unbroken studies, in folders of other names and at other times, but those that hold times.
function suite.test_pages_of_two_unbroken_studies_are_equal_byte_for_byte()
  assert(core.sys.mkdirs(suite.root))
  local file, names = suite.root .. "/ends.lua", {}
  assert(core.sys.write(file, SCRIPT))
  for i, root in ipairs { "/a", "/elsewhere" } do
    if i == 2 then os.execute "sleep 1.1" end
    flexlab(("run %s --sweep road=weak,both --seeds 1..2 --quiet --out %s%s"):format(file, suite.root, root))
    local dir = record.find(suite.root .. root .. "/ends-sweep")
    flexlab("report " .. dir)
    flexlab("report " .. suite.root .. root .. "/ends/latest")
    names[i] = { dir, require("flexlab.store.latest").resolve(suite.root .. root .. "/ends/latest") }
  end
  local holds_times = { ["env.txt"] = true, ["cost.lua"] = true, ["cost.csv"] = true, ["log.txt"] = true }
  local compared = {}
  for k = 1, 2 do
    lu.assertEquals(core.sys.list(names[1][k]), core.sys.list(names[2][k]))
    for _, name in ipairs(core.sys.list(names[1][k])) do
      if not holds_times[name] then
        local a, b = core.sys.read(names[1][k] .. "/" .. name), core.sys.read(names[2][k] .. "/" .. name)
        lu.assertTrue(a == b, name)
        compared[name] = true
      end
    end
  end
  for _, name in ipairs { "report.html", "runs.csv", "runs.tex", "summary.csv", "study.lua", "result.lua", "sweep.csv",
    "last.h5", "metrics.jsonl", "metrics.csv" } do
    lu.assertTrue(compared[name], name)
  end
  local costs = core.sys.read(names[1][1] .. "/cost.csv")
  lu.assertStrContains(costs, "arm,seed,started,host,seconds,peak MiB,threads,resumed\nroad=weak,1,2")
end

function suite.test_a_diverged_arm_leaves_the_chart_of_losses()
  local dir = go(study("roads")).dir
  local list = record.read(dir)
  for _, run in ipairs(list.runs) do
    local wild, path = run.arm == 1, suite.root .. "/" .. run.dir
    local rows = {}
    for step = 1, 6 do
      rows[step] = ('{"step": %d, "loss": %g}\n'):format(step, wild and 10.0 ^ (5 * step) or 1 / step)
    end
    assert(core.sys.write(path .. "/metrics.jsonl", table.concat(rows)))
    if wild and run.seed > 1 then
      core.sys.remove(path .. "/result.lua")
      assert(require("flexlab.store.state").fail(path, { state = "diverged", sentence = "inf", step = 6, time = 0 }))
    end
  end
  flex.runs(dir):report()
  local page = core.sys.read(dir .. "/report.html")
  lu.assertStrContains(page, "model.road=none (leaves the chart)")
  lu.assertNotStrContains(page, "model.road=both (leaves the chart)")
  lu.assertNil(page:find 'font%-size="75%%">[1-9]%d<')                   -- no axis up to 10^30
end

os.exit(lu.LuaUnit.run())
