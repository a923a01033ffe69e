--[[
eps_official - the authors' `eps`: the network predicts v, and alpha v + sigma x_t is compared with
eps, so the loss is an alpha-weighted v loss (minFLEX, src/diffusion_model_sr.py). Sampling is v's.
--]]
local v = require "flexlab.parametrisations.v"

return {
  doc = "a v network with the alpha-weighted loss of the authors' eps mode",
  goal = function(_, _, eps) return eps end,
  recover = v.recover,
  error_scale = function(snr) return snr end,
  loss_pair = function(s, x_t, p, _, eps) return p * s.alpha + x_t * s.sigma, eps end,
}
