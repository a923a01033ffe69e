--[[
dpmpp_2m - DPM-Solver++(2M): second order from the x0 of the step before, so one pass per step [Lu et al.
2022, DPM-Solver++, algorithm 2]. With lambda = logSNR/2, h = lambda' - lambda and r = (last h)/h:
D = x0 + (x0 - last x0)/(2r), x <- (sigma'/sigma) x - alpha' (exp(-h) - 1) D. The first step and the last
are first order.
--]]
return {
  doc = "DPM-Solver++(2M): multistep, second order, one network pass per step [Lu et al. 2022]",
  defaults = { steps = 5 },
  sample = function(_, env)
    local x, last, last_h = env.x, nil, nil
    for i, t in ipairs(env.times) do
      local x0 = env.predict(x, t)
      local after = env.times[i + 1]
      if not after then return x0 end
      local _, s = env.coefficients(t)
      local alpha, sigma = env.coefficients(after)
      local h = (env.logsnr(after) - env.logsnr(t)) / 2
      local d = last and x0 + (x0 - last) * (h / (2 * last_h)) or x0
      x = x * (sigma / s) + d * (alpha * (1 - math.exp(-h)))
      last, last_h = x0, h
    end
  end,
}
