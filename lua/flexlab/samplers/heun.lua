--[[
heun - DDIM made second order. On the path x = cos(phi) x0 + sin(phi) eps, tan(phi) = sigma/alpha, the
probability flow is dx/dphi = -sin(phi) x0 + cos(phi) eps [Salimans & Ho 2022]. DDIM holds x0 and eps for
a step h = phi' - phi; here they are looked at again at its end and taken as linear in between:
  x' = DDIM + (x0' - x0)(cos phi' - (sin phi' - sin phi)/h) + (eps' - eps)(sin phi' + (cos phi' - cos phi)/h)
Exact where DDIM is, second order elsewhere, and fit for any grid, since phi stays within pi/2. Two passes
a step, one at the last.
--]]
return {
  doc = "second order: DDIM corrected at the end of each step, in the angle of (alpha, sigma)",
  defaults = { steps = 5 },
  sample = function(_, env)
    local x = env.x
    for i, t in ipairs(env.times) do
      local x0, eps = env.predict(x, t)
      local after = env.times[i + 1]
      if not after then return x0 end
      local a, s = env.coefficients(t)
      local alpha, sigma = env.coefficients(after)
      local h = math.atan(sigma, alpha) - math.atan(s, a)
      x = x0 * alpha + eps * sigma
      local x0_after, eps_after = env.predict(x, after)
      x = x + (x0_after - x0) * (alpha - (sigma - s) / h) + (eps_after - eps) * (sigma + (alpha - a) / h)
    end
  end,
}
