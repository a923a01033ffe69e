-- Laws of flexlab.core, the C module (docs/reference.md): tensors, operators, gradients,
-- scopes, and the texts of their errors. Ops, modules, and files have files of their own.
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local KEY, raises, close = support.KEY, support.raises, support.close

--------------------------------------------------------------------------------------------------
local TestCreate = {}
rawset(_G, "TestCreate", TestCreate)

function TestCreate.test_nested_lists_give_shape_and_values()
  local t = core.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t.shape, { 2, 3 })
  lu.assertEquals(t.dtype, "f32")
  lu.assertEquals(t:totable(), { 1, 2, 3, 4, 5, 6 })
  lu.assertEquals(core.tensor(5).shape, {})
  lu.assertEquals(core.tensor({ 1.5 }, { dtype = "f64" }).dtype, "f64")
  lu.assertEquals(core.tensor({}).shape, { 0 })
end

function TestCreate.test_fillers()
  lu.assertEquals(core.zeros({ 2 }):totable(), { 0, 0 })
  lu.assertEquals(core.full({ 2 }, 2.5):totable(), { 2.5, 2.5 })
  lu.assertEquals(core.arange(3):totable(), { 0, 1, 2 })
  lu.assertEquals(core.zeros({ 2, 1e0 }).shape, { 2, 1 })
end

function TestCreate.test_ragged_lists_are_refused()
  raises("a list along axis 2 must have 2 entries like the first one, got 1", core.tensor, { { 1, 2 }, { 3 } })
  raises("element 2 must be a number, got \"x\"", core.tensor, { 1, "x" })
  raises("tensor: argument 1 must be a number or nested lists", core.tensor, "abc")
end

function TestCreate.test_random_numbers_are_a_function_of_the_key()
  local a, b = core.normal({ 64 }, KEY), core.normal({ 64 }, KEY)
  lu.assertEquals(a:totable(), b:totable())
  lu.assertNotEquals(core.normal({ 64 }, { seed = 7, stream = "noise" }):totable(), a:totable())
  lu.assertNotEquals(core.normal({ 64 }, { seed = 7, step = 1 }):totable(), a:totable())
  local u = core.uniform({ 1000 }, KEY, { low = 2, high = 3 }):summary()
  lu.assertTrue(u.min >= 2 and u.max <= 3 and math.abs(u.mean - 2.5) < 0.05)
end

function TestCreate.test_keys_are_checked()
  raises("nearest: entry 2 of the known words must be a string, got a table", core.nearest, "a", { "b", {} })
  raises("normal: no option 'sed'; the nearest is 'seed'", core.normal, { 2 }, { sed = 1 })
  raises("'stream' must be one of init order", core.normal, { 2 }, { stream = "nosie" })
  raises("the key's 'sample' must lie in 0..4294967295, got -1", core.normal, { 2 }, { sample = -1 })
  raises("'key' must be a key such as", core.normal, { 2 }, 5)
end

--------------------------------------------------------------------------------------------------
local TestTensor = {}
rawset(_G, "TestTensor", TestTensor)

function TestTensor.test_properties_and_reading()
  local t = core.tensor { { 1, 2 }, { 3, 4 } }
  lu.assertEquals({ t.ndim, #t, t:count(), t:get(2, 1), t:get(-1, -1) }, { 2, 2, 4, 3, 4 })
  lu.assertEquals(core.tensor({ 8 }):item(), 8)
  lu.assertNil(t.grad)
  lu.assertFalse(t.requires_grad)
  lu.assertEquals(t:summary(), { min = 1, max = 4, mean = 2.5, nonfinite = 0 })
  lu.assertStrContains(tostring(t), "Tensor (2,2) f32")
end

function TestTensor.test_indexing()
  local t = core.arange(12):reshape { 3, 4 }
  lu.assertEquals(t[2]:totable(), { 4, 5, 6, 7 })
  lu.assertEquals(t[-1].shape, { 4 })
  lu.assertEquals(t[2][3]:item(), 6)
  lu.assertEquals(t[{ {}, 2 }]:totable(), { 1, 5, 9 })
  lu.assertEquals(t[{ { 2, 3 }, { -1 } }].shape, { 2, 1 })
  lu.assertEquals(t[{ { -1 } }]:totable(), { 8, 9, 10, 11 })
  local n = 0
  for i, row in pairs(t) do
    n = n + 1
    lu.assertEquals(row:get(1), 4 * (i - 1))
  end
  lu.assertEquals(n, 3)
end

function TestTensor.test_a_view_shares_its_numbers()
  local t = core.zeros { 2, 2 }
  t[2]:fill_(5)
  lu.assertEquals(t:totable(), { 0, 0, 5, 5 })
end

function TestTensor.test_indexing_keeps_gradients()
  local t = core.zeros({ 3, 2 }):track(true)
  t[2]:sum():backward()
  lu.assertEquals(t.grad:totable(), { 0, 0, 1, 1, 0, 0 })
end

function TestTensor.test_indices_out_of_range_raise()
  local t = core.zeros { 3, 2 }
  raises("index 4 is out of range 1..3", function() return t[4] end)
  raises("index 0 is out of range 1..3", function() return t[0] end)
  raises("get: index -3 is out of range 1..2", t.get, t, 1, -3)
  raises("get: (3,2) needs 2 indices", t.get, t, 1)
  raises("get: 3 indices for a tensor of 2 axes", t.get, t, 1, 1, 1)
  raises("3 entries for a tensor of 2 axes", function() return t[{ 1, 1, 1 }] end)
  raises("runs backwards", function() return t[{ { 3, 1 } }] end)
  raises("item: the tensor must have one element, it is (3,2)", t.item, t)
end

function TestTensor.test_unknown_names_raise_with_the_nearest()
  local t = core.zeros { 2 }
  raises("flexlab.Tensor: no method or property 'shpae'; the nearest is 'shape'",
    function() return t.shpae end)
  raises("no method or property 'conv2'", function() return t:conv2() end)
  raises("not by assignment", function() t[1] = 3 end)
end

function TestTensor.test_in_place()
  local t, u = core.full({ 2, 2 }, 1), core.full({ 2, 2 }, 3)
  lu.assertEquals(t:add_(u, 2):totable(), { 7, 7, 7, 7 })
  lu.assertEquals(t:mul_(0.5):totable(), { 3.5, 3.5, 3.5, 3.5 })
  lu.assertEquals(t:copy_(u):get(1, 1), 3)
  lu.assertEquals(t:set(1, 2, 9):get(1, 2), 9)
  lu.assertEquals(t:to("f64"):copy_(u).dtype, "f64")
  raises("copy_: (2) cannot be written into (2,2)", t.copy_, t, core.zeros { 2 })
  raises("add_: both tensors must be f32 or both f64, got f32 and f64", t.add_, t, u:to("f64"))
end

function TestTensor.test_in_place_is_refused_where_a_gradient_flows()
  local p = core.zeros({ 2 }):track(true)
  local y = p * p
  raises("fill_: this tensor is a parameter; write to it inside core.no_grad", p.fill_, p, 1)
  raises("fill_: a gradient flows through this tensor", y.fill_, y, 1)
  core.no_grad(function() p:fill_(4) end)
  lu.assertEquals(p:totable(), { 4, 4 })
end

function TestTensor.test_clone_to_detach()
  local t = core.tensor { 1, 2 }
  local c, d = t:clone(), t:detach()
  t:fill_(9)
  lu.assertEquals(c:totable(), { 1, 2 })
  lu.assertEquals(d:totable(), { 9, 9 })
  lu.assertEquals(core.tensor({ 1 / 3 }):to("f16"):to("f32"):item(), 0.333251953125)
  raises("'dtype' must be one of f32 f64 bf16 f16, got \"f31\"", t.to, t, "f31")
  local p = core.tensor({ 1, 2 }):track(true)
  p:clone():sum():backward()
  lu.assertEquals(p.grad:totable(), { 1, 1 })
  raises("use t:detach():to(\"f64\")", p.to, p, "f64")
end

function TestTensor.test_equality_is_identity()
  local t = core.zeros { 1 }
  lu.assertTrue(t == t)
  lu.assertFalse(t == t:clone())
  local list = core.nn.linear(1, 1):parameters()
  lu.assertTrue(list[1].tensor == list[1].tensor)
end

--------------------------------------------------------------------------------------------------
local TestOperators = {}
rawset(_G, "TestOperators", TestOperators)

function TestOperators.test_numbers_on_either_side()
  local t = core.tensor { 2, 4 }
  lu.assertEquals((t + 1):totable(), { 3, 5 })
  lu.assertEquals((1 + t):totable(), { 3, 5 })
  lu.assertEquals((t - 1):totable(), { 1, 3 })
  lu.assertEquals((1 - t):totable(), { -1, -3 })
  lu.assertEquals((t * 3):totable(), { 6, 12 })
  lu.assertEquals((t / 4):totable(), { 0.5, 1 })
  lu.assertEquals((8 / t):totable(), { 4, 2 })
  lu.assertEquals((-t):totable(), { -2, -4 })
  lu.assertEquals((t ^ 2):totable(), { 4, 16 })
  close((2 ^ t):get(2), 16, 1e-4)
  lu.assertEquals(core.maximum(t, 3):totable(), { 3, 4 })
  lu.assertEquals(core.sub(1, t):totable(), { -1, -3 })
end

function TestOperators.test_broadcast()
  local a, b = core.tensor { { 1 }, { 2 } }, core.tensor { 10, 20 }
  lu.assertEquals((a + b):totable(), { 11, 21, 12, 22 })
  lu.assertEquals((a * b).shape, { 2, 2 })
end

function TestOperators.test_errors()
  local t = core.tensor { 1, 2 }
  raises("a + b: both must be tensors or numbers, b is a table", function() return t + {} end)
  raises("a * b: both must be tensors or numbers, a is \"x\"", function() return "x" * t end)
  raises("a ^ b: a power needs a number on one side", function() return t ^ t end)
  raises("must be positive", function() return (-2) ^ t end)
  raises("add: ", function() return t + core.tensor { 1, 2, 3 } end)
end

--------------------------------------------------------------------------------------------------
local TestGradient = {}
rawset(_G, "TestGradient", TestGradient)

function TestGradient.test_backward_adds_to_leaves()
  local p = core.tensor({ 1, 2 }):track(true);
  (p * p):sum():backward();
  (p * 3):sum():backward()
  lu.assertEquals(p.grad:totable(), { 5, 7 })
  p:clear_grad()
  lu.assertNil(p.grad)
end

function TestGradient.test_gradient_matches_differences()
  local function f(x) return (x:silu() * x:sin()):mean() end
  local x = core.tensor({ 0.3, -1.2, 2.1 }, { dtype = "f64" }):track(true)
  f(x):backward()
  for i = 1, 3 do
    local up, down = x:detach():clone(), x:detach():clone()
    up:set(i, x:get(i) + 1e-5)
    down:set(i, x:get(i) - 1e-5)
    close(x.grad:get(i), (f(up):item() - f(down):item()) / 2e-5, 1e-8)
  end
end

function TestGradient.test_backward_needs_a_scalar_or_a_seed()
  local p = core.zeros({ 2 }):track(true)
  raises("is not a scalar; give a seed", function() (p * 1):backward() end)
  raises("depends on nothing that is tracked", function() core.zeros({ 1 }):backward() end)
  local y = (p * 1):sum()
  y:backward()
  raises("has been through backward already", y.backward, y)
  raises("only a tensor that was not computed can be tracked", function() return (p * 2):track(true) end)
end

function TestGradient.test_no_grad()
  local p = core.zeros({ 2 }):track(true)
  local tracked, extra = core.no_grad(function(a) return (p * 2).requires_grad, a end, 7)
  lu.assertEquals({ tracked, extra }, { false, 7 })
  lu.assertTrue((p * 2).requires_grad)
  raises("inside", core.no_grad, function() error("inside") end)
  lu.assertTrue((p * 2).requires_grad, "an error switches recording back on")
  core.no_grad(function()
    core.no_grad(function() end)
    lu.assertFalse((p * 2).requires_grad, "an inner no_grad leaves the outer one")
  end)
  raises("no_grad: argument 1 must be a function, got 5", core.no_grad, 5)
end

function TestGradient.test_no_grad_keeps_the_traceback()
  local line
  local _, trace = xpcall(core.no_grad, debug.traceback, function()
    line = debug.getinfo(1, "l").currentline + 1
    error("deep")
  end)
  lu.assertStrContains(trace, ":" .. line .. ": in function")
end

--------------------------------------------------------------------------------------------------
local TestScope = {}
rawset(_G, "TestScope", TestScope)

function TestScope.test_a_scope_ends_what_was_made_inside()
  local before = core.zeros { 1 }
  local made, kept, line
  do
    local s <close> = core.scope()
    made = before + 1; line = debug.getinfo(1, "l").currentline
    kept = s:keep(before + 2)
  end
  local message = raises("tensor used after its scope was closed (made at ", function() return made:sum() end)
  lu.assertStrContains(message, "core_test.lua:" .. line .. "); run:keep(t), in a scope of one's own scope:keep(t)")
  lu.assertEquals(kept:item(), 2)
  lu.assertEquals(before:item(), 0)
  lu.assertEquals(tostring(made), "Tensor (ended)")
  raises("tensor used after", function() return made + 1 end)
  raises("tensor used after", function() return made.shape end)
end

function TestScope.test_nested_scopes()
  local outer = core.scope()
  local a = core.zeros { 1 }
  local inner = core.scope()
  local b, c = core.zeros { 1 }, core.zeros { 1 }
  inner:keep(b)
  inner:close()
  raises("tensor used after", function() return c:item() end)
  lu.assertEquals(a:item() + b:item(), 0)
  outer:close()
  raises("tensor used after", function() return b:item() end)
  outer:close()
  raises("keep: the scope is closed already", outer.keep, outer, a)
end

function TestScope.test_closing_an_outer_scope_closes_the_inner()
  local outer = core.scope()
  local inner = core.scope()
  local a = core.zeros { 1 }
  outer:close()
  raises("tensor used after", function() return a:item() end)
  local b = core.zeros { 1 }
  inner:close()
  lu.assertEquals(b:item(), 0)
end

function TestScope.test_keep_takes_tables()
  local s = core.scope()
  local features = { head = core.zeros { 1 }, skips = { core.zeros { 1 } }, tokens = false }
  lu.assertIs(s:keep(features), features)
  local a, b = s:keep(core.zeros { 1 }, core.full({ 1 }, 1))
  s:close()
  lu.assertEquals(features.head:item() + features.skips[1]:item() + a:item() + b:item(), 1)
  local other <close> = core.scope()
  raises("keep: argument 1 must be a tensor or a table of tensors, got 3", other.keep, other, 3)
end

function TestScope.test_parameters_and_optimiser_state_outlive_scopes()
  local s = core.scope()
  local layer = core.nn.linear(2, 2)
  local list = layer:parameters()
  local o = core.optimizer { parameters = { list[1].tensor } }
  local first = o:state().first[1]
  s:close()
  lu.assertEquals(list[1].tensor.shape, { 2, 2 })
  lu.assertEquals(first.shape, { 2, 2 })
end

function TestScope.test_a_forgotten_scope_ends_nothing()
  local a
  local function forget()
    core.scope()
    a = core.zeros { 1 }
  end
  forget()
  collectgarbage()
  collectgarbage()
  lu.assertEquals(a:item(), 0)
end

function TestScope.test_a_scope_frees_bytes()
  collectgarbage("stop")
  local before = core.memory().live
  do
    local _ <close> = core.scope()
    for _ = 1, 10 do core.zeros { 1 << 18 } end
    lu.assertTrue(core.memory().live >= before + (10 << 20))
  end
  lu.assertEquals(core.memory().live, before)
  collectgarbage("restart")
end

function TestScope.test_free()
  local x = core.zeros { 1 }
  x:free()
  x:free()
  raises("tensor used after free() (made at ", function() return x:item() end)
  do
    local y <close> = core.zeros { 1 }
    x = y
  end
  raises("tensor used after free()", function() return x:item() end)
end

function TestScope.test_an_error_inside_closes_the_scope()
  local made
  pcall(function()
    local _ <close> = core.scope()
    made = core.zeros { 1 }
    error("stop")
  end)
  raises("tensor used after", function() return made:item() end)
end

function TestScope.test_the_budget_bounds_garbage()
  collectgarbage()
  collectgarbage("stop") -- only the budget may collect
  core.set_budget(8 << 20)
  core.reset_peak()
  local before = core.memory().live
  for _ = 1, 200 do core.zeros { 1 << 18 } end
  local m = core.memory()
  core.set_budget(256 << 20)
  collectgarbage("restart")
  lu.assertTrue(m.peak - before <= 64 << 20, ("peak is %d MB"):format((m.peak - before) >> 20))
  lu.assertTrue(m.handles > 0 and m.blocks > 0 and m.cached >= 0)
end

os.exit(lu.LuaUnit.run())
