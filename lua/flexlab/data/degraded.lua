--[[
degraded - what guidance knows of the low field of a batch: the field itself, how one is made, and how a
difference of low fields is lifted to a fine one.
--]]
local choices = require "flexlab.choices"
local context = require "flexlab.context"
local scales = require "flexlab.data.scales"

local M = {}

--- { name, low = (N,h,w,C) normalised, coarse(x0) -> (N,h,w,C), lift(low) -> (N,H,W,C) or nil } for an
--- environment of sampling; `who` names the guidance that asks.
---@param env table   what a sampler gets (diffusion/sampling.lua)
---@param who string  the guidance, for messages
---@return table
function M.of(env, who)
  local batch = env.batch
  local about = env.data or context.data() and context.data().description
  if not (batch.low and about and about.degradation) then
    error(("guidance '%s' needs the low field of super-resolution: this batch has none"):format(who), 0)
  end
  local choice, factor = choices.get("degradations", about.degradation), about.factor
  return {
    name = about.degradation,
    low = batch.scale and scales.normalise(batch.low, batch.scale) or batch.low,
    coarse = function(x0) return choice.low(env.base and env.base + x0 or x0, factor) end,
    lift = choice.lift and function(low) return choice.lift(low, factor) end,
  }
end

return M
