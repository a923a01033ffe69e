-- Does it hold beside walls? FLEX learns periodic flows, and is judged where there are walls, cylinders, free slip.
--   flexlab run recipes/ood_boundary.lua --set data.crop=32
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("ood_boundary", settings.own({
  { "beside", { "periodic", "channel", "box", "cylinders", "free_slip" }, "texts", doc = "boundaries to judge" } }, {
  seen   = settings.flow { re = { 500, 2000 }, seed = 1, size = 256, frames = 16, out = "data/ood/seen_{hash}.h5" },
  unseen = settings.flow({ re = 1000, seed = 2, size = 256, frames = 8, out = "data/ood/beside_{hash}.h5" }, nil,
    { "boundary" }),
  data   = settings.superres({ degradation = "registered", test_tiles = 32 }, nil, { "file", "test" }),
  model  = settings.model { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train  = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval   = settings.eval { steps = 2, members = 4 },
}), function(cfg, run)
  local data = flex.data.superres(settings.with(cfg.data, { file = flex.generate("turbulence", cfg.seen) }))
  local model = flex.models.flex(cfg.model, data)
  local optim = flex.optimizer(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end
  local function network(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end

  local t, result = flex.table { "boundary", "FLEX", "interpolated", "bicubic", "FLEX to interpolated" }, {}
  for _, boundary in ipairs(cfg.beside) do
    local film = flex.generate("turbulence", settings.with(cfg.unseen, { boundary = boundary,
      out = (cfg.unseen.out:gsub("%.h5$", "_" .. boundary .. ".h5")) }))[1]
    local test = flex.data.superres(settings.with(cfg.data, { file = film, test = film, split = 0.8,
      mean = data.scale.mean, std = data.scale.std })).test
    local function rfne(method) return flex.evaluate(flex.baselines.in_fluid(method, film), test).rfne end
    local ours, rival, usual = rfne(network), rfne(flex.baselines.registered), rfne(flex.baselines.bicubic)
    t:row { boundary, ours, rival, usual, ours / rival }
    result[boundary], result[boundary .. "_bicubic"] = ours / rival, ours / usual
  end
  t:print():save(run.dir .. "/boundaries.csv")
  return result
end)
