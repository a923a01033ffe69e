-- Is it worth diffusing the residual instead of the field? Two arms, paired by seed, beside the estimate from the data.
--   flexlab run recipes/ablate_residual.lua --jobs 2 --set data.crop=32 --set train.steps=600
local flex = require "flexlab"
local sr   = require "recipes.sr"

-- The condition stays; what changes is what the noise is added to, and what the answer is added to.
local defaults = flex.config.merge(sr.defaults, { ["data.degradation"] = "registered" })
defaults.model.target = "residual"

local base = flex.recipe("target", defaults, function(cfg, run)
  local data  = flex.data.superres(flex.data.ensure(cfg.data))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end
  local function sample(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  local scores = flex.evaluate(sample, data.test)
  run:record("spectrum", scores.spectrum)
  local predicted = flex.prediction(data.train)[cfg.model.target].variance
  return scores:summary({ "rfne", "crps" }, { predicted_variance = predicted })
end, { metric = "rfne" })

return flex.study("ablate_residual", base, { grid = { ["model.target"] = { "residual", "raw" } } }, function(runs)
  local options = { key = "model.target", against = "residual" }
  local t, tests, rfne = runs:summary("rfne", options)
  t:print()
  options.metric = "rfne"
  print("report: " .. runs:report(options))
  return { residual = rfne.residual:mean(), raw = rfne.raw:mean(), p = tests.raw.p }
end)
