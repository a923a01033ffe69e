-- What tests/new_field.lua looks for, in a tree whose FLEX has the field `upside_down` of version 99: it is known
-- wherever a field is, though two files alone were changed.
local core = require "flexlab.core"
local flex = require "flexlab"
local settings = require "flexlab.settings"

local reader = arg[1]

local function same(what, is, wanted)
  if is ~= wanted then error(("%s: %s, %s was expected"):format(what, tostring(is), tostring(wanted)), 2) end
end

local function holds(what, text, part)
  if not tostring(text):find(part, 1, true) then
    error(("%s does not say '%s' but: %s"):format(what, part, tostring(text):sub(1, 300)), 2)
  end
end

-- core.flex_fields, and the option of core.flex with its messages.
local row = core.flex_fields[#core.flex_fields]
same("the last field", row.name, "upside_down")
same("its kind", row.kind, "flag")
same("its default", row.default, false)
same("the version", core.flex_version, 99)
same("the option", core.flex({ size = "nano", upside_down = true }):config().upside_down, true)
same("the default", core.flex({ size = "nano" }):config().upside_down, false)
local _, wrong = pcall(core.flex, { size = "nano", upside_down = 1 })
holds("core.flex", wrong, "flex: 'upside_down' must be true or false, got 1")
_, wrong = pcall(core.flex, { size = "nano", upside_dwon = true })
holds("core.flex", wrong, "the nearest is 'upside_down'")

-- Recipes' settings: the default, the kind, `flexlab show`; a network that knows nothing of it refuses it.
local entry = assert(settings.of("model").entry.upside_down, "no setting model.upside_down")
same("the setting's default", entry.default, false)
same("the setting's meaning", entry.doc, row.doc)
holds("the setting", settings.sentence("upside_down", entry, 5), "upside_down must be true or false, got 5")
local shape = { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1, dropout = 0.0, seed = 1 }
local function model(changes)
  local cfg = {}
  for _, t in ipairs { shape, changes } do
    for k, v in pairs(t) do cfg[k] = v end
  end
  local made = flex.models.flex(cfg)
  for i, p in ipairs(made:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 9, sample = i }), 0.05) end)
  end
  return made
end
_, wrong = pcall(model, { backbone = "unet", upside_down = true })
holds("a U-Net", wrong, "upside_down is of FLEX's own network; to backbone 'unet' it means nothing")

-- It does what it says.
local field = core.normal({ 1, 16, 16, 1 }, { seed = 5 })
local function answer(m)
  local batch = { n = 1, target = field, lowres = field, re = core.full({ 1, 1 }, 0.3) }
  return core.no_grad(function() return m:predict(field, core.full({ 1 }, 0.4), batch, m:condition(batch)) end)
end
local turned, plain = model { upside_down = true }, model {}
local size = answer(plain):abs():summary().max
same("the sum of a prediction and its opposite", (answer(turned) + answer(plain)):abs():summary().max, 0)
assert(size > 0, "the prediction is 0")

-- Checkpoints: written, read by Lua and by C; one of before has the default, one that lacks it is refused.
local function checkpoint(name, change)
  local text = flex.checkpoint.describe({ kind = "flexlab checkpoint", seed = "1", recipe = "new_field",
    data = core.json.encode { task = "superres", factor = 2, degradation = "bicubic" }, config = "{}",
    normalisation = core.json.encode { mean = { 0 }, std = { 1 } } }, turned.config)
  for _, key in ipairs { "network", "model" } do
    local t = core.json.decode(text[key])
    if change then change(t) end
    text[key] = core.json.encode(t)
  end
  local names, tensors = {}, {}
  for i, p in ipairs(turned:parameters()) do
    names[i] = "model/" .. p.name
    tensors[names[i]] = p.tensor
  end
  assert(core.io.save(name, { names = names, tensors = tensors, text = text }))
  return name, text
end
local function in_c(path)
  local pipe = assert(io.popen(("'%s' %s"):format(reader, path)))
  local said = pipe:read "a"
  pipe:close()
  return said
end
local whole, text = checkpoint "whole.h5"
holds("the text 'network'", text.network, '"upside_down":true')
holds("the text 'network'", text.network, '"version":99')
same("a checkpoint's answer", (answer(flex.load_model(whole)) - answer(turned)):abs():summary().max, 0)
holds("C", in_c(whole), "upside_down 1")
local older = checkpoint("older.h5", function(t) t.upside_down, t.version = nil, t.version and 98 end)
same("an older file's", flex.load_model(older).config.upside_down, false)
holds("C", in_c(older), "upside_down 0")
local damaged = checkpoint("damaged.h5", function(t) t.upside_down = nil end)
_, wrong = pcall(flex.load_model, damaged)
holds("Lua", wrong, "its text 'network' does not fit: upside_down is missing")
holds("C", in_c(damaged), "'upside_down' of the text 'network' is missing")

-- The reference and the stubs for editors.
local pages = require "tools.reference"
holds("the reference", pages["docs/reference.md"](),
  "| `upside_down` | true, false | `false` | turns the sign of the prediction |")
holds("the stubs", pages["lua/flexlab.d.lua"](), "---@field upside_down? boolean turns the sign of the prediction")
print "a field is found in core.flex_fields, settings, checkpoints (Lua and C), the reference and the stubs"
