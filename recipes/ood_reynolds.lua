-- Does it hold where it was not trained? FLEX and a U-Net learn two Reynolds numbers and are judged on two others.
--   flexlab run recipes/ood_reynolds.lua --set data.crop=32
local flex = require "flexlab"
local settings, out = flex.settings, "data/ood/{hash}.h5"

return flex.recipe("ood_reynolds", {
  seen   = settings.flow { re = { 500, 2000 }, seed = 1, size = 256, frames = 16, out = out },
  unseen = settings.flow { re = { 1000, 4000 }, seed = 2, size = 256, frames = 8, out = out },
  data   = settings.superres({ split = 0.75, degradation = "registered", test_tiles = 32 }, nil, { "file", "test" }),
  model  = settings.model({ size = "nano", conditioning = "both", predict = "v", dropout = 0.0 }, nil, { "backbone" }),
  train  = settings.train { steps = 300, lr = 1e-3, warmup = 20, ema = 0.99 },
  eval   = settings.eval { members = 4 },
}, function(cfg, run)
  local data = flex.data.superres(settings.with(cfg.data, { file = flex.generate("turbulence", cfg.seen) }))
  local arms = { interpolated = flex.baselines.registered }
  for _, backbone in ipairs { "flex", "unet" } do    -- the same batches and noise for both
    local model = flex.models.flex(settings.with(cfg.model, { backbone = backbone }), data)
    local optim = flex.optimizer(model, cfg.train)
    for step, batch in run:steps(data.train, cfg.train.steps) do
      local loss = flex.diffusion.loss(model, batch)
      run:log(step, { [backbone .. "_loss"] = loss, norm = optim:step(loss) })
    end
    arms[backbone] = function(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  end
  local t, result = flex.table { "flow", "FLEX", "U-Net", "interpolated", "FLEX to it", "U-Net to it" }, {}
  local function judge(name, test)
    local function rfne(arm) return flex.evaluate(arms[arm], test).rfne end
    local ours, unet, rival, key = rfne "flex", rfne "unet", rfne "interpolated", name:gsub("%W+", "_")
    t:row { name, ours, unet, rival, ours / rival, unet / rival }
    result["flex_" .. key], result["unet_" .. key] = ours / rival, unet / rival
  end
  judge("seen", data.test)                          -- the last quarter of the films it learned from
  for _, path in ipairs(flex.generate("turbulence", cfg.unseen)) do
    local unseen = flex.data.superres(settings.with(cfg.data, { file = path, test = path, split = 0.75,
      mean = data.scale.mean, std = data.scale.std }))
    judge(("Re %g"):format(unseen.opened.test:re { file = 1, frame = 1 }), unseen.test)
  end
  t:print():save(run.dir .. "/reynolds.csv")
  return result
end)
