--[[
min_snr - the squared error of x0 counts min(SNR, gamma) [Hang et al. 2023]: in terms of v that is
min(SNR, gamma)/(SNR + 1), of eps min(SNR, gamma)/SNR. `error_scale`, which the parametrisation knows, is the
squared error of the goal for one of x0.
--]]
local settings = require "flexlab.settings"

return {
  doc = "min(SNR, 5) on the error of x0 [Hang et al. 2023]",
  defaults = settings.own {
    { "gamma", 5, "number", above = 0, most = 1e6, doc = "largest weight of the error of x0" },
  },
  weight = function(logsnr, cfg, error_scale) return math.min(math.exp(logsnr), cfg.gamma) / error_scale end,
}
