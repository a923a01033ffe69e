--[[
flex - the FLEX network of the paper with every choice open [arXiv 2505.17351]. The arithmetic is C
(csrc/model); this file turns words into its configuration and says what does not fit.

  model = flex.models.flex { size = "small", conditioning = "weak+strong_bottleneck", predict = "v" }
The shape of the field comes from the data made before (or as second argument), or from height, width,
in_channels and cond_channels.
--]]
local backbone = require "flexlab.network.backbone"
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local context = require "flexlab.context"
local model = require "flexlab.network.model"
local notes = require "flexlab.context.notes"
local settings = require "flexlab.settings"
local trial = require "flexlab.trial"

local declared = settings.of "model"

-- Three that features take, attention to their head, the condition beside x_t, the scalar (Re) in every ResBlock.
local paths = { "weak_skips", "strong_skips", "strong_bottleneck", "cross_attention", "concat", "film" }

-- "weak+strong_bottleneck", a list of words, or { weak_skips = true } -> which paths are open.
local function open_paths(conditioning)
  local open = {}
  for _, path in ipairs(paths) do open[path] = false end
  if type(conditioning) == "table" and next(conditioning) == nil then
    error("models.flex: conditioning = {} names no path; 'none' opens none", 4)
  elseif type(conditioning) == "table" and #conditioning == 0 then
    return config.options("models.flex: conditioning", open, conditioning, nil, 4)
  end
  local words = type(conditioning) == "table" and table.concat(conditioning, "+") or conditioning
  for word in tostring(words):gmatch("[^+%s]+") do
    for path, is in pairs(choices.get("conditioning", word).paths) do open[path] = open[path] or is end
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

local official = { x = "x_official", eps = "eps_official" }

-- model's field -> kind of choice, the key that names it, and keys of their own beside <key>_options.
local parts = {
  schedule = { "schedules", "schedule", { "shift", "limit" } },
  parametrisation = { "parametrisations", "predict", {} },
  loss = { "losses", "loss", { "delta" } },
  weighting = { "weightings", "weighting", {} },
  target = { "targets", "target", {} },
}

-- The settings of a choice that stands under `key` of a section: its defaults, <key>_options over them, and the
-- section's own keys for it.
local function settled(cfg, key, choice, level)
  local given = cfg[key .. "_options"] or {}
  local known = settings.options(("%s '%s'"):format(key, choice.name), settings.choice(choice), given, nil,
    (level or 1) + 1)
  for _, part in pairs(parts) do
    for _, name in ipairs(part[2] == key and part[3] or {}) do
      if given[name] == nil and cfg[name] and choice.defaults[name] ~= nil then known[name] = cfg[name] end
    end
  end
  return known
end

-- Says where a key of the section means nothing to the choice that is named: shift, with a schedule that has none.
local function note_unused(cfg, part, choice)
  for _, name in ipairs(context.run() and part[3] or {}) do
    if choice.defaults[name] == nil and cfg[name] ~= declared.defaults[name] then
      notes.add(("%s = %s changes nothing: %s '%s' has no such setting"):format(name, tostring(cfg[name]), part[2],
        choice.name))
    end
  end
end

-- The choices that a configuration names, and their settings: { schedule = choice, .. }, { schedule = .. }.
local function chosen(cfg)
  local found, known = {}, {}
  for field, part in pairs(parts) do
    local kind, key = part[1], part[2]
    local word = cfg[key]
    if key == "predict" and cfg.official then word = official[word] or word end
    local choice = choices.look(kind, word)
    known[field] = settled(cfg, key, choice, 4)
    trial.once(choice, known[field])
    note_unused(cfg, part, choice)
    if choice.check then choice.check(cfg) end
    found[field] = choice
  end
  return found, known
end

-- The configuration of the network itself, as core.flex takes it, from a resolved one.
local function network(cfg, open) return backbone.network(cfg, open or open_paths(cfg.conditioning)) end

-- Settings of an encoder that is part of the core's network, or of none: those that it knows, and that they do nothing.
local function note_encoder_options(cfg, conditioned)
  backbone.encoder_settings(cfg)
  if conditioned or next(cfg.encoder_options) == nil or not context.run() then return end
  notes.add("encoder_options changes nothing: no path of the conditioning takes an encoder's features")
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
  local cfg = settings.options("models.flex", declared, given, nil, 3)
  if cfg.kind ~= "flex" then error(("models.flex: kind = '%s' is another model"):format(cfg.kind), 3) end
  shape(cfg, set)
  if cfg.padding == "data" then
    cfg.padding = set and set.boundary == "periodic" and whole(set) and "circular" or "zeros"
  end
  choices.get("positions", cfg.positions)
  blame.call(backbone.resolve, cfg)
  return cfg
end

local function new(given, set)
  local cfg = resolve(given, set or context.data())
  local open = open_paths(cfg.conditioning)
  local run = context.run()
  local seed = cfg.seed or run and run.seed or 1
  local any = backbone.conditioned(open)
  local described = network(cfg, open)
  local own = any and not described.condition_encoder
  local entries, known = chosen(cfg)
  local net = backbone.build(cfg, described, seed)
  entries.settings, entries.title = known, backbone.of(cfg).title
  entries.config, entries.net, entries.seed, entries.conditioned = cfg, net, seed, any
  entries.concat, entries.fixed_positions = open.concat, choices.get("positions", cfg.positions).fixed ~= nil
  entries.encoder = own and backbone.encoder(cfg, net, seed) or nil
  if not own then note_encoder_options(cfg, any) end
  entries.cross = open.cross_attention and backbone.cross(cfg, net, seed) or nil
  entries.scale = set and set.scale or context.data() and context.data().scale
  return model.new(entries)
end

return { doc = "U-Net of ResBlocks around a transformer, residual diffusion [arXiv 2505.17351]",
  defaults = declared.defaults, new = new, resolve = resolve, network = network,
  chosen = chosen, open_paths = open_paths, paths = paths, settings = settled }
