--[[
diffusion - the loss and the sampler of diffusion [arXiv 2505.17351].

x0 = target - base, where the model's target says what the base is (the estimate, for FLEX); x_t = alpha
x0 + sigma eps. Sampling is in sampling.lua. Times, noise, dropped conditions and masks of dropout are addressed
by (seed, stream, step, sample), sample the place in the step's whole batch, so neither batch size nor resume changes
them, and a part of a step's batch (batch.first, batch.whole) has those that it has in the whole.
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local rng = require "flexlab.rng"
local sampling = require "flexlab.diffusion.sampling"

local M = { sample = sampling.sample, coefficients = sampling.coefficients,
  environment = sampling.environment }

-- Dropped conditions have their own numbers, away from the masks of dropout.
local DROPPED = 1 << 30

-- The mean loss, sample by sample where times count differently.
local function score(model, prediction, goal, times)
  local settings = model.settings
  if not model.weighting or model.weighting.none then
    return model.loss.loss(prediction, goal, settings.loss)
  end
  if not model.parametrisation.error_scale then
    error(("parametrisation '%s' has no error_scale(snr, cfg), which weighting '%s' needs; weighting 'none' does not")
      :format(model.parametrisation.name, model.weighting.name), 0)
  end
  local sum
  for i, t in ipairs(times) do
    local logsnr = model.noising:logsnr(t)
    local scale = model.parametrisation.error_scale(math.exp(logsnr), settings.parametrisation)
    local one = { axis = 1, start = i, length = 1 }
    local loss = model.loss.loss(prediction:narrow(one), goal:narrow(one), settings.loss)
      * (model.weighting.weight(logsnr, settings.weighting, scale) / #times)
    sum = sum and sum + loss or loss
  end
  return sum
end

--- The loss at given times and noise, and what it is made of, for inspection.
---@param model table              of flex.models
---@param batch table              of data.train
---@param times number[]           N of them, in [0,1]
---@param eps flexlab.Tensor       noise (N,H,W,C)
---@param kept flexlab.Tensor|nil  (N): 0 for samples whose condition is dropped, else 1
---@return flexlab.Tensor  a scalar
---@return table  { x_t = (N,H,W,C), pred = (N,H,W,C), features = }
function M.loss_at(model, batch, times, eps, kept)
  local s = M.coefficients(model, times)
  local base = model:base(batch)
  local x0 = base and batch.target - base or batch.target
  local x_t = x0 * s.alpha + eps * s.sigma
  local features = model:condition(batch)
  if kept and features then features = model.mask(features, kept) end
  local p = sampling.ask(model, batch, { features = features, base = base }, x_t, times, s)
  local kind, settings = model.parametrisation, model.settings.parametrisation
  local prediction, goal
  if kind.loss_pair then
    prediction, goal = kind.loss_pair(s, x_t, p, x0, eps, settings)
  else
    prediction, goal = p, kind.goal(s, x0, eps, settings)
  end
  return score(model, prediction, goal, times), { x_t = x_t, pred = p, features = features }
end

-- Where the samples of a batch stand in their step's: { first =, n =, last =, whole = }.
local function place_of(batch)
  local n, first = batch.target.shape[1], batch.first or 1
  local last = first + n - 1
  return { first = first, n = n, last = last, whole = batch.whole or last }
end

-- The numbers of a list drawn for the whole step that belong to a place in it.
local function own(list, place) return table.move(list, place.first, place.last, 1, {}) end

-- 0 for samples whose condition is dropped, else 1; nil if none ever is.
local function kept(model, key, place)
  local probability = model.config.drop_condition or 0
  if probability <= 0 then return nil end
  key.sample = DROPPED
  local list = own(rng.uniform(key, place.whole), place)
  for i, u in ipairs(list) do list[i] = u < probability and 0 or 1 end
  return core.tensor(list)
end

-- Normal numbers (n,H,W,C), those of samples first .. last of a step.
local function noise_of(key, place, shape)
  local all = core.normal({ place.last, shape[2], shape[3], shape[4] }, key)
  return place.first == 1 and all or all:narrow { axis = 1, start = place.first, length = place.n }
end

--- The training loss of a batch: t as the schedule draws it, eps ~ N(0,1).
---@param model table       of flex.models
---@param batch table       of data.train
---@param step integer|nil  addresses times, noise and masks; the run's own, or 1
---@return flexlab.Tensor  a scalar
function M.loss(model, batch, step)
  expected.methods("diffusion.loss", "model", model, { "condition" }, 2)
  expected.entries("diffusion.loss", "batch", batch, { "target" }, 2)
  local run = context.run()
  step = step or run and run.step or 1
  local seed, place = run and run.seed or model.seed or 1, place_of(batch)
  local function key(stream, sample) return { seed = seed, stream = stream, step = step, sample = sample } end
  model:train(model.config.dropout > 0 and key("dropout", place.first - 1) or nil)
  local times = own(model.noising:draw(key "time", place.whole), place)
  local eps = noise_of(key "noise", place, batch.target.shape)
  return (M.loss_at(model, batch, times, eps, kept(model, key "dropout", place)))
end

return M
