--[[
l1 - the loss of a prediction against its goal, both (N,H,W,C): a scalar tensor.
--]]
local core = require "flexlab.core"

return {
  doc = "mean |p - y|: FLEX's choice",
  loss = function(prediction, goal) return core.l1_loss(prediction, goal) end,
}
