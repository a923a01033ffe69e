--[[
ddim - the deterministic sampler [Song et al. 2021; eta 0]. For k = n..1: x0 and eps at t = k/n, then
x <- alpha' x0 + sigma' eps at t' = (k-1)/n; the answer is the last x0.
env: predict(x, t) -> x0, eps; coefficients(t) -> alpha, sigma (numbers); x, the noise at t = 1.
--]]
return {
  doc = "deterministic, n steps [Song et al. 2021]",
  defaults = { steps = 2 },
  sample = function(cfg, env)
    local x, x0, eps = env.x
    for k = cfg.steps, 1, -1 do
      x0, eps = env.predict(x, k / cfg.steps)
      if k > 1 then
        local alpha, sigma = env.coefficients((k - 1) / cfg.steps)
        x = x0 * alpha + eps * sigma
      end
    end
    return x0
  end,
}
