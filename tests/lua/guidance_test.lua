-- Guidance does what it says: on the network, and on Gaussian data, where the answer is known.
local lu = require "luaunit"
local flex = require "flexlab"
local noising = require "flexlab.diffusion.noising"
local sampling = require "flexlab.diffusion.sampling"
local core = flex.core

local suite = {}
rawset(_G, "TestGuidance", suite)

local SIZE, FACTOR = 16, 4

local function largest(a, b) return (a - b):abs():summary().max end

local function field(seed) return core.normal({ 2, SIZE, SIZE, 1 }, { seed = seed, stream = "user" }) end

local function batch(degradation)
  local target, choice = field(1), flex.degradations[degradation]
  local low = choice.low(target, FACTOR)
  local estimate = choice.up(low, SIZE, SIZE, {})
  return { target = target, estimate = estimate, lowres = estimate, re = core.full({ 2, 1 }, 0.1),
    low = low * 2 + 1, scale = { mean = { 1.0 }, std = { 2.0 } }, ids = { 1, 2 } }
end

local function model(degradation, config)
  local cfg = { size = "nano", height = SIZE, width = SIZE, in_channels = 1, cond_channels = 1, dropout = 0 }
  for k, v in pairs(config or {}) do cfg[k] = v end
  local made = flex.models.flex(cfg)
  made.data = { task = "superres", degradation = degradation, factor = FACTOR }
  for _, p in ipairs(made:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 3, stream = "user" }), 0.03) end)
  end
  return made
end

function suite.test_lifts_are_what_the_degradation_undoes()
  local low = core.normal({ 2, 4, 6, 3 }, { seed = 1, stream = "user" })
  for _, name in ipairs(flex.degradations()) do
    local d = flex.degradations[name]
    if d.lift then
      local up = d.lift(low, 4)
      lu.assertEquals(up.shape, { 2, 16, 24, 3 }, name)
      lu.assertTrue(largest(d.low(up, 4), low) < 1e-6, name)
      lu.assertEquals(largest(d.lift(low, 1), low), 0, name)
    end
  end
end

function suite.test_consistency_holds_to_rounding_with_every_sampler_and_target()
  for _, degradation in ipairs { "block_mean", "registered", "bicubic" } do
    for _, target in ipairs { "residual", "raw" } do
      local b, m = batch(degradation), model(degradation, { target = target })
      for _, sampler in ipairs(flex.samplers()) do
        local o = { steps = 2, sampler = sampler }
        local free = flex.diffusion.sample(m, b, o)
        o.guidance = "consistency"
        local bound = flex.diffusion.sample(m, b, o)
        local function off(x) return largest(flex.degradations[degradation].low(x, FACTOR), b.low) end
        lu.assertTrue(off(bound) < 1e-4, ("%s %s %s: %g"):format(degradation, target, sampler, off(bound)))
        lu.assertTrue(off(free) > 1e-2)
      end
    end
  end
end

function suite.test_classifier_free_guidance_extrapolates()
  local b, m = batch "block_mean", model "block_mean"
  local function sample(options)
    options.steps = 2
    return (flex.diffusion.sample(m, b, options))
  end
  local plain, blind = sample {}, sample { guidance = "classifier_free", guidance_weight = 0 }
  lu.assertTrue(largest(sample { guidance = "classifier_free", guidance_weight = 1 }, plain) < 1e-4)
  lu.assertTrue(largest(plain, blind) > 1e-3)
  local none = m:predict(b.target, core.full({ 2 }, 0.5), b, nil)
  local masked = m.mask(m:condition(b), core.zeros { 2 })
  lu.assertEquals(largest(none, m:predict(b.target, core.full({ 2 }, 0.5), b, masked)), 0)
end

function suite.test_conditions_are_dropped_in_training_at_the_rate_that_is_asked_for()
  local b, m = batch "block_mean", model("block_mean", { drop_condition = 0.5 })
  local always, never = model("block_mean", { drop_condition = 1 }), model "block_mean"
  local kept, dropped, n = 0, 0, 24
  for step = 1, n do
    local loss = flex.diffusion.loss(m, b, step):item()
    kept = kept + (loss == flex.diffusion.loss(never, b, step):item() and 1 or 0)
    dropped = dropped + (loss == flex.diffusion.loss(always, b, step):item() and 1 or 0)
  end
  lu.assertTrue(kept > 1 and dropped > 1 and kept + dropped < n - 4, ("%d kept, %d dropped"):format(kept, dropped))
end

-- The gradient that guidance gets is that of central differences; weights get none, and stay trained.
function suite.test_differentiate_is_the_gradient()
  local b, m = batch "block_mean", model "block_mean"
  local env = sampling.environment(m, b, core.no_grad(m.condition, m, b), b.estimate)
  local x, t = field(5), 0.4
  local function f(x0) return x0:square():sum() end
  local _, _, gradient = env.differentiate(x, t, f)
  local way = field(6)
  local h = 1e-2
  local slope = (f(env.predict(x + way * h, t)):item() - f(env.predict(x - way * h, t)):item()) / (2 * h)
  local along = (gradient * way):sum():item()
  lu.assertTrue(math.abs(slope - along) < 1e-2 * math.abs(slope), ("%g against %g"):format(slope, along))
  for _, p in ipairs(m:parameters()) do
    lu.assertNil(p.tensor.grad, p.name)
    lu.assertEquals(p.tensor.requires_grad, p.trained, p.name)
  end
end

-- x0 ~ N(0, 1) pixel by pixel and its block means observed: guided samples agree with what was observed,
-- and keep the variance of what was not.
function suite.test_observation_draws_from_the_posterior_of_gaussian_data()
  local n = noising.new(flex.schedules.cosine)
  local truth = core.normal({ 4, 32, 32, 1 }, { seed = 1, stream = "user" })
  local low = core.mean_pool(truth, { factor = 2 })
  local function denoise(x, t)
    local a, s = n:coefficients(t)
    local x0 = x * a                     -- E[x0 | x] for a normal x0
    return x0, (x - x0 * a) * (1 / s)
  end
  local env = { batch = { low = low }, data = { degradation = "block_mean", factor = 2 }, predict = denoise,
    coefficients = function(t) return n:coefficients(t) end, logsnr = function(t) return n:logsnr(t) end,
    differentiate = function(x, t, f)
      local leaf = x:detach():clone():track(true)
      local x0, eps = denoise(leaf, t)
      f(x0):backward()
      return x0:detach(), eps:detach(), leaf.grad
    end }
  env.times = sampling.times("uniform", 100, n)
  env.x = core.normal({ 4, 32, 32, 1 }, { seed = 2, stream = "sample" })
  local free = flex.samplers.ddim.sample({ eta = 0 }, env)
  env.predict = flex.guidance.observation.guide({ observation_std = 0.05, observation_gamma = 0.25 }, env)
  local guided = flex.samplers.ddim.sample({ eta = 0 }, env)
  local function error_of(x) return math.sqrt((core.mean_pool(x, { factor = 2 }) - low):square():mean():item()) end
  lu.assertTrue(error_of(guided) < 0.1 and error_of(free) > 0.5, ("%g, %g"):format(error_of(guided), error_of(free)))
  local inside = guided - core.upsample(core.mean_pool(guided, { factor = 2 }), { factor = 2 })
  lu.assertAlmostEquals(inside:square():mean():item(), 0.75, 0.05)   -- 3 of 4 directions of a block are free
end

function suite.test_guidance_that_does_not_fit_says_why()
  local m, b = model "block_mean", batch "block_mean"
  b.low = nil
  lu.assertErrorMsgContains("needs the low field", flex.diffusion.sample, m, b, { guidance = "consistency" })
  lu.assertErrorMsgContains("nearest is 'consistency'", flex.diffusion.sample, m, b, { guidance = "consistencey" })
  lu.assertErrorMsgContains("nearest is 'eta'", flex.diffusion.sample, m, b, { sampler = "ddim", etaa = 1 })
end

os.exit(lu.LuaUnit.run())
