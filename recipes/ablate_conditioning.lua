-- By which path should the condition enter FLEX? None, the weak path, the two strong ones, or all; paired by seed.
--   flexlab run recipes/ablate_conditioning.lua --jobs 2 --set data.crop=32 --set train.steps=200
-- That is half an hour on two cores; patches of 64 and --set train.steps=800 take hours.
-- Each path alone against all three: --sweep model.conditioning=weak_skips,strong_skips,strong_bottleneck,both
local flex = require "flexlab"
local sr   = require "recipes.sr"

return flex.study("conditioning", sr, {
  grid  = { ["model.conditioning"] = { "none", "weak", "strong", "both" } },
  seeds = "1..8",
}, function(runs)
  local rfne   = runs:pivot("model.conditioning", "rfne")       -- rfne.weak is one number per seed
  local tests  = flex.stats.paired(rfne, { against = "both", correct = "holm" })
  local report = flex.table { "condition", "RFNE", "sd", "minus both", "95 % CI", "p (exact, Holm)" }
  local result = { best = rfne:best "min" }

  for path, errors in rfne:rows() do
    local t = tests[path]
    report:row { path, errors:mean(), errors:std(), t.diff, t.ci, t.p_text }
    result[path] = errors:mean()
  end

  report:print():save(runs.dir .. "/conditioning.csv")
  flex.plot.slopes(rfne, { label = "RFNE" }):save(runs.dir .. "/conditioning.svg")
  return result
end)
