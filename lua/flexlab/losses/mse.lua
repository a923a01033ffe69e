--[[
mse - the loss of a prediction against its goal, both (N,H,W,C): a scalar tensor.
--]]
local core = require "flexlab.core"

return {
  doc = "mean (p - y)^2",
  loss = function(prediction, goal) return core.mse_loss(prediction, goal) end,
}
