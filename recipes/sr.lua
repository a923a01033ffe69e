-- 4x super-resolution of two-dimensional turbulence: train FLEX, then score it against bicubic.
--   flexlab run recipes/sr.lua
-- Longer, and four times: --set train.steps=2000 --seeds 1..4
-- Every other setting of data, model, train and eval may be set too: flexlab show recipes/sr.lua
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("sr", {
  data  = settings.superres {
            file = "data/turbulence/train_re*.h5", test = "data/turbulence/test_re*.h5",
            factor = 4, degradation = "bicubic", crop = 64, batch = 8, test_tiles = 32, augment = false },
  model = settings.model {
            size = "nano", backbone = "flex", conditioning = "both", encoder = "flex", predict = "v",
            schedule = "cosine", loss = "l1", padding = "zeros", dropout = 0.0, precision = "f32" },
  train = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99, checkpoint = 100 },
  eval  = settings.eval { steps = 2, members = 4 },
}, function(cfg, run)
  local data  = flex.data.superres(flex.data.ensure(cfg.data))
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)

  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
  end

  local function sample(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  local ours    = flex.evaluate(sample, data.test)
  local bicubic = flex.evaluate(flex.baselines.bicubic, data.test)
  run:record("spectrum", ours.spectrum)                     -- for the reports of studies
  return ours:summary({ "rfne", "psnr", "ssim", "pearson", "crps", "spread" },      -- of each channel too
    { bicubic = bicubic.rfne, gain = bicubic.rfne / ours.rfne })
end, { metric = "rfne" })
