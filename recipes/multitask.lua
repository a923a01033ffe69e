-- One network for two tasks, or two networks? Super-resolution and forecasting, learned together and each alone.
--   flexlab run recipes/multitask.lua --set data.crop=32
-- Encoder and decoder are shared, each task has a condition encoder of its own; a step is as many updates for all.
local flex = require "flexlab"
local settings = flex.settings

return flex.recipe("multitask", {
  data  = settings.multitask {
            file = "data/turbulence/train_re*.h5", test = "data/turbulence/test_re*.h5", crop = 64, batch = 8,
            test_tiles = 32, superres = { factor = 4, degradation = "registered" }, forecast = { past = 2 } },
  model = settings.model { size = "nano", conditioning = "both", predict = "v", dropout = 0.0 },
  train = settings.train { steps = 300, lr = 1e-3, warmup = 20, clip = 1.0, ema = 0.99 },
  eval  = settings.eval { steps = 2, members = 4 },
}, function(cfg, run)
  local data, trained = flex.data.multitask(flex.data.ensure(cfg.data)), {}
  local weights = { together = { superres = 1, forecast = 1 }, superres = { superres = 1, forecast = 0 },
    forecast = { superres = 0, forecast = 1 } }
  for _, name in ipairs { "together", "superres", "forecast" } do
    local model = flex.models.multitask(cfg.model, data)
    local optim = flex.optimizer(model, cfg.train)
    for step, batch in run:steps(data.train, cfg.train.steps) do
      local loss, each = flex.multitask.loss(model, batch, weights[name])
      optim:step(loss)
      run:log(step, { arm = name, loss = loss, superres = each.superres, forecast = each.forecast })
    end
    trained[name] = optim.ema
  end

  local t, result = flex.table { "task", "together", "alone", "without a network" }, {}
  for _, task in ipairs { "superres", "forecast" } do
    local baseline = task == "superres" and flex.baselines.registered or flex.baselines.persistence
    local function rfne(sampler) return flex.evaluate(sampler, data.tests[task]).rfne end
    local function arm(name) return rfne(flex.multitask.sampler(trained[name], task, cfg.eval)) end
    local together, alone, rival = arm "together", arm(task), rfne(baseline)
    t:row { task, together, alone, rival }
    result[task .. "_together"], result[task .. "_alone"], result[task .. "_baseline"] = together, alone, rival
  end
  t:print():save(run.dir .. "/tasks.csv")
  return result
end)
