-- Does an ensemble mean what it says? Pull and coverage of 4x super-resolution on unseen flows, before and after
-- its spread is multiplied by one number, fitted on held-out frames of the training flows.
--   flexlab run recipes/ensemble_calibration.lua --set data.crop=32
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("ensemble_calibration", settings.own({
  { "test", "data/turbulence/test_re*.h5", "text|texts", doc = "flows that neither training nor fitting sees" } }, {
  data  = settings.superres({ file = "data/turbulence/train_re*.h5", split = 0.75, factor = 4, crop = 64, batch = 8,
            test_tiles = 32 }, nil, { "test" }),
  model = settings.model { size = "nano", conditioning = "both", predict = "v" },
  train = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval  = settings.eval { steps = 2, members = 16 },
}), function(cfg, run)
  flex.data.ensure { file = cfg.data.file, test = cfg.test }
  local data   = flex.data.superres(cfg.data)                 -- data.test: the last quarter of each training flow
  local unseen = flex.data.superres(settings.with(cfg.data, { file = cfg.test, test = cfg.test, split = 0.75,
    mean = data.scale.mean, std = data.scale.std }))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end

  local function sample(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  local factor = flex.calibration(sample, data.test):factor()
  local before = flex.calibration(sample, unseen.test)
  local after  = flex.calibration(flex.calibration.respread(sample, factor), unseen.test)
  local t = flex.table { "spread", "spread-skill", "pull", "pull sd", "in 80 %", "outside", "CRPS" }
  for _, c in ipairs { before, after } do
    t:row { c == before and "before" or "after", c.spread_skill, c.pull_mean, c.pull_sd, c:covered(0.8),
      c.outside, c.crps }
  end
  t:print():save(run.dir .. "/calibration.csv")
  flex.report(run, { { title = "Before and after", table = t }, before:part(), after:part() })
  return { factor = factor, before = before.spread_skill, after = after.spread_skill,
    crps_before = before.crps, crps_after = after.crps }
end, { metric = "after", better = "1" })
