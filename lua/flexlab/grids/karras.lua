--[[
karras - sigma/alpha falls from sigma_max to sigma_min, its rho-th root in equal steps [Karras et al.
2022, eq. 5]. Where a schedule does not reach an end, the schedule's own end is taken.
--]]
local function within(noising, sigma)
  return math.min(math.max(sigma, math.exp(-noising:logsnr(0) / 2)), math.exp(-noising:logsnr(1) / 2))
end

return {
  doc = "equal steps in (sigma/alpha)^(1/rho), rho 7 [Karras et al. 2022, eq. 5]",
  defaults = { rho = 7, sigma_min = 0.002, sigma_max = 80 },
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
