-- Samplers against theory: for Gaussian data the best denoiser is known, so is what must come out.
local lu = require "luaunit"
local flex = require "flexlab"
local noising = require "flexlab.diffusion.noising"
local sampling = require "flexlab.diffusion.sampling"
local core = flex.core

local suite = {}
rawset(_G, "TestSamplers", suite)

local MEAN, SD = 0.7, 0.5
local shape = { 1, 64, 64, 2 }   -- 8192 independent numbers

local function normal(step)
  return core.normal(shape, { seed = 9, stream = "sample", step = step }, { dtype = "f64" })
end

-- The environment of a perfect network for x0 ~ N(MEAN, SD^2): E[x0 | x] and the eps that goes with it.
local function gaussian(schedule, settings, count)
  local n = noising.new(flex.schedules[schedule], settings)
  return {
    noising = n, looks = count,
    coefficients = function(t) return n:coefficients(t) end,
    logsnr = function(t) return n:logsnr(t) end,
    time = function(v) return n:time(v) end,
    size = function(t) return n:size(t) end,
    noise = normal,
    predict = function(x, t)
      if count then count[1] = count[1] + 1 end
      local a, s = n:coefficients(t)
      local gain = a * SD ^ 2 / (a ^ 2 * SD ^ 2 + s ^ 2)
      local x0 = (x - a * MEAN) * gain + MEAN
      return x0, (x - x0 * a) / s
    end,
  }
end

local function sample(sampler, env, grid, steps, options)
  local choice, o = flex.samplers[sampler], { steps = steps }
  for k, v in pairs(choice.defaults) do o[k] = v end
  for k, v in pairs(options or {}) do o[k] = v end
  env.times = sampling.times(grid, steps, env.noising)
  env.x = normal(0)
  return choice.sample(o, env)
end

local function moments(x)
  local mean = x:mean():item()
  return mean, math.sqrt((x - mean):square():mean():item())
end

-- The largest distance of an answer from theory: the flow keeps (x - alpha MEAN) / sqrt(alpha^2 SD^2 +
-- sigma^2) as it is, and a sampler answers with E[x0 | x] at its last time.
local function distance(answer, env)
  local function at(i)
    local a, s = env.coefficients(env.times[i])
    return a, math.sqrt(a ^ 2 * SD ^ 2 + s ^ 2)
  end
  local a, size = at(1)
  local last_a, last_size = at(#env.times)
  local kept = (normal(0) - a * MEAN) / size
  return (answer - (kept * (last_a * SD ^ 2 / last_size) + MEAN)):abs():summary().max
end

local deterministic = { ddim = 1, euler = 1, heun = 2, dpmpp_2m = 2, edm = 2 }

-- Those made in terms of sigma/alpha or logSNR need a grid that is fine where these change.
local function grid_for(name) return (name == "edm" or name == "dpmpp_2m") and "karras" or "uniform" end

-- Every deterministic sampler follows the probability flow, and its error falls with its order.
function suite.test_deterministic_samplers_follow_the_flow_at_their_order()
  for name, order in pairs(deterministic) do
    local env = gaussian "cosine"
    local coarse = distance(sample(name, env, grid_for(name), 40), env)
    local fine = distance(sample(name, env, grid_for(name), 80), env)
    lu.assertTrue(fine < (order == 1 and 0.1 or 0.01), ("%s: off by %g"):format(name, fine))
    local seen = math.log(coarse / fine, 2)
    lu.assertTrue(seen > order - 0.2, ("%s: order %.2f (%g, %g)"):format(name, seen, coarse, fine))
  end
end

-- On every schedule the data's mean and standard deviation come out.
function suite.test_deterministic_samplers_on_all_schedules_give_the_moments_of_the_data()
  for _, schedule in ipairs(flex.schedules()) do
    for name in pairs(deterministic) do
      -- amplitudes that begin with an infinite slope are not for Euler
      local skip = name == "euler" and (schedule == "interpolant" or schedule == "sigmoid")
      local mean, sd = moments(sample(name, gaussian(schedule), grid_for(name), 64))
      local label = ("%s, %s: %.4f +- %.4f"):format(schedule, name, mean, sd)
      lu.assertTrue(skip or math.abs(mean - MEAN) < 0.04, label)
      lu.assertTrue(skip or math.abs(sd - SD) < 0.04, label)
    end
  end
end

-- DDPM in n steps, in theory: every step is affine in x, so mean and variance follow a recursion.
local function ddpm_moments(env)
  local mean, variance = 0, 1
  for i, t in ipairs(env.times) do
    local a, s = env.coefficients(t)
    local gain = a * SD ^ 2 / (a ^ 2 * SD ^ 2 + s ^ 2)
    local x0 = MEAN + gain * (mean - a * MEAN)
    local after = env.times[i + 1]
    if not after then return x0, math.sqrt(gain ^ 2 * variance) end
    local alpha, sd = env.coefficients(after)
    local ratio = (a / s) ^ 2 / (alpha / sd) ^ 2
    local share = sd * math.sqrt(ratio) / s          -- of eps = (x - a x0) / s
    variance = (alpha * gain + share * (1 - a * gain)) ^ 2 * variance + sd ^ 2 * (1 - ratio)
    mean = alpha * x0 + share * (mean - a * x0)
  end
end

function suite.test_ddpm_has_the_moments_of_theory_at_any_number_of_steps()
  for _, schedule in ipairs(flex.schedules()) do
    for _, steps in ipairs { 2, 10, 50 } do
      local env = gaussian(schedule)
      local mean, sd = moments(sample("ddpm", env, "uniform", steps))
      local expected_mean, expected_sd = ddpm_moments(env)
      local label = ("%s, %d: %.4f +- %.4f"):format(schedule, steps, mean, sd)
      lu.assertAlmostEquals(mean, expected_mean, 5 * SD / 90, label)      -- 8192 numbers: sd / 90
      lu.assertAlmostEquals(sd, expected_sd, 5 * SD / 128, label)
    end
  end
end

-- Fresh noise at every step: what DDIM with eta, DDPM and churn leave is the data's distribution too.
function suite.test_stochastic_samplers_give_the_moments_of_the_data()
  for _, case in ipairs { { "ddim", { eta = 0.5 } }, { "ddim", { eta = 1 } }, { "ddpm", { variance = "large" } },
    { "edm", { churn = 20, churn_noise = 1 } } } do
    local name, options = case[1], case[2]
    local answer = sample(name, gaussian "cosine", "karras", 100, options)
    local mean, sd = moments(answer)
    lu.assertAlmostEquals(mean, MEAN, 0.03, name)
    lu.assertAlmostEquals(sd, SD, 0.03, name)
    local plain = sample(name == "ddpm" and "ddim" or name, gaussian "cosine", "karras", 100)
    lu.assertTrue((plain - answer):abs():summary().max > 0.1, name)
  end
end

function suite.test_ddpm_is_ddim_with_eta_1()
  local env = gaussian "cosine"
  local a, b = sample("ddpm", env, "uniform", 7), sample("ddim", env, "uniform", 7, { eta = 1 })
  lu.assertTrue((a - b):abs():summary().max < 1e-12)
  local settings = require "flexlab.settings"
  local variance = settings.choice(require("flexlab").samplers.ddpm).entry.variance
  lu.assertNil(settings.check(variance, "huge"))
  lu.assertStrContains(settings.sentence("variance", variance, "huge"), "'small' or 'large'")
end

function suite.test_euler_on_the_straight_path_is_ddim()
  local env = gaussian "rectified_flow"
  local a, b = sample("euler", env, "uniform", 7), sample("ddim", env, "uniform", 7)
  lu.assertTrue((a - b):abs():summary().max < 1e-8)
end

-- Looks at the network are what a sampler costs.
function suite.test_samplers_look_as_often_as_they_say()
  for name, looks in pairs { ddim = 8, ddpm = 8, euler = 8, dpmpp_2m = 8, heun = 15, edm = 15 } do
    local count = { 0 }
    sample(name, gaussian("cosine", nil, count), "karras", 8)
    lu.assertEquals(count[1], looks, name)
  end
end

function suite.test_grids_fall_from_noise_to_signal()
  for _, schedule in ipairs(flex.schedules()) do
    local n = noising.new(flex.schedules[schedule])
    for _, grid in ipairs(flex.grids()) do
      for _, steps in ipairs { 1, 2, 9 } do
        lu.assertEquals(#sampling.times(grid, steps, n), steps, grid)
      end
    end
    for _, t in ipairs { 0.1, 0.5, 0.93 } do lu.assertAlmostEquals(n:time(n:logsnr(t)), t, 1e-9, schedule) end
    lu.assertEquals(n:time(1e9), 0)
    lu.assertEquals(n:time(-1e9), 1)
  end
  local edm = noising.new(flex.schedules.edm)
  local times = sampling.times("karras", 5, edm)   -- EDM's time is Karras's grid
  for i = 1, 5 do lu.assertAlmostEquals(times[i], math.max(1 - (i - 1) / 4, 0), 1e-9) end
end

function suite.test_grids_that_are_no_grids_are_refused()
  local n = noising.new(flex.schedules.cosine)
  lu.assertEquals(sampling.times({ 1, 0.4 }, 2, n), { 1, 0.4 })
  lu.assertErrorMsgContains("must fall", sampling.times, { 0.4, 1 }, 2, n)
  lu.assertErrorMsgContains("within [0, 1]", sampling.times, { 1.2, 0.5 }, 2, n)
  lu.assertErrorMsgContains("at least one", sampling.times, {}, 2, n)
  lu.assertErrorMsgContains("nearest is 'karras'", sampling.times, "karas", 2, n)
end

os.exit(lu.LuaUnit.run())
