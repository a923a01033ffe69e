--[[
lion - Lion: the sign of an interpolated momentum [Chen et al. 2023]; FLEX uses lr 1e-5.
Own options: beta1, beta2; the rest is optim.lua's.
--]]
local optim = require "flexlab.optim"

local choice = {
  doc = "Lion: the sign of an interpolated momentum [Chen et al. 2023]; FLEX: lr 1e-5",
  rule = "lion",
  defaults = { beta1 = 0.9, beta2 = 0.98 },
}

function choice.new(model, cfg) return optim.new(choice, model, cfg) end

return choice
