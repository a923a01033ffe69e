--[[
sigmoid - alpha^2 is a logistic curve of t, scaled to run from 1 to 0: (S(to/tau) - S((t (to - from) +
from)/tau)) / (S(to/tau) - S(from/tau)) [Jabri et al. 2022; Chen 2023, On the importance of noise
scheduling]. It is kept `margin` away from 0 and 1, where logSNR has no value.
--]]
local function logistic(x) return 1 / (1 + math.exp(-x)) end

return {
  doc = "alpha^2 a logistic curve of t [Jabri et al. 2022; Chen 2023]",
  defaults = { from = -3, to = 3, tau = 1, margin = 1e-6 },
  logsnr = function(t, cfg)
    local first, last = logistic(cfg.from / cfg.tau), logistic(cfg.to / cfg.tau)
    local share = (last - logistic((t * (cfg.to - cfg.from) + cfg.from) / cfg.tau)) / (last - first)
    share = cfg.margin + (1 - 2 * cfg.margin) * share
    return math.log(share / (1 - share))
  end,
}
