--[[
eps - the network predicts the noise [Ho et al. 2020]. Near t = 1 alpha is about 5e-5 and x0 = (x_t -
sigma p) / alpha magnifies every error of p, so x0 is cut at +-limit in units of the normalised field.
--]]
local settings = require "flexlab.settings"

return {
  doc = "the noise eps, x0 cut at +-4 standard deviations [Ho et al. 2020]",
  defaults = settings.own {
    { "limit", 4, "number", above = 0, most = 1e6,
      doc = "cut of x0, in standard deviations of the field; residuals stay well inside" },
  },
    -- standard deviations of the field; residuals stay well inside
  goal = function(_, _, eps) return eps end,
  recover = function(s, x_t, p, cfg)
    return ((x_t - p * s.sigma) / s.alpha):clamp { low = -cfg.limit, high = cfg.limit }, p
  end,
  error_scale = function(snr) return snr end,
}
