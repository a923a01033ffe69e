--[[
convert - checkpoints between the authors' .pt, safetensors and our .h5.

  flex.convert.file("official.pt", "x.h5")                 the authors' -> ours
  flex.convert.file("runs/sr/../last.h5", "x.safetensors") ours -> the authors' names and layout
  flex.convert.file("x.safetensors", "y.h5")               and back
The averaged weights are taken where a file has any; `raw = true` takes the final ones. `ema = true`, the former word,
insists on averages: a file without any is refused. The authors' file does not say how many heads there are (known
for their sizes, else heads), what it predicts (predict), what it was normalised by (mean, std) and how
the low field was made (factor, degradation): options say, with the authors' values as defaults.
--]]
local checkpoint = require "flexlab.checkpoint"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local official = require "flexlab.official"
local temporary = require "flexlab.store.temporary"
local weights = require "flexlab.checkpoint.weights"

local M = {}

M.defaults = { raw = false, ema = false, heads = false, height = false, width = false, predict = "v", factor = 8,
  degradation = "bicubic", mean = 0.0, std = 1.0 }

local function repeated(v, n)
  local list = {}
  for i = 1, n do list[i] = v end
  return list
end

-- Texts of a checkpoint of ours for a network that came without them.
local function texts(description, o)
  local forecast = description.cond_channels ~= description.in_channels
  local data = forecast
    and { task = "forecast", past = description.cond_channels // description.in_channels, lead = 1 }
    or { task = "superres", factor = o.factor, degradation = o.degradation }
  local text = { kind = checkpoint.kind, version = tostring(core.info().version),
    data = core.json.encode(data),
    config = core.json.encode { data = data, model = description }, recipe = "convert", seed = "1",
    step = "0", phase = "0", log_bytes = "0",
    normalisation = core.json.encode { mean = repeated(o.mean, description.in_channels),
      std = repeated(o.std, description.in_channels) } }
  return checkpoint.describe(text, choices.get("models", "flex").resolve(description))
end

-- The authors' archive -> { names, tensors, text } of ours.
local function import(file, o)
  local names, tensors = official.weights(file)
  if not o.raw and (o.ema or official.has_averages(file)) then official.averaged(file, names, tensors) end
  local description
  local known = file.text.model and core.json.decode(file.text.model)
  description = known or official.config(tensors, o)
  if not known then official.check(description, names, tensors) end
  local out = { names = {}, tensors = {}, text = known and file.text or texts(description, o) }
  for i, name in ipairs(names) do
    out.names[i] = "model/" .. name
    out.tensors["model/" .. name] = official.ours(tensors[name])
  end
  out.text.kind = checkpoint.kind
  return out
end

-- Our checkpoint with only its weights (averaged, or with `raw` the final ones), under names after `prefix`.
local function only_weights(file, path, o, prefix, layout)
  if o.ema and not weights.has_averages(file) then error("the file has no averaged weights (ema/)", 0) end
  weights.demand(file, path, not o.raw, "leave raw (--raw) out")
  local out = { names = {}, tensors = {}, text = file.text }
  for _, name in ipairs(weights.names(file)) do
    out.names[#out.names + 1] = prefix .. name
    out.tensors[prefix .. name] = layout((weights.find(file, name, not o.raw)))
  end
  out.text.kept = nil      -- nothing is missing among weights that are the only ones
  return out
end

local function ending(path)
  return path:match("%.(%w+)$") or ""
end

--- Converts; returns { from, to, tensors, numbers, config, averaged, others } of what was done: whether averaged
--- weights were taken, and how many further networks of the file were not (a run may train several).
---@param input string       .pt, .safetensors or .h5, or a run's folder
---@param output string      .h5 or .safetensors
---@param options table|nil  M.defaults: raw, ema, heads, height, width, predict, factor, degradation, mean, std
---@return table
function M.file(input, output, options)
  local o = config.options("convert", M.defaults, options, nil, 2)
  if o.raw and o.ema then error("convert: raw takes the final weights, ema the averaged ones: give one of them", 2) end
  local target = ending(output)
  if target ~= "h5" and target ~= "hdf5" and target ~= "safetensors" then
    error(("convert: '%s' must end in .h5 or .safetensors"):format(output), 0)
  end
  input = weights.path(input)
  local run = context.run()
  local to = destination.of("convert", output, { inputs = { input }, home = run and run.dir })
  local file, message = core.io.load(input)
  if not file then error(message, 0) end
  local out
  local own = file.text.kind == checkpoint.kind and #weights.names(file) > 0
  local averaged = not o.raw and (own and weights or official).has_averages(file)
  local ok, wrong = pcall(function()
    out = own and file or import(file, o)
    if target == "safetensors" then
      out = only_weights(out, input, own and o or {}, "", official.theirs)
      out.text.format = "pt"
    elseif own then
      out = only_weights(out, input, o, "model/", function(t) return t end)
    end
  end)
  if not ok then
    wrong = tostring(wrong)
    error(wrong:find(input, 1, true) == 1 and wrong or ("%s: %s"):format(input, wrong), 0)
  end
  temporary.clear(to)
  local saved, why = core.io.save(to, out)
  if not saved then error(why, 0) end
  local numbers = 0
  for _, t in pairs(out.tensors) do numbers = numbers + t:count() end
  return { from = input, to = output, tensors = #out.names, numbers = numbers, averaged = averaged,
    others = own and weights.others(file) or 0,
    config = out.text.model and core.json.decode(out.text.model) }
end

return M
