-- A condition encoder of your own, written in Lua: a ladder of strided convolutions,
-- trained in the place of FLEX's U-Net encoder. Every skip of the network gets a 1x1 view of its rung.
--   flexlab run recipes/custom_encoder.lua
local flex, nn = require "flexlab", require("flexlab").nn

flex.encoders.define("ladder", { doc = "a ladder of strided convolutions", new = function(cfg)
  local ladder, width = nn.module { rungs = {}, skips = {} }, 32
  local last = { height = 0, channels = cfg.in_channels }
  for i, skip in ipairs(cfg.skips) do
    local stride = last.height > skip.height and 2 or 1
    ladder.rungs[i] = nn.conv(i == 1 and cfg.in_channels or width, width, { stride = stride })
    ladder.skips[i] = nn.conv(width, skip.channels, { kernel = 1 })
    last = skip
  end

  function ladder:condition(lowres)
    local x, skips = lowres, {}
    for i, rung in ipairs(self.rungs) do
      x = rung(x):silu()
      skips[i] = self.skips[i](x)
    end
    return { head = skips[#skips], skips = skips }
  end
  return ladder
end })

local sr = require "recipes.sr"
local defaults = flex.config.merge(sr.defaults, { ["model.encoder"] = "ladder" })
return flex.recipe("custom_encoder", defaults, function(cfg, run) return sr.body(cfg, run) end,
  { metric = "rfne" })
