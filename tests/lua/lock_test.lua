-- Laws of a run's state and lock: what files say of a run, and that one process at a time writes it.
local core = require "flexlab.core"
local lu = require "luaunit"
local state = require "flexlab.store.state"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestState", suite)
support.foldered(suite)

local function write(name, text) assert(core.sys.write(suite.folder .. "/" .. name, text)) end

function suite.test_words_follow_the_files()
  local dir = suite.folder
  lu.assertEquals(state.of(dir).word, "new")
  lu.assertEquals(state.of(dir .. "/none"), { word = "new" })
  write("config.lua", "return { train = { steps = 60 } }\n")
  lu.assertEquals(state.of(dir).word, "new")
  write("metrics.jsonl", '{"loss":1.5,"step":28}\n{"loss":1.25,"step":29}\n')
  local s = state.of(dir)
  lu.assertEquals({ s.word, s.step, s.steps }, { "stopped", 29, 60 })
  lu.assertTrue(math.abs(s.when - core.sys.now()) < 600)
  write("log.txt", "2026-11-30T19:43:01Z  step 0 of 40\nstep 99 of 100, says the body\n"
    .. "2026-11-30T19:44:01Z  step 30 of 40  2 steps/s\n")
  s = state.of(dir)
  lu.assertEquals({ s.word, s.step, s.steps }, { "stopped", 30, 40 })
  assert(state.fail(dir, { state = "diverged", sentence = "the loss is\nnan", step = 31, steps = 40, time = 86400.5 }))
  s = state.of(dir)
  lu.assertEquals({ s.word, s.step, s.steps, s.sentence, s.when }, { "diverged", 31, 40, "the loss is nan", 86400 })
  write("result.lua", "return { rfne = 1 }\n")
  lu.assertEquals(state.of(dir).word, "done")
end

function suite.test_failed_txt_is_read_back_and_nothing_else_is()
  local failure = { state = "failed", sentence = "a.lua:3: no such   file", step = 7, time = 1796067781,
    traceback = "stack traceback:\n\t[C]: in function 'error'\n\ta.lua:3: in main chunk" }
  local text = state.failure(failure)
  lu.assertStrContains(text, "time        2026-11-30T19:43:01Z\n")
  lu.assertEquals(state.parse(text), failure)
  for _, wrong in ipairs { { "", 1 }, { "state failed\n", 2 }, { "state  odd\nsentence x\n", 1 },
    { "state  failed\nsentence  x\ncolour  red\n", 3 }, { "state  failed\nstate  failed\n", 2 },
    { "state  failed\nsentence  x\ntime  yesterday\n", 3 }, { "state  failed\nstep  -1.5\n", 2 } } do
    local parsed, line = state.parse(wrong[1])
    lu.assertNil(parsed, wrong[1])
    lu.assertEquals(line, wrong[2], wrong[1])
  end
  write("failed.txt", "hello\n")
  local s = state.of(suite.folder)
  lu.assertEquals(s.word, "failed")
  lu.assertStrContains(s.sentence, "/failed.txt cannot be understood from line 1 on")
end

function suite.test_times_as_files_hold_them()
  for _, t in ipairs { 0, 951782400, 1796067781, 4102444799 } do lu.assertEquals(state.seconds(state.stamp(t)), t) end
  lu.assertNil(state.seconds "2026-11-30 19:43:01")
end

-- Locks.
local locks = require "flexlab.store.locks"
local lock_suite = {}
rawset(_G, "TestLock", lock_suite)
support.foldered(lock_suite)
local program = require("flexlab.study.workers").program()

-- Runs a script of Lua in processes of their own, at once; their outputs.
local function processes(n, script, argument, around)
  local path, pipes, outputs = lock_suite.folder .. "/script.lua", {}, {}
  assert(core.sys.write(path, 'local locks, core = require "flexlab.store.locks", require "flexlab.core"\n' .. script))
  for i = 1, n do
    local sh = ("%s/%d.sh"):format(lock_suite.folder, i)
    local call = ("%s script '%s' '%s' %d 2>&1\n"):format(program, path, argument or lock_suite.folder, i)
    assert(core.sys.write(sh, call))
    pipes[i] = assert(io.popen(("%s sh '%s'"):format(around or "exec", sh)))
  end
  for i, pipe in ipairs(pipes) do
    outputs[i] = pipe:read "a"
    pipe:close()
  end
  return table.unpack(outputs)
end

-- A lock file of somebody else: ours with other words.
local function forge(dir, changes, age)
  core.sys.mkdirs(dir)
  core.sys.remove(dir .. "/lock")
  local mine = assert(locks.take(dir))
  local text = core.sys.read(dir .. "/lock")
  mine:release()
  for name, value in pairs(changes) do text = text:gsub(name .. "( +)%S+\n", name .. "%1" .. value .. "\n") end
  assert(core.sys.write(dir .. "/lock", text))
  if age then assert(core.sys.touch(dir .. "/lock", core.sys.now() - age)) end
end

function lock_suite.test_one_owner_at_a_time()
  local mine = assert(locks.take(lock_suite.folder))
  lu.assertNil(mine.note)
  mine:check()
  local other, owner = locks.take(lock_suite.folder)
  lu.assertNil(other)
  lu.assertTrue(owner.alive)
  lu.assertEquals(owner.pid, core.sys.pid())
  local sentence = tostring(locks.busy(lock_suite.folder, owner))
  lu.assertStrContains(sentence, ("is being written by process %d on %s, since "):format(core.sys.pid(),
    core.sys.host()))
  lu.assertStrContains(processes(1, "print((select(2, locks.take(arg[1]))).pid)"), tostring(core.sys.pid()))
  mine:release()
  lu.assertNil(locks.owner(lock_suite.folder))
  lu.assertStrContains(processes(1, "print(locks.take(arg[1]) ~= nil)"), "true")   -- and it leaves it behind
  local again = assert(locks.take(lock_suite.folder))
  lu.assertStrContains(again.note, "but its process is dead: taken over")
  again:release()
  lu.assertNil(locks.take(lock_suite.folder .. "/none"))
  lu.assertStrContains(select(3, locks.take(lock_suite.folder .. "/none")), "No such file")
end

function lock_suite.test_the_heartbeat_touches_without_steps()
  local beat = locks.beat
  locks.beat = 0.05
  local mine = assert(locks.take(lock_suite.folder))
  locks.beat = beat
  assert(core.sys.touch(lock_suite.folder .. "/lock", 1000))
  for _ = 1, 200 do
    if core.sys.modified(lock_suite.folder .. "/lock") > 1e9 then break end
    core.sys.sleep(0.05)
  end
  lu.assertTrue(core.sys.modified(lock_suite.folder .. "/lock") > 1e9)
  mine:release()
end

function lock_suite.test_a_process_that_died_unburied_or_gave_its_number_away_is_dead()
  local pid = assert(core.sys.start { "/bin/sh", "-c", "exit 3" })
  for _ = 1, 200 do
    local stat = io.open(("/proc/%d/stat"):format(pid)):read "a"
    if stat:find("%) Z ") then break end
    core.sys.sleep(0.02)
  end
  forge(lock_suite.folder, { pid = tostring(pid) })          -- a zombie
  lu.assertFalse(locks.owner(lock_suite.folder).alive)
  lu.assertEquals({ core.sys.ended(pid) }, { "exit", 3 })
  forge(lock_suite.folder, { born = "1" })                    -- our number, another's birth
  lu.assertEquals(locks.owner(lock_suite.folder).why, "its process is dead")
end

function lock_suite.test_elsewhere_a_fresh_heartbeat_is_respected_and_a_stale_one_is_not()
  for _, changes in ipairs { { host = "other", boot = "b" }, { namespace = "pid:[1]" }, { boot = "-" } } do
    forge(lock_suite.folder, changes, 200)
    local mine, owner = locks.take(lock_suite.folder)
    lu.assertNil(mine)
    lu.assertStrContains(locks.describe(owner), "process " .. core.sys.pid())
    forge(lock_suite.folder, changes, 301)
    mine = assert(locks.take(lock_suite.folder))
    lu.assertStrContains(mine.note, "it has not shown a sign of life for 5:0")
    lu.assertTrue(mine:held())
    mine:release()
    lu.assertEquals(core.sys.list(lock_suite.folder), {})
  end
end

function lock_suite.test_an_incomplete_lock_is_respected_until_it_is_stale()
  assert(core.sys.write(lock_suite.folder .. "/lock", "host        h\n"))
  local mine, owner = locks.take(lock_suite.folder)
  lu.assertNil(mine)
  lu.assertEquals(locks.describe(owner), "a process that is just starting")
  assert(core.sys.touch(lock_suite.folder .. "/lock", core.sys.now() - 1000))
  mine = assert(locks.take(lock_suite.folder))
  lu.assertStrContains(mine.note, "taken over")
  mine:release()
end

function lock_suite.test_who_lost_it_stops_before_writing()
  local mine = assert(locks.take(lock_suite.folder))
  forge(lock_suite.folder .. "/x", { host = "other", token = "t" })
  assert(core.sys.rename(lock_suite.folder .. "/x/lock", lock_suite.folder .. "/lock"))
  local ok, e = pcall(mine.check, mine)
  lu.assertFalse(ok)
  lu.assertTrue(locks.is_lost(e))
  lu.assertStrContains(tostring(e), "was taken over by process")
  lu.assertStrContains(tostring(e), "on other")
  mine:release()
  lu.assertEquals(locks.owner(lock_suite.folder).host, "other", "it is not ours to remove")
end

-- Two processes for one lock of a dead process, 100 times; in every fourth folder somebody died while taking it over.
function lock_suite.test_one_of_two_takes_over()
  for i = 1, 100 do
    local dir = ("%s/%d"):format(lock_suite.folder, i)
    local changes = i % 2 == 0 and { born = "1", token = "dead" } or { host = "other", boot = "b", token = "dead" }
    forge(dir, changes, 1000)
    if i % 4 == 0 then
      forge(dir .. "/claim", { born = "2", token = "claimant" })
      assert(core.sys.rename(dir .. "/claim/lock", dir .. "/lock.dead"))
    end
  end
  local a, b = processes(2, [[
    local folder, me, won = arg[1], arg[2], {}
    core.sys.write(folder .. "/ready." .. me, "")
    while not (core.sys.exists(folder .. "/ready.1") and core.sys.exists(folder .. "/ready.2")) do end
    for i = 1, 100 do
      local l, owner, message = locks.take(folder .. "/" .. i)
      if message then error(message) end
      if l then won[#won + 1] = l; print(i) end
    end
    core.sys.write(folder .. "/done." .. me, "")
    while not (core.sys.exists(folder .. "/done.1") and core.sys.exists(folder .. "/done.2")) do
      core.sys.sleep(0.01)
    end
    for _, l in ipairs(won) do l:check() end]])
  local winners = {}
  for _, text in ipairs { a, b } do
    for i in text:gmatch "[^\n]+" do
      lu.assertNil(winners[i], "both have " .. i)
      winners[assert(i:match "^%d+$", i)] = true
    end
  end
  for i = 1, 100 do lu.assertTrue(winners[tostring(i)], "nobody has " .. i) end
end

function lock_suite.test_another_namespace_is_another_host()
  local around = "unshare --uts --pid --fork"
  if not os.execute(around .. " true 2>/dev/null") then
    print("SKIPPED: unshare --uts --pid is not permitted here")
    return
  end
  local take = "local l, o = locks.take(arg[1]) print(l and l.note or o and locks.describe(o))"
  local mine = assert(locks.take(lock_suite.folder))
  lu.assertStrContains(processes(1, take, nil, around), "process " .. core.sys.pid())
  mine.heart:close()
  assert(core.sys.touch(lock_suite.folder .. "/lock", core.sys.now() - 1000))
  lu.assertStrContains(processes(1, take, nil, around), "taken over")
  lu.assertFalse(mine:held())
  -- what a namespace left behind is stale to the next one, and to us, by its heartbeat alone
  lu.assertNil(locks.take(lock_suite.folder))
  assert(core.sys.touch(lock_suite.folder .. "/lock", core.sys.now() - 1000))
  lu.assertStrContains(assert(locks.take(lock_suite.folder)).note, "taken over")
end

os.exit(lu.LuaUnit.run())
