--[[
karras - sigma/alpha falls from sigma_max to sigma_min, its rho-th root in equal steps [Karras et al.
2022, eq. 5]. Where a schedule does not reach an end, the schedule's own end is taken.
--]]
local settings = require "flexlab.settings"

local function within(noising, sigma)
  return math.min(math.max(sigma, math.exp(-noising:logsnr(0) / 2)), math.exp(-noising:logsnr(1) / 2))
end

return {
  doc = "equal steps in (sigma/alpha)^(1/rho), rho 7 [Karras et al. 2022, eq. 5]",
  defaults = settings.own {
    { "rho", 7, "number", above = 0, most = 1000, doc = "power of the steps" },
    { "sigma_min", 0.002, "number", above = 0, most = 1e6, doc = "sigma/alpha at the last step" },
    { "sigma_max", 80, "number", above = 0, most = 1e6, doc = "sigma/alpha at the first step" },
  },
  times = function(n, noising, cfg)
    local high = within(noising, cfg.sigma_max) ^ (1 / cfg.rho)
    local low = within(noising, cfg.sigma_min) ^ (1 / cfg.rho)
    local times = {}
    for i = 1, n do
      local root = high + (n > 1 and (i - 1) / (n - 1) or 0) * (low - high)
      times[i] = noising:time(-2 * cfg.rho * math.log(root))
    end
    return times
  end,
}
