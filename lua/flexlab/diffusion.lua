--[[
diffusion - the loss and the sampler of residual diffusion [arXiv 2505.17351; flex-method section 3].

x0 = target - estimate; x_t = alpha x0 + sigma eps. The answer of a sample is the estimate plus the
sampler's x0, in physical units. Times and noise are addressed by (seed, stream, step, sample), the
noise of ensemble members by (sample, member), so neither batch size nor resume changes them.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local data = require "flexlab.data"
local rng = require "flexlab.rng"
local Run = require "flexlab.run"

local M = {}

--- { alpha, sigma } of the model's schedule at a list of times, as tensors (N,1,1,1).
function M.coefficients(model, times)
  local alpha, sigma = {}, {}
  for i, t in ipairs(times) do alpha[i], sigma[i] = model:coefficients(t) end
  local shape = { #times, 1, 1, 1 }
  return { alpha = core.tensor(alpha):reshape(shape), sigma = core.tensor(sigma):reshape(shape) }
end

--- The loss at given times (a list) and noise (N,H,W,C): a scalar tensor, and x_t and p for those who look.
function M.loss_at(model, batch, times, eps)
  local s = M.coefficients(model, times)
  local x0 = batch.target - batch.estimate
  local x_t = x0 * s.alpha + eps * s.sigma
  local features = model:condition(batch)
  local p = model:predict(x_t, core.tensor(times), batch, features)
  local kind = model.parametrisation
  local prediction, goal
  if kind.loss_pair then
    prediction, goal = kind.loss_pair(s, x_t, p, x0, eps)
  else
    prediction, goal = p, kind.goal(s, x0, eps)
  end
  return model.loss.loss(prediction, goal, model.config), { x_t = x_t, pred = p, features = features }
end

--- The training loss of a batch: t ~ U(0,1), eps ~ N(0,1). `step` is the run's own by default.
function M.loss(model, batch, step)
  local run = Run.current()
  step = step or run and run.step or 1
  local seed = run and run.seed or model.seed or 1
  local function key(stream) return { seed = seed, stream = stream, step = step } end
  model:train(model.config.dropout > 0 and key "dropout" or nil)
  local times = rng.uniform(key "time", batch.target.shape[1])
  return (M.loss_at(model, batch, times, core.normal(batch.target.shape, key "noise")))
end

-- Noise (N,H,W,C) of one member; each sample's depends on its own id only.
local function noise(batch, shape, seed, member, step)
  local all = core.zeros(shape)
  for i = 1, shape[1] do
    local scope <close> = core.scope()
    all[i]:copy_(core.normal({ shape[2], shape[3], shape[4] }, { seed = seed, stream = "sample",
      sample = batch.ids and batch.ids[i] or i, member = member, step = step }))
    scope:close()
  end
  return all
end

-- One ensemble member: the sampler's x0 plus the estimate.
local function member(model, batch, features, o, index)
  local shape, kind = batch.estimate.shape, model.parametrisation
  local env = {
    coefficients = function(t) return model:coefficients(t) end,
    noise = function(step) return noise(batch, shape, o.seed, index, step) end,
    x = o.noise and o.noise[index] or noise(batch, shape, o.seed, index, 0),
  }
  function env.predict(x, t)
    local times = {}
    for i = 1, shape[1] do times[i] = t end
    local p = model:predict(x, core.tensor(times), batch, features)
    return kind.recover(M.coefficients(model, times), x, p)
  end
  local x0 = choices.get("samplers", o.sampler).sample(o, env)
  local answer = batch.estimate + x0
  return batch.scale and data.physical(answer, batch.scale) or answer
end

M.defaults = { steps = 2, members = 1, sampler = "ddim", seed = false, noise = false }

--- Samples a batch: the mean of the members (N,H,W,C) in physical units, and the list of members.
--- `noise` may give the noise at t = 1 of each member (a list of tensors).
function M.sample(model, batch, options)
  local o = config.options("diffusion.sample", M.defaults, options, { "batches", "tiles" }, 2)
  if math.type(o.steps) ~= "integer" or o.steps < 1 or math.type(o.members) ~= "integer" or o.members < 1 then
    error("diffusion.sample: steps and members must be whole numbers from 1 on", 2)
  end
  local run = Run.current()
  o.seed = o.seed or run and run.seed or model.seed or 1
  local members = {}
  local function all()
    local scope <close> = core.scope()
    model:train(nil)
    local features = model:condition(batch)
    for i = 1, o.members do
      local inner <close> = core.scope()
      members[i] = inner:keep(member(model, batch, features, o, i))
    end
    local sum = members[1]
    for i = 2, o.members do sum = sum + members[i] end
    local mean = o.members > 1 and sum * (1 / o.members) or members[1]
    scope:keep(table.unpack(members))
    return scope:keep(mean)
  end
  local mean = model:use(core.no_grad, all)
  return mean, members
end

return M
