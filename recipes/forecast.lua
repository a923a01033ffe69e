-- How far ahead can it see? Learn one step of turbulence, then roll it out, each member fed its own past.
--   flexlab run recipes/forecast.lua --set train.steps=600 --set rollout.length=20
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("forecast", {
  data    = settings.forecast({ file = "data/turbulence/train_re*.h5", test = "data/turbulence/film_re*.h5", past = 2,
              lead = 1, crop = 64, batch = 8, test_tiles = 8, test_batch = 2, augment = false }, nil, { "horizon" }),
  model   = settings.model { size = "nano", conditioning = "both", predict = "v", padding = "zeros", dropout = 0.0 },
  train   = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  rollout = settings.rollout { length = 20, members = 4, steps = 2, feedback = "member" },   -- "mean": the authors' way
}, function(cfg, run)
  local data  = flex.data.forecast(flex.data.ensure(settings.with(cfg.data, { horizon = cfg.rollout.length })))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)

  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
  end

  local r = flex.rollout.evaluate(optim.ema, data.test, cfg.rollout)
  r.table:print()
  r.spectral:print()
  r:save(run.dir)                                      -- rollout.csv, rollout_spectra.csv, rollout_spectra.svg
  local last = cfg.rollout.length
  return r:summary { rfne = r.rfne[1], persistence = r.persistence[1], rfne_last = r.rfne[last],
           persistence_last = r.persistence[last], pearson_last = r.pearson[last], horizon = r.horizon,
           fine_scales_last = r.fine_scales[last], report = flex.report(run, r:parts()) }
end, { metric = "rfne" })
