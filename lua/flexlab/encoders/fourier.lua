--[[
fourier - random Fourier features of the values of the condition: sin and cos of 2 pi B c, B ~ N(0, scale^2)
fixed by the seed, then a layer of 1x1 convolution and SiLU, shown to every skip [Tancik et al. 2020, of
values in place of coordinates]. Small differences of a value become large ones of its features.
--]]
local core = require "flexlab.core"
local nn = require "flexlab.nn"
local settings = require "flexlab.settings"
local views = require "flexlab.network.views"

-- The frequencies as a layer without training: a buffer of (in_channels, features).
local function frequencies(inputs, features, scale)
  local buffer = core.zeros { inputs, features }
  local layer = {}
  function layer:parameters() -- luacheck: ignore self
    return { { name = "frequencies", tensor = buffer, trained = false } }
  end
  function layer:init(seed) -- luacheck: ignore self
    local key = { seed = seed, stream = "init", sample = inputs, member = features }
    buffer:copy_(core.normal({ inputs, features }, key) * (2 * math.pi * scale))
  end
  function layer:angles(x) -- luacheck: ignore self
    return x:matmul(buffer)
  end
  return layer
end

local function new(cfg)
  local self = nn.module { table = frequencies(cfg.in_channels, cfg.features, cfg.scale),
    mix = nn.conv(2 * cfg.features, cfg.width, { kernel = 1 }), views = views.new(cfg, cfg.width) }
  self.table:init(0)
  self.condition = function(net, lowres)
    local angles = net.table:angles(lowres)
    return net.views:show(net.mix(angles:sin():concat(angles:cos())):silu())
  end
  return self
end

return { doc = "random Fourier features of the values, 1x1 to every skip [Tancik et al. 2020]",
  defaults = settings.own {
    { "features", 32, "integer", least = 1, most = 65536, doc = "random frequencies" },
    { "width", 32, "integer", least = 1, most = 65536, doc = "channels of the layer behind the features" },
    { "scale", 0.5, "number", above = 0, most = 1e6, doc = "standard deviation of the frequencies" },
  },
  new = new }
