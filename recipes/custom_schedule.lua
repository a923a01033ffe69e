-- A noise schedule of your own: logSNR as a function of t, here steep at both ends and slow in the middle,
-- and a training distribution that visits the middle more often. Everything else is super-resolution's.
--   flexlab run recipes/custom_schedule.lua
-- Beside FLEX's, paired by seed: --sweep model.schedule=lingering,cosine --seeds 1..4
local flex = require "flexlab"

flex.schedules.define("lingering", {
  doc = "logSNR 20 (1 - 2t)^3, with a straight part so that it never stands still",
  defaults = { steep = 18, straight = 2 },

  -- t from 0 (clean) to 1 (noise): must fall all the way.
  logsnr = function(t, cfg)
    local u = 1 - 2 * t
    return cfg.steep * u ^ 3 + cfg.straight * u
  end,

  -- n times to train at: the mean of two uniform numbers.
  draw = function(_, key, n)
    local u, times = flex.rng.uniform(key, 2 * n), {}
    for i = 1, n do times[i] = (u[2 * i - 1] + u[2 * i]) / 2 end
    return times
  end,
})

local sr = require "recipes.sr"
local defaults = flex.config.merge(sr.defaults, { ["model.schedule"] = "lingering" })
return flex.recipe("custom_schedule", defaults, function(cfg, run) return sr.body(cfg, run) end,
  { metric = "rfne" })
