-- Does it hold where it was not trained? FLEX and a U-Net learn two Reynolds numbers and are judged on two others.
--   flexlab run recipes/ood_reynolds.lua --set data.crop=32
local flex = require "flexlab"

return flex.recipe("ood_reynolds", {
  seen   = { re = { 500, 2000 }, seed = 1, size = 256, frames = 16, out = "data/ood/seen.h5" },
  unseen = { re = { 1000, 4000 }, seed = 2, size = 256, frames = 8, out = "data/ood/unseen.h5" },
  data   = { factor = 4, degradation = "registered", crop = 64, batch = 8, test_tiles = 32 },
  model  = { size = "nano", conditioning = "both", backbone = "flex", predict = "v", dropout = 0.0 },
  train  = { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 }, eval = { steps = 2, members = 4 },
}, function(cfg, run)
  local settings = flex.config.merge(cfg.data, nil)
  settings.file, settings.split = flex.generate("turbulence", cfg.seen), 0.75
  local data, arms = flex.data.superres(settings), { interpolated = flex.baselines.registered }
  for _, backbone in ipairs { "flex", "unet" } do    -- the same batches and noise for both
    local model = flex.models.flex(flex.config.merge(cfg.model, { backbone = backbone }), data)
    local optim = flex.optim.adam(model, cfg.train)
    for step, batch in run:steps(data.train, cfg.train.steps) do
      local loss = flex.diffusion.loss(model, batch)
      optim:step(loss)
      run:log(step, { [backbone .. "_loss"] = loss })
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
  settings.mean, settings.std = data.scale.mean, data.scale.std
  for i, path in ipairs(flex.generate("turbulence", cfg.unseen)) do
    settings.file, settings.test = path, path
    judge("Re " .. cfg.unseen.re[i], flex.data.superres(settings).test)
  end
  t:print():save(run.dir .. "/reynolds.csv")
  return result
end)
