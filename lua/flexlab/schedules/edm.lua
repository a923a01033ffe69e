--[[
edm - sigma/alpha = (sigma_min^(1/rho) + t (sigma_max^(1/rho) - sigma_min^(1/rho)))^rho, so that equal
steps of t are Karras's grid; in training log(sigma/alpha) ~ N(p_mean, p_std^2), cut at the ends [Karras et
al. 2022, eq. 5 and table 1]. Karras's numbers are for data of standard deviation 0.5; ours is 1 for raw
fields, less for residuals.
--]]
local rng = require "flexlab.rng"

return {
  doc = "Karras's sigma(t); log-normal sigma in training [Karras et al. 2022]",
  defaults = { sigma_min = 0.002, sigma_max = 80, rho = 7, p_mean = -1.2, p_std = 1.2 },
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
