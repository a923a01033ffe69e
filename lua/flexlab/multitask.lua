--[[
multitask - super-resolution and forecasting learned by one network [arXiv 2505.17351].

  data  = flex.data.multitask { file = "a.h5", crop = 64, batch = 4, superres = { factor = 4 },
            forecast = { past = 2 } }
  model = flex.models.multitask(cfg.model, data)
  loss  = flex.multitask.loss(model, batch, { superres = 1, forecast = 1 })
  flex.evaluate(flex.multitask.sampler(optim.ema, "forecast", cfg.eval), data.tests.forecast)

A batch is { parts = { superres = batch, forecast = batch } }: the same patches of the same frames seen as
two tasks, so only frames that every task can use are drawn. Time and noise are addressed by (seed, step),
hence the same for all parts, as the authors have them. The loss is the weighted mean of the parts'.
--]]
local config = require "flexlab.config"
local context = require "flexlab.context"
local tasks = require "flexlab.data.tasks"
local words = require "flexlab.text"

local M = {}

local names = { "superres", "forecast" }

local function settings(given)
  local common, own = {}, {}
  for k, v in pairs(config.plain(given or {})) do
    if k == "superres" or k == "forecast" then own[k] = v else common[k] = v end
  end
  for _, name in ipairs(names) do
    own[name] = own[name] or {}
    for k in pairs(own[name]) do
      if tasks[name].defaults[k] == nil then
        error(("data.multitask: %s has %s"):format(name, words.unknown(k, words.keys(tasks[name].defaults))), 3)
      end
    end
    for k, v in pairs(common) do own[name][k] = v end
  end
  return own
end

local Train = {}
Train.__index = Train

--- The parts of a step, of the same patches: a function of (seed, step); with `first` and `last` those of its samples
--- (flexlab.data.batches).
function Train:batch(step, first, last)
  local batch = { parts = {} }
  for _, name in ipairs(names) do
    local part = self.sets[name].train:batch(step, first, last)
    batch.parts[name], batch.n, batch.ids = part, part.n, part.ids
    batch.first, batch.whole = part.first, part.whole
  end
  return batch
end

--- One set of two tasks: train, tests = { superres =, forecast = }, sets, scale.
function M.data(given)
  local data, own = require "flexlab.data", settings(given)
  local forecast = data.build(tasks.forecast, own.forecast, nil, 4)
  own.superres.mean, own.superres.std = forecast.scale.mean, forecast.scale.std
  local superres = data.build(tasks.superres, own.superres, forecast.opened, 4)
  superres.train.entries = forecast.train.entries
  local sets = { superres = superres, forecast = forecast }
  local set = { task = { name = "multitask" }, sets = sets, cfg = own.forecast, seed = forecast.seed,
    scale = forecast.scale, height = forecast.height, width = forecast.width, channels = forecast.channels,
    opened = forecast.opened, tests = { superres = superres.test, forecast = forecast.test },
    description = { task = "multitask",
      tasks = { superres = superres.description, forecast = forecast.description } } }
  set.train = setmetatable({ sets = sets, set = set }, Train)
  local run = context.run()
  if run and (run.data == superres or run.data == forecast) then run.data = nil end
  return data.announce(set)
end

--- The weighted mean of the losses of the parts, and each of them; a weight of 0 leaves a part out.
---@param weights table|nil  { superres = 1, forecast = 1 }
function M.loss(model, batch, weights)
  local loss = require("flexlab.diffusion").loss
  weights = config.options("multitask.loss", { superres = 1, forecast = 1 }, weights, nil, 2)
  local sum, each, total = 0, {}, nil
  for _, name in ipairs(names) do
    local weight = weights[name]
    if type(weight) ~= "number" or weight < 0 or weight == math.huge then
      error(("multitask.loss: the weight of %s must be 0 or more, got %s"):format(name, tostring(weight)), 2)
    elseif weight > 0 then
      each[name] = loss(model:task(name), batch.parts[name])
      total = total and total + each[name] * weight or each[name] * weight
      sum = sum + weight
    end
  end
  if not total then error("multitask.loss: all weights are 0", 2) end
  return total * (1 / sum), each
end

--- A sampler of one task for flex.evaluate.
function M.sampler(model, name, options)
  local one = model:task(name)
  return function(batch) return require("flexlab.diffusion").sample(one, batch, options) end
end

return M
