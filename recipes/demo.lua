-- From nothing to a result in five minutes: simulate turbulence, teach a nano FLEX to see it four times
-- finer, and judge it on a flow whose seed and Reynolds number it never saw.
--   flexlab run recipes/demo.lua
local flex = require "flexlab"

return flex.recipe("demo", {
  seen   = { re = { 250, 500, 1000 }, seed = 1, size = 256, frames = 16, out = "data/demo/train.h5" },
  unseen = { re = 750, seed = 2, size = 256, frames = 16, out = "data/demo/test.h5" },
  data   = { factor = 4, degradation = "registered", crop = 64, batch = 8,
             std = 1.5 },                 -- the residual's, so that what is diffused has variance one
  model  = { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train  = { steps = 300, lr = 1e-3, warmup = 20, ema = 0.98 },
  eval   = { steps = 2, members = 8 },
}, function(cfg, run)
  local data = flex.data.superres {
    file = flex.generate("turbulence", cfg.seen), test = flex.generate("turbulence", cfg.unseen),
    factor = cfg.data.factor, degradation = cfg.data.degradation, crop = cfg.data.crop,
    batch = cfg.data.batch, std = cfg.data.std,
  }
  local model = flex.models.flex(cfg.model)
  local optim = flex.optim.adam(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
  end

  local function sample(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  local result = flex.report.compare(sample, data.test, { start = cfg.data.degradation })
  result.table:print():save(run.dir .. "/scores.csv")
  result.picture:save(run.dir .. "/sample.png")
  local rfne = { flex = result.scores.FLEX.rfne, member = result.scores.member.rfne,
    bicubic = result.scores.bicubic.rfne, registered = result.scores.registered.rfne }
  return { rfne = rfne, gain_percent = result.gain, report = flex.report(run, result.parts) }
end)
