--[[
x - the network predicts the residual x0 itself; eps follows from x_t = alpha x0 + sigma eps.
--]]
return {
  doc = "the residual x0 itself",
  goal = function(_, x0) return x0 end,
  recover = function(s, x_t, p) return p, (x_t - p * s.alpha) / s.sigma end,
  error_scale = function() return 1 end,
}
