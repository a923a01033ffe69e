--[[
ddpm - the ancestral sampler [Ho et al. 2020]. From t to t' < t the mean is that of q(x_t' | x_t, x0);
the variance is that of the same ("small": sigma'^2 (1 - SNR/SNR'), the best for a single x0) or that of
the forward step ("large": sigma^2 (1 - SNR/SNR'), the best for normal x0) [Ho et al. 2020, section 3.2].
With "small" it is DDIM with eta 1.
--]]
local settings = require "flexlab.settings"

return {
  doc = "ancestral, fresh noise at every step [Ho et al. 2020]",
  defaults = settings.own({
    { "variance", "small", "word", words = { "small", "large" },
      doc = "variance of a step: the posterior's, or the forward step's" },
  }, { steps = 10 }),
  sample = function(cfg, env)
    local x, x0, eps = env.x
    for i, t in ipairs(env.times) do
      x0, eps = env.predict(x, t)
      local after = env.times[i + 1]
      if after then
        local _, s = env.coefficients(t)
        local alpha, sigma = env.coefficients(after)
        local ratio = math.exp(env.logsnr(t) - env.logsnr(after))
        local sd = (cfg.variance == "large" and s or sigma) * math.sqrt(1 - ratio)
        x = x0 * alpha + eps * (sigma * math.sqrt(ratio)) + env.noise(i) * sd
      end
    end
    return x0
  end,
}
