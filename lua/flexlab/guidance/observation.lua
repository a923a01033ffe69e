--[[
observation - towards a given low field y, by the toolkit's own gradient [Chung et al. 2023, DPS; the
variance of Rozet & Louppe 2023, SDA]: with A the degradation and r = y - A(base + x0(x_t)),
  log p(y | x_t) = -|r|^2 / (2 (std^2 + gamma sigma^2/alpha^2)),   score += its gradient,
so x0 += sigma^2/alpha gradient and eps -= sigma gradient. std (of the observation) and the fields are in
units of the normalised field. gamma stands for the variance of x0 given x_t, in units of the noise's.
The data must be coarse fields (super-resolution); the network need not have been trained with A.
--]]
local degraded = require "flexlab.data.degraded"
local settings = require "flexlab.settings"

return {
  doc = "towards the observed low field, by the gradient of its likelihood [Chung et al. 2023; SDA 2023]",
  defaults = settings.own {
    { "observation_std", 0.01, "number", least = 0, most = 1e6,
      doc = "standard deviation of the observation, in units of the normalised field" },
    { "observation_gamma", 1, "number", least = 0, most = 1e6,
      doc = "variance of x0 given x_t, in units of the noise's" },
  },
  guide = function(cfg, env)
    local seen = degraded.of(env, "observation")
    return function(x, t)
      local alpha, sigma = env.coefficients(t)
      local variance = cfg.observation_std ^ 2 + cfg.observation_gamma * (sigma / alpha) ^ 2
      local x0, eps, gradient = env.differentiate(x, t, function(x0)
        return (seen.low - seen.coarse(x0)):square():sum() * (-0.5 / variance)
      end)
      return x0 + gradient * (sigma ^ 2 / alpha), eps - gradient * sigma
    end
  end,
}
