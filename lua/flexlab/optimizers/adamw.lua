--[[
adamw - Adam with decoupled weight decay [Loshchilov & Hutter 2019].
Own options: beta1, beta2, eps, weight_decay; the rest is optim.lua's.
--]]
local optim = require "flexlab.optim"

local choice = {
  doc = "Adam with decoupled weight decay [Loshchilov & Hutter 2019]",
  rule = "adamw",
  defaults = { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01 },
}

function choice.new(model, cfg) return optim.new(choice, model, cfg) end

return choice
