--[[
plain - convolutions and nothing else: for every skip a 3x3 convolution (strided where the size falls) and
SiLU, as wide as the skip, which it is. No norms, no residuals, no Re: what U-Nets were before ResBlocks
[Ronneberger et al. 2015].
--]]
local nn = require "flexlab.nn"

local function new(cfg)
  local self, last, height = nn.module { convs = {} }, cfg.in_channels, cfg.skips[1].height
  for i, skip in ipairs(cfg.skips) do
    self.convs[i] = nn.conv(last, skip.channels, { stride = skip.height < height and 2 or 1, circular = cfg.circular })
    last, height = skip.channels, skip.height
  end

  self.condition = function(net, lowres)
    local x, skips = lowres, {}
    for i, conv in ipairs(net.convs) do
      x = conv(x):silu()
      skips[i] = x
    end
    return { head = x, skips = skips }
  end
  return self
end

return { doc = "3x3 convolutions and SiLU, one per skip [Ronneberger et al. 2015]", new = new }
