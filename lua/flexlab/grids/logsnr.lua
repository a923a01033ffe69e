--[[
logsnr - equal steps in logSNR, between the ends of the schedule or those that are given [Lu et al.
2022, section 4.2: uniform lambda].
--]]
local settings = require "flexlab.settings"

return {
  doc = "equal steps in logSNR [Lu et al. 2022]",
  defaults = settings.own {
    { "logsnr_min", false, "false|number", least = -1e3, most = 1e3,
      doc = "logSNR at the first step; false: the schedule's" },
    { "logsnr_max", false, "false|number", least = -1e3, most = 1e3,
      doc = "logSNR at the end; false: the schedule's" },
  },
  times = function(n, noising, cfg)
    local low, high = cfg.logsnr_min or noising:logsnr(1), cfg.logsnr_max or noising:logsnr(0)
    local times = {}
    for i = 1, n do times[i] = noising:time(low + (i - 1) / n * (high - low)) end
    return times
  end,
}
