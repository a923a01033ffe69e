--[[
logsnr - equal steps in logSNR, between the ends of the schedule or those that are given [Lu et al.
2022, section 4.2: uniform lambda].
--]]
return {
  doc = "equal steps in logSNR [Lu et al. 2022]",
  defaults = { logsnr_min = false, logsnr_max = false },
  times = function(n, noising, cfg)
    local low, high = cfg.logsnr_min or noising:logsnr(1), cfg.logsnr_max or noising:logsnr(0)
    local times = {}
    for i = 1, n do times[i] = noising:time(low + (i - 1) / n * (high - low)) end
    return times
  end,
}
