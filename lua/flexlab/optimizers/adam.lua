--[[
adam - Adam [Kingma & Ba 2015].
Own options: beta1, beta2, eps; the rest is optim.lua's.
--]]
local optim = require "flexlab.optim"

local choice = {
  doc = "Adam [Kingma & Ba 2015]",
  rule = "adam",
  defaults = { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 },
}

function choice.new(model, cfg) return optim.new(choice, model, cfg) end

return choice
