-- Does a network that learned vorticity know velocity? As it is, and after a short fine-tuning, against bicubic.
--   flexlab run recipes/ood_velocity.lua --set data.crop=32 --set data.batch=4 --set data.test_tiles=16
-- Longer, on larger patches: --set first.steps=2000 --set train.steps=200
local flex = require "flexlab"
local sr, set = require "recipes.sr", flex.settings

return flex.recipe("ood_velocity", set.own({
  { "observable", "velocity_x", "word", kind = "observables", doc = "what is judged; velocity_x has one channel" } }, {
  data  = flex.config.merge(sr.defaults.data, { degradation = "registered" }),
  model = sr.defaults.model,
  first = sr.defaults.train,                            -- on vorticity
  train = set.train({ steps = 100, lr = 3e-4, warmup = 5, clip = 1.0, ema = 0.95 }, nil, { "from" }),   -- on velocity
  eval  = sr.defaults.eval,
}), function(cfg, run)
  local first = sr({ data = cfg.data, model = cfg.model, train = cfg.first, eval = cfg.eval },
    { seed = run.seed, root = run.root, quiet = run.quiet })
  local model, _, vorticity = flex.load_model(first.dir)
  local seen = set.with(cfg.data, { observable = cfg.observable })
  local data = flex.data.superres(seen)                 -- scaled by mean and std of its own training frames
  local own  = flex.models.flex(cfg.model, data)
  local optim = flex.optimizer(own, set.with(cfg.train, { from = first.dir }))
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(own, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end

  local result = { vorticity = first.rfne, vorticity_bicubic = first.bicubic }
  local function judge(name, test, network)
    local function sample(batch) return flex.diffusion.sample(network, batch, cfg.eval) end
    result[name] = flex.evaluate(network and sample or flex.baselines[name], test).rfne
  end
  for _, name in ipairs { "bicubic", "registered" } do judge(name, data.test) end
  judge("unchanged", data.test, model)
  judge("tuned", data.test, optim.ema)
  seen.mean, seen.std = vorticity.mean, vorticity.std
  judge("vorticity_scale", flex.data.superres(seen).test, model)
  return result
end)
