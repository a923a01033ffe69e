--[[
huber - quadratic up to delta, linear beyond [Huber 1964]; both (N,H,W,C): a scalar tensor.
--]]
local core = require "flexlab.core"

return {
  doc = "quadratic up to delta = 1, linear beyond [Huber 1964]",
  defaults = { delta = 1.0 },
  loss = function(prediction, goal, cfg)
    return core.huber_loss(prediction, goal, { delta = cfg.delta or 1 })
  end,
}
