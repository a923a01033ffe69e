--[[
arithmetic - how many floating-point operations a network takes, counted while it runs: one forward pass of one
sample (condition encoder, then the network at one time) is watched by core.measure, and each product that its ops
are defined by counts as two operations. So it holds for any network, whatever it is made of. A convolution that is
computed with fewer (Winograd) counts as it is defined. Norms, activations and sums are left out (a few percent).
--]]
local core = require "flexlab.core"

local M = {}

local function product(shape, first)
  local n = 1
  for i = first or 1, #shape do n = n * shape[i] end
  return n
end

-- The shape of a call's operand by its name in ops.def, where operands come before options.
local function operand(call, name)
  for _, op in ipairs(core.ops) do
    if op.name == call.name then
      for i, argument in ipairs(op.args) do
        if argument.name == name then return call.operands[i] end
      end
    end
  end
end

-- Multiply-adds of a forward pass, by op; a backward pass to one operand costs the same.
local work = {}

function work.conv2d(call) return product(call.result) * product(operand(call, "w"), 2) end

work.fused_conv = work.conv2d

function work.linear(call) return product(call.result) * operand(call, "w")[2] end

work.fused_linear = work.linear

function work.matmul(call) return product(call.result) * call.operands[1][#call.operands[1]] end

function work.attention(call) return 2 * product(call.operands[1]) * call.operands[2][2] end

--- Multiply-adds of one call of a profile (core.measure.stop) going forward; nil for ops that move numbers.
function M.multiply_adds(call)
  return work[call.name] and work[call.name](call)
end

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
  local names = require("flexlab.text").keys(tasks)
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
function M.gflop(model)
  if not (type(model) == "table" and rawget(model, "config") and model.predict) then return nil end
  local ok, calls = pcall(core.no_grad, pass, model)
  if not ok then return nil end
  local sum = 0
  for _, call in ipairs(calls) do
    sum = sum + 2 * (M.multiply_adds(call) or 0) * call.forward.count
  end
  return sum > 0 and sum / 1e9 or nil
end

return M
