-- Larger than the patch it was trained on: 2048^2 from 256^2 by a network of 64^2 patches, tiles fused at every step.
--   flexlab run recipes/whole_domain.lua --set eval.members=1
local flex = require "flexlab"
local settings, out = flex.settings, "data/domain/{hash}.h5"

return flex.recipe("whole_domain", {
  seen   = settings.flow { re = 8000, k0 = 40.0, time = 0.15, size = 2048, frames = 1, seed = 1, out = out },
  unseen = settings.flow { re = 8000, k0 = 40.0, time = 0.15, size = 2048, frames = 1, seed = 2, out = out },
  data   = settings.superres({ factor = 8, degradation = "registered" }, nil, { "file", "test", "circular" }),
  model  = settings.model { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train  = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval   = settings.eval { steps = 2, members = 4, tiling = { overlap = 24, border = 4, batch = 8 } },
}, function(cfg, run)
  local files = settings.with(cfg.data, { file = flex.generate("turbulence", cfg.seen),
    test = flex.generate("turbulence", cfg.unseen) })
  local data  = flex.data.superres(files)
  local model = flex.models.flex(cfg.model, data)
  local optim = flex.optimizer(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss, lr = optim.lr })
  end
  files.crop, files.circular, files.batch = cfg.unseen.size, true, 1               -- the whole periodic field
  files.mean, files.std = data.scale.mean, data.scale.std
  local seams = {}
  local function sample(batch)
    local mean, members, judged = flex.diffusion.sample(optim.ema, batch, cfg.eval)
    seams = judged or seams
    return mean, members
  end
  local c = flex.report.compare(sample, flex.data.superres(files).test,
    { start = "registered", against = "registered", zoom = 256 })
  c.table:print():save(run.dir .. "/scores.csv")
  c.picture:save(run.dir .. "/domain.png")
  flex.report(run, c.parts)
  return { rfne = c.scores.FLEX.rfne, member = c.scores.member.rfne, registered = c.scores.registered.rfne,
           seam = seams.mean and seams.mean.ratio, seam_truth = seams.truth and seams.truth.ratio,
           seam_noise = seams.mean and seams.mean.noise }      -- absent where tiles leave no line to compare with
end, { metric = "rfne" })
