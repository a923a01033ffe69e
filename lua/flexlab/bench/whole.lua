--[[
whole - whole training steps and samples, on a network and a batch made for the purpose.

A training repeat is forward (with the noise drawn), backward, clipping at norm 1, Adam and the average of the
weights; a sample repeat is `steps` reverse steps, the condition encoder run once. The fields are noise: the time
does not depend on what is in them.
--]]
local core = require "flexlab.core"
local flex = require "flexlab"

local M = {}

local function key(stream) return { seed = 1, stream = stream } end

local function batch_of(values)
  local n, size = values.batch, values.size
  local target = core.normal({ n, size, size, 1 }, key "data")
  local estimate = target:mean_pool({ factor = 4 }):upsample { factor = 4 }
  return { n = n, target = target, estimate = estimate, lowres = estimate, re = core.full({ n, 1 }, 0.1) }
end

local makers = {}

function makers.train(model, batch)
  local optim = flex.optim.adam(model, { lr = 2e-4 })
  return function(i) optim:step(flex.diffusion.loss(model, batch, i + 1)) end
end

function makers.sample(model, batch, values)
  return function() flex.diffusion.sample(model, batch, { steps = values.steps }) end
end

M.words = { "train", "sample" }

--- What the network is called: "nano", "unet nano".
---@param values table  options of `flexlab bench`: model, backbone
---@return string
function M.name(values)
  return (values.backbone or "flex") == "flex" and values.model or values.backbone .. " " .. values.model
end

--- The network that the options name.
---@param values table  model, backbone, size, recompute, precision
---@return table
function M.model(values)
  return flex.models.flex { size = values.model, backbone = values.backbone or "flex", height = values.size,
    width = values.size, in_channels = 1, cond_channels = 1, recompute = values.recompute or false,
    precision = values.precision or "f32", seed = 1 }
end

--- The function that does repeat i (0 is the warm-up) of a work.
---@param what string   "train" or "sample"
---@param values table  model, backbone, size, batch, steps, recompute, precision, as the options of `flexlab bench`
---@return function
function M.work(what, values)
  return makers[what](M.model(values), batch_of(values), values)
end

return M
