--[[
sigmoid - alpha^2 is a logistic curve of t, scaled to run from 1 to 0: (S(to/tau) - S((t (to - from) +
from)/tau)) / (S(to/tau) - S(from/tau)) [Jabri et al. 2022; Chen 2023, On the importance of noise
scheduling]. It is kept `margin` away from 0 and 1, where logSNR has no value.
--]]
local settings = require "flexlab.settings"

local function logistic(x) return 1 / (1 + math.exp(-x)) end

return {
  doc = "alpha^2 a logistic curve of t [Jabri et al. 2022; Chen 2023]",
  defaults = settings.own {
    { "from", -3, "number", least = -100, most = 100, doc = "argument of the logistic curve at t = 0" },
    { "to", 3, "number", least = -100, most = 100, doc = "argument of the logistic curve at t = 1" },
    { "tau", 1, "number", above = 0, most = 1e6, doc = "temperature: the argument is divided by it" },
    { "margin", 1e-6, "number", above = 0, below = 0.5, doc = "distance that alpha^2 keeps from 0 and 1" },
  },
  logsnr = function(t, cfg)
    local first, last = logistic(cfg.from / cfg.tau), logistic(cfg.to / cfg.tau)
    local share = (last - logistic((t * (cfg.to - cfg.from) + cfg.from) / cfg.tau)) / (last - first)
    share = cfg.margin + (1 - 2 * cfg.margin) * share
    return math.log(share / (1 - share))
  end,
}
