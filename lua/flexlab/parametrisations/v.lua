--[[
v - the network predicts the velocity v = alpha eps - sigma x0 [Salimans & Ho 2022].
s = { alpha, sigma }: tensors (N,1,1,1); x0, eps, x_t, p are (N,H,W,C).
--]]
return {
  doc = "velocity alpha eps - sigma x0 [Salimans & Ho 2022]; FLEX's choice",
  goal = function(s, x0, eps) return eps * s.alpha - x0 * s.sigma end,
  recover = function(s, x_t, p)
    return x_t * s.alpha - p * s.sigma, p * s.alpha + x_t * s.sigma
  end,
  error_scale = function(snr) return snr + 1 end,
}
