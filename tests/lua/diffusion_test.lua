-- Laws of training and sampling: addresses of noise, averages, learning rates, what is refused.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local optim = require "flexlab.optim"

local suite = {}
rawset(_G, "TestDiffusion", suite)

local shape = { height = 16, width = 16, in_channels = 1, cond_channels = 1, size = "nano", dropout = 0.1 }

local function with(more)
  local t = {}
  for k, v in pairs(shape) do t[k] = v end
  for k, v in pairs(more or {}) do t[k] = v end
  return t
end

local function batch_of(n, from)
  local function field(stream_seed)
    local all = core.zeros { n, 16, 16, 1 }
    for i = 1, n do
      all[i]:copy_(core.normal({ 16, 16, 1 }, { seed = stream_seed, stream = "user", sample = from + i }))
    end
    return all
  end
  local estimate, ids = field(2), {}
  for i = 1, n do ids[i] = from + i end
  return { target = field(1), estimate = estimate, lowres = estimate, re = core.full({ n, 1 }, 0.1),
    ids = ids, scale = { mean = { 2.0 }, std = { 3.0 } } }
end

-- A model whose output is not zero: the last convolutions start at zero.
local function lively(more)
  local model = flex.models.flex(with(more))
  for _, p in ipairs(model:parameters()) do
    core.no_grad(function()
      p.tensor:add_(core.normal(p.tensor.shape, { seed = 7, stream = "user" }), 0.02)
    end)
  end
  return model
end

local function largest(a, b) return (a - b):abs():summary().max end

function suite.test_blocks_run_again_in_backward()
  local kept, again, batch = lively(), lively { recompute = true }, batch_of(2, 0)
  local losses = {}
  for i, model in ipairs { kept, again } do
    losses[i] = flex.diffusion.loss(model, batch, 5)
    losses[i]:backward()
  end
  lu.assertEquals(losses[1]:item(), losses[2]:item())
  local most, off = 0, 0
  local others = again:parameters()
  for i, p in ipairs(kept:parameters()) do
    if p.trained then
      most = math.max(most, p.tensor.grad:abs():summary().max)
      off = math.max(off, largest(p.tensor.grad, others[i].tensor.grad))
    end
  end
  lu.assertTrue(off < 1e-6 * most, ("gradients are %g apart of %g"):format(off, most))
end

-- The factors of a ResBlock's convolutions lose digits; everything else stays.
function suite.test_precision_rounds_the_convolutions()
  local batch, losses = batch_of(2, 0), {}
  for _, more in ipairs { {}, { precision = "bf16" }, { precision = "bf16", recompute = true } } do
    losses[#losses + 1] = flex.diffusion.loss(lively(more), batch, 5):item()
  end
  lu.assertNotEquals(losses[1], losses[2])
  lu.assertAlmostEquals(losses[2], losses[1], 0.02 * losses[1])
  lu.assertEquals(losses[2], losses[3])
  lu.assertErrorMsgContains("precision must be 'f32' or 'bf16', got 'half'", lively, { precision = "half" })
  lu.assertErrorMsgContains("backbone 'uvit' has no ResBlocks, so precision = 'bf16' would change nothing", lively,
    { backbone = "uvit", precision = "bf16" })
end

function suite.test_the_loss_is_a_function_of_seed_and_step()
  local model, batch = lively(), batch_of(2, 0)
  local a, b = flex.diffusion.loss(model, batch, 5):item(), flex.diffusion.loss(model, batch, 5):item()
  lu.assertEquals(a, b)
  lu.assertNotEquals(a, flex.diffusion.loss(model, batch, 6):item())
end

function suite.test_a_sample_does_not_depend_on_its_batch()
  local model = lively()
  local two = flex.diffusion.sample(model, batch_of(2, 0), { steps = 2 })
  local second = flex.diffusion.sample(model, batch_of(1, 1), { steps = 2 })
  lu.assertEquals(largest(two:narrow { axis = 1, start = 2, length = 1 }, second), 0)
end

function suite.test_members_differ_and_their_mean_is_the_first_result()
  local model = lively()
  local mean, members = flex.diffusion.sample(model, batch_of(1, 0), { steps = 2, members = 3 })
  lu.assertEquals(#members, 3)
  lu.assertTrue(largest(members[1], members[2]) > 1e-3)
  lu.assertTrue(largest(mean * 3, members[1] + members[2] + members[3]) < 1e-4)
  local one = flex.diffusion.sample(model, batch_of(1, 0), { steps = 2 })
  lu.assertEquals(largest(one, members[1]), 0)
end

function suite.test_all_parametrisations_losses_and_samplers_run()
  local batch = batch_of(1, 0)
  for _, predict in ipairs(flex.parametrisations()) do
    local model = lively { predict = predict }
    lu.assertTrue(flex.diffusion.loss(model, batch, 1):item() > 0)
    for _, sampler in ipairs(flex.samplers()) do
      local s = flex.diffusion.sample(model, batch, { steps = 3, sampler = sampler }):summary()
      lu.assertEquals(s.nonfinite, 0, predict .. " " .. sampler)
    end
  end
  for _, loss in ipairs { "l1", "mse", "huber" } do
    lu.assertTrue(flex.diffusion.loss(flex.models.flex(with { loss = loss }), batch, 1):item() > 0)
  end
end

function suite.test_official_maps_to_the_authors_forms()
  lu.assertEquals(flex.models.flex(with { predict = "x", official = true }).parametrisation.name, "x_official")
  lu.assertEquals(flex.models.flex(with { predict = "eps", official = true }).parametrisation.name,
    "eps_official")
  lu.assertEquals(flex.models.flex(with { predict = "v", official = true }).parametrisation.name, "v")
end

function suite.test_training_lowers_the_loss_and_moves_the_average()
  local model, batch = flex.models.flex(with { dropout = 0 }), batch_of(2, 0)
  local o = flex.optim.adam(model, { lr = 2e-3, ema = 0.9 })
  local first, last
  for _ = 1, 12 do
    local scope <close> = core.scope()
    local loss = flex.diffusion.loss(model, batch, 1)
    last = loss:item()
    first = first or last
    lu.assertTrue(o:step(loss) > 0)
    scope:close()
  end
  lu.assertTrue(last < 0.9 * first, ("%g -> %g"):format(first, last))
  local p = o.parameters[1].tensor:detach():clone()
  local plain = flex.diffusion.sample(model, batch, { steps = 1 })
  local averaged = flex.diffusion.sample(o.ema, batch, { steps = 1 })
  lu.assertTrue(largest(plain, averaged) > 0)
  lu.assertEquals(largest(p, o.parameters[1].tensor:detach()), 0)   -- the weights are back
end

function suite.test_the_average_gives_weights_back_after_an_error()
  local model = flex.models.flex(with())
  local o = flex.optim.adam(model, {})
  local p = o.parameters[1].tensor
  core.no_grad(function() p:add_(core.full(p.shape, 1), 1) end)
  local before = p:detach():clone()
  pcall(o.ema.use, o.ema, error, "stop")
  lu.assertEquals(largest(p:detach(), before), 0)
end

function suite.test_a_loss_that_is_not_finite_stops_with_a_sentence()
  local model = flex.models.flex(with())
  local o = flex.optim.adam(model, {})
  local bad = (o.parameters[1].tensor * (0 / 0)):sum()
  lu.assertErrorMsgContains("the loss is", o.step, o, bad)
  local huge = ((o.parameters[1].tensor * 1e30):square():mean()) * 0
  local ok, message = pcall(o.step, o, huge)
  lu.assertTrue(not ok and (message:find("not finite", 1, true) or message:find("loss is", 1, true)) ~= nil)
end

function suite.test_the_learning_rate_warms_up_and_falls_as_a_cosine()
  lu.assertEquals(optim.factor(0, 10, 100, true), 0)
  lu.assertEquals(optim.factor(5, 10, 100, true), 0.5)
  lu.assertEquals(optim.factor(10, 10, 100, true), 1)
  lu.assertAlmostEquals(optim.factor(55, 10, 100, true), 0.5, 1e-12)
  lu.assertAlmostEquals(optim.factor(100, 10, 100, true), 0, 1e-12)
  lu.assertEquals(optim.factor(77, 10, 100, false), 1)
end

-- The recurrences that PyTorch's LinearLR(1/warmup, total_iters = warmup - 1) and CosineAnnealingLR(T_max = K) use.
function suite.test_the_rates_of_updates_are_those_of_pytorch()
  local warmup, steps = 5, 21
  local k = steps - warmup
  local rate = 1 / warmup
  for update = 1, warmup do
    lu.assertAlmostEquals(optim.rate(update, warmup, steps, true), rate, 1e-12)
    rate = rate * (1 + (1 - 1 / warmup) / ((warmup - 1) / warmup + (update - 1) * (1 - 1 / warmup)))
  end
  rate = 1
  for i = 0, k - 1 do
    lu.assertAlmostEquals(optim.rate(warmup + 1 + i, warmup, steps, true), rate, 1e-12)
    rate = rate * (1 + math.cos(math.pi * (i + 1) / k)) / (1 + math.cos(math.pi * i / k))
  end
end

function suite.test_no_update_has_the_rate_0()
  for _, case in ipairs { { 0, 1 }, { 0, 300 }, { 20, 300 }, { 20, 1 }, { 5, 5 }, { 1, 2 } } do
    for update = 1, case[2] do
      local rate = optim.rate(update, case[1], case[2], true)
      lu.assertTrue(rate > 0 and rate <= 1, ("%d of %d: %g"):format(update, case[2], rate))
    end
  end
  lu.assertEquals(optim.rate(77, 10, 100, false), 1)
  lu.assertEquals(optim.rate(77, 10, false, true), 1)
end

function suite.test_a_run_of_one_step_trains()
  local model = flex.models.flex(with { dropout = 0 })
  local o = flex.optim.adam(model, { lr = 1e-2, steps = 1 })
  local before, moved = {}, 0
  for i, p in ipairs(o.parameters) do before[i] = p.tensor:detach():clone() end
  o:step(flex.diffusion.loss(model, batch_of(1, 0), 1))
  for i, p in ipairs(o.parameters) do moved = math.max(moved, largest(p.tensor:detach(), before[i])) end
  lu.assertEquals(o.lr, 1e-2)
  lu.assertAlmostEquals(moved, 1e-2, 1e-4)   -- Adam's first step is lr times the gradient's sign
end

function suite.test_misspelt_options_are_refused()
  lu.assertErrorMsgContains("nearest is 'steps'", flex.diffusion.sample, nil, nil, { stesp = 2 })
  lu.assertErrorMsgContains("nearest is 'clip'", flex.optim.adam, flex.models.flex(with()), { clipp = 1 })
  lu.assertErrorMsgContains("nearest is 'padding'", flex.models.flex, with { paddin = "zeros" })
  lu.assertErrorMsgContains("2^levels", flex.models.flex, with { height = 20 })
end

os.exit(lu.LuaUnit.run())
