--[[
huber - quadratic up to delta, linear beyond [Huber 1964]; both (N,H,W,C): a scalar tensor.
--]]
local core = require "flexlab.core"
local settings = require "flexlab.settings"

return {
  doc = "quadratic up to delta = 1, linear beyond [Huber 1964]",
  defaults = settings.own {
    { "delta", 1.0, "number", above = 0, most = 1e6, doc = "where the loss turns from quadratic to linear" },
  },
  loss = function(prediction, goal, cfg)
    return core.huber_loss(prediction, goal, { delta = cfg.delta or 1 })
  end,
}
