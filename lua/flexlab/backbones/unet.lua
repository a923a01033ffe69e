--[[
unet - the rival without a transformer: FLEX's encoder and decoder of ResBlocks, and between them ResBlocks
in its place. Channels and blocks of small, medium and big are those of the authors' public U-Net (base width
32, 64, 128 times 1, 2, 4, 4, 8; 1, 2, 2, 2, 6 ResBlocks), which has attention among the pixels of its maps of
32 and 16 pixels; of their 256-pixel patches those are the two coarsest levels, and so they are here, at
any size of field. How their code ends its U-Net at the bottom, and how many heads it has, is not stated
where it was read about: the middle is two ResBlocks around an attention [Ho et al. 2020], the heads are
those of the FLEX of that size. nano is FLEX's.

  options: attention = 2 (coarsest levels that have it; 0: convolutions alone), middle = 2 (ResBlocks)
--]]
local attention = require "flexlab.network.attention"
local network = require "flexlab.network"
local nn = require "flexlab.nn"
local settings = require "flexlab.settings"

local function times(base) return { base, 2 * base, 4 * base, 4 * base, 8 * base } end

local authors = { 1, 2, 2, 2, 6 }

local presets = {
  nano = { channels = { 32, 64, 64 }, res_blocks = { 1, 1, 1 }, heads = 2 },
  small = { channels = times(32), res_blocks = authors, heads = 4 },
  medium = { channels = times(64), res_blocks = authors, heads = 8 },
  big = { channels = times(128), res_blocks = authors, heads = 16 },
}

-- The maps that the encoder leaves: { height, width, channels, level, down }, the first convolution's first.
local function maps_of(c)
  local maps = { { height = c.height, width = c.width, channels = c.channels[1], level = 1 } }
  for level, channels in ipairs(c.channels) do
    for k = 0, c.res_blocks[level] do
      local down = k == c.res_blocks[level]
      local shift = down and level or level - 1
      maps[#maps + 1] = { height = c.height >> shift, width = c.width >> shift, channels = channels,
        level = level, down = down }
    end
  end
  return maps
end

-- A ResBlock, and attention behind it where its level has that.
local function block(c, from, to, level, resample)
  local one = { res = nn.resblock(from, to, { emb = c.channels[#c.channels], resample = resample,
    circular = c.circular, dropout = c.dropout, recompute = c.recompute, precision = c.precision }) }
  if resample == "same" and level > #c.channels - c.attention then one.attention = attention.map(to, c.heads) end
  return one
end

local function run(one, x, emb)
  x = one.res(x, emb)
  if one.attention then x = one.attention(x) end
  return one.up and one.up.res(x, emb) or x
end

local function encoder_of(c, maps)
  local encoder = { embed = network.embedding(c), blocks = {}, middle = {},
    first = nn.conv(c.in_channels, maps[1].channels, { circular = c.circular }) }
  for i = 2, #maps do
    encoder.blocks[i - 1] = block(c, maps[i - 1].channels, maps[i].channels, maps[i].level,
      maps[i].down and "down" or "same")
  end
  local d = maps[#maps].channels
  for i = 1, c.middle do
    encoder.middle[i] = block(c, d, d, i == 1 and c.middle > 1 and #c.channels or 0, "same")
  end
  return encoder
end

-- As FLEX's: one block per skip from the last to the first; the last of a level doubles the map.
local function decoder_of(c, maps)
  local width, left = maps[#maps].channels, #maps
  local decoder = { embed = network.embedding(c), blocks = {} }
  local function add(to, level, resample)
    decoder.blocks[#decoder.blocks + 1] = block(c, width + maps[left].channels, to, level, resample)
    width, left = to, left - 1
    return decoder.blocks[#decoder.blocks]
  end
  add(width, #c.channels, "up")
  for level = #c.channels, 1, -1 do
    for k = 0, c.res_blocks[level] do
      local one = add(c.channels[level], level, "same")
      if level > 1 and k == c.res_blocks[level] then one.up = block(c, width, width, level, "up") end
    end
  end
  decoder.norm = nn.group_norm(width)
  decoder.last = nn.conv(width, c.in_channels, { circular = c.circular, zero = true })
  return decoder
end

local function new(described, options, seed)
  local c = setmetatable({ attention = options.attention, middle = options.middle }, { __index = described })
  local maps = maps_of(c)
  local net = network.new { config = described, skips = maps, encoder = encoder_of(c, maps),
    decoder = decoder_of(c, maps),
    encode = function(net, x, emb, features)
      local weak, skips, e = features and c.weak_skips and features.skips, {}, net.encoder
      x = e.first(x)
      for i = 1, #maps do
        if i > 1 then x = run(e.blocks[i - 1], x, emb) end
        if weak then x = x + weak[i] end
        skips[i] = x
      end
      for _, one in ipairs(e.middle) do x = run(one, x, emb) end
      return { head = x, skips = skips }
    end,
    decode = function(net, encoded, emb, features)
      local strong, x, d = features and c.strong_skips and features.skips, encoded.head, net.decoder
      if features and c.strong_bottleneck then x = x + features.head end
      for i, one in ipairs(d.blocks) do
        local at = #maps + 1 - i
        local skip = strong and encoded.skips[at] + strong[at] or encoded.skips[at]
        x = run(one, x:concat(skip, { axis = -1 }), emb)
      end
      return d.last(d.norm(x):silu())
    end }
  return net:init(seed)
end

return {
  doc = "FLEX with ResBlocks in place of its transformer, attention on coarse maps: a U-Net [Ho et al. 2020]",
  title = "U-Net", resblocks = true, encoder = "unet",
  defaults = settings.own {
    { "attention", 2, "integer", least = 0, most = 64, doc = "coarsest levels that have attention" },
    { "middle", 2, "integer", least = 0, most = 1024, doc = "blocks in the middle" },
  },
  needs = { "channels", "res_blocks", "heads" },
  sizes = function(size) return presets[size] end,
  divisor = function(cfg) return 1 << #cfg.channels, "2^levels" end,
  new = new,
}
