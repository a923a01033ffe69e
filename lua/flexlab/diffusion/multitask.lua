--[[
multitask - super-resolution and forecasting learned by one network [arXiv 2505.17351]: its loss, a sampler per task.

  data  = flex.data.multitask { file = "a.h5", crop = 64, batch = 4, superres = { factor = 4 },
            forecast = { past = 2 } }
  model = flex.models.multitask(cfg.model, data)
  loss  = flex.multitask.loss(model, batch, { superres = 1, forecast = 1 })
  flex.evaluate(flex.multitask.sampler(optim.ema, "forecast", cfg.eval), data.tests.forecast)

A batch has a part for each task (tasks/multitask.lua). Time and noise are addressed by (seed, step), hence the same for
all parts, as the authors have them. The loss is the weighted mean of the parts'.
--]]
local config = require "flexlab.config"
local diffusion = require "flexlab.diffusion"
local multitask = require "flexlab.tasks.multitask"

local M = {}

--- The weighted mean of the losses of the parts, and each of them; a weight of 0 leaves a part out.
---@param model table        of flex.models.multitask
---@param batch table        of flex.data.multitask
---@param weights table|nil  { superres = 1, forecast = 1 }, 0 or above
---@return flexlab.Tensor  a scalar
---@return table  by task: a scalar
function M.loss(model, batch, weights)
  weights = config.options("multitask.loss", { superres = 1, forecast = 1 }, weights, nil, 2)
  local sum, each, total = 0, {}, nil
  for _, name in ipairs(multitask.names) do
    local weight = weights[name]
    if type(weight) ~= "number" or weight < 0 or weight == math.huge then
      error(("multitask.loss: the weight of %s must be 0 or more, got %s"):format(name, tostring(weight)), 2)
    elseif weight > 0 then
      each[name] = diffusion.loss(model:task(name), batch.parts[name])
      total = total and total + each[name] * weight or each[name] * weight
      sum = sum + weight
    end
  end
  if not total then error("multitask.loss: all weights are 0", 2) end
  return total * (1 / sum), each
end

--- A sampler of one task for flex.evaluate.
---@param model table        of flex.models.multitask
---@param name string        "superres" or "forecast"
---@param options table|nil  of flex.diffusion.sample
---@return function  batch -> mean, members
function M.sampler(model, name, options)
  local one = model:task(name)
  return function(batch) return diffusion.sample(one, batch, options) end
end

return M
