--[[
regression - target minus what a network says that was trained before: the second of two stages
[Mardani et al. 2023, CorrDiff]. `checkpoint` names its run. It is asked once, at t = 1 without noise,
where a diffusion model is a regression: any run will do, and one with predict = "x", loss = "mse" is
the conditional mean.
--]]
local checkpoint = require "flexlab.checkpoint"
local context = require "flexlab.context"
local core = require "flexlab.core"
local sampling = require "flexlab.diffusion.sampling"
local settings = require "flexlab.settings"

local loaded = setmetatable({}, { __mode = "v" })

local function network(path)
  if not path then
    error("target 'regression' needs target_options = { checkpoint = ... }, the folder of the first stage", 0)
  end
  if not loaded[path] then
    loaded[path] = checkpoint.load_model(path)
    local run = context.run()
    if run then run:leave_out_of_checkpoint(loaded[path]) end   -- its own file keeps it
  end
  return loaded[path]
end

-- Both networks must mean the same by a normalised field.
local function check(scale, own, path)
  for _, part in ipairs { "mean", "std" } do
    for c, v in ipairs(scale and own and scale[part] or {}) do
      if math.abs(v - own[part][c]) > 1e-6 * math.max(1, math.abs(v)) then
        error(("target 'regression': '%s' was trained with %s %g, these data have %g; give data.mean and "
          .. "data.std"):format(path, part, own[part][c], v), 0)
      end
    end
  end
end

return {
  doc = "target minus the answer of a regression network [Mardani et al. 2023, CorrDiff]",
  defaults = settings.own {
    { "checkpoint", false, "false|text", doc = "run folder or checkpoint of the first stage" },
  },
  check = function(cfg) network(cfg.target_options.checkpoint) end,   -- loaded outside of any step's scope
  base = function(batch, cfg)
    local model = network(cfg.checkpoint)
    check(batch.scale, model.scale, cfg.checkpoint)
    return core.no_grad(function()
      local scope <close> = core.scope()
      model:train(nil)
      local shape = batch.estimate.shape
      local base = model:base(batch)
      local env = sampling.environment(model, batch, model:condition(batch), base)
      local x0 = env.predict(core.zeros(shape), 1)
      return scope:keep(base and base + x0 or x0)
    end)
  end,
}
