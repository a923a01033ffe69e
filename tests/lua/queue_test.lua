-- Laws of a study's queue: whoever works, whoever dies and whatever fails, each run is made once and bit for bit.
local flex = require "flexlab"
local lu = require "luaunit"
local live = require "flexlab.study.live"
local locks = require "flexlab.store.locks"
local state = require "flexlab.store.state"
local support = require "tests.lua.support"
local program = require("flexlab.study.workers").program()
local core = flex.core

local suite = {}
rawset(_G, "TestQueue", suite)
support.foldered(suite)

-- A study of eight runs: two arms are good, one raises, one diverges; a step takes a few milliseconds.
local STUDY = [[
local flex = require "flexlab"
local core = flex.core
local toy = flex.recipe("toy", { kind = "good", rate = 0.1, train = { steps = 20, checkpoint = 5 } }, function(cfg, run)
  local model = flex.nn.module { a = flex.nn.linear(2, 1) }
  model:init(run.seed)
  local optim = flex.optim.adam(model, { lr = cfg.rate })
  print("I am " .. cfg.kind)
  for step in run:steps(nil, cfg.train.steps) do
    local loss = (model.a(core.normal({ 4, 2 }, { seed = run.seed, stream = "data", step = step })) - 1):square():mean()
    if cfg.kind == "raises" and step == 7 then error "no luck" end
    if cfg.kind == "diverges" and step == 13 then loss = loss * math.huge end
    if cfg.kind == "dies" and step == 3 then os.execute("kill -9 " .. core.sys.pid()) end
    optim:step(loss)
    run:log(step, { loss = loss })
    core.sys.sleep(tonumber(os.getenv "PACE" or 0))
  end
  return { rfne = model.a(core.full({ 1, 2 }, 1)):item() }
end)
return flex.study("eight", toy, { list = { { rate = 0.1, label = "a" }, { rate = 0.2, label = "b" },
  { kind = "raises", label = "bad" }, { kind = "diverges", label = "wild" } }, seeds = "1,2" }, function(runs)
  runs:table():save(runs.dir .. "/table.csv")
  return { n = #runs, missing = #runs:missing(), first = runs:missing()[1].state.word }
end)
]]

local function path(name) return suite.folder .. "/" .. name end

local function study_file(text)
  assert(core.sys.write(path "eight.lua", text or STUDY))
  return path "eight.lua"
end

-- Starts `flexlab run` of the study; its output goes to a file.
local function start(root, out, options, around)
  return assert(core.sys.start { "/bin/sh", "-c", ("exec %s env %s run '%s' --out '%s' %s >'%s' 2>&1"):format(
    around or "", program, path "eight.lua", path(root), options or "", path(out)) })
end

local function ended(pid)
  for _ = 1, 12000 do
    local how, number = core.sys.ended(pid)
    if how then return how, number end
    core.sys.sleep(0.01)
  end
end

local function run(root, options, around)
  local pid = start(root, "out", options, around)
  local how, number = ended(pid)
  return number, core.sys.read(path "out"), how
end

-- Folders of runs below a root, by "hash/seed".
local function runs_of(root)
  local found = {}
  for _, hash in ipairs(core.sys.list(path(root) .. "/toy")) do
    for _, seed in ipairs(hash:match "^%x+$" and core.sys.list(("%s/toy/%s"):format(path(root), hash)) or {}) do
      if seed:match "^%d+$" then found[hash .. "/" .. seed] = ("%s/toy/%s/%s"):format(path(root), hash, seed) end
    end
  end
  return found
end

local function words(root)
  local count = {}
  for _, dir in pairs(runs_of(root)) do
    local word = state.of(dir).word
    count[word] = (count[word] or 0) + 1
  end
  return count
end

-- Every run of a root has the files of the same run of another, and no step twice.
local function equal(root, other)
  local reference, n = runs_of(other), 0
  for name, dir in pairs(runs_of(root)) do
    n = n + 1
    for _, file in ipairs { "last.h5", "metrics.csv", "result.lua" } do
      lu.assertTrue(core.sys.read(dir .. "/" .. file) == core.sys.read(reference[name] .. "/" .. file),
        name .. "/" .. file)
    end
    local step = 0
    for line in core.sys.read(dir .. "/metrics.csv"):gmatch "\n(%d+),[^\n]*" do
      step = step + 1
      lu.assertEquals(tonumber(line), step, dir)
    end
    lu.assertEquals(step, ({ done = 20, failed = 6, diverged = 12 })[state.of(dir).word])
    for _, file in ipairs(core.sys.list(dir)) do
      lu.assertNil(file:match "^lock" or file:match "%.tmp%.", dir .. "/" .. file)
    end
  end
  lu.assertEquals(n, 8)
end

local function owner_of_a_run(root)
  for _ = 1, 3000 do
    local ok, found = pcall(runs_of, root)
    for _, dir in pairs(ok and found or {}) do
      local owner = locks.owner(dir)
      if owner and owner.alive and owner.pid and #flex.log.read(dir .. "/metrics.jsonl") > 2 then return owner.pid end
    end
    core.sys.sleep(0.01)
  end
end

function suite.test_a_failure_and_a_divergence_end_no_study()
  study_file()
  local code, said = run "serial"
  lu.assertEquals(code, 1)
  lu.assertEquals(words "serial", { done = 4, failed = 2, diverged = 2 })
  lu.assertStrContains(said, "no luck")
  lu.assertStrMatches(said, ".*first +failed\nmissing +4\nn +8\n.*")
  lu.assertStrContains(said, "eight 8/8  wild  seed 2  DIVERGED: ")
  lu.assertStrContains(said, "note: 4 of 8 runs have no result: 2 diverged, 2 failed; the first: seed 1 of 'bad' (")
  local csv = core.sys.read(path "serial/eight/latest/table.csv")
  local _, lines = csv:gsub("\n", "\n")
  lu.assertEquals(lines, 9)
  for _, row in ipairs { "diverges,0.1,1,diverged,-,", "raises,0.1,2,failed,-,", "good,0.1,1,done,1" } do
    lu.assertStrContains(csv, row)
  end
  -- they are not repeated unasked, and with --retry failed they are
  local marks = {}
  for name, dir in pairs(runs_of "serial") do marks[name] = core.sys.read(dir .. "/log.txt") end
  code, said = run "serial"
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "eight: 8 of 8 runs had ended before")
  for name, dir in pairs(runs_of "serial") do lu.assertEquals(core.sys.read(dir .. "/log.txt"), marks[name]) end
  code, said = run("serial", "--retry failed")
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "4 runs that failed are tried again")
  for name, dir in pairs(runs_of "serial") do
    lu.assertEquals(core.sys.read(dir .. "/log.txt") == marks[name], state.of(dir).word == "done", name)
  end
end

-- Two commands, four workers; one worker is killed with -9, an arm raises and another diverges.
function suite.test_two_commands_and_four_workers()
  study_file()
  run "serial"
  local options = "--jobs 2 --threads 1"
  local a, b = start("shared", "a", options, "env PACE=0.02"), start("shared", "b", options, "env PACE=0.02")
  local pid = assert(owner_of_a_run "shared")
  lu.assertTrue(pid ~= a and pid ~= b)
  lu.assertTrue(core.sys.kill(pid, "KILL"))
  lu.assertEquals({ ended(a) }, { "exit", 1 }, core.sys.read(path "a"))
  lu.assertEquals({ ended(b) }, { "exit", 1 }, core.sys.read(path "b"))
  lu.assertEquals(words "shared", { done = 4, failed = 2, diverged = 2 })
  equal("shared", "serial")
  local said = core.sys.read(path "a") .. core.sys.read(path "b")
  lu.assertStrContains(said, "but its process is dead: taken over")
  for _, out in ipairs { "a", "b" } do
    lu.assertStrContains(core.sys.read(path(out)), "note: 4 of 8 runs have no result")
  end
  local _, resumed = said:gsub("taken over", "")
  lu.assertEquals(resumed, 1)
  lu.assertNotStrContains(said, "I am good")       -- that is in log.txt
  for _, dir in pairs(runs_of "shared") do lu.assertStrContains(core.sys.read(dir .. "/log.txt"), "I am ") end
  local file = "/eight/latest/study.lua"
  lu.assertEquals(core.sys.read(path("shared" .. file)), core.sys.read(path("serial" .. file)))
end

-- A lock of another host: fresh, it is waited for; stale, it is taken over. The same from other namespaces.
function suite.test_locks_of_other_hosts()
  study_file()
  run("shared", "--seeds 1")
  local _, dir = next(runs_of "shared")
  for _, d in pairs(runs_of "shared") do
    if state.of(d).word == "done" then dir = d end
  end
  core.sys.remove(dir .. "/result.lua")
  local mine = assert(locks.take(dir))
  local text = core.sys.read(dir .. "/lock"):gsub("boot( +)%S+", "boot%1b"):gsub("host( +)%S+", "host%1far")
  mine:release()
  core.sys.write(dir .. "/lock", text)
  local a = start("shared", "a", "--seeds 1")
  core.sys.sleep(1.5)
  lu.assertFalse(core.sys.ended(a), "it waits for the other host")
  core.sys.touch(dir .. "/lock", core.sys.now() - 400)
  lu.assertEquals({ ended(a) }, { "exit", 1 })
  lu.assertStrContains(core.sys.read(path "a"), "on far, since")
  lu.assertStrContains(core.sys.read(path "a"), "it has not shown a sign of life for 6:4")
  lu.assertEquals(state.of(dir).word, "done")
end

function suite.test_commands_in_other_namespaces_share_a_study()
  local around = "unshare --uts --pid --fork"
  if not os.execute(around .. " true 2>/dev/null") then
    print("SKIPPED: unshare --uts --pid is not permitted here")
    return
  end
  study_file()
  run "serial"
  local a = start("shared", "a", "", around .. " env PACE=0.01")
  local b = start("shared", "b", "", around .. " env PACE=0.01")
  local c = start("shared", "c", "--jobs 2 --threads 1", "env PACE=0.01")
  for _, pid in ipairs { a, b, c } do lu.assertEquals({ ended(pid) }, { "exit", 1 }) end
  equal("shared", "serial")
end

function suite.test_a_signal_ends_all_workers_and_the_same_command_goes_on()
  study_file()
  run "serial"
  local a = start("shared", "a", "--jobs 3 --threads 1", "env PACE=0.05")
  assert(owner_of_a_run "shared")
  core.sys.kill(a, "TERM")
  lu.assertEquals({ ended(a) }, { "exit", 143 }, core.sys.read(path "a"))
  lu.assertStrContains(core.sys.read(path "a"), "runs to do; the same command goes on from there")
  for _, dir in pairs(runs_of "shared") do lu.assertNil(locks.owner(dir)) end
  lu.assertTrue((words "shared".stopped or 0) > 0)
  lu.assertEquals(run("shared", "--jobs 2"), 1)
  equal("shared", "serial")
end

function suite.test_a_run_on_which_processes_die_fails_in_the_end()
  study_file(STUDY:gsub('kind = "diverges"', 'kind = "dies"'))
  local code, said = run("shared", "--jobs 2 --seeds 1")
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "its process was ended by signal 9, 3 times")
  lu.assertEquals(words "shared", { done = 2, failed = 2 })
end

function suite.test_a_study_of_which_nothing_finished_says_so()
  study_file(STUDY:gsub('{ list = .-seeds = "1,2" }', '{ list = { { kind = "raises" } }, seeds = "1" }'))
  local code, said = run "shared"
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "flexlab: no run of 'eight' finished: 1 failed; the first: seed 1 of 'kind=raises' (")
end

function suite.test_fresh_begins_every_run_anew_once()
  study_file()
  run("shared", "--jobs 2 --seeds 1")
  local code, said = run("shared", "--jobs 2 --seeds 1 --fresh")
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "eight 4/4")
  for _, dir in pairs(runs_of "shared") do
    local _, attempts = core.sys.read(dir .. "/log.txt"):gsub("Z  attempt of process", "")
    lu.assertEquals(attempts, 1, dir)
    lu.assertStrContains(core.sys.read(dir .. "/log.txt"), "step 0 of 20")
    lu.assertEquals(core.sys.exists(dir .. "/code/index.lua"), "file")
  end
end

-- --dry-run of a study says what it costs, and refuses what cannot fit; it leaves nothing behind.
function suite.test_dry_run_measures_a_step_of_each_arm()
  study_file()
  local code, said = run("shared", "--dry-run --seeds 1..3 --jobs 2")
  lu.assertEquals(code, 0, said)
  lu.assertStrMatches(said, ".*\na +3 +20 +%S+ +%S+ m?s +%S+ KiB +%S+ bytes +a measured step\n.*")
  lu.assertStrMatches(said, ".*\n12 runs to do, [%d.]+ m?s with 2 at a time .*; peak %d+ [KM]iB of %d+ [MG]iB "
    .. "memory, %d+ bytes of %S+ [GT]iB disk\n.*")
  lu.assertNil(core.sys.exists(path "shared"))
  run("shared", "--seeds 1")
  code, said = run("shared", "--dry-run --seeds 1,2")
  lu.assertEquals(code, 0, said)
  lu.assertStrMatches(said, ".*\na +1 +20 +%- .*its finished run\n.*")
  lu.assertStrContains(said, "4 runs to do")
  -- what raises before its second step, never reaches one or has none, is not measured, and that is said
  study_file(STUDY:gsub("step == 7", "step == 1"))
  _, said = run("other", "--dry-run --seeds 1")
  lu.assertStrMatches(said, ".*\nbad .*not measured: .*no luck\n.*")
  study_file(STUDY:gsub('print%("I am " .. cfg.kind%)', "if cfg.kind == 'raises' then while true do end end")
    :gsub("local flex = ", 'require("flexlab.run.rehearsal").deadline = 0.2\nlocal flex = ', 1))
  _, said = run("other", "--dry-run --seeds 1")
  lu.assertStrContains(said, "not measured: it did not make two steps in")
end

function suite.test_what_cannot_fit_is_refused()
  local budget = require "flexlab.study.budget"
  local b = { runs = 4, seconds = 7200, peak_bytes = 2 ^ 50, disk = 0 }
  local text, refusal = budget.verdict(b, 2, suite.folder .. "/none")
  lu.assertStrContains(text, "4 runs to do, 60 min with 2 at a time")
  lu.assertStrContains(refusal, "2 runs at a time need 2048 TiB of memory, this machine has ")
  b.peak_bytes, b.disk = 1, 2 ^ 60
  text, refusal = budget.verdict(b, 2, suite.folder)
  lu.assertStrContains(text, "B disk")
  lu.assertStrContains(refusal, "the runs need 1572864 TiB of disk, ")
  b.disk = 1
  lu.assertNil(select(2, budget.verdict(b, 2, suite.folder)))
end

function suite.test_the_line_says_who_runs_and_how_long_it_takes()
  local function task(label, word, more)
    local t = { arm = { label = label }, seed = 1, dir = suite.folder, state = { word = word } }
    for k, v in pairs(more or {}) do t.state[k] = v end
    t.settled = word ~= "running" and word ~= "new"
    return t
  end
  local tasks = { task("a", "done"), task("b", "failed"), task("c", "diverged"), task("d", "new"), task("e", "new"),
    task("f", "running", { step = 10, steps = 60, rate = 2 }),
    task("g", "running", { step = 30, steps = 60, rate = 1 }) }
  tasks[1].result = { x = 1 }
  local queue = { tasks = tasks, count = require("flexlab.study.queue").new({ recipe = { folder = function() end } },
    {}, {}).count }
  lu.assertEquals(live.text("s", queue), "s  1/7 done  2 running (f seed 1 10/60, g seed 1 30/60)  1 failed  "
    .. "1 diverged  1:13 left")     -- (25 + 30 + 2 x (30 + 60) / 2) / 2
  assert(core.sys.write(path "cost.lua", "return { seconds = 20.0 }\n"))
  lu.assertStrContains(live.text("s", queue), "0:48 left")     -- (25 + 30 + 2 x 20) / 2
end

function suite.test_mixed_machines_are_said_in_the_table()
  study_file()
  run("shared", "--seeds 1")
  for _, dir in pairs(runs_of "shared") do
    if state.of(dir).word == "done" then
      local env = core.sys.read(dir .. "/env.txt")
      lu.assertStrMatches(env, ".*\ndevice +cpu\n.*\nisa +%S+\n.*")
      core.sys.write(dir .. "/env.txt", (env:gsub("\nisa +%S+", "\nisa  other")))
      break
    end
  end
  local _, said = run("shared", "--seeds 1")
  lu.assertStrContains(said, "several instruction sets or devices, so equal seeds do not mean equal bits: ")
  lu.assertStrContains(said, "other (1 runs)")
end

os.exit(lu.LuaUnit.run())
