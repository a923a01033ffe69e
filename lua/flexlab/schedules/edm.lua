--[[
edm - sigma/alpha = (sigma_min^(1/rho) + t (sigma_max^(1/rho) - sigma_min^(1/rho)))^rho, so that equal
steps of t are Karras's grid; in training log(sigma/alpha) ~ N(p_mean, p_std^2), cut at the ends [Karras et
al. 2022, eq. 5 and table 1]. Karras's numbers are for data of standard deviation 0.5; ours is 1 for raw
fields, less for residuals.
--]]
local rng = require "flexlab.rng"
local settings = require "flexlab.settings"

return {
  doc = "Karras's sigma(t); log-normal sigma in training [Karras et al. 2022]",
  defaults = settings.own {
    { "sigma_min", 0.002, "number", above = 0, most = 1e6, doc = "least sigma/alpha" },
    { "sigma_max", 80, "number", above = 0, most = 1e6, doc = "largest sigma/alpha" },
    { "rho", 7, "number", above = 0, most = 1000, doc = "power of the steps" },
    { "p_mean", -1.2, "number", least = -100, most = 100, doc = "mean of log(sigma/alpha) in training" },
    { "p_std", 1.2, "number", least = 0, most = 100, doc = "standard deviation of log(sigma/alpha) in training" },
  },
  logsnr = function(t, cfg)
    local low, high = cfg.sigma_min ^ (1 / cfg.rho), cfg.sigma_max ^ (1 / cfg.rho)
    return -2 * cfg.rho * math.log(low + t * (high - low))
  end,
  draw = function(noising, key, n, cfg)
    local times = rng.normal(key, n)
    for i, z in ipairs(times) do times[i] = noising:time(-2 * (cfg.p_mean + cfg.p_std * z)) end
    return times
  end,
}
