--[[
interpolant - the stochastic interpolant from the current state c to the target y: (1 - t) y + t c +
noise t sqrt(1 - t) eps [Chen et al. 2024, arXiv 2403.13724, with time reversed and linear weights]. For
the residual y - c the amplitudes are 1 - t and noise t sqrt(1 - t). t ends `margin` before 1, where the
path is c itself and logSNR has no value; at 0 logSNR is cut likewise. Goes with target `interpolant`, and
with ddpm or ddim: the slope of its noise, infinite where it begins, is too steep for sampler `euler`.
--]]
local settings = require "flexlab.settings"

local function amplitudes(t, cfg)
  local s = cfg.margin + (1 - 2 * cfg.margin) * t
  return 1 - s, cfg.noise * s * math.sqrt(1 - s)
end

return {
  doc = "paths from the current state to the target [Chen et al. 2024, arXiv 2403.13724]",
  defaults = settings.own {
    { "noise", 1, "number", above = 0, most = 1e6, doc = "amplitude of the noise" },
    { "margin", 1e-3, "number", above = 0, below = 0.5, doc = "distance that t keeps from 0 and 1" },
  },
  logsnr = function(t, cfg)
    local a, s = amplitudes(t, cfg)
    return 2 * math.log(a / s)
  end,
  size = function(t, cfg)
    local a, s = amplitudes(t, cfg)
    return math.sqrt(a ^ 2 + s ^ 2)
  end,
}
