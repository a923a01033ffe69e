-- Laws of flexlab.core's modules, the network and the optimiser; nothing leaks when memory is short.
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local KEY, raises, normal, t, positive = support.KEY, support.raises, support.normal, support.t, support.positive

local NANO = { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 3, heads = 2, height = 8, width = 8,
  seed = 5, dropout = 0 }

--------------------------------------------------------------------------------------------------
local TestModules = {}
rawset(_G, "TestModules", TestModules)

function TestModules.test_shapes_and_names()
  local nn = core.nn
  lu.assertEquals(nn.linear(3, 5)(t(2, 3)).shape, { 2, 5 })
  lu.assertEquals(#nn.linear(3, 5, { bias = false }):parameters(), 1)
  lu.assertEquals(nn.conv(2, 4, { stride = 2, circular = true })(t(1, 4, 6, 2)).shape, { 1, 2, 3, 4 })
  lu.assertEquals(nn.conv(2, 4, { zero = true })(t(1, 4, 4, 2)):summary().max, 0)
  lu.assertEquals(nn.group_norm(64)(t(1, 2, 2, 64)).shape, { 1, 2, 2, 64 })
  lu.assertEquals(nn.layer_norm(8)(t(2, 8)).shape, { 2, 8 })
  lu.assertEquals(nn.resblock(32, 64, { emb = 8, resample = "down" })(t(1, 4, 4, 32), t(1, 8)).shape, { 1, 2, 2, 64 })
  lu.assertEquals(nn.transformer_block(8, { heads = 2 })(t(1, 3, 8)).shape, { 1, 3, 8 })
  lu.assertEquals(nn.transformer_block(8, { heads = 2, skip = true })(t(1, 3, 8), t(1, 3, 8)).shape, { 1, 3, 8 })
  lu.assertEquals(nn.condition_embedding(8)(t(2, 1)).shape, { 2, 8 })
  lu.assertEquals(nn.time_embedding(8)(t(2)).shape, { 2, 8 })
  local p = nn.linear(3, 5):parameters()
  lu.assertEquals({ p[1].tensor.shape, p[1].trained, p[1].tensor.requires_grad }, { { 5, 3 }, true, true })
end

function TestModules.test_initial_weights_are_a_function_of_seed_and_name()
  local a, b = core.nn.linear(3, 5):init(1, "x"), core.nn.linear(3, 5):init(1, "x")
  local function weights(m) return m:parameters()[1].tensor:totable() end
  lu.assertEquals(weights(a), weights(b))
  lu.assertNotEquals(weights(a:init(2, "x")), weights(b))
  lu.assertNotEquals(weights(a:init(1, "y")), weights(b))
end

function TestModules.test_dropout_follows_the_key()
  local block = core.nn.resblock(32, 32, { emb = 4, dropout = 0.5 }):init(1)
  for _, p in ipairs(block:parameters()) do -- the last convolution starts at zero
    core.no_grad(function() p.tensor:copy_(core.normal(p.tensor.shape, KEY)) end)
  end
  local x, emb = t(1, 4, 4, 32), t(1, 4)
  local function run() return block(x, emb):totable() end
  local plain = run()
  block:train(KEY)
  local first, second = run(), run()
  lu.assertNotEquals(first, plain)
  lu.assertNotEquals(second, first)
  lu.assertEquals(block:train(KEY)(x, emb):totable(), first)
  block:train(nil)
  lu.assertEquals(run(), plain)
end

function TestModules.test_errors()
  local nn = core.nn
  raises("linear: 'inputs' must be an integer, got \"a\"", nn.linear, "a", 2)
  raises("linear: no option 'bais'; the nearest is 'bias' (known: bias)", nn.linear, 1, 2, { bais = true })
  raises("group_norm: 33 channels do not divide into 32 groups", nn.group_norm, 33)
  raises("resblock: 'emb', the width of the embedding, must be given", nn.resblock, 32, 32)
  raises("transformer_block: 3 heads do not divide the width 8", nn.transformer_block, 8, { heads = 3 })
  local l = nn.linear(3, 5)
  raises("linear: argument 1 (x) must be a tensor, got 5", l, 5)
  raises("linear: 2 arguments given, it is called with 1", l, t(2, 3), t(2, 3))
  raises("linear: ", l, t(2, 4))
  raises("resblock: argument 2 (emb) is missing", nn.resblock(32, 32, { emb = 4 }), t(1, 2, 2, 32))
  raises("flexlab.Module: no method or property 'paramters'; the nearest is 'parameters'",
    function() return l:paramters() end)
end

function TestModules.test_flex()
  local m = core.flex(NANO)
  local config = m:config()
  lu.assertEquals(config.channels, { 32, 32 })
  lu.assertEquals({ config.weak_skips, config.height, config.seed }, { true, 8, 5 })
  lu.assertEquals(core.flex(config):config(), config)
  for _, p in ipairs(m:parameters()) do core.no_grad(function() p.tensor:add_(normal(p.tensor.shape), 0.05) end) end
  local x, low, time, re = t(2, 8, 8, 1), t(2, 8, 8, 1), positive(2), positive(2, 1)
  local cond = m:condition(low, re)
  lu.assertFalse(cond.tokens)
  lu.assertEquals(#cond.skips, #m:skip_shapes(2))
  for i, shape in ipairs(m:skip_shapes(2)) do lu.assertEquals(cond.skips[i].shape, shape) end
  local y = m:predict(x, time, re, cond)
  lu.assertEquals(y.shape, { 2, 8, 8, 1 })
  lu.assertEquals(m:decode(m:encode(x, time, re, cond), time, re, cond):totable(), y:totable())
  lu.assertNotEquals(m:predict(x, time, re):totable(), y:totable())
  y:square():mean():backward()
  for _, p in ipairs(m:parameters()) do
    if p.trained then lu.assertNotNil(p.tensor.grad, p.name) end
  end
end

function TestModules.test_flex_errors()
  raises("flex: no option 'hight'; the nearest is 'height'", core.flex, { size = "nano", hight = 8 })
  raises("flex: give either 'size' or both 'channels' and 'res_blocks'", core.flex, { height = 8 })
  raises("no model size 'tiny' (there is: nano small medium big)", core.flex, { size = "tiny" })
  raises("flex: depth must be a whole number from 0 to 1024, not -1", core.flex, { size = "nano", depth = -1 })
  local m = core.flex(NANO)
  raises("x must be (N,8,8,1), not (1,4,4,1)", m.predict, m, t(1, 4, 4, 1), t(1), t(1, 1))
  raises("this network embeds a condition", m.predict, m, t(1, 8, 8, 1), t(1))
  raises("predict: features are a table", m.predict, m, t(1, 8, 8, 1), t(1), t(1, 1), 5)
  raises("predict: 'head' of the features must be a tensor, got nil", m.predict, m, t(1, 8, 8, 1), t(1), t(1, 1), {})
  lu.assertEquals(core.flex_preset("nano").depth, 3)
end

--------------------------------------------------------------------------------------------------
local TestOptimizer = {}
rawset(_G, "TestOptimizer", TestOptimizer)

function TestOptimizer.test_every_rule_descends()
  for _, kind in ipairs { "adam", "adamw", "lion" } do
    local p = core.tensor({ 3, -2 }):track(true)
    local o = core.optimizer { kind = kind, parameters = { p }, ema = 0.9 }
    for _ = 1, 200 do
      local _ <close> = core.scope()
      o:clear_grads()
      p:square():sum():backward()
      lu.assertTrue(o:step { lr = 0.05, clip = 1 } >= 0)
    end
    lu.assertTrue(p:square():sum():item() < 0.1, kind)
    lu.assertEquals(o.steps, 200)
    local s = o:state()
    lu.assertEquals({ s.steps, #s.first, #s.second, #s.average }, { 200, 1, kind == "lion" and 0 or 1, 1 })
    local before, average = p:totable(), s.average[1]:totable()
    o:swap()
    lu.assertEquals(p:totable(), average)
    o:swap()
    lu.assertEquals(p:totable(), before)
  end
end

function TestOptimizer.test_a_gradient_that_is_not_finite_is_reported()
  local p, q = core.zeros({ 1 }):track(true), core.zeros({ 1 }):track(true)
  local o = core.optimizer { parameters = { p, q } };
  (p + q * (0 / 0)):sum():backward()
  local norm, message, index = o:step { lr = 0.1 }
  lu.assertNil(norm)
  lu.assertStrContains(message, "not finite")
  lu.assertEquals(index, 2)
  lu.assertEquals(p:item(), 0)
end

function TestOptimizer.test_errors_and_steps()
  local p = core.zeros({ 1 }):track(true)
  raises("optimizer: no option 'betal'; the nearest is 'beta1'", core.optimizer, { parameters = { p }, betal = 1 })
  raises("'kind' must be one of adam adamw lion, got \"sgd\"", core.optimizer, { parameters = { p }, kind = "sgd" })
  raises("'parameters' must be a list of tensors", core.optimizer, {})
  raises("entry 1 of 'parameters' must be a tensor, got 3", core.optimizer, { parameters = { 3 } })
  raises("parameter 1 is not tracked", core.optimizer, { parameters = { core.zeros { 1 } } })
  local o = core.optimizer { parameters = { p } }
  raises("step: 'lr' must be given", o.step, o)
  raises("keeps no averages", o.swap, o)
  o.steps = 41
  lu.assertEquals(o:state().steps, 41)
  raises("only 'steps' may be assigned", function() o.lr = 3 end)
  raises("no method or property 'stps'; the nearest is 'steps'", function() return o.stps end)
end

--------------------------------------------------------------------------------------------------
local TestMemory = {}
rawset(_G, "TestMemory", TestMemory)

-- Every allocation of a pass (or every `step`-th) fails in turn. The binding collects and tries again, so the result is
-- the same, and no byte is left behind.
local function survives(f, step)
  local expected = f()
  local before
  for k = 1, 100000, step or 1 do
    core.fail_allocation(k)
    local ok, value = pcall(f)
    core.fail_allocation(0)
    if ok then lu.assertEquals(value, expected) else lu.assertStrContains(value, "cannot allocate") end
    collectgarbage()
    collectgarbage()
    local live = core.memory().live
    before = before or live
    lu.assertEquals(live, before, "allocation " .. k)
    local requests = core.memory().requests
    f()
    if core.memory().requests - requests < k then return k end
  end
end

function TestMemory.test_every_failing_allocation_is_survived()
  local x, w = t(1, 4, 4, 2), t(3, 3, 3, 2):track(true)
  lu.assertTrue(survives(function()
    local _ <close> = core.scope()
    w:clear_grad()
    local y = core.conv2d(x, w):silu();
    (y * 2 + 1):mean():backward()
    local g = w.grad:totable()
    w:clear_grad()
    return g
  end) > 10)
end

function TestMemory.test_failing_allocations_of_the_network_are_survived()
  local m = core.flex { channels = { 32 }, res_blocks = { 1 }, depth = 1, heads = 1, height = 2, width = 2 }
  local x, low, time, re = t(1, 2, 2, 1), t(1, 2, 2, 1), t(1), t(1, 1)
  survives(function()
    local _ <close> = core.scope()
    return core.no_grad(function() return m:predict(x, time, re, m:condition(low, re)):totable() end)
  end, 7)
end

function TestMemory.test_no_handle_and_no_byte_is_left()
  collectgarbage()
  collectgarbage()
  local before = core.memory()
  do
    local m = core.flex(NANO)
    local cond = m:condition(t(1, 8, 8, 1), t(1, 1))
    m:predict(t(1, 8, 8, 1), t(1), t(1, 1), cond):mean():backward()
    pcall(m.predict, m, t(1, 4, 4, 1), t(1), t(1, 1), cond)
    pcall(core.io.load, "/no/such/file.h5")
  end
  collectgarbage()
  collectgarbage()
  local after = core.memory()
  lu.assertEquals({ after.handles, after.live }, { before.handles, before.live })
end

os.exit(lu.LuaUnit.run())
