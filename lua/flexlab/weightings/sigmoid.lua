--[[
sigmoid - sigmoid(logSNR + shift) on the loss as it is, shift -1: an option of the authors' code
(src/diffusion_model_sr.py). It makes little of times that are nearly noise.
--]]
local settings = require "flexlab.settings"

return {
  doc = "sigmoid(logSNR - 1), the FLEX authors' option; cf. [Kingma & Gao 2023]",
  defaults = settings.own {
    { "shift", -1, "number", least = -100, most = 100, doc = "added to logSNR before the sigmoid" },
  },
  weight = function(logsnr, cfg) return 1 / (1 + math.exp(-(logsnr + cfg.shift))) end,
}
