--[[
linear - logSNR falls linearly in t: the constant-rate schedule [Kingma et al. 2021, variational
diffusion models].
--]]
local settings = require "flexlab.settings"

return {
  doc = "logSNR linear in t, +-limit [Kingma et al. 2021]",
  defaults = settings.own {
    { "limit", 10.0, "number", above = 0, most = 1e3, doc = "logSNR at the ends, +-limit" },
  },
  logsnr = function(t, cfg)
    local limit = cfg.limit or 10
    return limit * (1 - 2 * t)
  end,
}
