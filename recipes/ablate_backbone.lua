-- What should carry the residual: FLEX, a U-Net without transformer, or a vision transformer? Paired by seed.
--   flexlab run recipes/ablate_backbone.lua --seeds 1..3 --jobs 2 --set data.crop=32 --set train.steps=150
-- Longer, on larger patches and with all eight seeds: --set train.steps=1000
-- Each has FLEX's conditioning paths and its own condition encoder; what to beat is interpolation on aligned grids.
local flex = require "flexlab"
local sr   = require "recipes.sr"

local defaults = flex.config.merge(sr.defaults, { ["data.degradation"] = "registered" })

local base = flex.recipe("backbone", defaults, function(cfg, run)
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
  local bicubic = flex.evaluate(flex.baselines.registered, data.test).rfne
  return scores:summary({ "rfne" }, { bicubic = bicubic, gain = bicubic / scores.rfne })
end, { metric = "rfne" })

return flex.study("ablate_backbone", base, {
  grid = { ["model.backbone"] = { "flex", "unet", "uvit" } },
  seeds = "1..8",
}, function(runs)
  local options = { key = "model.backbone", against = "flex" }
  local t, tests, rfne = runs:summary("rfne", options)
  t:print()
  runs:costs():print()
  options.metric = "rfne"
  print("report: " .. runs:report(options))
  return { flex = rfne.flex:mean(), unet = rfne.unet:mean(), uvit = rfne.uvit:mean(),
           bicubic = runs:pivot("model.backbone", "bicubic").flex:mean(), p_unet = tests.unet.p, p_uvit = tests.uvit.p }
end)
