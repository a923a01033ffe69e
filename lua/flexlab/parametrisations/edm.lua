--[[
edm - the preconditioned network [Karras et al. 2022, eq. 7 and table 1]. With y = x_t/alpha, s =
sigma/alpha, d = sigma_data: x0 = c_skip y + c_out F(c_in y; ln(s)/4), c_skip = d^2/(s^2 + d^2), c_out = s d /
sqrt(s^2 + d^2), c_in = 1/sqrt(s^2 + d^2). In our frame, with q = sigma^2 + alpha^2 d^2: x0 = alpha d^2/q x_t +
sigma d/sqrt(q) F, and the network reads x_t/sqrt(q). d is the standard deviation of what is diffused, in
units of the normalised field: 1 for raw fields, less for residuals. With d = 1, F is -v.
--]]
local settings = require "flexlab.settings"

local function q(s, cfg) return s.sigma * s.sigma + s.alpha * s.alpha * cfg.sigma_data ^ 2 end

return {
  doc = "EDM's preconditioned network [Karras et al. 2022, eq. 7]",
  defaults = settings.own {
    { "sigma_data", 1, "number", above = 0, most = 1e6, doc = "standard deviation of what is diffused" },
  },
  goal = function(s, x0, eps, cfg)
    local d, size = cfg.sigma_data, q(s, cfg):sqrt()
    return x0 * (s.sigma / (size * d)) - eps * (s.alpha * d / size)
  end,
  recover = function(s, x_t, p, cfg)
    local d, square = cfg.sigma_data, q(s, cfg)
    local size = square:sqrt()
    return x_t * (s.alpha * d ^ 2 / square) + p * (s.sigma * d / size),
      x_t * (s.sigma / square) - p * (s.alpha * d / size)
  end,
  input = function(s, x_t, cfg) return x_t / q(s, cfg):sqrt() end,
  time = function(logsnr) return -logsnr / 8 end,   -- ln(sigma/alpha) / 4
  error_scale = function(snr, cfg) return snr + 1 / cfg.sigma_data ^ 2 end,
}
