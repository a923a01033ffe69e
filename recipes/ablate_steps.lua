-- Are two reverse steps enough? One network, trained once per seed, sampled with 1, 2, 4, 8 and 16.
--   flexlab run recipes/ablate_steps.lua --set data.crop=32
-- Longer, on larger patches, four times: --set train.steps=2000 --seeds 1..4
local flex = require "flexlab"
local sr   = require "recipes.sr"

local defaults = flex.config.merge(sr.defaults, nil)
defaults.eval = flex.settings.eval({ members = 4, sampler = "ddim" }, {
  { "steps", { 1, 2, 4, 8, 16 }, "integers", least = 1, most = 1e5, doc = "numbers of reverse steps to compare" } })

return flex.recipe("ablate_steps", defaults, function(cfg, run)
  local data  = flex.data.superres(flex.data.ensure(cfg.data))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end

  local t, result = flex.table { "steps", "RFNE", "CRPS", "spread" }, {}
  for _, steps in ipairs(cfg.eval.steps) do
    local o = flex.settings.with(cfg.eval, { steps = steps })
    local scores = flex.evaluate(function(batch) return flex.diffusion.sample(optim.ema, batch, o) end, data.test)
    t:row { steps, scores.rfne, scores.crps, scores.spread or 0 }
    result["rfne_" .. steps], result["crps_" .. steps] = scores.rfne, scores.crps
  end
  t:print():save(run.dir .. "/steps.csv")
  return result
end)
