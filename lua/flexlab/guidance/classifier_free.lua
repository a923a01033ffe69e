--[[
classifier_free - away from what the network says without the condition: x0 = x0_none + w (x0_cond -
x0_none), and eps likewise [Ho & Salimans 2022]. w = 1 is no guidance. The network must know what to say
without a condition: train with model.drop_condition, 0.1 or so. Two passes instead of one.
--]]
local settings = require "flexlab.settings"

return {
  doc = "x0 and eps extrapolated away from the unconditioned ones [Ho & Salimans 2022]",
  defaults = settings.own {
    { "guidance_weight", 1.5, "number", least = 0, most = 1e3, doc = "weight of the condition; 1 is no guidance" },
  },
  guide = function(cfg, env)
    local w, conditioned = cfg.guidance_weight, env.predict
    return function(x, t)
      local x0, eps = conditioned(x, t)
      local x0_none, eps_none = env.unconditioned(x, t)
      return x0_none + (x0 - x0_none) * w, eps_none + (eps - eps_none) * w
    end
  end,
}
