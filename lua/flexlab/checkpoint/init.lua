--[[
checkpoint - last.h5: everything a run needs to go on, and everything needed to sample from the file.

Tensors: model/<name> (weights and buffers), ema/<name>, optim/first/<name>, optim/second/<name>; a
second network of the same run has them below 2/. Layouts are ours: (O,kH,kW,I), names as the authors'.
Texts: kind, version, recipe, seed, config (JSON of the recipe's), model (JSON: what flex.models needs),
network (JSON: the same without words, for readers that know no Lua: csrc/io/checkpoint.h; its `version` says which
fields of csrc/model/flex_fields.def its writer knew: a younger one that is absent has its default), data (JSON: task,
factor, degradation), normalisation (JSON: mean and std by channel), step, phase, updates, first_losses (JSON list:
divergence.lua), log_bytes, locals (what the body's variables hold: locals.lua), evaluations
(evaluation/samples.lua); in one that has been reduced to its averaged weights `kept` (keep.lua).
--]]
local backbone = require "flexlab.network.backbone"
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local copies = require "flexlab.origin.copies"
local core = require "flexlab.core"
local divergence = require "flexlab.divergence"
local literal = require "flexlab.literal"
local locals = require "flexlab.checkpoint.locals"
local positions = require "flexlab.network.positions"
local same_parts = require "flexlab.origin.same_parts"
local texts = require "flexlab.checkpoint.texts"
local weights = require "flexlab.checkpoint.weights"
local witness = require "flexlab.origin.witness"

local M = {}

M.kind = "flexlab checkpoint"

-- Calls f(name in the file, tensor) for everything that is kept of one watched network and its optimiser.
local function each(entry, f)
  for _, p in ipairs(entry.model:parameters()) do f(entry.prefix .. "model/" .. p.name, p.tensor) end
  if not entry.optim then return end
  local state = entry.optim:state()
  local parts = { { "ema/", state.average }, { "optim/first/", state.first },
    { "optim/second/", state.second } }
  for _, part in ipairs(parts) do
    for i, p in ipairs(entry.optim.parameters) do
      if part[2] and part[2][i] then f(entry.prefix .. part[1] .. p.name, part[2][i]) end
    end
  end
end

-- Adds the tensors of one watched network.
local function collect(entry, names, tensors)
  each(entry, function(name, tensor)
    names[#names + 1] = name
    tensors[name] = tensor
  end)
end

-- A network's configuration as a checkpoint says it: every field of core.flex_fields, and the version of this list.
local function whole(network)
  for _, field in ipairs(core.flex_fields) do
    if network[field.name] == nil then network[field.name] = field.default end
  end
  network.version = core.flex_version
  return network
end

--- Adds what a resolved configuration of a model says to the texts of a checkpoint.
---@param text table  of a checkpoint, to which it adds
---@param cfg table   resolved configuration of a model
---@return table  text
function M.describe(text, cfg)
  local kind = choices.get("models", cfg.kind or "flex")
  text.model = core.json.encode(config.plain(cfg))
  if kind.network then text.network = core.json.encode(whole(config.plain(kind.network(cfg)))) end
  return text
end

-- What the file says about a network and its data, apart from tensors.
local function describe(text, model, data)
  text.kind = M.kind
  text.version = tostring(core.info().version)
  if model and model.config then M.describe(text, model.config) end
  if data then
    text.data = core.json.encode(config.plain(data.description))
    text.normalisation = core.json.encode(config.plain(data.scale))
  end
end

--- Writes the state of a run; true or nil, message.
---@param path string              of the file
---@param run table                the current one
---@param evaluations integer|nil  how many it has rows of (evaluation/samples.lua)
---@return boolean|nil
---@return string|nil
function M.save(path, run, evaluations)
  local names, tensors, text = {}, {}, {}
  for _, entry in ipairs(run.watched) do
    collect(entry, names, tensors)
    if entry.optim then
      text[entry.prefix .. "updates"] = tostring(entry.optim:updates())
      text[entry.prefix .. "first_losses"] = divergence.encode(entry.optim.first_losses)
    end
  end
  local first = run.watched[1]
  describe(text, first and first.model, run.data)
  text.recipe, text.seed = run.recipe.name, tostring(run.seed)
  text.config = core.json.encode(config.plain(run.cfg))
  text.step, text.phase = tostring(run.step or 0), tostring(run.phase)
  text.log_bytes, text.locals = tostring(run.log_file.bytes), locals.text(run)
  text.evaluations = tostring(evaluations or 0)
  return core.io.save(path, { names = names, tensors = tensors, text = text })
end

--- How many bytes the tensors of M.save would take.
---@param run table  the current one
---@return integer
function M.bytes(run)
  local sum = 0
  for _, entry in ipairs(run.watched) do
    each(entry, function(_, tensor) sum = sum + tensor:count() * (tensor.dtype == "f64" and 8 or 4) end)
  end
  return sum
end

--- Reads what M.save wrote: { tensors, text, phase, phase_step, log_bytes } or nil, message.
---@param path string  of the file
---@return table|nil
---@return string|nil
function M.load(path)
  local file, message = core.io.load(path)
  if not file then return nil, message end
  if file.text.kind ~= M.kind then return nil, path .. " is not a FlexLab checkpoint" end
  if file.text.kept then
    return nil, path .. " holds the averaged weights alone (train.keep, flexlab prune): training cannot go on from it"
  end
  return { path = path, tensors = file.tensors, text = file.text,
    phase = texts.number(path, file.text, "phase", 0), phase_step = texts.number(path, file.text, "step", 0),
    log_bytes = texts.number(path, file.text, "log_bytes", 0),
    evaluations = texts.number(path, file.text, "evaluations", 0), loops = locals.parse(path, file.text.locals) }
end

local function same_shape(a, b)
  local x, y = a.shape, b.shape
  if #x ~= #y then return false end
  for i = 1, #x do
    if x[i] ~= y[i] then return false end
  end
  return true
end

-- Copies a tensor of the file into one of ours.
local function fill(target, source, path, name)
  if not source then error(("%s has no tensor '%s'"):format(path, name), 0) end
  if not same_shape(target, source) then
    error(("%s: '%s' is (%s), this network wants (%s)"):format(path, name,
      table.concat(source.shape, ","), table.concat(target.shape, ",")), 0)
  end
  core.no_grad(function() target:copy_(source) end)
end

--- Copies the saved state into a watched network and its optimiser.
---@param saved table  of M.load
---@param entry table  of run.watched
function M.restore(saved, entry)
  each(entry, function(name, tensor) fill(tensor, saved.tensors[name], saved.path, name) end)
  if not entry.optim then return end
  entry.optim:set_updates(texts.number(saved.path, saved.text, entry.prefix .. "updates", 0))
  entry.optim.first_losses = divergence.decode(saved.text[entry.prefix .. "first_losses"])
end

--- Copies weights named model/<name> (or their averages) of a file into a network. `size` = { height,
--- width } of the network that was saved, if that differs: learned positions are then interpolated. Weights that are
--- not finite are refused, unless `broken` says that they are to be looked at.
---@param file table          of core.io.load
---@param path string         of the file, for messages
---@param model table         into which they are copied
---@param averaged boolean    the averages, where there are any
---@param size integer[]|nil  { height, width } of the network that was saved, if that differs
---@param broken boolean|nil  weights that are not finite are copied, too
function M.weights(file, path, model, averaged, size, broken)
  weights.demand(file, path, averaged)
  local averages = averaged and weights.has_averages(file)
  for _, p in ipairs(model:parameters()) do
    local source, name = weights.find(file, p.name, averaged)
    if averages and p.trained and name:find "^model/" then   -- a mixture of both would be neither network
      error(("%s: 'ema/%s' is missing, though others of its weights are averaged; use the last ones of all (--raw)")
        :format(path, p.name), 0)
    end
    local nonfinite = source and not broken and source:summary().nonfinite or 0
    if nonfinite > 0 then
      error(("%s: '%s' holds NaN or infinite values (%d of %d)"):format(path, name, nonfinite, source:count()), 0)
    end
    if source and size and p.name:match "pos_embed$" and not same_shape(p.tensor, source) then
      local c = model.config
      source = p.trained and positions.interpolate(source, backbone.tokens(c, size[1], size[2]),
        backbone.tokens(c, c.height, c.width)) or p.tensor:detach():clone()   -- fixed ones fit any size
    end
    fill(p.tensor, source, path, name)
  end
end

--- Weights of another network where names and shapes agree, the averaged ones if there are any; what has
--- no counterpart (a first convolution for other channels) stays as it was initialised. For fine-tuning
--- (train.from). Returns the number of tensors copied and the list of names of those that were not.
---@param path string  a checkpoint, or the folder of a run
---@param model table  into which they are copied
---@return integer  tensors copied
---@return string[]  names of the others
function M.transfer(path, model)
  path = weights.path(path)
  local file, message = core.io.load(path)
  if not file then error(("train.from: %s"):format(message), 0) end
  if file.text.kind ~= M.kind then
    error(("train.from: %s is not a FlexLab checkpoint; `flexlab convert` makes one from the authors' .pt")
      :format(path), 0)
  end
  local copied, left = 0, {}
  for _, p in ipairs(model:parameters()) do
    local source = weights.find(file, p.name, true)
    if source and same_shape(source, p.tensor) then
      core.no_grad(function() p.tensor:copy_(source) end)
      copied = copied + 1
    else
      left[#left + 1] = p.name
    end
  end
  if copied == 0 then
    error(("train.from: %s has no tensor that fits this network; is it of the same size?"):format(path), 0)
  end
  return copied, left
end

-- The checkpoints whose networks are being made, outermost first: one may need another (target "regression"), and
-- a file that needs itself, by whatever names, would go on for ever.
local making, MOST_MAKING = {}, 4

local function enter(path)
  for _, other in ipairs(making) do
    if other == path then error(("%s: its network needs the network of this same file"):format(path), 0) end
  end
  if #making == MOST_MAKING then
    error(("%s: a chain of more than %d networks, each of which needs the next"):format(making[1], MOST_MAKING), 0)
  end
  making[#making + 1] = path
end

-- Raises where the network that the texts describe has other positions than the file's tensors: sides that nothing in
-- the file bears out would decide how much memory is taken.
local function demand_sides(path, file, description)
  local ok, grid = pcall(backbone.tokens, description, description.height, description.width)
  if not ok or not grid then return end
  for _, name in ipairs(file.names) do
    local shape = name:match "^%l+/encoder%.pos_embed$" and file.tensors[name].shape
    if shape and shape[2] < grid[1] * grid[2] then   -- beside them there may be others: of the time
      error(("%s: its text 'model' says fields of %dx%d, %d tokens, but '%s' has %d"):format(
        path, description.height, description.width, grid[1] * grid[2], name, shape[2]), 0)
    end
  end
end

local SPARE = 256 << 20

-- f(), in which a network may take some times the memory of the file's tensors and 256 MiB: the sizes in its text are a
-- stranger's until the tensors have been compared with them. `area`: pixels of a field of another size that was asked
-- for.
local function bounded(path, file, area, f)
  local numbers = 0
  for _, t in pairs(file.tensors) do numbers = numbers + t:count() end
  local before = core.limit_memory(core.memory().live + 32 * numbers + 256 * area + SPARE)
  local _ <close> = setmetatable({}, { __close = function() core.limit_memory(before) end })
  local ok, made = pcall(f)
  if ok then return made end
  if tostring(made):find("which is limited here", 1, true) then
    error(("%s: the network of its text 'model' is larger than its tensors, which hold %d numbers"):format(path,
      numbers), 0)
  end
  error(made, 0)
end

-- Whether a field of a network's configuration is the same in two places: a list of levels, or one value.
local function same_field(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- Raises where the texts `model` and `network` tell of two networks: Lua makes the one, C the other, and a value that
-- no shape of a tensor bears out (heads, dropout) would make it another without a word. `cfg` is resolved from `model`,
-- with the sides and borders of the file.
local function demand_agreement(path, text, cfg)
  local kind, said = choices.get("models", cfg.kind or "flex"), texts.network(path, text)
  if not said or not kind.network then return end
  local meant = whole(kind.network(cfg))
  for _, field in ipairs(core.flex_fields) do
    local value, name = said[field.name], field.name
    if value == nil then value = field.default end
    if not same_field(value, meant[name]) then
      error(("%s: its texts contradict each other: '%s' of 'network' is %s, and 'model' means %s"):format(path, name,
        literal.line(value), literal.line(meant[name])), 0)
    end
  end
end

--- A network from a checkpoint alone: model, configuration of its recipe, normalisation.
---@param path string        a checkpoint, or the folder of a run: its last.h5
---@param options table|nil  { ema = true: the averaged weights, where there are any; height, width: of fields of
---  another size than those it was trained on; padding: "circular" for whole periodic ones; trust: the folder of a run
---  whose copies of its own parts may be run (SECURITY.md); broken = true: weights that are NaN or infinite are loaded
---  all the same, to be looked at }
---@return table  model
---@return table  configuration of its recipe
---@return table  { mean =, std = } by channel
function M.load_model(path, options)
  local o = config.options("load_model", { ema = true, height = false, width = false, padding = false,
    trust = false, broken = false }, options, nil, 2)
  witness.saw { path }
  path = weights.path(path)
  local file, message = core.io.load(path)
  if not file then error(message, 2) end
  if file.text.kind ~= M.kind or not file.text.model then
    error(("%s is not a FlexLab checkpoint; `flexlab convert` makes one from the authors' .pt")
      :format(path), 2)
  end
  local said = texts.of(path, file.text)
  local description = said.model
  local size, padding = { description.height, description.width }, description.padding
  demand_sides(path, file, description)
  description.height, description.width = o.height or size[1], o.width or size[2]
  description.padding = o.padding or description.padding
  local models = choices.registry "models"
  local function make()
    same_parts.demand(path, { description, said.data })
    return bounded(path, file, (o.height or 0) * (o.width or 0), function()
      local made = models[description.kind or "flex"].new(description)
      local cfg = config.merge(made.config, nil)
      cfg.height, cfg.width, cfg.padding = size[1], size[2], padding or cfg.padding
      demand_agreement(path, file.text, cfg)
      return made
    end)
  end
  local depth = #making
  local ok, model = pcall(function()
    enter(path)
    if o.trust then return copies.within(o.trust, make) end
    return make()
  end)
  for i = #making, depth + 1, -1 do making[i] = nil end
  if not ok then
    local recipe, bare = tostring(file.text.recipe), blame.bare(model)
    error(("%s%s%s"):format(bare:sub(1, #path + 2) == path .. ": " and "" or path .. ": ", bare,
      tostring(model):find "%a+s: no '" and (" - the recipe '%s' has it: require that first, or trust "
        .. "the copy of its run (trust = RUN)")
        :format(recipe) or ""), 2)
  end
  M.weights(file, path, model, o.ema, size, o.broken)
  model.averaged = o.ema and weights.has_averages(file)
  model.data, model.scale, model.seed = said.data, said.normalisation, said.seed
  return model, said.config, model.scale
end

return M
