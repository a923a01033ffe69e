-- Laws of a run's state and lock: what files say of a run, and that one process at a time writes it.
local core = require "flexlab.core"
local lu = require "luaunit"
local state = require "flexlab.run.state"
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

os.exit(lu.LuaUnit.run())
