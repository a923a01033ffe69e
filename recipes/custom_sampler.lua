-- A sampler of your own: DDIM that asks the network twice at every time. From the first answer it goes back up to the
-- same time with fresh noise, and answers again: the second answer has less of the noise it began with.
--   flexlab run recipes/custom_sampler.lua
-- Beside FLEX's, paired by seed: --sweep eval.sampler=second_look,ddim --seeds 1..4
local flex = require "flexlab"

flex.samplers.define("second_look", {
  doc = "DDIM with one return to the same time before each step; cf. [Lugmayr et al. 2022, RePaint]",
  defaults = { steps = 2 },

  -- env: predict(x, t) -> x0, eps; coefficients(t) -> alpha, sigma; times; x; noise(number).
  sample = function(_, env)
    local x = env.x
    for i, t in ipairs(env.times) do
      local alpha, sigma = env.coefficients(t)
      local first = env.predict(x, t)
      local x0, eps = env.predict(first * alpha + env.noise(i) * sigma, t)

      local after = env.times[i + 1]
      if not after then return x0 end
      alpha, sigma = env.coefficients(after)
      x = x0 * alpha + eps * sigma
    end
  end,
})

local sr = require "recipes.sr"
local defaults = flex.config.merge(sr.defaults)
defaults.eval.sampler = "second_look"
return flex.recipe("custom_sampler", defaults, function(cfg, run) return sr.body(cfg, run) end,
  { metric = "rfne" })
