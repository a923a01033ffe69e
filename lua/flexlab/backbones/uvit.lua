--[[
uvit - U-ViT [Bao et al. 2023, arXiv 2209.12152]: a transformer on patches of the field, time and Re as a
token in front, long skips from the first half of its blocks to the second, and a 3x3 convolution of the answer.
Split as FLEX is: the first half and a middle block are the encoder, the second half is the decoder. Patch 8,
widths 384, 768, 1152, depths 13, 13, 29, heads 8, 12, 16 and the mlp's factor 4 of small, medium and big are
those of the authors' public code; nano is ours, of about FLEX nano's number of parameters.

The condition enters as in FLEX: its skips join the tokens behind every block of the first half (weak), those
that the second half takes (strong skips), and its head joins what the second half begins with (bottleneck).

  channels = { width of a token }; options: patch = 8 (nano: 4), mlp = 4
--]]
local core = require "flexlab.core"
local network = require "flexlab.network"
local nn = require "flexlab.nn"
local patches = require "flexlab.network.patches"
local settings = require "flexlab.settings"

local presets = {
  nano = { channels = { 128 }, depth = 7, heads = 4, options = { patch = 4 } },
  small = { channels = { 384 }, depth = 13, heads = 8 },
  medium = { channels = { 768 }, depth = 13, heads = 12 },
  big = { channels = { 1152 }, depth = 29, heads = 16 },
}

local function patch_of(cfg) return cfg.backbone_options.patch end

-- A map (N,h,w,D) as tokens; `behind` zeros for the token in front, so that it can be added to all.
local function tokens_of(map, behind)
  local n, h, w, d = table.unpack(map.shape)
  local tokens = map:reshape { n, h * w, d }
  return behind and core.zeros({ n, 1, d }):concat(tokens, { axis = 2 }) or tokens
end

local function blocks_of(c, count, skip)
  local list = {}
  for i = 1, count do
    list[i] = nn.transformer_block(c.width, { heads = c.heads, mlp = c.mlp, skip = skip, dropout = c.dropout,
      recompute = c.recompute, rows = c.rotary and c.rows or 0, columns = c.rotary and c.columns or 0, before = 1 })
  end
  return list
end

local function encode(c, net, x, emb, features)
  local weak, e, skips = features and c.weak_skips and features.skips, net.encoder, {}
  local n = x.shape[1]
  x = tokens_of(e.patches(patches.fold(x, c.patch)))
  x = e.positions(emb:reshape({ n, 1, c.width }):concat(x, { axis = 2 }))
  for i, block in ipairs(e.blocks) do
    x = block(x)
    if weak then x = x + tokens_of(weak[i], true) end
    skips[i] = x
  end
  return { head = e.middle[1](x), skips = skips, tokens = true }
end

local function decode(c, net, encoded, emb, features)
  local strong, d, skips = features and c.strong_skips and features.skips, net.decoder, encoded.skips
  local n, count = emb.shape[1], c.rows * c.columns
  local rest = core.zeros { n, count, c.width }
  local x = encoded.head + emb:reshape({ n, 1, c.width }):concat(rest, { axis = 2 })
  if features and c.strong_bottleneck then x = x + tokens_of(features.head, true) end
  for i, block in ipairs(d.blocks) do
    local at = #skips + 1 - i
    local skip = strong and skips[at] + tokens_of(strong[at], true) or skips[at]
    x = c.skip and block(x, skip) or block(x)
  end
  x = d.norm(x):narrow { axis = 2, start = 2, length = count }
  return d.last(patches.unfold(d.pixels(x):reshape { n, c.rows, c.columns, -1 }, c.patch))
end

local function new(described, options, seed)
  local p, width = options.patch, described.channels[1]
  local c = setmetatable({ patch = p, mlp = options.mlp, width = width, rows = described.height // p,
    columns = described.width // p }, { __index = described })
  local half, skips, inside = c.depth // 2, {}, p * p * c.in_channels
  for i = 1, half do skips[i] = { height = c.rows, width = c.columns, channels = width } end
  local net = network.new { config = described, skips = skips,
    encoder = { embed = network.embedding(c), patches = nn.linear(inside, width), blocks = blocks_of(c, half, false),
      positions = nn.positions(1 + c.rows * c.columns, width), middle = blocks_of(c, 1, false) },
    decoder = { embed = network.embedding(c), blocks = blocks_of(c, half, c.skip), norm = nn.layer_norm(width),
      pixels = nn.linear(width, inside), last = nn.conv(c.in_channels, c.in_channels, { circular = c.circular }) },
    encode = function(...) return encode(c, ...) end, decode = function(...) return decode(c, ...) end }
  return net:init(seed)
end

local function check(cfg)
  if #cfg.channels ~= 1 then
    error(("backbone 'uvit': channels must be one number, the width of a token, not %d"):format(#cfg.channels), 0)
  elseif cfg.depth < 2 then
    error(("backbone 'uvit': depth must be at least 2 (depth // 2 blocks, one in the middle, depth // 2), not %s")
      :format(cfg.depth), 0)
  end
end

return {
  doc = "a transformer on patches with long skips and FLEX's conditioning [Bao et al. 2023, U-ViT]", title = "U-ViT",
  encoder = "vit",
  defaults = settings.own {
    { "patch", 8, "integer", least = 1, most = 65536, doc = "side of a token in pixels" },
    { "mlp", 4, "integer", least = 1, most = 1024, doc = "width of the blocks' inner layer, in channels of a token" },
  },
  needs = { "channels", "depth", "heads" },
  sizes = function(size) return presets[size] end, check = check, patch = patch_of,
  divisor = function(cfg) return patch_of(cfg), "the patch" end,
  tokens = function(cfg, height, width) return { height // patch_of(cfg), width // patch_of(cfg) } end,
  new = new,
}
