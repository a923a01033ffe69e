--[[
identity - no encoder: every skip gets the condition itself, as block means at its size, through a 1x1
convolution. What is left when the encoder's features are taken away; for the condition beside x_t as
further channels see conditioning `concat`.
--]]
local nn = require "flexlab.nn"
local views = require "flexlab.network.views"

local function new(cfg)
  local self = nn.module { views = views.new(cfg, cfg.in_channels) }
  self.condition = function(net, lowres) return net.views:show(lowres) end
  return self
end

return { doc = "the condition itself, 1x1 to every skip: no features [arXiv 2505.17351, ablated]", new = new }
