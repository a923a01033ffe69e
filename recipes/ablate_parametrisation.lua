-- What should the network answer: velocity, noise or field? And does the authors' sign matter? Paired by seed.
--   flexlab run recipes/ablate_parametrisation.lua --jobs 2 --set data.crop=32 --set train.steps=100
-- Longer, on larger patches: --set train.steps=1000
local flex = require "flexlab"
local sr   = require "recipes.sr"

return flex.study("parametrisation", sr, {
  grid  = { ["model.predict"] = { "v", "x", "eps" } },
  seeds = "1..8",
}, function(runs)
  local t, tests, rfne = runs:summary("rfne", { key = "model.predict", against = "v" })
  t:print()
  print("report: " .. runs:report { metric = "rfne", key = "model.predict", against = "v" })
  return { best = rfne:best "min", v = rfne.v:mean(), x = rfne.x:mean(), eps = rfne.eps:mean(),
           p_x = tests.x.p, p_eps = tests.eps.p }
end)
