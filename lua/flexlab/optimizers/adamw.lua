--[[
adamw - Adam with decoupled weight decay [Loshchilov & Hutter 2019].
Own options: beta1, beta2, eps, weight_decay; the rest is optim.lua's.
--]]
local optim = require "flexlab.optim"
local settings = require "flexlab.settings"

local choice = {
  doc = "Adam with decoupled weight decay [Loshchilov & Hutter 2019]",
  rule = "adamw",
  defaults = settings.own({
    { "beta1", 0.9, "number", least = 0, below = 1, doc = "decay of the mean of gradients" },
    { "beta2", 0.999, "number", least = 0, below = 1, doc = "decay of the mean of their squares" },
    { "eps", 1e-8, "number", above = 0, most = 1, doc = "added to the root of the mean square" },
  }, { weight_decay = 0.01 }),
}

function choice.new(model, cfg) return optim.new(choice, model, cfg) end

return choice
