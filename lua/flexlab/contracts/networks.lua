--[[
networks - the contracts of encoders, conditioning, backbones, positions, models and optimizers (see
trial.lua). Weights are moved away from where they begin, since the last layer of many a block is zero there.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local diffusion = require "flexlab.diffusion"
local contracts_diffusion = require "flexlab.contracts.diffusion"
local nn = require "flexlab.nn"
local Run = require "flexlab.run"
local settings = require "flexlab.settings"
local trial = require "flexlab.trial"

local named = trial.named

local M = {}

local function moved(t, parameters)
  for i, p in ipairs(parameters) do
    if p.trained then
      core.no_grad(function() p.tensor:add_(t:normal(p.tensor.shape, 1000 + i), 0.05) end)
    end
  end
end

-- The parameters of a module: { name=, tensor=, trained= }.
local function parameters_of(t, f, module, what)
  local list = t:call("parameters", function() return module:parameters() end)
  for i, p in ipairs(type(list) == "table" and list or { false }) do
    if type(p) ~= "table" or not core.is_tensor(p.tensor) or type(p.name) ~= "string" then
      t:refuse(f, ("entry %d of the parameters of %s is %s"):format(i, what, named(p or list)),
        "a list of { name=, tensor=, trained= }")
    end
    if p.trained and not p.tensor.requires_grad then     -- the optimiser would take it for frozen
      t:refuse(f, ("the parameter '%s' of %s is trained and not tracked"):format(p.name, what),
        "tensor:track(true), or trained = false,")
    end
  end
  return list
end

local function reached(t, f, list, what)
  for _, p in ipairs(list) do
    if p.trained and not p.tensor.grad then
      t:refuse(f, ("no gradient of %s reaches the parameter '%s'"):format(what, p.name), "one for each that is trained")
    end
  end
end

-- Calls f, which makes a network; counts the parameters of the layers that are made meanwhile.
local function counted(f, ...)
  local made, makers = 0, {}
  for name, make in pairs(core.nn) do
    makers[name] = make
    core.nn[name] = function(...)
      local layer = make(...)
      made = made + #layer:parameters()
      return layer
    end
  end
  local results = table.pack(pcall(f, ...))
  for name, make in pairs(makers) do core.nn[name] = make end
  if not results[1] then error(results[2], 0) end
  return made, table.unpack(results, 2, results.n)
end

-- A layer that is no field of its module is neither initialised nor trained nor saved, without a word.
local function complete(t, f, made, list)
  if made > #list then
    t:refuse(f, ("new() made layers with %d parameters, of which its module has %d"):format(made, #list),
      "every layer as a field of the module (a local one is not trained)")
  end
end

local function method(module, name)
  local ok, f = pcall(function() return module[name] end)
  return ok and type(f) == "function" and f or nil
end

-- The maps of a FLEX of two levels.
local function maps(h, w)
  return { { height = h, width = w, channels = 32 }, { height = h, width = w, channels = 32 },
    { height = h // 2, width = w // 2, channels = 32 }, { height = h // 2, width = w // 2, channels = 64 },
    { height = h // 4, width = w // 4, channels = 64 } }
end

local function scores(features)
  local sum = features.head:square():mean()
  for _, skip in ipairs(features.skips) do sum = sum + skip:square():mean() end
  return sum
end

local function look(t, f, features, cfg)
  local wanted = "a table of features { head = , skips = { ... } }"
  if type(features) ~= "table" then t:refuse(f, ("condition() returned %s"):format(named(features)), wanted) end
  if type(features.skips) ~= "table" or #features.skips ~= #cfg.skips then
    t:refuse(f, ("condition() returned %s"):format(type(features.skips) == "table" and #features.skips .. " skips"
      or "a table whose skips are " .. named(features.skips)),
      ("%d skips, one for each of cfg.skips,"):format(#cfg.skips))
  end
  for i, s in ipairs(cfg.skips) do
    t:tensor(f, ("condition() as skip %d"):format(i), features.skips[i], { 2, s.height, s.width, s.channels })
  end
  t:tensor(f, "condition() as head", features.head, { 2, cfg.head.height, cfg.head.width, cfg.head.channels })
  return features
end

--- A condition encoder: head and skips at their sizes, made of the field, with a gradient for each parameter.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param own table     its settings
---@return nil
function M.encoders(t, choice, own)
  if choice.inside then return t:kept "inside the network" end
  local h, w, c = t:size(32, 32, 1)
  local cfg = { in_channels = c, circular = false, heads = 2, channels = { 32, 64 }, embed_condition = true,
    precision = "f32", skips = maps(h, w) }
  cfg.head = cfg.skips[#cfg.skips]
  for k, v in pairs(own) do cfg[k] = v end
  trial.guarded(cfg)
  local made, module = counted(t.call, t, "new", choice.new, cfg)
  for _, name in ipairs { "condition", "parameters", "init" } do
    if not method(module, name) then
      t:refuse(choice.new, ("new() returned %s without the method '%s'"):format(named(module), name),
        "a module (flexlab.nn.module makes one)")
    end
  end
  t:call("init", function() module:init(1, "condition_encoder.") end)
  local f, list = method(module, "condition"), parameters_of(t, choice.new, module, "the encoder")
  complete(t, choice.new, made, list)
  moved(t, list)
  local re = core.full({ 2, 1 }, 0.1)
  local function features(stream) return t:call("condition", f, module, t:normal({ 2, h, w, c }, stream), re) end
  local first = look(t, f, features(1), cfg)
  local one = scores(first)
  if one:item() == scores(features(2)):item() then
    t:refuse(f, "condition() returned the same features of two different fields", "features of the field")
  end
  one:backward()
  reached(t, f, list, "the features")
  t:kept "condition(): a head and every skip at its size, made of the field, with a gradient for each parameter"
end

--- A conditioning: its paths are known words.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
function M.conditioning(t, choice)
  local flex = choices.registry("models").flex
  local own = choice.paths
  if type(own) ~= "table" then
    t:refuse(nil, ("its paths are %s"):format(named(own)), "a table paths = { ... } of "
      .. table.concat(flex.paths, ", "))
  end
  local open = {}
  for _, path in ipairs(flex.paths) do open[path] = false end
  config.options(("%s: conditioning '%s'"):format(t:place(), choice.name), open, own, nil, -1)
  for path, is in pairs(own) do
    if type(is) ~= "boolean" then t:refuse(nil, ("paths.%s is %s"):format(path, named(is)), "true or false") end
  end
  t:kept "paths: known words, open or not"
end

--- Positions: trained, or a vector for each token and one in front.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@return nil
function M.positions(t, choice)
  local f = choice.fixed
  if not f then return t:kept "trained" end
  t:tensor(f, "fixed(3, 4, 16)", t:call("fixed", f, 3, 4, 16), { 1, 13, 16 })
  t:kept "fixed(): a vector for each token and one in front"
end

-- One step of a model: an answer of the field's shape, a gradient for every parameter of `part`, the model or its net.
local function stepped(t, f, model, shape, part)
  local list = parameters_of(t, f, part, "the network")
  moved(t, parameters_of(t, f, model, "the model"))
  local batch = contracts_diffusion.batch_of(t, shape)
  local loss, made = diffusion.loss_at(model, batch, { 0.3, 0.7 }, t:normal(shape, 9))
  t:tensor(f, "predict() of a network from new()", made.pred, shape)
  loss:backward()
  reached(t, f, list, "the loss")
end

-- The smallest of the sizes that a backbone knows.
local function smallest(t, choice)
  for _, word in ipairs(core.flex_sizes) do
    if t:call("sizes", choice.sizes, word) then return word end
  end
end

--- A backbone: a network with the methods of one that answers in the field's shape, with a gradient for each parameter.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@return nil
function M.backbones(t, choice)
  local h, w, c = t:size(32, 32, 1)
  local size = smallest(t, choice)
  if not size then
    return t:kept("not built: it knows none of the sizes " .. table.concat(core.flex_sizes, ", "))
  end
  local made, model = counted(t.call, t, "new", choices.registry("models").flex.new, { backbone = choice.name,
    size = size, height = h, width = w, in_channels = c, cond_channels = c, dropout = 0.0, seed = 1,
    encoder = choice.encoder or choice.inside and "flex" or "identity" })
  for _, name in ipairs { "encode", "decode", "predict", "skip_shapes", "config", "parameters", "init", "train" } do
    if not method(model.net, name) then
      t:refuse(choice.new, ("new() returned %s without the method '%s'"):format(named(model.net), name),
        "a network (flexlab.network makes one)")
    end
  end
  complete(t, choice.new, made, model:parameters())
  t:call("new", stepped, t, choice.new, model, { 2, h, w, c }, model.net)
  t:kept "new(): a network that answers in the field's shape, with a gradient for each parameter"
end

--- A model: its methods, an answer in the field's shape, a gradient for each parameter.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
function M.models(t, choice)
  local h, w, c = t:size(32, 32, 1)
  local could, model = t:attempt("new", choice.new, { height = h, width = w, in_channels = c, cond_channels = c,
    dropout = 0.0, seed = 1 })
  if not could then return end
  for _, name in ipairs { "condition", "predict", "parameters", "train", "coefficients", "use", "base" } do
    if not method(model, name) then
      t:refuse(choice.new, ("new() returned %s without the method '%s'"):format(named(model), name),
        "a model (flexlab.network.model makes one)")
    end
  end
  if t:attempt("new", stepped, t, choice.new, model, { 2, h, w, c }, model) then
    t:kept "new(): a model that answers in the field's shape, with a gradient for each parameter"
  end
end

-- Two layers and a number that is not trained.
local function pupil(t)
  local module = nn.module { first = nn.linear(3, 4), last = nn.linear(4, 2) }
  module:init(1, "pupil.")
  local fixed = t:normal({ 2 }, 5)
  local model = { net = module, config = {} }
  function model.parameters()
    local list = module:parameters()
    list[#list + 1] = { name = "fixed", tensor = fixed, trained = false }
    return list
  end
  function model.train() end
  function model.use(_, f, ...) return f(...) end
  return model
end

local function loss_of(list)
  local sum
  for _, p in ipairs(list) do
    local part = p.trained and (p.tensor + 0.5):square():sum()
    sum = part and (sum and sum + part or part) or sum
  end
  return sum
end

-- Every trained parameter moves, no other does, no gradient is left for the next step to be added to.
local function steps(t, f, optim, list)
  local before = {}
  for i, p in ipairs(list) do before[i] = p.tensor:detach():clone() end
  for _ = 1, 3 do t:call("step", f, optim, loss_of(list)) end
  for i, p in ipairs(list) do
    local change = (p.tensor:detach() - before[i]):abs():summary()
    local grad = p.trained and p.tensor.grad
    if change.nonfinite > 0 then
      t:refuse(f, ("step() made '%s' not finite"):format(p.name), "a finite number")
    elseif p.trained and change.max == 0 then
      t:refuse(f, ("step() left the parameter '%s' as it was, three times"):format(p.name),
        "a step of every trained one")
    elseif not p.trained and change.max > 0 then
      t:refuse(f, ("step() changed '%s', which is not trained"):format(p.name), "a step of the trained ones alone")
    elseif grad and grad:abs():summary().max > 0 then
      t:refuse(f, ("step() left the gradient of '%s', to which the next is added"):format(p.name), "no gradient")
    end
  end
  t:kept "step(): moves every trained parameter and no other, and clears the gradients"
end

-- What a checkpoint asks of an optimiser, so that a run that was killed goes on as it would have.
local function kept(t, f, optim, watched)
  local asked = false
  for _, entry in ipairs(watched) do asked = asked or entry.optim ~= nil end
  for _, name in ipairs { "state", "updates", "set_updates" } do
    if not method(optim, name) then
      t:refuse(f, ("new() returned an optimiser without the method '%s', so no checkpoint keeps it"):format(name),
        "one of flexlab.optim or the like (or the field stateless = true)")
    end
  end
  if not asked then
    t:refuse(f, "new() did not show its optimiser to the run, so no checkpoint keeps it",
      "flex.run():add_to_checkpoint(model, optimiser) (or the field stateless = true)")
  end
  t:kept "state(), updates(), set_updates(): checkpoints keep it"
end

--- An optimiser: a step lowers a loss, and its state is kept by checkpoints.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param own table     its settings
function M.optimizers(t, choice, own)
  local model, f = pupil(t), choice.new
  local given = config.plain(settings.of("train").defaults)
  for k, v in pairs(own) do given[k] = v end
  given.optimizer, given.lr, given.steps, given.ema = nil, 0.01, 8, 0.5
  trial.guarded(given)
  local optim
  local watched = Run.rehearse(function() optim = t:call("new", f, model, given) end)
  local step = (type(optim) == "table" or type(optim) == "userdata") and method(optim, "step")
  if not step then t:refuse(f, ("new() returned %s"):format(named(optim)), "an optimiser with a method 'step'") end
  steps(t, step, optim, model:parameters())
  local has, ema = pcall(function() return optim.ema end)
  if not has or type(ema) ~= "table" then
    t:refuse(f, "new() returned an optimiser without the field 'ema', which recipes sample",
      "the model or its averages")
  end
  if not choice.stateless then kept(t, f, optim, watched) end
end

return M
