--[[
flex - the FLEX network of the paper with every choice open [arXiv 2505.17351]. The arithmetic is C
(csrc/model); this file turns words into its configuration and says what does not fit.

  model = flex.models.flex { size = "small", conditioning = "weak+strong_bottleneck", predict = "v" }
The shape of the field comes from the data made before (or as second argument), or from height, width,
in_channels and cond_channels.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local data = require "flexlab.data"
local model = require "flexlab.model"
local positions = require "flexlab.positions"
local Run = require "flexlab.run"

local defaults = {
  kind = "flex",
  size = "nano",                      -- nano small medium big, or these four:
  channels = false, res_blocks = false, depth = false, heads = false,
  conditioning = "both",              -- a word of flex.conditioning(), "a+b", or a table of roads
  encoder = "flex",                   -- a word of flex.encoders()
  encoder_options = {},
  use_transf = false,                 -- a transformer in the condition encoder too
  embed_condition = true,             -- Re enters every ResBlock
  skip = true,                        -- skips among transformer blocks
  padding = "zeros",                  -- "circular", for periodic fields, or "data": as the data set says
  positions = "learned",              -- of tokens: or "sincos", fixed and the same for every size
  dropout = 0.1,
  recompute = false,                  -- blocks run again in backward: less memory, a forward pass more
  predict = "v",                      -- a word of flex.parametrisations()
  predict_options = {},
  official = false,                   -- x and eps as the authors' code has them, defects included
  schedule = "cosine", shift = 1.0, limit = false, schedule_options = {},
  target = "residual", target_options = {},             -- a word of flex.targets(): what is diffused
  weighting = "none", weighting_options = {},           -- a word of flex.weightings()
  loss = "l1", delta = 1.0, loss_options = {},
  drop_condition = 0.0,               -- probability, in training; guidance `classifier_free` needs it
  height = false, width = false, in_channels = false, cond_channels = false, seed = false,
}

-- Three that features take, the condition beside x_t, and the scalar (Re) in every ResBlock.
local roads = { "weak_skips", "strong_skips", "strong_bottleneck", "concat", "film" }

-- "weak+strong_bottleneck", a list of words, or { weak_skips = true } -> which roads are open.
local function open_roads(conditioning)
  local open = { weak_skips = false, strong_skips = false, strong_bottleneck = false, concat = false, film = false }
  if type(conditioning) == "table" and #conditioning == 0 then
    return config.options("models.flex: conditioning", open, conditioning, nil, 4)
  end
  local words = type(conditioning) == "table" and table.concat(conditioning, "+") or conditioning
  for word in tostring(words):gmatch("[^+%s]+") do
    local choice = choices.get("conditioning", word)
    for _, road in ipairs(roads) do open[road] = open[road] or choice.roads[road] or false end
  end
  return open
end

-- Shape of the field: what cfg says, else the data.
local function shape(cfg, set)
  for _, key in ipairs { "height", "width", "in_channels", "cond_channels" } do
    local known = set and set[key == "in_channels" and "channels" or key]
    cfg[key] = cfg[key] or known or (key == "cond_channels" and cfg.in_channels)
    if not cfg[key] then
      error("models.flex: the size of the field is not known; make the data first, or give height, "
        .. "width, in_channels and cond_channels", 4)
    end
  end
end

local function sizes(cfg)
  local preset = {}
  if not cfg.channels then
    preset = core.flex_preset(cfg.size)
    if not preset then error("models.flex: there is no size '" .. tostring(cfg.size) .. "'", 4) end
  end
  for _, key in ipairs { "channels", "res_blocks", "depth", "heads" } do
    cfg[key] = cfg[key] or preset[key]
    if not cfg[key] then
      error(("models.flex: channels are given, so '%s' must be given too"):format(key), 4)
    end
  end
  local divisor = 1 << #cfg.channels
  if cfg.height % divisor ~= 0 or cfg.width % divisor ~= 0 then
    error(("models.flex: a field of %dx%d is not divisible by 2^levels = %d; choose another crop")
      :format(cfg.height, cfg.width, divisor), 4)
  end
end

local official = { x = "x_official", eps = "eps_official" }

-- model's field -> kind of choice, the key that names it, and keys of their own beside <key>_options.
local parts = {
  schedule = { "schedules", "schedule", { "shift", "limit" } },
  parametrisation = { "parametrisations", "predict", {} },
  loss = { "losses", "loss", { "delta" } },
  weighting = { "weightings", "weighting", {} },
  target = { "targets", "target", {} },
}

-- The choices that a configuration names, and their settings: { schedule = choice, .. }, { schedule = .. }.
local function chosen(cfg)
  local found, settings = {}, {}
  for field, part in pairs(parts) do
    local kind, key, own = table.unpack(part)
    local word = cfg[key]
    if key == "predict" and cfg.official then word = official[word] or word end
    local choice = choices.get(kind, word)
    local known = config.options(("%s '%s'"):format(key, word), choice.defaults, cfg[key .. "_options"], nil, 4)
    for _, name in ipairs(own) do
      local given = cfg[key .. "_options"][name]
      if given == nil and cfg[name] and choice.defaults[name] ~= nil then known[name] = cfg[name] end
    end
    if choice.check then choice.check(cfg) end
    found[field], settings[field] = choice, known
  end
  return found, settings
end

-- Builds the encoder that a word names, for the skips that this network has.
local function build_encoder(cfg, net, seed, prefix)
  local choice = choices.get("encoders", cfg.encoder)
  local given = { in_channels = cfg.cond_channels, circular = cfg.padding == "circular", heads = cfg.heads,
    channels = cfg.channels, skips = {} }
  for _, s in ipairs(net:skip_shapes(1)) do
    if #s == 4 then
      given.skips[#given.skips + 1] = { height = s[2], width = s[3], channels = s[4] }
    end
  end
  given.head = given.skips[#given.skips]
  for k, v in pairs(config.options("encoder " .. cfg.encoder, choice.defaults, cfg.encoder_options)) do
    given[k] = v
  end
  local encoder = choice.new(given)
  encoder:init(seed, prefix or "condition_encoder.")
  return encoder
end

-- The configuration of the network itself, as core.flex takes it, from a resolved one.
local function network(cfg, open)
  open = open or open_roads(cfg.conditioning)
  local any = open.weak_skips or open.strong_skips or open.strong_bottleneck
  return { channels = cfg.channels, res_blocks = cfg.res_blocks, depth = cfg.depth, heads = cfg.heads,
    height = cfg.height, width = cfg.width,
    in_channels = cfg.in_channels + (open.concat and cfg.cond_channels or 0),
    cond_channels = cfg.cond_channels, use_transf = cfg.use_transf, skip = cfg.skip,
    circular = cfg.padding == "circular", weak_skips = open.weak_skips,
    strong_skips = open.strong_skips, strong_bottleneck = open.strong_bottleneck,
    embed_condition = cfg.embed_condition or open.film, dropout = cfg.dropout, recompute = cfg.recompute,
    condition_encoder = any and choices.get("encoders", cfg.encoder).inside or false }
end

-- Whether patches are whole fields: only these are periodic when the domain is.
local function whole(set)
  for _, file in ipairs(set.train.source.files) do
    if file.height ~= set.height or file.width ~= set.width then return false end
  end
  return true
end

-- A configuration with every default filled in.
local function resolve(given, set)
  local cfg = config.options("models.flex", defaults, given, nil, 3)
  shape(cfg, set)
  sizes(cfg)
  if cfg.padding == "data" then
    cfg.padding = set and set.boundary == "periodic" and whole(set) and "circular" or "zeros"
  end
  if cfg.padding ~= "zeros" and cfg.padding ~= "circular" then
    error("models.flex: padding must be 'zeros', 'circular' or 'data', got '" .. tostring(cfg.padding) .. "'", 3)
  end
  if cfg.positions ~= "learned" and cfg.positions ~= "sincos" then
    error("models.flex: positions must be 'learned' or 'sincos', got '" .. tostring(cfg.positions) .. "'", 3)
  end
  return cfg
end

-- Sines and cosines in place of learned positions.
local function fix_positions(cfg, net)
  local levels = #cfg.channels
  for _, p in ipairs(net:parameters()) do
    if p.name:match "pos_embed$" then
      p.tensor:track(false)
      p.tensor:copy_(positions.fixed(cfg.height >> levels, cfg.width >> levels, cfg.channels[levels]))
    end
  end
end

local function new(given, set)
  local cfg = resolve(given, set or data.current())
  local open = open_roads(cfg.conditioning)
  local run = Run.current()
  local seed = cfg.seed or run and run.seed or 1
  local any = open.weak_skips or open.strong_skips or open.strong_bottleneck
  local described = network(cfg, open)
  local own = any and not described.condition_encoder
  described.seed = seed
  local fields, settings = chosen(cfg)
  local net = core.flex(described)
  fields.settings = settings
  fields.config, fields.net, fields.seed, fields.conditioned = cfg, net, seed, any
  fields.concat, fields.fixed_positions = open.concat, cfg.positions == "sincos"
  if fields.fixed_positions then fix_positions(cfg, net) end
  fields.encoder = own and build_encoder(cfg, net, seed) or nil
  fields.scale = set and set.scale or data.current() and data.current().scale
  return model.new(fields)
end

return { doc = "U-Net of ResBlocks around a transformer, residual diffusion [arXiv 2505.17351]",
  defaults = defaults, new = new, resolve = resolve, network = network,
  build_encoder = build_encoder, chosen = chosen, fix_positions = fix_positions }
