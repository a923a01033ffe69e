-- Larger than the patch it was trained on: 2048^2 from 256^2 by a network of 64^2 patches, tiles fused at every step.
--   flexlab run recipes/whole_domain.lua --set eval.members=1
local flex = require "flexlab"

return flex.recipe("whole_domain", {
  seen   = { re = 8000, k0 = 40.0, time = 0.15, size = 2048, frames = 1, seed = 1, out = "data/domain/seen.h5" },
  unseen = { re = 8000, k0 = 40.0, time = 0.15, size = 2048, frames = 1, seed = 2, out = "data/domain/unseen.h5" },
  data   = { factor = 8, degradation = "registered", crop = 64, batch = 8 },
  model  = { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train  = { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval   = { steps = 2, members = 4, tiling = { overlap = 24, border = 4, batch = 8 } },
}, function(cfg, run)
  local settings = flex.config.merge(cfg.data, nil)
  settings.file, settings.test = flex.generate("turbulence", cfg.seen), flex.generate("turbulence", cfg.unseen)
  local data  = flex.data.superres(settings)
  local model = flex.models.flex(cfg.model, data)
  local optim = flex.optim.adam(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
  end

  settings.crop, settings.circular, settings.batch = cfg.unseen.size, true, 1      -- the whole periodic field
  settings.mean, settings.std = data.scale.mean, data.scale.std
  local seams
  local function sample(batch)
    local mean, members, judged = flex.diffusion.sample(optim.ema, batch, cfg.eval)
    seams = judged
    return mean, members
  end
  local c = flex.report.compare(sample, flex.data.superres(settings).test,
    { start = "registered", against = "registered", zoom = 256 })
  c.table:print():save(run.dir .. "/scores.csv")
  c.picture:save(run.dir .. "/domain.png")
  flex.report(run, c.parts)
  return { rfne = c.scores.FLEX.rfne, member = c.scores.member.rfne, registered = c.scores.registered.rfne,
           seam = seams.mean and seams.mean.ratio, seam_truth = seams.truth and seams.truth.ratio,
           seam_noise = seams.mean and seams.mean.noise }      -- absent where tiles leave no line to compare with
end)
