--[[
vit - a vision transformer that shows every skip what another of its blocks left: embedding of patches, a token
of Re in front, positions as sines and cosines, one transformer block per skip [Dosovitskiy et al. 2021]. The own
condition encoder of backbone `uvit`, whose skips are its tokens as they are; other networks' skips get them at
their size through a 1x1 convolution.

cfg: in_channels, skips, channels (the last is the width), heads, embed_condition. A patch is a pixel of the last
skip, so tokens are as many as that has.
--]]
local core = require "flexlab.core"
local nn = require "flexlab.nn"
local patches = require "flexlab.network.patches"
local positions = require "flexlab.network.positions"
local settings = require "flexlab.settings"
local views = require "flexlab.network.views"

local function new(cfg)
  local d, count, first, last = cfg.channels[#cfg.channels], #cfg.skips, cfg.skips[1], cfg.skips[#cfg.skips]
  local patch = first.height // last.height
  local self = nn.module { embed = nn.linear(patch * patch * cfg.in_channels, d), blocks = {}, shown = {},
    re = cfg.embed_condition and nn.condition_embedding(d) or nil }
  for i, skip in ipairs(cfg.skips) do
    self.blocks[i] = nn.transformer_block(d, { heads = cfg.heads, mlp = cfg.mlp, dropout = cfg.dropout })
    local same = skip.height == last.height and skip.channels == d
    self.shown[i] = not same and nn.conv(d, skip.channels, { kernel = 1 }) or nil
  end
  local where = positions.fixed(last.height, last.width, d)

  self.condition = function(net, lowres, re)
    local n, tokens = lowres.shape[1], last.height * last.width
    local x = net.embed(patches.fold(lowres, patch)):reshape { n, tokens, d }
    local front = net.re and net.re(re):reshape { n, 1, d } or core.zeros { n, 1, d }
    x = front:concat(x, { axis = 2 }) + where
    local skips = {}
    for i = 1, count do
      x = net.blocks[i](x)
      local map = x:narrow({ axis = 2, start = 2, length = tokens }):reshape { n, last.height, last.width, d }
      skips[i] = net.shown[i] and net.shown[i](views.at_height(map, cfg.skips[i].height)) or map
    end
    return { head = skips[count], skips = skips }
  end
  return self
end

return { doc = "a vision transformer, one block per skip, Re as a token [Dosovitskiy et al. 2021]",
  defaults = settings.own {
    { "mlp", 4, "integer", least = 1, most = 1024, doc = "width of the blocks' inner layer, in channels of a token" },
    { "dropout", 0.0, "number", least = 0, below = 1, doc = "probability of dropout in the blocks" },
  },
  new = new }
