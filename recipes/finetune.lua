-- Does a network that learned vorticity help to learn velocity? Fine-tuned beside trained from nothing.
--   flexlab run recipes/finetune.lua --set data.crop=32 --set 'first={data={crop=32}}'
-- Longer, on larger patches: --set 'first={train={steps=2000}}' --set train.steps=200
local flex = require "flexlab"
local sr   = require "recipes.sr"

return flex.recipe("finetune", flex.settings.own({
  { "first", {}, "table", doc = "settings of recipes/sr.lua, for its first life" } }, {
  data  = flex.config.merge(sr.defaults.data, { observable = "velocity" }),   -- the same files, seen as velocity
  model = sr.defaults.model,
  train = flex.settings.train({ steps = 100, lr = 3e-4, warmup = 5, clip = 1.0, ema = 0.95 }, nil, { "from" }),
  eval  = sr.defaults.eval,
}), function(cfg, run)
  local first = sr(cfg.first, { seed = run.seed, root = run.root, quiet = run.quiet })
  local data, result = flex.data.superres(flex.data.ensure(cfg.data)), { vorticity = first.rfne }

  for _, life in ipairs { { "tuned", first.dir }, { "fresh", false } } do
    local train = flex.settings.with(cfg.train, { from = life[2] })
    local model = flex.models.flex(cfg.model, data)
    local optim = flex.optimizer(model, train)
    for step, batch in run:steps(data.train, train.steps) do
      local loss = flex.diffusion.loss(model, batch)
      optim:step(loss)
      run:log(step, { loss = loss })
    end
    result[life[1]] = flex.evaluate(function(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end,
      data.test).rfne
  end
  result.bicubic = flex.evaluate(flex.baselines.bicubic, data.test).rfne
  return result
end)
