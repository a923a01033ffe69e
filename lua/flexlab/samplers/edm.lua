--[[
edm - Heun's method in s = sigma/alpha on y = x/alpha, dy/ds = eps, with churn: noise added before a step
while s is in [churn_min, churn_max] [Karras et al. 2022, algorithm 2]. churn 0 is deterministic. The
grid must be fine where s is large, so it is `karras` unless another is asked for; from 22026, where the
cosine schedule begins, one uniform step is more than Heun can take. Two passes per step, one at the last.
--]]
local settings = require "flexlab.settings"

-- Raises s by the factor 1 + gamma: x (N,H,W,C) at t -> x, t, s.
local function churned(cfg, env, x, t, i)
  local a, sigma = env.coefficients(t)
  local s = sigma / a
  local gamma = math.min(cfg.churn / #env.times, math.sqrt(2) - 1)
  if gamma <= 0 or s < cfg.churn_min or s > cfg.churn_max then return x, t, s end
  local higher = env.time(-2 * math.log(s * (1 + gamma)))
  local alpha, sd = env.coefficients(higher)
  local raised = sd / alpha        -- the schedule may end before s (1 + gamma)
  local fresh = cfg.churn_noise * math.sqrt(math.max(0, raised ^ 2 - s ^ 2))
  return (x * (1 / a) + env.noise(i) * fresh) * alpha, higher, raised
end

return {
  doc = "Heun in sigma, with churn [Karras et al. 2022, algorithm 2]",
  defaults = settings.own({
    { "churn", 0, "number", least = 0, most = 1e6, doc = "noise added over all steps; 0 is deterministic" },
    { "churn_min", 0.05, "number", least = 0, most = 1e6, doc = "least sigma/alpha at which noise is added" },
    { "churn_max", 50, "number", least = 0, most = 1e6, doc = "largest sigma/alpha at which noise is added" },
    { "churn_noise", 1.003, "number", least = 0, most = 1e3, doc = "standard deviation of the added noise" },
  }, { steps = 10, grid = "karras" }),
  sample = function(cfg, env)
    local x = env.x
    for i, time in ipairs(env.times) do
      local t, s
      x, t, s = churned(cfg, env, x, time, i)
      local x0, eps = env.predict(x, t)
      local after = env.times[i + 1]
      if not after then return x0 end
      local alpha, sigma = env.coefficients(after)
      local y = x0 + eps * (sigma / alpha)
      local _, eps_after = env.predict(y * alpha, after)
      x = (y + (eps_after - eps) * ((sigma / alpha - s) / 2)) * alpha
    end
  end,
}
