-- Laws of one attempt at a run: one writer, no debris, and an end that is written down whatever it was.
local flex = require "flexlab"
local lu = require "luaunit"
local locks = require "flexlab.store.locks"
local state = require "flexlab.store.state"
local support = require "tests.lua.support"
local program = require("flexlab.study.workers").program()
local core = flex.core

local suite = {}
rawset(_G, "TestAttempt", suite)
support.rooted(suite)

local what      -- what the body is to do in a step: what(step, run, model)

-- A linear model that learns to give 1; six steps, a checkpoint after each second.
local tiny = flex.recipe("tiny", { train = { steps = 6, checkpoint = 2, lr = 0.1 } }, function(cfg, run)
  local model = flex.nn.module { a = flex.nn.linear(2, 1) }
  model:init(run.seed)
  local optim = flex.optim.adam(model, { lr = cfg.train.lr })
  for step in run:steps(nil, cfg.train.steps) do
    local loss = (model.a(core.full({ 1, 2 }, step)) - 1):square():mean()
    if what then loss = what(step, run, loss) or loss end
    optim:step(loss)
    run:log(step, { loss = loss })
  end
  print("the body prints", run.seed)
  return { loss = model.a(core.full({ 1, 2 }, 1)):item() }
end)

local function call(options)
  local o = { root = suite.root, quiet = true }
  for k, v in pairs(options or {}) do o[k] = v end
  return pcall(tiny, {}, o)
end

local function folder() return tiny:folder({}, { root = suite.root }) end

-- f() with what is printed and noted on standard output and error in a file; its contents.
local function printed(f)
  local path = suite.root .. ".out"
  local file <close> = assert(core.sys.redirect(path))
  f()
  file:close()
  local text = core.sys.read(path)
  os.remove(path)
  return text
end

local function equal(a, b)
  for _, name in ipairs { "last.h5", "metrics.csv", "metrics.jsonl", "result.lua" } do
    lu.assertTrue(core.sys.read(a .. "/" .. name) == core.sys.read(b .. "/" .. name), name)
  end
end

-- The folder of the same run, unbroken.
local function unbroken()
  what = nil
  return tiny({}, { root = suite.root .. "/whole", quiet = true }).dir
end

function suite.test_another_writer_is_named_and_wait_waits()
  core.sys.mkdirs(folder())
  local lock = assert(locks.take(folder()))
  local ok, e = call()
  lu.assertFalse(ok)
  lu.assertTrue(locks.is_busy(e))
  lu.assertStrContains(tostring(e), ("%s is being written by process %d on "):format(folder(), core.sys.pid()))
  lu.assertEquals(state.of(folder()).word, "running")
  lu.assertStrContains(state.of(folder()).sentence, "process " .. core.sys.pid())
  local sleep, slept = core.sys.sleep, 0
  core.sys.sleep = function()
    slept = slept + 1
    if slept == 2 then lock:release() end
  end
  ok = call { wait = true }
  core.sys.sleep = sleep
  lu.assertTrue(ok)
  lu.assertEquals(slept, 2)
  lu.assertEquals(state.of(folder()).word, "done")
  lu.assertNil(core.sys.exists(folder() .. "/lock"))
end

-- In the folders that runs share, what a living writer or another host has is left alone for a day.
function suite.test_debris_of_shared_folders_goes_when_its_writer_is_gone()
  local temporary = require "flexlab.store.temporary"
  local ours = core.sys.temporary "files.lua"
  lu.assertEquals({ temporary.parse(ours) }, { "files.lua", core.sys.pid(), ours:match "%x+$" })
  lu.assertEquals({ temporary.parse "a.b.tmp.12" }, { "a.b", 12, nil })
  for _, name in ipairs { "notes.tmp", "x.tmp.", ".tmp.1", "x.tmp.1.zz", "x.tmp.1.0a1b2c3" } do
    lu.assertNil(temporary.parse(name), name)
  end
  local gone = 4194304                                       -- beyond the largest process number of Linux
  local hash = folder():match "^(.*)/%d+$"
  local shared = { hash, hash:match "^(.*)/[^/]*$" }
  local dead, old = ("files.lua.tmp.%d.%s"):format(gone, ours:match "%x+$"), "files.lua.tmp.7.0a1b2c3d"
  for _, dir in ipairs(shared) do
    assert(core.sys.mkdirs(dir))
    for _, name in ipairs { dead, old, ours, "latest.tmp.8.0a1b2c3d", "files.lua.tmp.9" } do
      assert(core.sys.write(dir .. "/" .. name, "x"))
    end
    assert(core.sys.symlink("nowhere", dir .. "/latest"))
    assert(core.sys.rename(dir .. "/latest", dir .. "/" .. dead:gsub("files.lua", "latest")))
    assert(core.sys.touch(dir .. "/" .. old, core.sys.now() - 2 * temporary.day))
  end
  what = nil
  printed(function() lu.assertTrue(call()) end)
  for _, dir in ipairs(shared) do
    local left = {}
    for _, name in ipairs(core.sys.list(dir)) do
      if name:find "%.tmp%." then left[#left + 1] = name end
    end
    table.sort(left)
    local wanted = { "files.lua.tmp.9", ours, "latest.tmp.8.0a1b2c3d" }
    table.sort(wanted)
    lu.assertEquals(left, wanted)
  end
end

-- Killed at any point of the end of a run that reduces its checkpoint: the next call finishes it, and nothing is lost.
function suite.test_the_end_of_a_run_that_reduces_its_checkpoint_may_be_cut_anywhere()
  assert(core.sys.mkdirs(suite.root))
  local script = suite.root .. "/ends.lua"
  assert(core.sys.write(script, [[
local flex = require "flexlab"
local core = flex.core
local recipe = flex.recipe("ends", { train = { steps = 3, keep = "all" } }, function(cfg, run)
  local model = flex.nn.module { a = flex.nn.linear(2, 1) }
  model:init(1)
  local optim = flex.optim.adam(model, { lr = 0.1, ema = 0.5 })
  for _ in run:steps(nil, cfg.train.steps) do optim:step(model.a(core.full({ 1, 2 }, 1)):square():mean()) end
  print "the body ran"
  return { rfne = model.a(core.full({ 1, 2 }, 1)):item() }
end)
local at, n = tonumber(arg[2]), 0
for _, name in ipairs { "write", "remove" } do
  local real = core.sys[name]
  core.sys[name] = function(path, ...)
    local ends = path:find "/result%.lua"
    n = n + (ends and 1 or 0)
    if ends and n == at then core.sys.kill(core.sys.pid(), "KILL") end
    return real(path, ...)
  end
end
local save = core.io.save
core.io.save = function(path, what)
  n = n + (what.text.kept and 1 or 0)
  if what.text.kept and n == at then core.sys.kill(core.sys.pid(), "KILL") end
  return save(path, what)
end
local result = recipe({ ["train.keep"] = "ema" }, { root = arg[1] })
print(result.dir)]]))
  local function go(root, at)
    local code, out = support.flexlab(("script %s %s/%s %d"):format(script, suite.root, root, at), suite.root .. "/out")
    return code, out, out:match "(%S+)\n$"
  end
  local code, out, whole = go("whole", 0)
  lu.assertEquals(code, 0, out)
  lu.assertNil(core.sys.exists(whole .. "/result.lua.part"))
  for at, runs_again in ipairs { true, false, false, false } do   -- before the part, the weights, the result, the end
    code = go("cut" .. at, at)
    lu.assertNotEquals(code, 0)
    local dir
    code, out, dir = go("cut" .. at, 0)
    lu.assertEquals(code, 0, out)
    lu.assertEquals(out:find "the body ran" ~= nil, runs_again, at)
    for _, name in ipairs { "last.h5", "result.lua" } do
      lu.assertTrue(core.sys.read(dir .. "/" .. name) == core.sys.read(whole .. "/" .. name), name)
    end
  end
  code, out = go("cut5", 5)
  lu.assertEquals(code, 0, out)                                  -- there is no fifth point
end

function suite.test_debris_goes_and_a_pipe_is_no_checkpoint()
  what = function(step) if step == 5 then error("stop", 0) end end
  lu.assertFalse(call())
  assert(core.sys.mkdirs(folder() .. "/code/parts"))
  local debris = { "last.h5.tmp.123", "result.lua.tmp.9", "last.h5.tmp.9.0a1b2c3d", "code/index.lua.tmp.4.0a1b2c3d",
    "code/parts/a.lua.tmp.4.0a1b2c3d" }
  for _, name in ipairs(debris) do assert(core.sys.write(folder() .. "/" .. name, "x")) end
  core.sys.write(folder() .. "/notes.tmp", "mine")
  what = nil
  printed(function() lu.assertTrue(call()) end)
  for _, name in ipairs(debris) do lu.assertNil(core.sys.exists(folder() .. "/" .. name), name) end
  lu.assertEquals(core.sys.read(folder() .. "/notes.tmp"), "mine")
  equal(folder(), unbroken())
  core.sys.remove(folder() .. "/result.lua")
  core.sys.remove(folder() .. "/last.h5")
  os.execute(("mkfifo '%s/last.h5'"):format(folder()))
  local ok, e = call()
  lu.assertFalse(ok)
  lu.assertStrContains(e, "last.h5 is a pipe or a device, not a checkpoint; remove it")
end

function suite.test_what_raises_is_written_down_and_the_next_call_says_so()
  what = function(step) if step == 5 then error "no luck" end end
  lu.assertFalse(call())
  local s = state.of(folder())
  lu.assertEquals({ s.word, s.step, s.steps }, { "failed", 5, 6 })
  lu.assertStrMatches(s.sentence, ".*attempt_test.lua:%d+: no luck")
  lu.assertStrContains(s.traceback, "attempt_test.lua")
  lu.assertStrContains(core.sys.read(folder() .. "/log.txt"), "no luck")
  what = nil
  local said = printed(function() lu.assertTrue(call()) end)
  lu.assertStrContains(said, "it failed before at step 5: ")
  lu.assertStrContains(said, "no luck; trying again")
  lu.assertNil(core.sys.exists(folder() .. "/failed.txt"))
  lu.assertEquals(state.of(folder()).word, "done")
  equal(folder(), unbroken())
end

function suite.test_log_txt_has_marks_and_prints()
  local said = printed(function() lu.assertTrue(call()) end)
  local log = core.sys.read(folder() .. "/log.txt")
  lu.assertStrContains(said, "the body prints\t1\n")
  lu.assertStrMatches(log, ".*%dZ  attempt of process %d+ on .*%dZ  step 0 of 6\n.*%dZ  step 6 of 6  .*steps/s"
    .. ".*the body prints\t1\n.*%dZ  done\n")
  local print_now, write_now = print, io.write
  lu.assertTrue(call { fresh = true })
  lu.assertTrue(print == print_now and io.write == write_now, "they are as they were")
end

function suite.test_divergence_is_a_state()
  for value, text in pairs { [0 / 0 == 1 and 0 or math.huge] = "the loss is inf at step 3", [1e9] = "" } do
    what = function(step, _, loss) if step == 3 then return loss * value end end
    if text ~= "" then
      local ok, e = call { fresh = true }
      lu.assertFalse(ok)
      lu.assertStrContains(e, text)
      local s = state.of(folder())
      lu.assertEquals({ s.word, s.step }, { "diverged", 3 })
    end
  end
  what = nil
  local ok, e = call()
  lu.assertFalse(ok)
  lu.assertStrContains(e, "has diverged: ")
  lu.assertStrContains(e, "--retry failed tries again")
  lu.assertEquals(state.of(folder()).word, "diverged")
  printed(function() lu.assertTrue(call { retry = "failed" }) end)
  equal(folder(), unbroken())
end

function suite.test_beyond_all_bounds_is_judged_by_the_first_losses()
  local divergence = require "flexlab.divergence"
  local first = {}
  for i = 1, 10 do lu.assertNil(divergence.of_loss(i == 1 and 1e30 or i, first)) end
  lu.assertNil(divergence.of_loss(6.4e6, first))
  lu.assertNil(divergence.of_loss(-6.4e6, first))
  for _, value in ipairs { 6.6e6, -6.6e6 } do
    lu.assertStrContains(divergence.of_loss(value, first),
      "more than 1e+06 times the median 6.5 of its first 10 values")
  end
  lu.assertEquals(divergence.decode(divergence.encode(first)), first)
  lu.assertEquals(divergence.decode "{broken", {})
  local zeros = {}
  for _ = 1, 11 do lu.assertNil(divergence.of_loss(0, zeros)) end
  lu.assertNil(divergence.of_loss(1e30, zeros))
  lu.assertEquals(divergence.of_loss(0 / 0, zeros):gsub("%-", ""), "the loss is nan")
end

function suite.test_a_resumed_run_judges_as_an_unbroken_one()
  local long = flex.recipe("long", { train = { checkpoint = 1 } }, function(_, run)
    local model = flex.nn.module { a = flex.nn.linear(2, 1) }
    model:init(1)
    local optim = flex.optim.adam(model, { lr = 0.0 })
    for step in run:steps(nil, 14) do
      local loss = model.a(core.full({ 1, 2 }, 1)):square():mean()
      if step == 12 and what then error("stop", 0) end
      if step == 14 then loss = loss * 2e6 end
      optim:step(loss)
    end
    return { x = 1 }
  end)
  what = true
  pcall(long, {}, { root = suite.root, quiet = true })
  what = nil
  printed(function() pcall(long, {}, { root = suite.root, quiet = true }) end)
  local s = state.of(long:folder({}, { root = suite.root }))
  lu.assertEquals({ s.word, s.step }, { "diverged", 14 })
  lu.assertStrContains(s.sentence, "times the median")
end

function suite.test_who_lost_the_lock_stops_before_its_next_write()
  local other
  what = function(step, run)
    if step ~= 4 then return end
    other = core.sys.read(run.dir .. "/lock"):gsub("token( +)%S+", "token%1other"):gsub("host( +)%S+", "host%1far")
    core.sys.write(run.dir .. "/lock", other)
  end
  local ok, e = call()
  lu.assertFalse(ok)
  lu.assertTrue(locks.is_lost(e))
  lu.assertStrContains(tostring(e), "was taken over by process")
  lu.assertEquals(#flex.log.read(folder() .. "/metrics.jsonl"), 3)
  lu.assertNil(core.sys.exists(folder() .. "/failed.txt"))
  lu.assertEquals(core.sys.read(folder() .. "/lock"), other)
end

local SCRIPT = [[
local flex = require "flexlab"
local core = flex.core
local phase = arg[2]
local x = core.full({ 4 }, 1.0)
local function hang(run)
  core.sys.write(run.root .. "/here", "")
  if phase == "op" then while true do x:add(x) end end
  if phase == "lua" then while true do end end
  if phase == "solver" then core.flow { height = 64, width = 64, re = 100, forcing = "kolmogorov" }:advance(1e6) end
  if phase == "film" then
    flex.generate("turbulence", { re = 100, size = 64, frames = 100000, k0 = 2, time = 1, spacing = 0.1,
      out = run.root .. "/film.h5", quiet = true })
  end
end
local recipe = flex.recipe("slow", { train = { steps = 6 } }, function(cfg, run)
  local model = flex.nn.module { a = flex.nn.linear(2, 1) }
  model:init(1)
  local optim = flex.optim.adam(model, { lr = 0.1 })
  for step in run:steps(nil, cfg.train.steps) do
    if phase == "step" and step == 4 then
      phase = "op"
      hang(run)
    end
    local loss = (model.a(core.full({ 1, 2 }, step)) - 1):square():mean()
    optim:step(loss)
    run:log(step, { loss = loss })
  end
  if phase ~= "go" then hang(run) end
  return { x = model.a(core.full({ 1, 2 }, 1)):item() }
end)
recipe({}, { root = arg[1], quiet = true })
]]

-- Each phase, ended by a signal, leaves a state that resumes; the exit code tells the signal.
function suite.test_signals_end_every_phase()
  local script = suite.root .. ".lua"
  assert(core.sys.write(script, SCRIPT))
  local function start(root, phase)
    return assert(core.sys.start { "/bin/sh", "-c", ("exec env %s script '%s' '%s' %s 2>'%s.err'"):format(program,
      script, root, phase, root) })
  end
  local function ended(pid)
    for _ = 1, 6000 do
      local how, number = core.sys.ended(pid)
      if how then return how, number end
      core.sys.sleep(0.02)
    end
  end
  core.sys.mkdirs(suite.root)
  local whole = suite.root .. "/whole"
  lu.assertEquals({ ended(start(whole, "go")) }, { "exit", 0 })
  local phases = { { "op", "TERM", 143 }, { "lua", "INT", 130 }, { "solver", "HUP", 129 }, { "film", "TERM", 143 },
    { "step", "TERM", 143 } }
  for _, case in ipairs(phases) do
    local root = suite.root .. "/" .. case[1]
    local pid = start(root, case[1])
    while not core.sys.exists(root .. "/here") do core.sys.sleep(0.02) end
    core.sys.sleep(0.1)
    lu.assertTrue(core.sys.kill(pid, case[2]))
    local how, number = ended(pid)
    local said = core.sys.read(root .. ".err")
    lu.assertEquals({ how, number }, { "exit", case[3] }, case[1] .. said)
    lu.assertStrContains(said, case[1] == "step" and "stopped at step 3" or case[1] == "film" and "stopped; "
      or "stopped at step 6")
    local dir = root .. "/slow/" .. core.sys.list(root .. "/slow")[1] .. "/1"
    lu.assertEquals(state.of(dir).word, "stopped")
    lu.assertEquals(state.of(dir).step, case[1] == "step" and 3 or 6)
    lu.assertEquals({ ended(start(root, "go")) }, { "exit", 0 })
    equal(dir, (dir:gsub("/" .. case[1] .. "/slow", "/whole/slow")))
    os.remove(root .. ".err")
  end
  os.remove(script)
  os.remove(whole .. ".err")
end

os.exit(lu.LuaUnit.run())
