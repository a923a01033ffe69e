--[[
pyramid - a light condition encoder: one strided 3x3 convolution a level, and a 1x1 convolution from
it to every skip of that level. About a tenth of the authors' encoder in operations.

cfg: in_channels, skips = { { height=, width=, channels= }, ... }, head = { height=, width=, channels= },
circular. Skips come in the order of the network's input blocks; sizes fall by 2.
--]]
local nn = require "flexlab.nn"
local settings = require "flexlab.settings"

local function new(cfg)
  local self = nn.module {}
  local width, height, last = cfg.width or 32, cfg.skips[1].height, cfg.in_channels
  self.levels, self.skips, self.at = {}, {}, {}
  for i, skip in ipairs(cfg.skips) do
    if i == 1 or skip.height ~= height then
      height = skip.height
      self.levels[#self.levels + 1] = nn.conv(last, width, { stride = i == 1 and 1 or 2,
        circular = cfg.circular })
      last = width
    end
    self.at[i] = #self.levels
    self.skips[i] = nn.conv(width, skip.channels, { kernel = 1 })
  end
  self.head = nn.conv(width, cfg.head.channels, { kernel = 1 })

  self.condition = function(net, lowres)
    local maps, x, skips = {}, lowres, {}
    for i, level in ipairs(net.levels) do
      x = level(x):silu()
      maps[i] = x
    end
    for i, project in ipairs(net.skips) do skips[i] = project(maps[net.at[i]]) end
    return { head = net.head(x), skips = skips }
  end
  return self
end

return { doc = "one strided convolution per level, 1x1 to every skip",
  defaults = settings.own {
    { "width", 32, "integer", least = 1, most = 65536, doc = "channels of every level" },
  },
  new = new }
