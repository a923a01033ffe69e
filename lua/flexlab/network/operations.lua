--[[
operations - how many floating-point operations a network takes, counted while it runs: one forward pass of one
sample (condition encoder, then the network at one time) is watched by core.measure, and each multiply-add that
csrc/ops.def says of its ops counts as two operations. So it holds for any network, whatever it is made of. A
convolution that is computed with fewer (Winograd) counts as it is defined. Norms, activations and sums are left out
(a few percent).
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

-- A batch of one sample of zeros, as the configuration has it.
local function blank(cfg)
  local field = core.zeros { 1, cfg.height, cfg.width, cfg.in_channels }
  return { n = 1, target = field, estimate = field, re = core.zeros { 1, 1 },
    lowres = core.zeros { 1, cfg.height, cfg.width, cfg.cond_channels } }
end

-- The model of one task of several: they share the network, and their encoders hardly differ.
local function single(model)
  local tasks = model.config.tasks
  if not tasks then return model, blank(model.config) end
  local names = words.keys(tasks)
  local batch = blank(model.config)
  batch.lowres = core.zeros { 1, model.config.height, model.config.width, tasks[names[1]] }
  return model:task(names[1]), batch
end

local function pass(model)
  local scope <close> = core.scope()
  model:train(nil)
  local one, batch = single(model)
  core.measure.start()
  local ok, message = pcall(function()
    one:predict(batch.target, core.zeros { 1 }, batch, one:condition(batch))
  end)
  local calls = core.measure.stop()
  scope:close()
  if not ok then error(message, 0) end
  return calls
end

--- GFLOP of one forward pass of one sample through a model (flexlab.network.model); nil for what is none.
---@param model any  of flex.models
---@return number|nil  10^9 operations, a multiply-add counting as two
function M.gflop(model)
  if not (type(model) == "table" and rawget(model, "config") and model.predict) then return nil end
  local ok, calls = pcall(core.no_grad, pass, model)
  if not ok then return nil end
  local sum = 0
  for _, call in ipairs(calls) do
    sum = sum + 2 * call.products * call.forward.count
  end
  return sum > 0 and sum / 1e9 or nil
end

return M
