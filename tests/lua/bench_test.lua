-- flexlab bench and core.measure: shapes of what they print, options, wrong uses. No timing is asserted.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local accuracy = require "flexlab.bench.accuracy"
local scaling = require "flexlab.bench.scaling"
local support = require "tests.lua.support"

local program = os.getenv("FLEXLAB_PROGRAM") or "build/release/flexlab"

local function flexlab(words)
  local out, err = os.tmpname(), os.tmpname()
  local _, _, code = os.execute(("%s %s >%s 2>%s"):format(program, words, out, err))
  local function take(path)
    local text = core.sys.read(path)
    os.remove(path)
    return text
  end
  return code, take(out), take(err)
end

local small = " --size 16 --batch 1 --repeats 1"

local function decoded(words)
  local code, out, err = flexlab(words)
  lu.assertEquals({ code, err }, { 0, "" }, words)
  lu.assertEquals(select(2, out:gsub("\n", "")), 1, words)
  return core.json.decode(out)
end

TestMeasure = {}

function TestMeasure:test_calls_hold_shapes_counts_and_bytes()
  local x, w = core.full({ 2, 4, 4, 3 }, 1), core.full({ 5, 3, 3, 3 }, 1):track(true)
  core.measure.start()
  for _ = 1, 3 do x:conv2d(w):sum():backward() end
  local calls = core.measure.stop()
  lu.assertEquals(#calls, 3)
  local conv, sum, gradients = calls[1], calls[2], calls[3]
  lu.assertEquals({ conv.name, sum.name, gradients.name }, { "conv2d", "sum", "sums of gradients" })
  lu.assertEquals(conv.operands, { { 2, 4, 4, 3 }, { 5, 3, 3, 3 }, false })
  lu.assertEquals(conv.result, { 2, 4, 4, 5 })
  lu.assertEquals({ conv.forward.count, conv.backward.count, gradients.forward.count }, { 3, 3, 2 })
  lu.assertEquals(conv.forward.bytes, 3 * 4 * (96 + 135 + 160))
  lu.assertEquals(conv.backward.bytes, 3 * 4 * (96 + 135 + 160 + 135))
  lu.assertEquals({ conv.op, gradients.op }, { true, false })
  lu.assertEquals({ conv.products, conv.backward_products }, { 160 * 27, 2 * 160 * 27 })
  lu.assertEquals({ sum.products, sum.backward_products, gradients.products }, { 0, 0, 0 })
end

-- By hand, for one call of each op that multiplies.
function TestMeasure:test_products_are_those_of_the_definition()
  local t = support.t
  local calls = {
    { "matmul", 2 * 7 * 6 * 5, t(2, 7, 5), t(5, 6) },
    { "linear", 2 * 7 * 9 * 5, t(2, 7, 5), t(9, 5) },
    { "fused_linear", 2 * 7 * 9 * 5, t(2, 7, 5), nil, nil, nil, t(9, 5), n = 7 },
    { "conv2d", 4 * 3 * 6 * 9 * 2, t(1, 8, 6, 2), t(6, 3, 3, 2), { stride = 2 } },
    { "fused_conv", 8 * 6 * 6 * 9 * 5, t(1, 8, 6, 2), t(1, 8, 6, 3), nil, nil, nil, nil, t(6, 3, 3, 5), n = 9 },
    { "attention", 2 * 7 * 4 * 2 * 5, t(2, 7, 4), t(2, 5, 4), t(2, 5, 4) },
  }
  core.measure.start()
  for _, call in ipairs(calls) do core[call[1]](table.unpack(call, 3, call.n)) end
  for i, call in ipairs(core.measure.stop()) do
    lu.assertEquals({ call.name, call.products }, { calls[i][1], calls[i][2] })
    local backward = call.name == "attention" and 2.5 or 2 -- the probabilities are made again
    lu.assertEquals(call.backward_products, backward * call.products)
  end
end

function TestMeasure:test_nothing_is_counted_when_off_and_start_forgets()
  core.measure.start()
  lu.assertEquals(core.measure.stop(), {})
  core.full({ 3 }, 1):silu()
  lu.assertEquals(core.measure.stop(), {})
end

function TestMeasure:test_a_call_runs_again_by_itself()
  local x, w = core.full({ 1, 4, 4, 2 }, 1), core.full({ 3, 3, 3, 2 }, 1)
  core.measure.start()
  x:conv2d(w)
  x:upsample { factor = 3 }
  core.measure.stop()
  collectgarbage()
  local before = core.memory().live
  for _, part in ipairs { "forward", "backward", "backward_first", "backward_rest" } do
    local seconds = core.measure.time(1, { part = part, repeats = 2 })
    lu.assertEquals(#seconds, 2)
    lu.assertTrue(seconds[1] > 0)
  end
  lu.assertEquals(#core.measure.time(2, { part = "backward", repeats = 1 }), 1)
  lu.assertEquals(core.memory().live, before)
  lu.assertErrorMsgContains("has no such gradient", core.measure.time, 2, { part = "backward_rest" })
  lu.assertErrorMsgContains("no call 3; the last profile has 2", core.measure.time, 3)
  lu.assertErrorMsgContains("'repeats' must lie in", core.measure.time, 1, { repeats = 0 })
  lu.assertErrorMsgContains("part", core.measure.time, 1, { part = "sideways" })
end

function TestMeasure:test_running_again_survives_a_failing_allocation()
  core.measure.start()
  core.full({ 1, 4, 4, 2 }, 1):conv2d(core.full({ 3, 3, 3, 2 }, 1))
  core.measure.stop()
  collectgarbage()
  local before = core.memory().live
  for k = 1, 6 do
    core.fail_allocation(k)
    lu.assertEquals(#core.measure.time(1, { part = "backward", repeats = 1 }), 1) -- tried once more
  end
  core.fail_allocation(0)
  lu.assertEquals(core.memory().live, before)
end

-- Every instruction set of this build that this processor has; one at least, or a loop over them tests nothing.
local function every_isa()
  local list = {}
  for isa in core.info().isas:gmatch "%S+" do list[#list + 1] = isa end
  lu.assertTrue(#list > 0)
  return list
end

function TestMeasure:test_the_peak_counts_what_it_does()
  for _, isa in ipairs(every_isa()) do
    local before = core.isa()
    core.isa(isa)
    local one = core.measure.fma(10)
    lu.assertEquals(core.measure.fma(30), 3 * one)
    lu.assertEquals(one % (2 * 12 * 10 * core.threads()), 0)
    core.isa(before)
  end
  lu.assertErrorMsgContains("at least 1", core.measure.fma, 0)
end

function TestMeasure:test_memory_by_kind_adds_up()
  local model = flex.models.flex { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
  local weights = 0
  for _, p in ipairs(model:parameters()) do weights = weights + 4 * p.tensor:count() end
  local before = core.memory().live_by_kind
  lu.assertTrue(before.weights >= weights)
  local optim = flex.optim.adam(model, {})
  local m = core.memory()
  lu.assertTrue(m.live_by_kind.optimiser - before.optimiser >= 2.9 * weights)
  local live, peak = 0, 0
  for _, bytes in pairs(m.live_by_kind) do live = live + bytes end
  for _, bytes in pairs(m.peak_by_kind) do peak = peak + bytes end
  lu.assertEquals({ live, peak }, { m.live, m.peak })
  local x = core.full({ 4, 1 }, 1):track(true)
  local gradients = m.live_by_kind.gradients
  x:sum():backward()
  lu.assertTrue(core.memory().live_by_kind.gradients > gradients)
  lu.assertEquals(optim:updates(), 0)
end

TestBench = {}

function TestBench:test_train_and_sample_print_seconds_and_resident_memory()
  for _, what in ipairs { "train", "sample" } do
    local t = decoded("bench " .. what .. " --size 16 --batch 1 --repeats 2 --json")
    lu.assertEquals(#t.seconds, 2)
    lu.assertTrue(t.seconds[1] > 0 and t.peak_mib > 1)
  end
  local _, out = flexlab("bench train" .. small)
  lu.assertStrContains(out, "MiB resident")
end

function TestBench:test_kernels_walk_the_network()
  local t = decoded("bench kernels --json" .. small)
  lu.assertTrue(t.machine.one > 0 and t.machine.all > 0 and t.machine.bandwidth > 0)
  local ops, convs = {}, 0
  for _, row in ipairs(t.rows) do
    ops[row.op] = true
    if row.op == "fused_conv" or row.op == "conv2d" then
      convs = convs + row.count
      lu.assertTrue(row.forward.gflops > 0)
      lu.assertTrue(row.backward and row.backward.ms > 0 or row.backward_first.ms > 0 and row.backward_rest.ms > 0)
    end
  end
  for _, op in ipairs { "linear", "fused_linear", "attention", "layer_norm", "silu" } do
    lu.assertTrue(ops[op], op)
  end
  local model = flex.models.flex { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
  local weights = 0
  for _, p in ipairs(model:parameters()) do
    if #p.tensor.shape == 4 then weights = weights + 1 end
  end
  lu.assertEquals(convs, weights) -- every convolution of the network, once a step
end

function TestBench:test_the_roofline_has_a_point_for_every_convolution()
  local from, to = os.tmpname(), os.tmpname()
  local function draw(text)
    assert(core.sys.write(from, text))
    return flexlab(("script tools/roofline.lua %s %s"):format(from, to))
  end
  local _, measured = flexlab("bench kernels --json" .. small)
  local points = 0
  for _, row in ipairs(core.json.decode(measured).rows) do
    lu.assertTrue(row.forward.bytes > 0)
    if row.op == "fused_conv" then points = points + (row.backward and 2 or 1) end
  end
  local code, _, err = draw(measured)
  local picture = core.sys.read(to)
  local _, drawn = picture:gsub("</title></circle>", "")
  lu.assertEquals({ code, err }, { 0, "" })
  lu.assertTrue(points > 10 and drawn >= points)
  local failed, _, complaint = draw "{}"
  lu.assertEquals(failed, 1)
  lu.assertStrContains(complaint, "holds no 'machine' and 'rows'")
  os.remove(from)
  os.remove(to)
  lu.assertStrContains(select(3, flexlab("script tools/roofline.lua " .. from .. " " .. to)), from)
  lu.assertStrContains(select(3, flexlab("script tools/roofline.lua")), "usage: flexlab script")
end

function TestBench:test_kernels_of_one_op_as_a_table()
  local code, out, err = flexlab("bench kernels --op attention" .. small)
  lu.assertEquals({ code, err }, { 0, "" })
  lu.assertStrContains(out, "GFLOP/s with one thread")
  lu.assertStrContains(out, "attention")
  lu.assertNotStrContains(out, "conv2d")
end

function TestBench:test_profile_by_op_and_by_shape()
  local t = decoded("bench train --profile --json" .. small)
  lu.assertEquals(#t.seconds, 1)
  local ops = {}
  for _, row in ipairs(t.rows) do ops[row.op] = row end
  lu.assertTrue(ops.linear.forward > 0 and ops.linear.backward > 0)
  lu.assertTrue(ops.optimiser.calls == 1 and ops["sums of gradients"].calls > 0)
  local fine = decoded("bench sample --profile --shapes --json" .. small)
  lu.assertTrue(#fine.rows > #t.rows)
  lu.assertEquals(fine.rows[1].backward, 0)
  local _, out = flexlab("bench train --profile" .. small)
  lu.assertStrContains(out, "the rest")
end

function TestBench:test_memory_by_kind()
  local t = decoded("bench train --memory --json" .. small)
  local sum = 0
  for _, bytes in pairs(t.peak_by_kind) do sum = sum + bytes end
  lu.assertEquals(sum, t.peak)
  lu.assertTrue(t.peak_by_kind.weights > 0 and t.peak_by_kind.optimiser > 0 and t.resident > 0)
  local _, out = flexlab("bench sample --memory" .. small)
  lu.assertStrContains(out, "peak of resident memory")
end

function TestBench:test_scaling_prints_series_and_powers()
  local words = "bench scaling --batches 1,2 --sizes 16,32 --thread-counts 1 --work sample"
  local t = decoded(words .. " --json" .. small)
  lu.assertEquals({ t[1].name, t[2].name, t[3].name }, { "batch", "size", "threads" })
  lu.assertEquals(t[2].units, { 256, 1024 })
  lu.assertTrue(t[1].power ~= nil and t[3].power == nil)
  local _, out = flexlab(words .. small)
  lu.assertStrContains(out, "s ~ (pixels)^")
end

function TestBench:test_loader_reads_the_same_patches_three_ways()
  local folder, path = support.folder()
  local t = decoded(("bench loader --data '%s' --size 16 --batch 2 --repeats 1 --json"):format(
    support.flow(path "flow.h5")))
  os.execute("rm -rf '" .. folder .. "'")
  for _, way in ipairs { "memory", "ahead", "at_once" } do
    lu.assertEquals(#t[way].wall, 1)
    lu.assertTrue(t[way].wall[1] > 0 and t[way].cpu[1] > 0)
  end
end

function TestBench:test_accuracy_prints_a_row_for_each_count()
  local t = decoded("bench accuracy --channels 8,16 --size 8 --json")
  lu.assertEquals({ t.isa, t.size, #t.rows }, { core.isa(), 8, 2 })
  lu.assertEquals({ t.rows[1].channels, t.rows[2].channels }, { 8, 16 })
  for _, row in ipairs(t.rows) do
    for _, name in ipairs { "forward", "data", "weights", "direct" } do
      lu.assertTrue(row[name] > 1e-9 and row[name] < accuracy.limit, name)
    end
  end
  -- 16 channels take Winograd's tiles, whose transforms cost about a digit; 8 do not.
  lu.assertTrue(t.rows[2].forward > 2 * t.rows[1].forward)
  local _, out = flexlab("bench accuracy --channels 16 --size 8")
  lu.assertStrContains(out, "largest error over the largest exact number")
end

local function within_limit(isas, channels, size)
  for i, row in ipairs(accuracy.rows(channels, size, isas)) do
    for _, name in ipairs { "forward", "data", "weights", "direct" } do
      lu.assertTrue(row[name] > 0 and row[name] < accuracy.limit,
        ("%s, %d channels, %dx%d, %s: %g"):format(isas[i], channels, size, size, name, row[name]))
    end
  end
end

function TestBench:test_no_channel_count_exceeds_the_limit_on_any_instruction_set()
  local before, isas = core.isa(), every_isa()
  for _, channels in ipairs(accuracy.channels) do within_limit(isas, channels, 8) end
  -- Maps that are cut into tiles of 6x6, and channels of one run and of several.
  for _, channels in ipairs { 64, 256 } do within_limit(isas, channels, 48) end
  lu.assertEquals(core.isa(), before)
end

function TestBench:test_the_fitted_power_is_exact_for_powers()
  lu.assertAlmostEquals(scaling.power({ 1, 2, 4 }, { 3, 12, 48 }), 2, 1e-12)
  lu.assertNil(scaling.power({ 5 }, { 1 }))
end

function TestBench:test_wrong_uses()
  for words, part in pairs {
    ["tain"] = "the nearest is 'train'",
    ["kernels --profile"] = "takes no --profile; it belongs to bench train and sample",
    ["train --op conv2d"] = "takes no --op; it belongs to bench kernels",
    ["train --profile --memory"] = "give one of them",
    ["train --shapes"] = "give --profile too",
    ["kernels --op conf2d"] = "the nearest is 'conv2d'",
    ["scaling --batches 1,1.5"] = "--batches wants whole numbers from 1 on, got 1.5",
    ["scaling --sizes 0"] = "--sizes wants whole numbers",
    ["train --channels 16"] = "takes no --channels; it belongs to bench accuracy",
    ["accuracy --channels 0"] = "--channels wants whole numbers from 1 on, got 0",
    ["train --model tiny"] = "--model wants",
    ["train --repeats 0"] = "at least 1",
  } do
    local code, _, err = flexlab("bench " .. words)
    lu.assertEquals(code, 2, words)
    lu.assertStrContains(err, part)
  end
  local code, _, err = flexlab("bench train --size 17")
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "not divisible by 2^levels")
  code, _, err = flexlab("bench kernels --op max" .. small)
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "does not use max")
end

os.exit(lu.LuaUnit.run())
