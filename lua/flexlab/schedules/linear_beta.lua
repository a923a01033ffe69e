--[[
linear_beta - the noise rate beta grows linearly from beta_min to beta_max: alpha^2 = exp(-B), B =
beta_min t + (beta_max - beta_min) t^2 / 2 [Ho et al. 2020; in continuous time Song et al. 2021, VP SDE].
t begins at 1e-5, since there is no noise at 0.
--]]
local settings = require "flexlab.settings"

return {
  doc = "beta linear in t, 0.1 to 20: DDPM's [Ho et al. 2020; Song et al. 2021]",
  defaults = settings.own {
    { "beta_min", 0.1, "number", least = 0, most = 600, doc = "noise rate at t = 0" },
    { "beta_max", 20, "number", above = 0, most = 600, doc = "noise rate at t = 1" },
  },
  logsnr = function(t, cfg)
    local from = 1e-5 + (1 - 1e-5) * t
    local b = cfg.beta_min * from + 0.5 * (cfg.beta_max - cfg.beta_min) * from ^ 2
    return -math.log(math.exp(b) - 1)
  end,
}
