-- Does it hold where it was not trained? Two Reynolds numbers to learn from, two others outside and between.
--   flexlab run recipes/ood_reynolds.lua --set train.steps=2000 --seeds 1..4
local flex = require "flexlab"

return flex.recipe("ood_reynolds", {
  seen   = { re = { 500, 2000 }, seed = 1, size = 256, frames = 16, out = "data/ood/seen.h5" },
  unseen = { re = { 1000, 4000 }, seed = 2, size = 256, frames = 8, out = "data/ood/unseen.h5" },
  data   = { factor = 4, degradation = "registered", crop = 64, batch = 8, test_tiles = 32 },
  model  = { size = "nano", conditioning = "both", predict = "v", dropout = 0.0, embed_condition = true },
  train  = { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval   = { steps = 2, members = 4 },
}, function(cfg, run)
  local settings = flex.config.merge(cfg.data, nil)
  settings.file, settings.split = flex.generate("turbulence", cfg.seen), 0.75
  local data  = flex.data.superres(settings)
  local model = flex.models.flex(cfg.model, data)
  local optim = flex.optim.adam(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end

  local t, result = flex.table { "flow", "RFNE", "interpolated", "ratio" }, {}
  local function judge(name, test)
    local ours = flex.evaluate(function(b) return flex.diffusion.sample(optim.ema, b, cfg.eval) end, test).rfne
    local rival = flex.evaluate(flex.baselines.registered, test).rfne
    t:row { name, ours, rival, ours / rival }
    result[name:gsub("%W+", "_")] = ours / rival
  end
  judge("seen", data.test)                          -- the last quarter of the films it learned from
  settings.mean, settings.std = data.scale.mean, data.scale.std
  for i, path in ipairs(flex.generate("turbulence", cfg.unseen)) do
    settings.file, settings.test = path, path
    judge("Re " .. cfg.unseen.re[i], flex.data.superres(settings).test)
  end
  t:print():save(run.dir .. "/reynolds.csv")
  return result
end)
