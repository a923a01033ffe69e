-- Laws of the ops as Lua sees them: each runs forward and backward, and says what is wrong.
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local KEY, raises, t, positive = support.KEY, support.raises, support.t, support.positive

--------------------------------------------------------------------------------------------------
-- One case an op: { arguments..., shape = of the result }. Operands get gradients.
local TestOps = {}
rawset(_G, "TestOps", TestOps)

local function unary(x) return { x or t(2, 3), shape = { 2, 3 } } end
local function binary() return { t(2, 3), positive(3), shape = { 2, 3 } } end

local cases = {
  add = binary, sub = binary, mul = binary, div = binary, maximum = binary, minimum = binary,
  affine = function() return { t(2, 3), { scale = 2, shift = 1 }, shape = { 2, 3 } } end,
  exp = unary, square = unary, abs = unary, sin = unary, cos = unary, tanh = unary,
  sigmoid = unary, silu = unary, gelu = unary, relu = unary,
  log = function() return unary(positive(2, 3)) end,
  sqrt = function() return unary(positive(2, 3)) end,
  pow = function() return { positive(2, 3), { exponent = 1.5 }, shape = { 2, 3 } } end,
  clamp = function() return { t(2, 3), { low = -0.5, high = 0.5 }, shape = { 2, 3 } } end,
  sum = function() return { t(2, 3), { 2 }, shape = { 2, 1 } } end,
  mean = function() return { t(2, 3), { axes = { -1 } }, shape = { 2, 1 } } end,
  max = function() return { t(2, 3), { 1, 2 }, shape = { 1, 1 } } end,
  matmul = function() return { t(2, 3, 4), t(4, 5), shape = { 2, 3, 5 } } end,
  linear = function() return { t(2, 3), t(4, 3), t(4), shape = { 2, 4 } } end,
  conv2d = function()
    return { t(1, 5, 7, 2), t(3, 3, 3, 2), t(3), { stride = 2, padding = "circular" }, shape = { 1, 3, 4, 3 } }
  end,
  fused_conv = function()
    return { t(1, 4, 6, 2), t(1, 4, 6, 4), t(1, 4, 6, 4), t(6), t(6), t(1, 12), t(3, 3, 3, 6), t(3),
      t(1, 4, 6, 3), t(1, 8, 12, 3), { groups = 3, resample = "up", add_resample = "up" }, shape = { 1, 8, 12, 3 } }
  end,
  group_norm = function() return { t(2, 3, 4), t(4), t(4), { groups = 2 }, shape = { 2, 3, 4 } } end,
  layer_norm = function() return { t(2, 4), t(4), t(4), shape = { 2, 4 } } end,
  modulate = function() return { t(2, 3, 4), t(2, 8), shape = { 2, 3, 4 } } end,
  softmax = unary,
  attention = function() return { t(2, 3, 4), t(2, 5, 4), t(2, 5, 4), { heads = 2 }, shape = { 2, 3, 4 } } end,
  upsample = function() return { t(1, 2, 3, 2), { factor = 2 }, shape = { 1, 4, 6, 2 } } end,
  mean_pool = function() return { t(1, 4, 6, 2), { factor = 2 }, shape = { 1, 2, 3, 2 } } end,
  resize = function()
    return { t(1, 4, 6, 2), { size = { 8, 3 }, method = "bicubic", circular = true }, shape = { 1, 8, 3, 2 } }
  end,
  reshape = function() return { t(2, 3), { 3, -1 }, shape = { 3, 2 } } end,
  permute = function() return { t(2, 3, 4), { 1, -1, 2 }, shape = { 2, 4, 3 } } end,
  concat = function() return { t(2, 3), t(2, 4), { axis = -1 }, shape = { 2, 7 } } end,
  flip = function() return { t(2, 3), { axis = 2 }, shape = { 2, 3 } } end,
  narrow = function() return { t(2, 3), { axis = 2, start = -2, length = 2 }, shape = { 2, 2 } } end,
  fourier = function() return { t(3), t(4), t(4), shape = { 3, 4 } } end,
  dropout = function() return { t(2, 3), { p = 0.5, key = KEY }, shape = { 2, 3 } } end,
  l1_loss = function() return { t(2, 3), positive(2, 3), shape = {} } end,
  mse_loss = function() return { t(2, 3), positive(2, 3), shape = {} } end,
  huber_loss = function() return { t(2, 3), positive(2, 3), { delta = 0.5 }, shape = {} } end,
}

function TestOps.test_every_op_runs_both_ways()
  for _, op in ipairs(core.ops) do
    lu.assertNotNil(cases[op.name], "no case for op " .. op.name)
    local case = cases[op.name]()
    local operands = {}
    for i, arg in ipairs(op.args) do
      if arg.kind:find("tensor", 1, true) and core.is_tensor(case[i]) then
        operands[#operands + 1] = case[i]:track(arg.kind ~= "tensor without gradient")
      end
    end
    local y = core[op.name](table.unpack(case))
    lu.assertEquals(y.shape, case.shape, op.name)
    lu.assertEquals(y.requires_grad, op.name ~= "fourier", op.name)
    if y.requires_grad then
      y:backward(core.full(y.shape, 1))
      for _, x in ipairs(operands) do lu.assertEquals(x.grad.shape, x.shape, op.name) end
    end
    lu.assertEquals(case[1][op.name], core[op.name], "the method is the function")
  end
end

function TestOps.test_the_table_of_ops_tells_everything()
  local conv
  for _, op in ipairs(core.ops) do conv = op.name == "conv2d" and op or conv end
  lu.assertEquals(conv.args[1], { name = "x", kind = "tensor", text = "(N,H,W,I)" })
  lu.assertEquals(conv.args[3].kind, "optional tensor")
  lu.assertEquals(conv.args[4], { name = "stride", kind = "int", default = 1 })
  lu.assertEquals(conv.args[6].default, "zeros")
  lu.assertTrue(#core.kernels > 30 and core.kernels[1].name ~= nil)
end

function TestOps.test_axes_count_from_one()
  local x = core.arange(6):reshape { 2, 3 }
  lu.assertEquals(x:sum({ 1 }):totable(), { 3, 5, 7 })
  lu.assertEquals(x:sum({ -1 }):totable(), { 3, 12 })
  lu.assertEquals(x:sum():item(), 15)
  lu.assertEquals(x:permute({ 2, 1 }):totable(), { 0, 3, 1, 4, 2, 5 })
  lu.assertEquals(x:narrow({ axis = 2, start = 2, length = 1 }):totable(), { 1, 4 })
  lu.assertEquals(core.concat(x, x, { axis = 1 }).shape, { 4, 3 })
  lu.assertEquals(x:flip({ axis = 1 }):totable(), { 3, 4, 5, 0, 1, 2 })
  lu.assertEquals(x:flip():totable(), { 2, 1, 0, 5, 4, 3 })
end

function TestOps.test_optional_operands_may_be_left_out()
  local x, w = t(1, 4, 4, 1), t(1, 3, 3, 1)
  local a = core.conv2d(x, w, nil, { stride = 1 })
  lu.assertEquals(core.conv2d(x, w, { stride = 1 }):totable(), a:totable())
  lu.assertEquals(core.conv2d(x, w):totable(), a:totable())
  lu.assertEquals(core.conv2d(x, w, nil, nil):totable(), a:totable())
end

function TestOps.test_integers_may_be_floats_with_integer_value()
  lu.assertEquals(t(1, 2, 2, 1):upsample({ factor = 2.0 }).shape, { 1, 4, 4, 1 })
end

function TestOps.test_error_texts()
  local x = core.zeros { 2, 3 }
  raises("conv2d: no option 'strid', did you mean 'stride'? (it has: stride pad padding)",
    core.conv2d, x, x, { strid = 2 })
  raises("exp: no option 'base' (it has none)", core.exp, x, { base = 2 })
  raises("conv2d: options are given by name, such as { stride = ... }; got the key 1", core.conv2d, x, x, { 2 })
  raises("conv2d: 'stride' must be an integer, got 1.5", core.conv2d, x, x, { stride = 1.5 })
  raises("conv2d: 'stride' must be an integer, got \"2\"", core.conv2d, x, x, { stride = "2" })
  raises("affine: 'scale' must be a number, got true", core.affine, x, { scale = true })
  raises("resize: 'circular' must be true or false, got 1", core.resize, x, { circular = 1 })
  raises("resize: 'method' must be one of bilinear bicubic nearest, got \"cubic\"",
    core.resize, x, { method = "cubic" })
  raises("resize: 'method' must be one of bilinear bicubic nearest, got 3", core.resize, x, { method = 3 })
  raises("conv2d: argument 2 (w (O,kH,kW,I)) must be a tensor, got 5", core.conv2d, x, 5)
  raises("conv2d: argument 2 (w (O,kH,kW,I)) is missing", core.conv2d, x)
  raises("conv2d: argument 1 (x (N,H,W,I)) must be a tensor, got nil", core.conv2d, nil, x)
  raises("conv2d: argument 3 (b (O)) must be a tensor, got \"b\"", core.conv2d, x, x, "b")
  raises("add: 3 arguments given; it takes 2 tensors and a table of options", core.add, x, x, x)
  raises("sum: 'axes': axes count from 1, or from -1 at the end, got 0", x.sum, x, { 0 })
  raises("sum: ", x.sum, x, { 3 })
  raises("reshape: entry 2 of 'shape' must be an integer, got 1.5", x.reshape, x, { 2, 1.5 })
  raises("has 7 entries", x.reshape, x, { 1, 1, 1, 1, 1, 1, 6 })
  raises("reshape: the 6 elements of (2,3) do not fill the shape asked for", x.reshape, x, { 7 })
  raises("narrow: 'start' counts from 1", x.narrow, x, { start = 0 })
  raises("dropout: 'key' is missing", x.dropout, x, { p = 0.5 })
  raises("dropout: no option 'sed', did you mean 'seed'?", x.dropout, x, { key = { sed = 1 } })
  raises("matmul: ", core.matmul, x, x)
  raises("zeros: 'shape' must be a list of sizes such as {2,64,64,1}, got 3", core.zeros, 3)
  raises("zeros: a tensor of that shape does not fit in memory", core.zeros, { 1 << 40, 1 << 22 })
end

function TestOps.test_errors_blame_the_callers_line()
  local x = core.zeros { 2, 3 }
  local message = raises("reshape: ", function() return x:reshape { 7 } end)
  lu.assertStrMatches(message, ".*core_ops_test%.lua:%d+: reshape: .*")
end

os.exit(lu.LuaUnit.run())
