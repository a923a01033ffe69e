-- Laws of the ops as Lua sees them: each runs forward and backward, and says what is wrong.
local lu = require "luaunit"
local core = require "flexlab.core"
local op_cases = require "tests.lua.op_cases"
local support = require "tests.lua.support"

local KEY, raises, t = support.KEY, support.raises, support.t

local TestOps = {}
rawset(_G, "TestOps", TestOps)

-- The operands that are there, whose gradients are asked for.
local function tracked(case)
  local there = {}
  for i, x in ipairs(case.operands) do
    there[#there + 1] = x and x:track(case.op.args[i].kind ~= "tensor without gradient") or nil
  end
  return there
end

-- The shape of the result is that of the case, each operand's gradient has its shape, method and function are one.
local function runs_both_ways(case)
  local name, operands = case.op.name, tracked(case)
  local y = core[name](table.unpack(case.arguments, 1, case.arguments.n))
  lu.assertEquals(y.shape, case.result, name)
  lu.assertEquals(y.requires_grad, operands[1].requires_grad, name)
  if y.requires_grad then
    y:backward(core.full(y.shape, 1))
    for _, x in ipairs(operands) do lu.assertEquals(x.grad.shape, x.shape, name) end
  end
  lu.assertEquals(operands[1][name], core[name], "the method is the function")
end

function TestOps.test_every_op_runs_both_ways()
  local tried = {}
  for _, case in ipairs(op_cases.all()) do
    runs_both_ways(case)
    tried[case.op.name] = true
  end
  for _, op in ipairs(core.ops) do lu.assertTrue(tried[op.name], "no case for op " .. op.name) end
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
  raises("conv2d: no option 'strid'; the nearest is 'stride' (known: stride, pad, padding and precision)",
    core.conv2d, x, x, { strid = 2 })
  raises("exp: no option 'base'; there is none at all", core.exp, x, { base = 2 })
  raises("conv2d: options are given by name, such as { stride = ... }; got the key 1", core.conv2d, x, x, { 2 })
  raises("conv2d: 'stride' must be an integer, got 1.5", core.conv2d, x, x, { stride = 1.5 })
  raises("conv2d: 'stride' must be an integer, got \"2\"", core.conv2d, x, x, { stride = "2" })
  raises("affine: 'scale' must be a number, got true", core.affine, x, { scale = true })
  raises("resize: 'circular' must be true or false, got 1", core.resize, x, { circular = 1 })
  raises("resize: 'method' must be one of bilinear bicubic nearest keys, got \"cubic\"",
    core.resize, x, { method = "cubic" })
  raises("resize: 'method' must be one of bilinear bicubic nearest keys, got 3", core.resize, x, { method = 3 })
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
  raises("dropout: no option 'sed'; the nearest is 'seed'", x.dropout, x, { key = { sed = 1 } })
  raises("matmul: ", core.matmul, x, x)
  raises("zeros: 'shape' must be a list of sizes such as {2,64,64,1}, got 3", core.zeros, 3)
  raises("zeros: a tensor of that shape does not fit in memory", core.zeros, { 1 << 40, 1 << 22 })
end

function TestOps.test_errors_blame_the_callers_line()
  local x = core.zeros { 2, 3 }
  local message = raises("reshape: ", function() return x:reshape { 7 } end)
  lu.assertStrMatches(message, ".*core_ops_test%.lua:%d+: reshape: .*")
end

--------------------------------------------------------------------------------------------------
-- A fused layer is the chain of single ops that its meaning names, forward and in every gradient.

-- What fused_linear says, written out.
local function chain(o, options)
  local a = o.x2 and o.x:concat(o.x2, { axis = -1 }) or o.x
  if o.norm_w then a = a:layer_norm(o.norm_w, o.norm_b, { eps = options.eps }) end
  if options.activation == "gelu" then a = a:gelu() end
  if options.p then a = a:dropout { p = options.p, key = options.key } end
  local y = core.linear(a, o.w, o.b)
  return o.add and y + o.add or y
end

local function fused(o, options)
  return core.fused_linear(o.x, o.x2, o.norm_w, o.norm_b, o.w, o.b, o.add, options)
end

-- Result and gradients by operand's name, of operands' copies of one type.
local function both_ways(f, operands, options, dtype)
  local own, out = {}, {}
  for name, x in pairs(operands) do own[name] = x:to(dtype):track(true) end
  local y = f(own, options)
  y:backward(support.normal(y.shape, 99):to(dtype))
  for name, x in pairs(own) do out[name] = x.grad end
  out.y = y:detach()
  return out
end

local function check_fused(operands, options)
  for dtype, tolerance in pairs { f64 = 1e-12, f32 = 2e-5 } do
    local one, other = both_ways(fused, operands, options, dtype), both_ways(chain, operands, options, dtype)
    for name, x in pairs(other) do
      local scale = math.max(1, x:abs():summary().max)
      lu.assertTrue(support.largest(one[name], x) <= tolerance * scale, name .. " in " .. dtype)
    end
  end
end

function TestOps.test_fused_linear_is_the_chain_of_its_parts()
  local n = support.normal
  check_fused({ x = n { 2, 13, 24 }, norm_w = n({ 24 }, 1), norm_b = n({ 24 }, 2), w = n({ 40, 24 }, 3) },
    { eps = 1e-6 })
  check_fused({ x = n { 2, 13, 24 }, w = n({ 40, 24 }, 3), b = n({ 40 }, 4), add = n({ 2, 13, 40 }, 5) },
    { activation = "gelu", p = 0.25, key = KEY })
  check_fused({ x = n { 2, 13, 24 }, x2 = n({ 2, 13, 9 }, 1), w = n({ 17, 33 }, 3), b = n({ 17 }, 4) }, {})
  check_fused({ x = n { 2, 3, 4, 24 }, x2 = n({ 2, 3, 4, 9 }, 1), norm_w = n({ 33 }, 2), w = n({ 17, 33 }, 3),
    add = n({ 2, 3, 4, 17 }, 5) }, { eps = 1e-5, activation = "gelu" })
end

function TestOps.test_fused_linear_says_what_does_not_fit()
  local x, w = core.zeros { 2, 3, 4 }, core.zeros { 5, 4 }
  raises("x (2,3,4) must hold the 6 inputs of w (5,6)", core.fused_linear, x, nil, nil, nil, core.zeros { 5, 6 })
  raises("x (2,3,4) and x2 (2,3,1) must hold the 4 inputs of w (5,4)", core.fused_linear, x, core.zeros { 2, 3, 1 },
    nil, nil, w)
  raises("x2 (2,2,4) must lie beside x (2,3,4)", core.fused_linear, x, core.zeros { 2, 2, 4 }, nil, nil, w)
  raises("norm_b needs norm_w", core.fused_linear, x, nil, nil, core.zeros { 4 }, w)
  raises("add (2,3,4) must have the shape of the result", core.fused_linear, x, nil, nil, nil, w, nil, x)
  raises("'p' must lie in [0,1), got 1", core.fused_linear, x, nil, nil, nil, w, { p = 1, key = KEY })
end

-- Large results are stored another way (kernels/cpu/past.h); 40x40 has tiles that reach beyond the edge.
function TestOps.test_a_large_convolution_is_its_images_to_the_bit()
  local n = support.normal
  local x, add, w, b = n({ 12, 40, 40, 16 }, 1), n({ 12, 40, 40, 64 }, 2), n({ 64, 3, 3, 16 }, 3), n({ 64 }, 4)
  local function conv(images, skips)
    return core.fused_conv(images, nil, nil, nil, nil, nil, w, b, skips, nil, {})
  end
  local all = conv(x, add)
  lu.assertEquals(all:summary().nonfinite, 0)
  for i = 1, 12 do
    local one = { axis = 1, start = i, length = 1 }
    lu.assertEquals(support.largest(all:narrow(one), conv(x:narrow(one), add:narrow(one))), 0)
  end
end

os.exit(lu.LuaUnit.run())
