-- What a recipe's body remembers in plain variables is kept through a stop (checkpoint/locals.lua): a run that was
-- stopped anywhere has the result, the log and the checkpoint of one that was not.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local locals = require "flexlab.checkpoint.locals"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestLocals", suite)
support.foldered(suite)

local STEPS = 12

-- Runs `body` whole, and stopped by an error once it asks for it with stop(at) at each of `places`; compares both.
-- `loose`: the checkpoints may differ (in what was lost). Returns the results.
local function compare(body, places, loose)
  local stopped
  local function recipe(at)
    return flex.recipe("kept", { train = { steps = STEPS, checkpoint = 3 } }, function(cfg, run)
      return body(cfg, run, function(place)
        if place == at and not stopped then
          stopped = true
          error("stop here", 0)
        end
      end)
    end)
  end
  stopped = true
  local whole = recipe(nil)({}, { root = suite.folder .. "/whole", quiet = true })
  local result
  for n, place in ipairs(places) do
    local root = ("%s/%d"):format(suite.folder, n)
    stopped = false
    lu.assertErrorMsgEquals("stop here", recipe(place), {}, { root = root, quiet = true })
    lu.assertTrue(stopped)
    result = recipe(place)({}, { root = root, quiet = true })
    for _, name in ipairs { "result.lua", "metrics.jsonl", not loose and "last.h5" or nil } do
      lu.assertTrue(core.sys.read(result.dir .. "/" .. name) == core.sys.read(whole.dir .. "/" .. name),
        ("%s differs after a stop at %s: %s, unbroken %s"):format(name, place,
          core.sys.read(result.dir .. "/result.lua"), core.sys.read(whole.dir .. "/result.lua")))
    end
  end
  return whole, result
end

function suite.test_the_best_so_far_and_patience()
  local r = compare(function(cfg, run, stop)
    local best, bad, last = math.huge, 0, nil
    for step in run:steps(nil, cfg.train.steps) do
      local v = math.abs(step - 3)
      if v < best then best, bad = v, 0 else bad = bad + 1 end
      last = step * 1.0
      run:log(step, { v = v })
      stop(step)
      if bad >= 6 then break end
    end
    stop "behind the loop"
    return { best = best, bad = bad, last = last }
  end, { 2, 5, 8, "behind the loop" })
  lu.assertEquals({ r.best, r.bad, r.last }, { 0, 6, 9.0 })
end

function suite.test_a_loop_that_is_done_leaves_its_variables()
  local r = compare(function(cfg, run, stop)
    local last, key
    for step in run:steps(nil, cfg.train.steps) do last = step * 0.1 end
    key = run:key("user").step
    stop "evaluation"
    return { last = last, key = key, step = run.step }
  end, { "evaluation" })
  lu.assertEquals({ r.last, r.key, r.step }, { STEPS * 0.1, STEPS, STEPS })
end

-- Kinds of values, each stored exactly.
function suite.test_values_are_kept_exactly()
  local seen
  compare(function(cfg, run, stop)
    local nan, inf, zero, int, float, small, text, flag, gone, odd = 0, 0, 0, 0, 0, 0, "", false, "here", false
    for step in run:steps(nil, cfg.train.steps) do
      if step == 3 then
        nan, inf, zero, int, float, small = 0 / 0, -math.huge, -0.0, math.maxinteger, 3.0, 5e-324
        text, flag, gone, odd = "a\0b\n\r\"\\\200", true, nil, { 1, nil, 3, x = { false }, [true] = 1, [2.5] = "h" }
      end
      stop(step)
    end
    seen = { nan, inf, zero, int, float, small, text, flag, tostring(gone), odd }
    return { same = nan ~= nan and inf == -math.huge and 1 / zero == -math.huge and math.type(int) == "integer"
      and math.type(float) == "float" and small > 0 and flag and gone == nil, text = #text, max = int, third = odd[3],
      inner = odd.x[1], yes = odd[true], half = odd[2.5] }
  end, { 5, 11 })
  lu.assertEquals({ seen[4], seen[5], seen[6], seen[7] }, { math.maxinteger, 3.0, 5e-324, "a\0b\n\r\"\\\200" })
  lu.assertEquals({ seen[10][3], seen[10].x[1], seen[10][true], seen[10][2.5] }, { 3, false, 1, "h" })
end

-- Tables are filled in place, and one table in two variables is one again.
function suite.test_tables_keep_who_holds_them()
  local r = compare(function(cfg, run, stop)
    local now, best, list, ring = { n = 0 }, { n = -1 }, {}, {}
    local function last() return list[#list] end
    local holder = setmetatable({ list = list }, {})      -- an object that holds a table of the body
    for step in run:steps(nil, cfg.train.steps) do
      list[#list + 1] = step * step
      now.n = step
      if step == 4 then best, ring.self = now, ring end
      if step == 6 then now = { n = 0 } end
      if step == 7 then table.remove(list, 1) end
      stop(step)
    end
    best.n = best.n + 100
    return { now = now.n, best = best.n, n = #holder.list, last = last(), ring = ring.self == ring, same = now == best }
  end, { 2, 5, 7, 10 })
  lu.assertEquals({ r.now, r.best, r.n, r.last, r.ring, r.same }, { 12, 106, 11, 144, true, false })
end

function suite.test_several_loops_and_what_is_between_them()
  local r = compare(function(cfg, run, stop)
    local sum, marks, first = 0, {}
    for step in run:steps(nil, cfg.train.steps) do
      sum = sum + step
      stop("first " .. step)
      if step == 8 then break end
    end
    first, marks.between = sum, run.step
    for step in run:steps(nil, 4) do
      sum, first = sum * 2 + step, first + 1
      stop("second " .. step)
    end
    sum = sum + 0.5
    for step in run:steps(nil, 3) do
      marks[step] = sum
      stop("third " .. step)
    end
    return { sum = sum, first = first, marks = marks }
  end, { "first 3", "second 1", "second 2", "third 1", "third 3" })
  local sum = ((36 * 2 + 1) * 2 + 2) * 4 + 2 * 3 + 4 + 0.5
  lu.assertEquals({ r.sum, r.first, r.marks.between, #r.marks }, { sum, 40, 8, 3 })
end

-- Loops in functions that the body calls; variables that functions have captured, also from outside the body.
local count, untouched = 0, "as the file says"
local function tick(step) count = count + step end

function suite.test_functions_and_what_they_capture()
  local r = compare(function(_, run, stop)
    count = 0
    local calls, total = 0, 0
    local function train(n, name)
      local best = 0
      for step in run:steps(nil, n) do
        best = math.max(best, (step * 5) % 7)
        calls = calls + 1
        tick(step)
        stop(name .. step)
      end
      return best
    end
    for k = 1, 2 do
      local best = train(6, k == 1 and "a" or "b")
      total = total + best * k
    end
    return { total = total, calls = calls, count = count, untouched = untouched }
  end, { "a2", "a5", "b1", "b4" })
  lu.assertEquals({ r.total, r.calls, r.count }, { 18, 12, 42 })
end

-- What the loop has not changed is the body's: another value this time stays.
function suite.test_what_the_loop_does_not_change_is_not_set()
  local given = "first"
  local recipe = flex.recipe("given", { train = { checkpoint = 1 } }, function(_, run)
    local mine, n = given, 0
    for step in run:steps(nil, 4) do
      n = n + 1
      if step == 3 and given == "first" then error("stop here", 0) end
    end
    return { mine = mine, given = given, n = n }
  end)
  lu.assertErrorMsgEquals("stop here", recipe, {}, { root = suite.folder, quiet = true })
  given = "second"
  local r = recipe({}, { root = suite.folder, quiet = true })
  lu.assertEquals({ r.mine, r.given, r.n }, { "second", "second", 4 })
end

-- A tensor is not kept: the log says so at the first checkpoint, a run that went on has a note.
function suite.test_what_cannot_be_kept_is_said()
  local whole, r = compare(function(cfg, run, stop)
    local last, parts, n, fixed = nil, {}, 0, core.zeros { 2 }
    for step in run:steps(nil, cfg.train.steps) do
      n = n + 1
      last, parts[1] = run:keep(core.full({ 1 }, step)), run:keep(core.full({ 1 }, step))
      stop(step)
    end
    stop "behind"
    return { n = n, last = last and last:item() or -1, parts = #parts, fixed = fixed:count() }
  end, {})
  local log = core.sys.read(whole.dir .. "/log.txt")
  lu.assertStrContains(log, "a loop has changed a variable: 'last' is a tensor; no checkpoint keeps that")
  lu.assertStrContains(log, "'parts' holds a tensor")
  lu.assertNotStrContains(log, "'fixed'")
  lu.assertNil(core.sys.exists(whole.dir .. "/notes.lua"))
  lu.assertNil(r)
  local told = false
  local recipe = flex.recipe("lost", { train = { checkpoint = 1 } }, function(_, run)
    local last
    for step in run:steps(nil, 4) do last = run:keep(core.full({ 1 }, step)) end
    if not told then
      told = true
      error("stop here", 0)
    end
    return { last = last and last:item() or -1 }
  end)
  lu.assertErrorMsgEquals("stop here", recipe, {}, { root = suite.folder, quiet = true })
  local again = recipe({}, { root = suite.folder, quiet = true })
  lu.assertEquals(again.last, -1)
  lu.assertStrContains(require("flexlab.context.notes").of(again.dir)[1],
    "this run was stopped and went on; of what its loop had changed, 'last' is a tensor; no checkpoint keeps that")
end

-- kill -9 in a process of its own.
function suite.test_a_killed_process()
  local path = suite.folder .. "/killed.lua"
  local out = suite.folder .. "/out.txt"
  assert(core.sys.write(path, [[
local flex = require "flexlab"
return flex.recipe("killed", { train = { steps = 9, checkpoint = 2 } }, function(cfg, run)
  local best, list = math.huge, {}
  for step in run:steps(nil, cfg.train.steps) do
    best = math.min(best, math.abs(step - 2) + 0.25)
    list[#list + 1] = best
    run:log(step, { best = best })
    if step == 7 and flex.core.sys.exists(os.getenv "KILL_FLAG") then
      os.remove(os.getenv "KILL_FLAG")
      io.popen("kill -9 " .. flex.core.sys.pid()):close()
    end
  end
  return { best = best, n = #list, last = list[#list] }
end)
]]))
  local flag = suite.folder .. "/flag"
  local program = require("flexlab.study.workers").program()
  local function go(root)
    return select(3, os.execute(("KILL_FLAG='%s' %s run '%s' --out '%s' >'%s' 2>&1"):format(flag, program, path,
      root, out)))
  end
  lu.assertEquals(go(suite.folder .. "/one"), 0, core.sys.read(out))
  assert(core.sys.write(flag, ""))
  lu.assertNotEquals(go(suite.folder .. "/two"), 0)
  lu.assertEquals(go(suite.folder .. "/two"), 0, core.sys.read(out))
  local _, _, differ = os.execute(([[cd '%s' && for f in result.lua last.h5 metrics.jsonl; do
    cmp one/killed/*/1/$f two/killed/*/1/$f || exit 1; done]]):format(suite.folder))
  lu.assertEquals(differ, 0)
end

function suite.test_a_text_of_another_form_is_refused()
  for _, text in ipairs { "7", "{ 7 }", "{ { roots = { 1, 2 }, lost = {} } }", "os.exit()",
    "{ { roots = { 'a', { t = 3 } }, lost = {} } }" } do
    lu.assertErrorMsgContains("last.h5: its text 'locals' is not of the form", locals.parse, "last.h5", text)
  end
  lu.assertEquals(locals.parse("last.h5", nil), {})
end

os.exit(lu.LuaUnit.run())
