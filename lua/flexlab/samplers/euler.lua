--[[
euler - Euler's method for the probability flow in the schedule's own time and amplitudes a, s (those of
rectified flow are 1 - t and t): y <- y + (t' - t)(da/dt x0 + ds/dt eps) [Song et al. 2021, score SDE;
Liu et al. 2022, rectified flow]. With the schedule `rectified_flow` the slope is eps - x0 and a step is DDIM's; with
others the two differ, and by how much says how straight the paths of that schedule are. An amplitude
that begins with an infinite slope (schedules sigmoid and interpolant, at t = 1) is too steep for it.
--]]
local H = 1e-4   -- of the differences: their error is H^2

-- The schedule's own amplitudes of signal and noise.
local function amplitudes(env, t)
  local alpha, sigma = env.coefficients(t)
  local size = env.size(t)
  return alpha * size, sigma * size
end

-- Their slopes at t: central differences, one-sided ones of second order at t = 1.
local function slopes(env, t)
  local a, s = amplitudes(env, t)
  local a1, s1 = amplitudes(env, t - H)
  if t + H <= 1 then
    local a2, s2 = amplitudes(env, t + H)
    return (a2 - a1) / (2 * H), (s2 - s1) / (2 * H)
  end
  local a2, s2 = amplitudes(env, t - 2 * H)
  return (3 * a - 4 * a1 + a2) / (2 * H), (3 * s - 4 * s1 + s2) / (2 * H)
end

return {
  doc = "Euler steps of the probability flow in t; with `rectified_flow` its own [Liu et al. 2022]",
  defaults = { steps = 10 },
  sample = function(_, env)
    local x = env.x
    for i, t in ipairs(env.times) do
      local x0, eps = env.predict(x, t)
      local after = env.times[i + 1]
      if not after then return x0 end
      local a, s = slopes(env, math.max(t, H))
      local y = x * env.size(t) + x0 * ((after - t) * a) + eps * ((after - t) * s)
      x = y * (1 / env.size(after))
    end
  end,
}
