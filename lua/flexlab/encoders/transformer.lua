--[[
transformer - patches of the condition as tokens, positions as sines and cosines, `depth` transformer
blocks, and the map of tokens shown to every skip [Dosovitskiy et al. 2021; positions of Vaswani et al.
2017]. Positions are computed for the size at hand. Tokens see the whole field at once, where a
convolution sees its surroundings; attention costs tokens squared, (H W / patch^2)^2.
--]]
local nn = require "flexlab.nn"
local patches = require "flexlab.network.patches"
local positions = require "flexlab.network.positions"
local settings = require "flexlab.settings"
local views = require "flexlab.network.views"

local function new(cfg)
  local p, d = cfg.patch, cfg.width
  local height, width = cfg.skips[1].height, cfg.skips[1].width
  if height % p ~= 0 or width % p ~= 0 then
    error(("encoder 'transformer': a field of %dx%d is not divisible by patch %d"):format(height, width, p), 0)
  end
  local rows, columns = height // p, width // p
  local self = nn.module { embed = nn.linear(p * p * cfg.in_channels, d), blocks = {}, norm = nn.layer_norm(d),
    views = views.new(cfg, d) }
  for i = 1, cfg.depth do self.blocks[i] = nn.transformer_block(d, { heads = cfg.heads }) end
  local where = positions.sincos(rows, columns, d)

  self.condition = function(net, lowres)
    local x = net.embed(patches.fold(lowres, p):reshape { lowres.shape[1], rows * columns, -1 }) + where
    for _, block in ipairs(net.blocks) do x = block(x) end
    return net.views:show(net.norm(x):reshape { lowres.shape[1], rows, columns, d })
  end
  return self
end

return { doc = "a vision transformer on patches, sine positions [Dosovitskiy et al. 2021]",
  defaults = settings.own {
    { "patch", 4, "integer", least = 1, most = 65536, doc = "side of a token in pixels" },
    { "width", 64, "integer", least = 1, most = 65536, doc = "channels of a token" },
    { "depth", 2, "integer", least = 0, most = 1024, doc = "transformer blocks" },
    { "heads", 4, "integer", least = 1, most = 1024, doc = "heads of attention" },
  },
  new = new }
