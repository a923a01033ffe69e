--[[
x_official - x prediction as the authors' code samples it: eps = (alpha x0 - x_t) / sigma, the wrong
sign, which does harm from three steps on (minFLEX, src/diffusion_model_sr.py).
--]]
return {
  doc = "x0, sampled with the sign error of the authors' code",
  inexact = true,
  goal = function(_, x0) return x0 end,
  recover = function(s, x_t, p) return p, (p * s.alpha - x_t) / s.sigma end,
  error_scale = function() return 1 end,
}
