--[[
ddim - from t to t' < t: x <- alpha' x0 + sqrt(sigma'^2 - sd^2) eps + sd z, where sd^2 = eta^2 sigma'^2
(1 - SNR/SNR'), z fresh noise [Song et al. 2021, eq. 12 and 16]; the answer is the last x0. Deterministic
with eta 0, which is FLEX's sampler; DDPM with eta 1.
env: docs/extending.md.
--]]
local settings = require "flexlab.settings"

return {
  doc = "deterministic (eta 0) to ancestral (eta 1) [Song et al. 2021]; FLEX's, eta 0",
  defaults = settings.own({
    { "eta", 0, "number", least = 0, most = 1, doc = "fresh noise: 0 is deterministic, 1 is DDPM" },
  }, { steps = 2 }),
  sample = function(cfg, env)
    local x, x0, eps = env.x
    for i, t in ipairs(env.times) do
      x0, eps = env.predict(x, t)
      local after = env.times[i + 1]
      if after then
        local alpha, sigma = env.coefficients(after)
        if cfg.eta > 0 then
          local sd = cfg.eta * sigma * math.sqrt(1 - math.exp(env.logsnr(t) - env.logsnr(after)))
          x = x0 * alpha + eps * math.sqrt(math.max(0, sigma ^ 2 - sd ^ 2)) + env.noise(i) * sd
        else
          x = x0 * alpha + eps * sigma
        end
      end
    end
    return x0
  end,
}
