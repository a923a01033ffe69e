--[[
rectified_flow - the network predicts the slope eps - x0 of the straight path from x0 to eps [Liu et
al. 2022; Lipman et al. 2022, flow matching]. From x_t = alpha x0 + sigma eps: x0 = (x_t - sigma p) / (alpha + sigma),
eps = (x_t + alpha p) / (alpha + sigma), for any schedule; `rectified_flow` is the one it is made for.
--]]
return {
  doc = "the slope eps - x0 of rectified flow [Liu et al. 2022]",
  goal = function(_, x0, eps) return eps - x0 end,
  recover = function(s, x_t, p)
    local sum = s.alpha + s.sigma
    return (x_t - p * s.sigma) / sum, (x_t + p * s.alpha) / sum
  end,
  error_scale = function(snr) return (math.sqrt(snr) + 1) ^ 2 end,
}
