-- Finished runs as something to ask; arms that share random numbers; studies that are killed.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local plan = require "flexlab.study.plan"
local study_runs = require "flexlab.study.runs"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestStudyRuns", suite)

support.rooted(suite)
local recipe = support.toy_recipe

function suite.test_runs_can_be_asked()
  local seen
  flex.study("ask", recipe(), { grid = { ["model.road"] = { "none", "both" }, lr = { 0.1, 0.2 } },
    seeds = "1..3" }, function(runs) seen = runs end)({}, { root = suite.root, quiet = true })
  lu.assertEquals(#seen, 12)
  lu.assertEquals(#seen:where { ["model.road"] = "none", seed = 2 }, 2)
  lu.assertEquals(#seen:where { ["model.width"] = 1 }, 12)           -- a key that all share
  lu.assertErrorMsgContains("nearest is 'model.road'", seen.where, seen, { ["model.rod"] = 1 })
  local names = {}
  for value, some in seen:group "model.road" do names[#names + 1] = value .. #some end
  lu.assertEquals(names, { "none6", "both6" })
  local t = seen:table { "rfne" }
  lu.assertEquals(t.headers, { "lr", "model.road", "seed", "rfne", "parameters", "GFLOP", "seconds", "peak MiB" })
  lu.assertEquals(#t.rows, 12)
  lu.assertStrContains(t:latex(), "\\begin{tabular}")
  lu.assertStrContains(t:latex(), "model.road & seed")
  local summary, tests = seen:summary("rfne", { key = "model.road", against = "none" })
  lu.assertAlmostEquals(tests.both.diff, -2, 1e-12)
  lu.assertEquals(tests.both.n, 3)                       -- seeds, not seeds times lr
  lu.assertStrContains(summary:text(), "0.25 (least; needs 6 seeds for .05)")
end

-- Runs of a toy, by hand: road a and b under two learning rates and three seeds; `change` is given each run.
local function runs_by_hand(change)
  local tasks = {}
  for seed = 1, 3 do
    for _, road in ipairs { "a", "b" } do
      for _, lr in ipairs { 0.1, 0.2 } do
        local settings = { road = road, lr = lr }
        local task = { seed = seed, dir = ("%s%s%d"):format(road, lr, seed),
          arm = { settings = settings, label = plan.label(settings) },
          result = { rfne = (road == "a" and 1 or 2) + 10 * lr + seed / 100 } }
        if change(task, road, lr, seed) ~= false then tasks[#tasks + 1] = task end
      end
    end
  end
  return study_runs.new { name = "hand", tasks = tasks }
end

function suite.test_missing_runs_leave_only_what_all_values_have()
  local runs = runs_by_hand(function(task, road, lr, seed)
    if road == "b" and lr == 0.2 and seed == 2 then
      task.result, task.state = nil, { word = "diverged", sentence = "nan at step 7" }
    elseif road == "b" and seed == 3 then
      task.result.rfne = 0 / 0
    end
  end)
  local p = runs:pivot("road", "rfne")
  lu.assertAlmostEquals(p.a[1], 2.51, 1e-12)             -- 1 + (1 + 2) / 2 + 0.01
  lu.assertAlmostEquals(p.a[2], 2.02, 1e-12)             -- lr = 0.1 alone: b has no other in seed 2
  lu.assertEquals(p.a.seeds, { 1, 2, 3 })
  lu.assertEquals(p.b.seeds, { 1, 2 })
  local t, tests = runs:summary("rfne", { key = "road" })
  lu.assertEquals(tests.b.n, 2)
  lu.assertAlmostEquals(tests.b.diff, 1, 1e-12)
  lu.assertStrContains(t:text(), "0.5 (least; needs 6 seeds for .05)")
  local said = table.concat(runs:remarks(), "\n")
  for _, text in ipairs { "lr=0.2 road=b, seed 2 (diverged: nan at step 7)", "lr=0.1 road=b, seed 3 (not finite)",
    "only those that all have are averaged, in seed 2 (lr=0.1)", "of the 3 seeds b has seeds 1, 2" } do
    lu.assertStrContains(said, text)
  end
  lu.assertStrContains(runs:table():text(), "diverged")
  lu.assertEquals(#runs:table().rows, 12)
end

function suite.test_an_arm_without_any_number_is_shown_and_hurts_no_other()
  local runs = runs_by_hand(function(task, road)
    if road == "a" then task.result, task.state = nil, { word = "failed", sentence = "no memory" } end
  end)
  local t, tests, p = runs:summary("rfne", { key = "road" })
  lu.assertEquals(p:best "min", "b")
  lu.assertEquals(tests.b.diff, "")                       -- a has no number, so b is what others are compared with
  lu.assertEquals(tests.a.p_text, "- (no pairs)")
  lu.assertStrContains(t:text(), "a")
  flex.plot.slopes(p):svg()
  lu.assertStrContains(runs:remarks()[1],
    "left out, with no number: lr=0.1 road=a, seeds 1, 2, 3 (failed: no memory); ")
  local none = runs_by_hand(function(task) task.result, task.state = nil, { word = "failed" } end)
  lu.assertErrorMsgContains("no 'rfne'; there is none at all", none.pivot, none, "road", "rfne")
end

function suite.test_what_cannot_be_paired_is_refused()
  local runs = runs_by_hand(function(_, road, lr) return (road == "a") == (lr == 0.1) end)    -- they vary together
  lu.assertErrorMsgContains("no seed has two of them under the same other settings", runs.pivot, runs, "road", "rfne")
  lu.assertEquals(#runs:pivot(nil, "rfne"):arms(), 2)
  runs = runs_by_hand(function() end)
  local copy = { seed = 1, dir = "other", arm = runs.tasks[1].arm, result = { rfne = 7 } }
  table.insert(runs.tasks, copy)
  lu.assertErrorMsgContains("seed 1 of 'a' is there twice, in a0.11 and other", runs.pivot, runs, "road", "rfne")
end

function suite.test_runs_are_found_in_folders_and_reported()
  local study = flex.study("page", recipe(), { grid = { ["model.road"] = { "none", "both" } }, seeds = "1..3" },
    function(runs) return { path = runs:report { metric = "rfne", better = "min" } } end)
  local result = study({}, { root = suite.root, quiet = true })
  local html = core.sys.read(result.path)
  for _, text in ipairs { "the least p there is is 0.25", "Seed by seed", "model.road=none", "Cost",
    "Runs and their weights", "<svg" } do
    lu.assertStrContains(html, text)
  end
  lu.assertStrContains(core.sys.read(result.dir .. "/runs.tex"), "\\toprule")
  local found = flex.runs(suite.root .. "/toy")
  lu.assertEquals(#found, 6)
  lu.assertEquals(found:pivot("model.road", "rfne"):arms(), { "both", "none" })
  lu.assertErrorMsgContains("no folder", flex.runs, suite.root .. "/none")
  assert(core.sys.mkdirs(suite.root .. "/empty"))
  lu.assertErrorMsgContains("no finished run", flex.runs, suite.root .. "/empty")
  -- a study whose hash happens to be a number is no run
  assert(core.sys.rename(result.dir, suite.root .. "/page/12345678"))
  lu.assertEquals(#flex.runs(suite.root), 6)
end

-- Thousands of instructions of Lua that a table of one run with so many results takes.
local function work_of_a_table(results)
  local folder, lines, count = ("%s/wide/%08x/1"):format(suite.root, results), {}, 0
  assert(core.sys.mkdirs(folder))
  for i = 1, results do lines[i] = ("k%d = %d"):format(i, i) end
  assert(core.sys.write(folder .. "/config.lua", "return { a = 1 }\n"))
  assert(core.sys.write(folder .. "/result.lua", "return { " .. table.concat(lines, ", ") .. " }\n"))
  debug.sethook(function() count = count + 1 end, "", 1000)
  flex.runs(folder):table()
  debug.sethook()
  return count
end

function suite.test_the_work_of_a_table_is_in_proportion_to_its_results()
  work_of_a_table(10)
  local few = work_of_a_table(1000)
  lu.assertTrue(few > 10)
  lu.assertTrue(work_of_a_table(4000) < 8 * few)   -- 4 and some sorting; 16 where each result asks after all
end

-- Arms with one seed see the same data, times and noise, and begin with the same weights where shapes allow.
function suite.test_arms_share_random_numbers()
  local flow, seen = suite.root .. ".h5", {}
  flex.generate("turbulence", { re = 200, size = 32, frames = 3, seed = 1, out = flow, quiet = true, k0 = 4.0 })
  local twin = flex.recipe("twin", { model = { conditioning = "both", predict = "v" } }, function(cfg, run)
    local data = flex.data.superres { file = flow, test = flow, factor = 2, crop = 16, batch = 2, test_tiles = 1 }
    local model = flex.models.flex { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2,
      conditioning = cfg.model.conditioning, predict = cfg.model.predict, dropout = 0.0 }
    local record = { weights = {}, ids = {}, x_t = {} }
    for _, p in ipairs(model:parameters()) do record.weights[p.name] = p.tensor:detach():totable() end
    local optim, original = flex.optim.adam(model, { lr = 1e-3 }), flex.diffusion.loss_at
    rawset(flex.diffusion, "loss_at", function(...)
      local loss, inside = original(...)
      record.x_t[#record.x_t + 1] = inside.x_t:totable()
      return loss, inside
    end)
    for _, batch in run:steps(data.train, 3) do
      record.ids[#record.ids + 1] = table.concat(batch.ids, ",")
      optim:step(flex.diffusion.loss(model, batch))
    end
    rawset(flex.diffusion, "loss_at", original)
    local sampled = flex.diffusion.sample(optim.ema, data.test:batches()(), { steps = 1 })
    seen[cfg.model.conditioning .. cfg.model.predict .. run.seed] = record
    return { rfne = sampled:abs():sum():item() }
  end)
  flex.study("twins", twin, { grid = { ["model.conditioning"] = { "none", "weak", "both" },
    ["model.predict"] = { "v", "x" } }, seeds = "1,2" }, function() end)({}, { root = suite.root, quiet = true })
  os.remove(flow)
  local shared = 0
  for name, other in pairs(seen) do
    local base = seen["bothv" .. name:sub(-1)]
    lu.assertEquals(other.ids, base.ids, name)
    lu.assertEquals(other.x_t, base.x_t, name)
    for parameter, values in pairs(other.weights) do
      lu.assertEquals(values, base.weights[parameter], name .. " " .. parameter)
      shared = shared + 1
    end
  end
  lu.assertTrue(shared > 300)
  lu.assertNotEquals(seen.bothv1.ids, seen.bothv2.ids)
  lu.assertNotEquals(seen.bothv1.x_t, seen.bothv2.x_t)
end

-- A process that is killed at its k-th run or step leaves a study that goes on, whatever k is.
function suite.test_a_study_killed_anywhere_continues_to_the_same_result()
  local workers = require "flexlab.study.workers"
  assert(core.sys.mkdirs(suite.root))
  assert(core.sys.write(suite.root .. "/slow.lua", [[
local flex = require "flexlab"
local slow = flex.recipe("slow", { lr = 0.1 }, function(cfg, run)
  local net = flex.nn.module { a = flex.nn.linear(2, 1) }:init(run.seed)
  local optim = flex.optim.adam(net, { lr = cfg.lr, ema = false })
  for step in run:steps(nil, 4, { checkpoint = 1 }) do
    local left = tonumber(os.getenv "KILL_AT") - 1
    local counter = io.open(os.getenv "COUNTER", "a+")
    counter:write("x"); counter:close()
    counter = io.open(os.getenv "COUNTER"); local n = #counter:read("a"); counter:close()
    if n == left + 1 then os.execute("kill -9 $PPID") end
    local loss = net.a(flex.core.full({ 1, 2 }, step)):mean()
    run:log(step, { loss = loss })
    optim:step(loss)
  end
  local w = net:parameters()[1].tensor
  return { rfne = w:sum():item() }
end)
return flex.study("slows", slow, { grid = { lr = { 0.1, 0.2 } }, seeds = "1,2" }, function(runs)
  local p = runs:pivot("lr", "rfne")
  return { a = p[0.1]:mean(), b = p[0.2]:mean() }
end)]]))
  local function go(out, kill_at)
    os.remove(suite.root .. "/counter")
    return os.execute(("export KILL_AT=%d COUNTER=%s/counter; { %s run %s/slow.lua --out %s/%s --quiet; } >%s/out 2>&1")
      :format(kill_at, suite.root, workers.program(), suite.root, suite.root, out, suite.root))
  end
  local function tree(out)
    local list = {}
    for _, task in ipairs(flex.runs(suite.root .. "/" .. out .. "/slow").tasks) do
      for _, name in ipairs { "result.lua", "metrics.jsonl", "last.h5" } do
        list[task.arm.label .. task.seed .. name] = core.sys.hash(core.sys.read(task.dir .. "/" .. name))
      end
    end
    return list
  end
  lu.assertTrue(go("whole", 1000) == true, core.sys.read(suite.root .. "/out"))
  local whole = tree "whole"
  for _, k in ipairs { 1, 3, 5, 11, 16 } do
    lu.assertNotEquals(go("killed" .. k, k), true)
    lu.assertTrue(go("killed" .. k, 1000) == true, core.sys.read(suite.root .. "/out"))
    lu.assertEquals(tree("killed" .. k), whole, "killed at " .. k)
  end
end

local function flexlab(line) return support.flexlab(line, suite.root .. ".out") end

function suite.test_table_compare_and_report_on_the_command_line()
  flex.study("cli", recipe(), { grid = { ["model.road"] = { "none", "both" } }, seeds = "1..3" },
    function() end)({}, { root = suite.root, quiet = true })
  local code, out = flexlab("table " .. suite.root .. "/toy --metrics rfne --where model.road=both --as csv")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "both,2,1.12")
  lu.assertNotStrContains(out, "none")
  code, out = flexlab("table " .. suite.root .. "/toy --as tex")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "\\bottomrule")
  code, out = flexlab("compare " .. suite.root .. "/toy --by model.road --against none")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "0.25 (least; needs 6 seeds for .05)")
  code, out = flexlab("report " .. suite.root .. "/toy")
  lu.assertEquals(code, 0)
  lu.assertStrContains(core.sys.read(out:match("(%S+)%s*$")), "Runs and their weights")
  local run = flex.runs(suite.root .. "/toy").tasks[1].dir
  code, out = flexlab("report " .. run)
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, run .. "/report.html")
  code, out = flexlab("table " .. suite.root .. "/none")
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "flexlab: there is no folder")
  lu.assertEquals(flexlab("table " .. suite.root .. "/toy --where nonsense"), 2)
end

os.exit(lu.LuaUnit.run())
