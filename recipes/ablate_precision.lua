-- What does it cost to round the factors of convolutions to bf16? Paired by seed: one start, the same data and noise.
--   flexlab run recipes/ablate_precision.lua --seeds 1..4 --jobs 2 --set data.crop=32 --set train.steps=150
-- Longer, on larger patches and with all eight seeds: --set train.steps=1000
local flex = require "flexlab"
local sr   = require "recipes.sr"

local defaults = flex.config.merge(sr.defaults, { ["data.degradation"] = "registered" })

return flex.study("ablate_precision", flex.recipe("precision", defaults, sr.body, { metric = "rfne" }), {
  grid  = { ["model.precision"] = { "f32", "bf16" } },
  seeds = "1..8",
}, function(runs)
  local options = { key = "model.precision", against = "f32" }
  local t, tests, rfne = runs:summary("rfne", options)
  t:print()
  runs:costs():print()
  options.metric = "rfne"
  print("report: " .. runs:report(options))                  -- with the curves of the loss
  return { f32 = rfne.f32:mean(), bf16 = rfne.bf16:mean(), p = tests.bf16.p }
end)
