-- One checkpoint, every sampler: how many passes through the network does an answer take? Nothing is trained twice.
--   flexlab run recipes/sampler_study.lua --set 'study.steps={1,2,4}' --set study.batches=1 --set eval.members=2
-- Another checkpoint on the same data: --set study.checkpoint=runs/sr/1a2b3c4d/1
local flex = require "flexlab"
local sr   = require "recipes.sr"

local defaults = flex.config.merge(sr.defaults)
defaults.eval = { members = 4 }
defaults.study = flex.settings.own {
  { "checkpoint", false, "false|text", doc = "checkpoint or run to sample; false: train one first" },
  { "samplers", { "ddim", "ddpm", "heun", "dpmpp_2m", "edm" }, "words", kind = "samplers", doc = "those to compare" },
  { "grids", { "uniform", "karras" }, "table", doc = "time grids to compare: words, or lists of times" },
  { "steps", { 1, 2, 4, 8 }, "integers", least = 1, most = 1e5, doc = "numbers of steps to compare" },
  { "batches", 2, "integer", least = 1, most = 1e9, doc = "test batches that are sampled" } }

return flex.recipe("sampler_study", defaults, function(cfg, run)
  local model = cfg.study.checkpoint
  local data  = flex.data.superres(flex.data.ensure(cfg.data))

  if not model then
    local net = flex.models.flex(cfg.model)
    local optim = flex.optimizer(net, cfg.train)
    for step, batch in run:steps(data.train, cfg.train.steps) do
      local loss = flex.diffusion.loss(net, batch)
      optim:step(loss)
      run:log(step, { loss = loss, lr = optim.lr })
    end
    model = optim.ema
  end

  local report, arms = flex.sampler_study(model, data, { samplers = cfg.study.samplers, grids = cfg.study.grids,
    steps = cfg.study.steps, batches = cfg.study.batches, members = cfg.eval.members })
  report:print():save(run.dir .. "/samplers.csv")

  local result = {}
  for _, arm in ipairs(arms) do
    result[("%s_%s_%d"):format(arm.sampler, tostring(arm.grid), arm.steps)] = arm.scores.rfne
  end
  return result
end)
