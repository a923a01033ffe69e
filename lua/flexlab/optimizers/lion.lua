--[[
lion - Lion: the sign of an interpolated momentum [Chen et al. 2023]; FLEX uses lr 1e-5.
Own options: beta1, beta2; the rest is optim.lua's.
--]]
local optim = require "flexlab.optim"
local settings = require "flexlab.settings"

local choice = {
  doc = "Lion: the sign of an interpolated momentum [Chen et al. 2023]; FLEX: lr 1e-5",
  rule = "lion",
  defaults = settings.own {
    { "beta1", 0.9, "number", least = 0, below = 1, doc = "weight of the momentum in the step" },
    { "beta2", 0.98, "number", least = 0, below = 1, doc = "decay of the momentum" },
  },
}

function choice.new(model, cfg) return optim.new(choice, model, cfg) end

return choice
