-- A metric of your own: are the strongest vortices as strong as they should be? Means and RFNE hide that.
--   flexlab run recipes/custom_metric.lua --set data.crop=32
-- Longer, on larger patches: --set train.steps=2000
local flex = require "flexlab"
local sr   = require "recipes.sr"

-- Largest |vorticity| of each sample relative to the truth's: 1 is right, below 1 peaks are cut.
local function peaks(field, truth)
  local ratio = field:abs():max { 2, 3, 4 } / truth:abs():max { 2, 3, 4 }
  return ratio:mean():item()
end

return flex.recipe("custom_metric", sr.defaults, function(cfg, run)
  local trained = sr(cfg, { seed = run.seed, root = run.root, quiet = run.quiet })   -- found if it is there
  local model = flex.load_model(trained.dir)
  local data  = flex.data.superres(flex.data.ensure(cfg.data))
  local sums, n = { mean = 0, member = 0, registered = 0 }, 0

  local function sample(batch) return flex.diffusion.sample(model, batch, cfg.eval) end
  flex.evaluate(sample, data.test, { each = function(batch, mean, members)
    sums.mean, sums.member = sums.mean + peaks(mean, batch.truth), sums.member + peaks(members[1], batch.truth)
    sums.registered = sums.registered + peaks(flex.baselines.registered(batch), batch.truth)
    n = n + 1
  end })
  return { rfne = trained.rfne, peaks_mean = sums.mean / n, peaks_member = sums.member / n,
           peaks_registered = sums.registered / n }
end, { metric = "rfne" })
