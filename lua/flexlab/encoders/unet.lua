--[[
unet - the authors' condition encoder in Lua: first convolution, ResBlocks, a halving ResBlock at every
level, Re in each of them [arXiv 2505.17351]. The same arithmetic as `flex`, which is inside the C
network, without its transformer; several of them serve one network (models/multitask.lua).

cfg: in_channels, skips = { { height=, width=, channels= }, ... } in the network's order, channels (one a
level; the last is D), circular. (N,H,W,in_channels), re (N,1) -> head, skips.
--]]
local nn = require "flexlab.nn"
local settings = require "flexlab.settings"

local function new(cfg)
  local encoder = nn.module { blocks = {} }
  local d = cfg.channels[#cfg.channels]
  encoder.first = nn.conv(cfg.in_channels, cfg.skips[1].channels, { circular = cfg.circular })
  encoder.embedding = nn.condition_embedding(d)
  for i = 2, #cfg.skips do
    local from, to = cfg.skips[i - 1], cfg.skips[i]
    encoder.blocks[i - 1] = nn.resblock(from.channels, to.channels, { emb = d, circular = cfg.circular,
      resample = to.height < from.height and "down" or "same", dropout = cfg.dropout, precision = cfg.precision })
  end

  function encoder:condition(lowres, re)
    local x, emb = self.first(lowres), self.embedding(re)
    local skips = { x }
    for i, block in ipairs(self.blocks) do
      x = block(x, emb)
      skips[i + 1] = x
    end
    return { head = x, skips = skips }
  end
  return encoder
end

return { doc = "the authors' encoder without transformer, in Lua: several can share one network",
  defaults = settings.own {
    { "dropout", 0.0, "number", least = 0, below = 1, doc = "probability of dropout in residual blocks" },
  },
  new = new }
