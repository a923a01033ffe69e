-- Laws of runs: a result is found again, an interrupted run goes on, and nothing tells afterwards.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestRun", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local STEPS = 7
local fail_at, bodies = nil, 0

-- A recipe that needs no data: random fields addressed by the step.
local function batch(step)
  local field = core.normal({ 2, 16, 16, 1 }, { seed = 1, stream = "data", step = step })
  local low = core.normal({ 2, 16, 16, 1 }, { seed = 2, stream = "data", step = step })
  return { target = field, estimate = low, lowres = low, re = core.full({ 2, 1 }, 0.1) }
end

local recipe = flex.recipe("tiny", {
  model = { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1, dropout = 0.1 },
  train = { steps = STEPS, lr = 1e-3, warmup = 2, checkpoint = 2, ema = 0.9 },
}, function(cfg, run)
  bodies = bodies + 1
  local model = flex.models.flex(cfg.model)
  local optim = flex.optim.adam(model, cfg.train)
  for step, b in run:steps(batch, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, b)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
    if step == fail_at then error("stop here", 0) end
  end
  return { updates = optim:updates(), last = run.step }
end)

local function root(name) return folder .. "/" .. name end

-- Names of tensors in which two checkpoints differ in any bit.
local function differences(a, b)
  local x, y, found = assert(core.io.load(a .. "/last.h5")), assert(core.io.load(b .. "/last.h5")), {}
  lu.assertEquals(x.names, y.names)
  for _, name in ipairs(x.names) do
    if (x.tensors[name] - y.tensors[name]):abs():summary().max ~= 0 then found[#found + 1] = name end
  end
  return found
end

local reference

local function whole()
  reference = reference or recipe({}, { root = root "whole" })
  return reference
end

function suite.test_a_run_leaves_its_folder()
  local r = whole()
  lu.assertEquals(r.updates, STEPS)
  lu.assertStrMatches(r.dir, ".*/tiny/%x%x%x%x%x%x%x%x/1")
  for _, file in ipairs { "config.lua", "recipe.lua", "env.txt", "metrics.jsonl", "metrics.csv",
    "result.lua", "last.h5" } do
    lu.assertEquals(core.sys.exists(r.dir .. "/" .. file), "file", file)
  end
  lu.assertEquals(dofile(r.dir .. "/config.lua").train.steps, STEPS)
  lu.assertEquals(dofile(r.dir .. "/result.lua"), { updates = STEPS, last = STEPS })
  local rows = flex.log.read(r.dir .. "/metrics.jsonl")
  lu.assertEquals(#rows, STEPS)
  lu.assertEquals(rows[3].step, 3)
  local _, lines = core.sys.read(r.dir .. "/metrics.csv"):gsub("\n", "")
  lu.assertEquals(lines, STEPS + 1)
end

function suite.test_a_finished_run_is_not_repeated_unless_fresh()
  whole()
  local before = bodies
  lu.assertEquals(recipe({}, { root = root "whole" }), whole())
  lu.assertEquals(bodies, before)
  recipe({ ["train.steps"] = 1 }, { root = root "again" })
  recipe({ ["train.steps"] = 1 }, { root = root "again", fresh = true })
  lu.assertEquals(bodies, before + 2)
end

function suite.test_the_hash_covers_the_configuration()
  local _, a = recipe:resolve {}
  local _, b = recipe:resolve { ["train.steps"] = 8 }
  local _, c = recipe:resolve { train = { steps = STEPS } }
  lu.assertEquals(a, c)
  lu.assertNotEquals(a, b)
  lu.assertErrorMsgContains("nearest is 'steps'", function() recipe:resolve { ["train.step"] = 1 } end)
end

function suite.test_a_run_that_failed_goes_on_bit_for_bit()
  fail_at = 5
  local ok, message = pcall(recipe, {}, { root = root "failed" })
  fail_at = nil
  lu.assertFalse(ok)
  lu.assertEquals(message, "stop here")
  lu.assertNil(flex.run())
  local r = recipe({}, { root = root "failed" })
  lu.assertEquals(differences(whole().dir, r.dir), {})
  lu.assertEquals(core.sys.read(r.dir .. "/metrics.jsonl"), core.sys.read(whole().dir .. "/metrics.jsonl"))
  lu.assertEquals(core.sys.read(r.dir .. "/metrics.csv"), core.sys.read(whole().dir .. "/metrics.csv"))
end

function suite.test_ctrl_c_finishes_the_step_and_says_how_to_go_on()
  local pressed = flex.recipe("pressed", { train = { checkpoint = 100 } }, function(_, run)
    for step in run:steps(nil, 5) do
      -- not os.execute: system(3) ignores the signal while it waits
      if step == 2 then io.popen("kill -INT " .. core.sys.pid()):close() end
      run:log(step, { v = step })
    end
    return { last = run.step }
  end)
  local ok, message = pcall(pressed, {}, { root = root "pressed" })
  lu.assertFalse(ok)
  lu.assertTrue(message.interrupted)
  lu.assertStrContains(tostring(message), "stopped at step 2")
  lu.assertStrContains(tostring(message), "same command goes on")
  local r = pressed({}, { root = root "pressed" })
  lu.assertEquals(r.last, 5)
  lu.assertEquals(#flex.log.read(r.dir .. "/metrics.jsonl"), 5)
end

function suite.test_two_loops_resume_in_the_second()
  local stop = true
  local two = flex.recipe("two", { train = { checkpoint = 1 } }, function(_, run)
    local model = flex.nn.module { a = flex.nn.linear(2, 2) }
    model:init(1)
    local optim = flex.optim.adam(model, { lr = 0.1 })
    local done = setmetatable({ 0, 0 }, {})      -- an object: the steps of this attempt alone
    for loop = 1, 2 do
      for step in run:steps(nil, 3) do
        optim:step(model.a(core.full({ 1, 2 }, step)):square():mean())
        run:log(step, { loop = loop })
        done[loop] = done[loop] + 1
        if stop and loop == 2 and step == 2 then error("stop", 0) end
      end
    end
    return { first = done[1], second = done[2], updates = optim:updates() }
  end)
  lu.assertFalse(pcall(two, {}, { root = root "two" }))
  stop = false
  local r = two({}, { root = root "two" })
  lu.assertEquals({ r.first, r.second, r.updates }, { 0, 2, 6 })
  lu.assertEquals(#flex.log.read(r.dir .. "/metrics.jsonl"), 6)
end

-- kill -9 in a process of its own that has two threads, then the same again with one.
function suite.test_kill_9_and_threads_leave_no_trace()
  local script = folder .. "/child.lua"
  core.sys.write(script, [[
    local flex = require "flexlab"
    local core = flex.core
    local function batch(step)
      local f = core.normal({ 2, 16, 16, 1 }, { seed = 1, stream = "data", step = step })
      return { target = f, estimate = f * 0.5, lowres = f * 0.5, re = core.full({ 2, 1 }, 0.1) }
    end
    local r = flex.recipe("child", { train = { steps = 5, lr = 1e-3, checkpoint = 2 } }, function(cfg, run)
      local model = flex.models.flex { height = 16, width = 16, in_channels = 1, cond_channels = 1 }
      local optim = flex.optim.lion(model, cfg.train)
      for step, b in run:steps(batch, cfg.train.steps) do
        optim:step(flex.diffusion.loss(model, b))
        if step == tonumber(arg[2]) then os.execute("kill -9 " .. core.sys.pid()) end
      end
      return {}
    end)
    print(r({}, { root = arg[1] }).dir)
  ]])
  local function child(name, options, environment)
    local pipe = io.popen(("%s lua5.4 %s %s %s 2>/dev/null"):format(environment or "FLEXLAB_THREADS=2", script,
      root(name), options or ""))
    local out = pipe:read "l"
    pipe:close()
    return out
  end
  lu.assertNil(child("killed", "3"))
  local killed = child("killed")
  lu.assertEquals(differences(child("straight"), killed), {})
  lu.assertEquals(differences(child("single", "", "env -u FLEXLAB_THREADS OMP_NUM_THREADS=1"), killed), {})
end

function suite.test_memory_is_flat()
  local live = {}
  local r = flex.recipe("memory", { train = { steps = 16, checkpoint = 4 } }, function(cfg, run)
    local model = flex.models.flex { height = 16, width = 16, in_channels = 1, cond_channels = 1 }
    local optim = flex.optim.adam(model, cfg.train)
    for step, b in run:steps(batch, cfg.train.steps) do
      if step == 3 then collectgarbage() end   -- what earlier tests left
      optim:step(flex.diffusion.loss(model, b))
      live[step] = core.memory().live
    end
    return {}
  end)
  r({}, { root = root "memory" })
  lu.assertTrue(live[16] <= live[3], ("%d bytes, then %d"):format(live[3], live[16]))
end

function suite.test_a_checkpoint_makes_a_model_by_itself()
  local model, cfg = flex.load_model(whole().dir .. "/last.h5", { ema = false })
  lu.assertEquals(cfg.train.steps, STEPS)
  lu.assertEquals(model.config.height, 16)
  local file = core.io.load(whole().dir .. "/last.h5")
  for _, p in ipairs(model:parameters()) do
    lu.assertEquals((p.tensor:detach() - file.tensors["model/" .. p.name]):abs():summary().max, 0)
  end
  lu.assertErrorMsgContains("not a FlexLab checkpoint", flex.load_model,
    core.sys.exists "tests/fixtures/ops.safetensors" and "tests/fixtures/ops.safetensors" or "x")
end

function suite.test_wrong_uses_have_their_sentence()
  lu.assertErrorMsgContains("must return a table", flex.recipe("none", {}, function() end), {}, { root = root "n" })
  lu.assertErrorMsgContains("letters, digits", flex.recipe, "a/b", {}, print)
  lu.assertErrorMsgContains("nearest is 'seed'", recipe, {}, { sead = 1 })
  lu.assertErrorMsgContains("whole number", recipe, {}, { seed = 1.5 })
  local r = flex.recipe("half", { n = 2.5 }, function(cfg, run)
    for _ in run:steps(nil, cfg.n) do error("never") end
    return {}
  end)
  lu.assertErrorMsgContains("must be a whole number", r, {}, { root = root "n" })
  local whole_set = flex.recipe("set", {}, function(_, run) run:steps({ train = {} }, 2) end)
  lu.assertErrorMsgContains("as data.train has", whole_set, {}, { root = root "n" })
end

-- A run of no steps is that of the network as it begins: it leaves a checkpoint that can be loaded.
function suite.test_no_steps_leave_a_checkpoint()
  local untrained = flex.recipe("nosteps", { train = { steps = 0 } }, function(cfg, this)
    local net = flex.models.flex { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
    local optim = flex.optimizer(net, { ema = 0.9 })
    for _ in this:steps(nil, cfg.train.steps) do error "a step" end
    return { n = optim:updates(), first = net:parameters()[1].tensor:sum():item() }
  end)
  local result = untrained({}, { root = root "nosteps", quiet = true })
  lu.assertEquals(result.n, 0)
  local model = flex.load_model(result.dir)
  lu.assertEquals(model:parameters()[1].tensor:sum():item(), result.first)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
