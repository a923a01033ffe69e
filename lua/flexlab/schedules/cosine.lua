--[[
cosine - logSNR(t) = -2 log(shift tan(a t + b)), from +20 at t = 0 to -20 at t = 1 [Hoogeboom et al.
2023, simple diffusion; the authors' src/diffusion_model_sr.py]. `round` is applied after each operation: parity with
the authors' single precision is checked with it.
--]]
local settings = require "flexlab.settings"

local function logsnr(t, cfg, round)
  round = round or function(x) return x end
  local limit = cfg.limit or 20
  local b = math.atan(math.exp(-limit / 2))
  local a = math.atan(math.exp(limit / 2)) - b
  local tangent = round(math.tan(round(round(round(a) * t) + round(b))))
  return -2 * math.log(round(tangent * (cfg.shift or 1)))
end

return {
  doc = "cosine schedule in logSNR, +-20, with a shift [Hoogeboom et al. 2023]",
  defaults = settings.own {
    { "shift", 1.0, "number", above = 0, most = 1e6,
      doc = "factor of sigma/alpha; above 1: more noise at every time" },
    { "limit", 20.0, "number", above = 0, most = 1e3, doc = "logSNR at the ends, +-limit" },
  },
  logsnr = logsnr,
}
