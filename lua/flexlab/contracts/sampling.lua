--[[
sampling - the contracts of samplers, grids, guidance (see trial.lua). They are tried with a network that knows the
answer, so an exact sampler reaches it in any number of steps.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local contracts_diffusion = require "flexlab.contracts.diffusion"
local noising = require "flexlab.diffusion.noising"
local settings = require "flexlab.settings"
local trial = require "flexlab.trial"

local named = trial.named

local M = {}

local function schedule() return noising.new(choices.registry("schedules").cosine) end

-- What a sampler and guidance are given: the environment of diffusion/sampling.lua around x0.
local function environment(t, shape, x0, times)
  local n = schedule()
  local function coefficients(time) return n:coefficients(time) end
  local function predict(x, time)
    local alpha, sigma = coefficients(time)
    return x0, (x - x0 * alpha) / sigma
  end
  return { coefficients = coefficients, noising = n, times = times, size = function() return 1 end,
    logsnr = function(time) return n:logsnr(time) end, time = function(logsnr) return n:time(logsnr) end,
    x = t:normal(shape, 7), noise = function(k) return t:normal(shape, 100 + k) end,
    predict = predict, unconditioned = predict }
end

local function uniform(n)
  local times = {}
  for i = 1, n do times[i] = (n - i + 1) / n end
  return times
end

-- The settings of a call to sample: a choice is given all of them, its own among them.
local function whole(own, steps)
  local given = config.plain(settings.of("eval").defaults)
  for k, v in pairs(own) do given[k] = v end
  given.steps = steps
  return trial.guarded(given)
end

--- A sampler: a finite tensor of the target's shape, that of the network where it knows the answer.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.samplers(t, choice, cfg)
  local h, w, c = t:size(8, 8, 1)
  local shape, f = { 2, h, w, c }, choice.sample
  local x0 = t:normal(shape, 1)
  for _, steps in ipairs(choice.contract and choice.contract.steps or { 2, 1, 5 }) do
    local function answered()
      return t:call("sample", f, whole(cfg, steps), environment(t, shape, x0, uniform(steps)))
    end
    local answer = answered()
    t:tensor(f, "sample()", answer, shape)
    local off = (answer - x0):abs():summary().max
    if off > 1e-3 and not choice.inexact then
      t:refuse(f, ("sample() of a network that knows the answer misses it by %.3g in %d steps"):format(off, steps),
        "the last x0 (or the field inexact = true)")
    end
    t:same(f, "sample", answer, answered())
  end
  t:kept "sample(): a finite tensor of the target's shape, that of the network where it knows the answer"
end

--- A time grid: as many times as asked for, falling within [0, 1].
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.grids(t, choice, cfg)
  local f = choice.times
  for _, n in ipairs { 1, 2, 5 } do
    local list = t:call("times", f, n, schedule(), whole(cfg, n))
    if type(list) ~= "table" or #list ~= n then
      t:refuse(f, ("times(%d) returned %s"):format(n, type(list) == "table" and #list .. " times" or named(list)),
        ("a list of %d times"):format(n))
    end
    for i, time in ipairs(list) do
      t:number(f, ("time %d of %d"):format(i, n), time)
      if time < 0 or time > 1 or i > 1 and time >= list[i - 1] then
        t:refuse(f, ("time %d of %d is %.4g after %s"):format(i, n, time, tostring(list[i - 1] or "nothing")),
          "a fall within [0, 1]")
      end
    end
  end
  t:kept "times(): as many as asked for, falling within [0, 1]"
end

-- x0, eps and the gradient of f(x0), of a network that answers alpha x.
local function differentiate(env)
  return function(x, time, f)
    local alpha, sigma = env.coefficients(time)
    local leaf = x:detach():clone():track(true)
    local x0 = leaf * alpha
    f(x0):backward()
    return x0:detach(), ((leaf - x0 * alpha) / sigma):detach(), leaf.grad
  end
end

--- A guidance: a function of x and t that gives x0 and eps of the field's shape.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.guidance(t, choice, cfg)
  local h, w, c = t:size(16, 16, 1)
  local shape, f = { 2, h, w, c }, choice.guide
  local batch = contracts_diffusion.batch_of(t, shape)
  local env = environment(t, shape, batch.target - batch.estimate)
  env.batch, env.base, env.data = batch, batch.estimate, { degradation = "block_mean", factor = 4, task = "superres" }
  env.differentiate = differentiate(env)
  local could, guided = t:attempt("guide", f, whole(cfg, 2), env)
  if not could then return end
  if type(guided) ~= "function" then
    t:refuse(f, ("guide() returned %s"):format(named(guided)), "a function of x and t")
  end
  local ok, x0, eps = t:attempt("guide()", guided, env.x, 0.6)
  if not ok then return end
  t:tensor(guided, "what guide() returned gave as x0", core.is_tensor(x0) and x0:detach() or x0, shape)
  t:tensor(guided, "what guide() returned gave as eps", core.is_tensor(eps) and eps:detach() or eps, shape)
  t:kept "guide(): a function of x and t that gives x0 and eps of the field's shape"
end

return M
