--[[
rectified_flow - the straight path (1 - t) x0 + t eps [Liu et al. 2022; Lipman et al. 2022]. t is
kept 1e-4 away from 0 and 1, where logSNR has no value. In training t is uniform, or with draw =
"logit_normal" the logistic of a normal number: more of the middle [Esser et al. 2024].
--]]
local rng = require "flexlab.rng"
local settings = require "flexlab.settings"

local margin = 1e-4

local function inside(t) return margin + (1 - 2 * margin) * t end

return {
  doc = "straight paths (1 - t) x0 + t eps: rectified flow [Liu et al. 2022]",
  defaults = settings.own {
    { "draw", "uniform", "word", words = { "uniform", "logit_normal" }, doc = "distribution of times in training" },
  },
  logsnr = function(t) return 2 * math.log((1 - inside(t)) / inside(t)) end,
  size = function(t) return math.sqrt((1 - inside(t)) ^ 2 + inside(t) ^ 2) end,
  draw = function(_, key, n, cfg)
    if cfg.draw == "uniform" then return rng.uniform(key, n) end
    local times = rng.normal(key, n)
    for i, z in ipairs(times) do times[i] = 1 / (1 + math.exp(-z)) end
    return times
  end,
}
