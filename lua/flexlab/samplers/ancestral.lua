--[[
ancestral - DDPM's stochastic sampler, as DDIM with eta 1 [Ho et al. 2020; Song et al. 2021, eq. 16].
From t to t' < t: sd = (sigma'/sigma) sqrt(1 - alpha^2/alpha'^2), x <- alpha' x0 + sqrt(sigma'^2 - sd^2)
eps + sd z, z = env.noise(step) fresh noise.
--]]
return {
  doc = "stochastic, n steps: DDIM with eta 1 [Ho et al. 2020]",
  defaults = { steps = 10 },
  sample = function(cfg, env)
    local x, x0, eps = env.x
    for k = cfg.steps, 1, -1 do
      x0, eps = env.predict(x, k / cfg.steps)
      if k > 1 then
        local a, s = env.coefficients(k / cfg.steps)
        local alpha, sigma = env.coefficients((k - 1) / cfg.steps)
        local sd = sigma / s * math.sqrt(math.max(0, 1 - (a / alpha) ^ 2))
        x = x0 * alpha + eps * math.sqrt(math.max(0, sigma ^ 2 - sd ^ 2)) + env.noise(k) * sd
      end
    end
    return x0
  end,
}
