--[[
edm - the squared error of x0 counts (s^2 + d^2)/(s d)^2, s = sigma/alpha, d = sigma_data [Karras et al.
2022, table 1]: 1 in terms of what the parametrisation `edm` predicts.
--]]
local settings = require "flexlab.settings"

return {
  doc = "(s^2 + d^2)/(s d)^2 on the error of x0 [Karras et al. 2022]",
  defaults = settings.own {
    { "sigma_data", 1, "number", above = 0, most = 1e6, doc = "standard deviation of what is diffused" },
  },
  weight = function(logsnr, cfg, error_scale) return (math.exp(logsnr) + 1 / cfg.sigma_data ^ 2) / error_scale end,
}
