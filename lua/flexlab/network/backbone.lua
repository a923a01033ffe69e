--[[
backbone - from a model's configuration to its network and condition encoder, whatever backbone it names
(lua/flexlab/backbones; docs/extending.md has what such a file returns).

models.flex and models.multitask resolve words (models/flex.lua); this builds.
--]]
local attention = require "flexlab.network.attention"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local nn = require "flexlab.nn"
local patches = require "flexlab.network.patches"
local positions = require "flexlab.network.positions"
local settings = require "flexlab.settings"
local trial = require "flexlab.trial"
local words = require "flexlab.words"

local M = {}

--- The choice that a configuration names; FLEX where files of before there were others name none.
---@param cfg table  resolved configuration of a model
---@return table
function M.of(cfg) return choices.get("backbones", cfg.backbone or "flex") end

-- What the size says, where the configuration does not.
local function sizes(cfg, backbone)
  local preset = {}
  if not cfg.channels then
    preset = backbone.sizes(cfg.size)
    if not preset then
      error(("backbone '%s' has no size '%s'; give %s"):format(backbone.name, tostring(cfg.size),
        table.concat(backbone.needs, ", ")), 0)
    end
  end
  for _, key in ipairs(backbone.needs) do
    cfg[key] = cfg[key] or preset[key]
    if not cfg[key] then
      error(("models.flex: channels are given, so '%s' must be given too"):format(key), 0)
    end
  end
  local options = config.plain(preset.options or {})
  for k, v in pairs(config.plain(cfg.backbone_options)) do options[k] = v end
  cfg.backbone_options = settings.options(("backbone '%s'"):format(backbone.name), settings.choice(backbone), options)
end

-- Settings that every backbone in Lua knows, or that are judged one by one below.
local common = { "channels", "res_blocks", "depth", "heads", "height", "width", "in_channels", "cond_channels",
  "embed_condition", "skip", "dropout", "recompute", "precision", "use_transf" }

-- Words that mean nothing to this backbone are not passed over in silence.
local function refuse(cfg, backbone)
  if backbone.inside then return end
  for _, field in ipairs(core.flex_fields) do
    local known = not field.own or words.has(common, field.name) or words.has(backbone.fields or {}, field.name)
    if not known and cfg[field.name] ~= field.default then
      error(("%s is of FLEX's own network; to backbone '%s' it means nothing"):format(field.name, backbone.name), 0)
    end
  end
  if cfg.precision ~= "f32" and not backbone.resblocks then
    error(("backbone '%s' has no ResBlocks, so precision = '%s' would change nothing"):format(backbone.name,
      tostring(cfg.precision)), 0)
  end
  if cfg.use_transf then
    error(("use_transf is of FLEX's own condition encoder; backbone '%s' takes encoder = \"transformer\"")
      :format(backbone.name), 0)
  elseif not backbone.tokens and cfg.positions ~= "learned" then
    error(("backbone '%s' has no tokens, so positions = '%s' would change nothing"):format(backbone.name,
      tostring(cfg.positions)), 0)
  end
end

--- Fills in what the backbone decides: sizes, its options, its own condition encoder for the word `flex`.
---@param cfg table  configuration of a model, which it changes
---@return table  cfg
function M.resolve(cfg)
  local backbone = M.of(cfg)
  sizes(cfg, backbone)
  if backbone.check then backbone.check(cfg) end
  local divisor, name = backbone.divisor(cfg)
  if cfg.height % divisor ~= 0 or cfg.width % divisor ~= 0 then
    error(("models.flex: a field of %dx%d is not divisible by %s = %d; choose another crop")
      :format(cfg.height, cfg.width, name, divisor), 0)
  end
  if cfg.encoder == "flex" and backbone.encoder then cfg.encoder = backbone.encoder end
  refuse(cfg, backbone)
  return cfg
end

--- Whether a conditioning path is open that takes a condition encoder's features.
---@param open table  conditioning paths by name
---@return boolean|nil
function M.conditioned(open)
  return open.weak_skips or open.strong_skips or open.strong_bottleneck or open.cross_attention
end

-- What of the fields of FLEX the words of a configuration decide, not a setting of the same name.
local function said_by_words(cfg, open)
  local conditioned = M.conditioned(open)
  return { in_channels = cfg.in_channels + (open.concat and cfg.cond_channels or 0),
    circular = cfg.padding == "circular", rotary = choices.get("positions", cfg.positions).rotary or false,
    weak_skips = open.weak_skips, strong_skips = open.strong_skips, strong_bottleneck = open.strong_bottleneck,
    embed_condition = cfg.embed_condition or open.film,
    condition_encoder = conditioned and choices.look("encoders", cfg.encoder).inside or false }
end

-- What of a network C does not know.
local function only_lua(cfg, open, inside)
  local backbone = M.of(cfg)
  return not backbone.inside and ("backbone '%s'"):format(backbone.name)
    or M.conditioned(open) and not inside and ("condition encoder '%s'"):format(cfg.encoder)
    or open.cross_attention and "conditioning 'cross_attention'" or nil
end

--- The configuration of the network itself, every field of core.flex_fields, from a resolved one and its open
--- conditioning paths. `lua` names what of it C does not know (csrc/io/checkpoint.c says it).
---@param cfg table   resolved
---@param open table  conditioning paths by name
---@return table
function M.network(cfg, open)
  local said = said_by_words(cfg, open)
  local network = { lua = only_lua(cfg, open, said.condition_encoder) }
  for _, field in ipairs(core.flex_fields) do
    local value = said[field.name]
    if value == nil then value = cfg[field.name] end
    if value == nil then error(("models.flex: nothing says '%s' of the network"):format(field.name), 0) end
    network[field.name] = value
  end
  return network
end

-- Fixed positions in place of learned ones, where the configuration wants them.
local function fix_positions(cfg, net)
  local choice = choices.get("positions", cfg.positions)
  local grid = M.tokens(cfg, cfg.height, cfg.width)
  if not (choice.fixed and grid) then return end
  for _, p in ipairs(net:parameters()) do
    if p.name:match "pos_embed$" then
      p.tensor:track(false)
      p.tensor:copy_(choice.fixed(grid[1], grid[2], p.tensor.shape[3]))
    end
  end
end

--- The network that M.network described, weights from the seed, positions as the configuration has them.
---@param cfg table        resolved
---@param described table  of M.network
---@param seed integer     of the weights
---@return table
function M.build(cfg, described, seed)
  local backbone = M.of(cfg)
  local net = backbone.new(described, cfg.backbone_options, seed)
  fix_positions(cfg, net)
  return net
end

--- The settings of the encoder that a word names: its defaults, encoder_options over them; raises for one it has not.
---@param cfg table  resolved
---@return table
function M.encoder_settings(cfg)
  local choice = choices.look("encoders", cfg.encoder)
  return settings.options("encoder " .. cfg.encoder, settings.choice(choice), cfg.encoder_options)
end

--- Builds the condition encoder that a word names, for the skips that this network has. Where they are
--- patches of the field, the encoder is given patches as pixels.
---@param cfg table          resolved
---@param net table          of M.build
---@param seed integer       of the weights
---@param prefix string|nil  in front of the names of its weights; "condition_encoder."
---@return table
function M.encoder(cfg, net, seed, prefix)
  local choice, backbone = choices.look("encoders", cfg.encoder), M.of(cfg)
  local patch = backbone.patch and backbone.patch(cfg) or 1
  local given = { in_channels = cfg.cond_channels * patch * patch, circular = cfg.padding == "circular",
    heads = cfg.heads, channels = cfg.channels, embed_condition = cfg.embed_condition,
    precision = cfg.precision, skips = {} }
  for _, s in ipairs(net:skip_shapes(1)) do
    if #s == 4 then
      given.skips[#given.skips + 1] = { height = s[2], width = s[3], channels = s[4] }
    end
  end
  given.head = given.skips[#given.skips]
  local own = M.encoder_settings(cfg)
  trial.once(choice, own)
  for k, v in pairs(own) do given[k] = v end
  local encoder = choice.new(given)
  if patch > 1 then
    local condition = encoder.condition
    encoder.condition = function(self, lowres, re) return condition(self, patches.fold(lowres, patch), re) end
  end
  encoder:init(seed, prefix or "condition_encoder.")
  return encoder
end

--- Rows and columns of the tokens for a field of this size; nil without tokens.
---@param cfg table       resolved
---@param height integer  pixels
---@param width integer   pixels
---@return integer[]|nil  { rows, columns }
function M.tokens(cfg, height, width)
  local backbone = M.of(cfg)
  return backbone.tokens and backbone.tokens(cfg, height, width)
end

--- The conditioning path `cross_attention`: a module called (encoder's head, condition's head or nil) -> head. An
--- unknown condition is zeros, as it is for the other paths.
---@param cfg table     resolved
---@param net table     of M.build
---@param seed integer  of the weights
---@return flexlab.Module
function M.cross(cfg, net, seed)
  local shapes = net:skip_shapes(1)
  local last = shapes[#shapes]
  for _, s in ipairs(shapes) do last = #s == 4 and s or last end
  local d = last[4]
  local where = cfg.positions ~= "none" and positions.fixed(last[2], last[3], d) or nil
  local module = nn.module { attention = attention.cross(d, cfg.heads, where) }
  function module:forward(head, context)
    return self.attention(head, context or core.zeros { head.shape[1], last[2], last[3], d })
  end
  return module:init(seed, "cross_attention.")
end

return M
