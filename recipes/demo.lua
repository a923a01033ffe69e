-- From nothing to a result in five minutes: simulate turbulence, teach a nano FLEX to see it four times
-- finer, and judge it on a flow whose seed and Reynolds number it never saw.
--   flexlab run recipes/demo.lua
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("demo", {            -- {hash}: a file of its own for every flow that the settings describe
  seen   = settings.flow { re = { 250, 500, 1000 }, seed = 1, size = 256, frames = 16,
             out = "data/demo/train_{hash}.h5" },
  unseen = settings.flow { re = 750, seed = 2, size = 256, frames = 16, out = "data/demo/test_{hash}.h5" },
  data   = settings.superres({ factor = 4, degradation = "registered", crop = 64, batch = 8,
             std = 1.5 }, nil, { "file", "test" }),       -- std: so that the residual has variance one
  model  = settings.model { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train  = settings.train { steps = 300, lr = 1e-3, warmup = 20, ema = 0.98 },
  eval   = settings.eval { steps = 2, members = 8 },
}, function(cfg, run)
  local data  = flex.data.superres(settings.with(cfg.data, { file = flex.generate("turbulence", cfg.seen),
    test = flex.generate("turbulence", cfg.unseen) }))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)
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
  return { rfne = rfne, gain_percent = result.gain_percent, report = flex.report(run, result.parts) }
end, { metric = "rfne.flex" })
