--[[
model - what every network of this laboratory can do: condition, predict, hand out its parameters.

  features = model:condition(batch)              once per sample, does not depend on t
  p = model:predict(x_t, t, batch, features)     x_t (N,H,W,C), t (N) -> (N,H,W,C)
  model:parameters()                             list of { name=, tensor=, trained= }
A model with averaged weights (optim.ema) is the same object with `use` exchanging the weights.
Features are a table that the network made and takes back: { head=, skips={} } (N,H,W,C), and `concat`, the
condition itself, where it is put beside x_t.
Both calls take a last argument, seen(where, tensor), which is then called with the output of every block on the way,
whichever conditioning paths are open ("block 2 of the base encoder"; doctor/run.lua).
--]]
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local context = require "flexlab.context"
local core = require "flexlab.core"
local nn = require "flexlab.nn"
local noising = require "flexlab.diffusion.noising"

local M = {}

local Model = { __name = "flexlab.Model" }
Model.__index = Model

-- field of a model -> the kind of choice it is.
local parts = { schedule = "schedules", parametrisation = "parametrisations", loss = "losses",
  weighting = "weightings", target = "targets" }

--- A model from { net, config, parametrisation, schedule, loss, target|nil, weighting|nil, encoder|nil,
--- conditioned, concat|nil, cross|nil, title|nil, settings|nil }. settings[part] are a choice's; its defaults without.
---@param entries table  its parts
---@return table
function M.new(entries)
  local model = setmetatable(entries, Model)
  model.target = model.target or choices.registry("targets").residual
  model.settings = model.settings or {}
  for part in pairs(parts) do
    model.settings[part] = model.settings[part] or model[part] and model[part].defaults or {}
  end
  model.noising = noising.new(model.schedule, model.settings.schedule)
  local run = context.run()
  if run then run:add_to_checkpoint(model) end
  return model
end

-- Shows the skips and the head that an encoder made.
local function show(seen, features, encoder)
  for i, skip in ipairs(seen and features.skips or {}) do seen(("block %d of the %s"):format(i, encoder), skip) end
  if seen and features.head then seen("the end of the " .. encoder, features.head) end
end

--- What the condition encoder makes of a batch; nil when no conditioning path is open.
---@param batch table        with lowres (N,H,W,C), re (N,1)
---@param seen function|nil  (where, tensor), called with each output
---@return table|nil  features
function Model:condition(batch, seen)
  local features
  if self.conditioned then
    local encoder = self.encoder or self.net
    features = encoder:condition(batch.lowres, batch.re)
    if not features then      -- what a contract on tiny fields could not see
      error(("the condition encoder '%s' returned nothing"):format(tostring(self.config.encoder)), 0)
    end
    show(seen, features, "condition encoder")
  end
  if not self.concat then return features end
  features = features or {}
  features.concat = batch.lowres
  return features
end

-- What the network itself takes of features.
local function for_network(features)
  if not features or not features.concat then return features end
  return features.head and { head = features.head, skips = features.skips, tokens = features.tokens } or nil
end

--- The network, with attention to the condition's head between its encoder and its decoder where that path is open.
---@param x flexlab.Tensor       what the network reads (N,H,W,C)
---@param t flexlab.Tensor       times (N)
---@param re flexlab.Tensor|nil  (N,1), Re / 40000
---@param features table|nil     of condition
---@param seen function|nil      (where, tensor), called with each output
---@return flexlab.Tensor  (N,H,W,C)
function Model:pass(x, t, re, features, seen)
  if not (self.cross or seen) then return self.net:predict(x, t, re, features) end
  local encoded = self.net:encode(x, t, re, features)
  show(seen, encoded, "base encoder")
  if self.cross then
    encoded.head = self.cross(encoded.head, features and features.head)
    if seen then seen("the attention to the condition", encoded.head) end
  end
  local p = self.net:decode(encoded, t, re, features)
  if seen then seen("the decoder", p) end
  return p
end

--- The network's output at times t; without features the condition is unknown (zeros).
---@param x flexlab.Tensor    x_t (N,H,W,C)
---@param t flexlab.Tensor    times (N)
---@param batch table         with re, and lowres where the condition is put beside x_t
---@param features table|nil  of condition
---@param seen function|nil   (where, tensor), called with each output
---@return flexlab.Tensor  (N,H,W,C)
function Model:predict(x, t, batch, features, seen)
  if self.concat then
    local shape = batch.lowres.shape
    x = core.concat(x, features and features.concat or core.zeros(shape), { axis = -1 })
  end
  local p = self:pass(x, t, batch.re, for_network(features), seen)
  -- the network answers with as many channels as it reads; those beside x_t's mean nothing
  return self.concat and p:narrow { axis = 4, start = 1, length = self.config.in_channels } or p
end

--- Features times `kept` (N): 0 where a sample's condition is dropped, as if there were none.
---@param features table       of condition
---@param kept flexlab.Tensor  (N), 0 or 1
---@return table  features
function Model.mask(features, kept)
  local n, masked = kept.shape[1], { skips = {}, tokens = features.tokens }
  local function with(t)
    return t and t * kept:reshape(t.ndim == 4 and { n, 1, 1, 1 } or { n, 1, 1 })
  end
  masked.head, masked.concat = with(features.head), with(features.concat)
  for i, skip in ipairs(features.skips or {}) do masked.skips[i] = with(skip) end
  return masked
end

--- What the sampled x0 is added to (N,H,W,C), normalised; nil for nothing.
---@param batch table  of data
---@return flexlab.Tensor|nil
function Model:base(batch)
  return self.target.base(batch, self.settings.target)
end

--- Every parameter: list of { name=, tensor=, trained= }. One that is not tracked (p.trained = false, or
--- p.tensor:track(false)) when the optimiser is made stays as it is.
---@return table[]
function Model:parameters()
  local list = {}
  local function add(prefix, parameters)
    for _, p in ipairs(parameters) do
      local fixed = prefix == "" and self.fixed_positions and p.name:match "pos_embed$"
      list[#list + 1] = nn.parameter(prefix .. p.name, p.tensor, p.trained and not fixed)
    end
  end
  add("", self.net:parameters())
  if self.encoder then add("condition_encoder.", self.encoder:parameters()) end
  if self.cross then add("cross_attention.", self.cross:parameters()) end
  return list
end

-- Where the masks of a condition encoder in Lua begin, away from those of the network.
local ENCODER_MASKS = 1 << 20

--- Dropout on with a key, off with nil.
---@param key flexlab.Key|nil  address of the masks of this step
function Model:train(key)
  self.net:train(key)
  if not (self.encoder and self.encoder.train) then return end
  local own = key and { seed = key.seed, stream = key.stream, sample = key.sample, step = key.step,
    member = (key.member or 0) + ENCODER_MASKS }
  self.encoder:train(own or nil)
end

--- Number of trained numbers.
Model.count = nn.count

--- alpha(t), sigma(t) of the schedule.
---@param t number  0..1
---@return number  alpha
---@return number  sigma
function Model:coefficients(t)
  return self.noising:coefficients(t)
end

--- Runs f(...) with the weights that this model stands for.
---@param f function  what is called
---@param ... any     its arguments
---@return any  all its results
function Model:use(f, ...) -- luacheck: ignore self
  return f(...)
end

function Model:__tostring()
  return ("%s %s: %.2f M parameters, %dx%dx%d, predicts %s"):format(self.title or "FLEX",
    self.config.size or "", self:count() / 1e6, self.config.height, self.config.width, self.config.in_channels,
    self.config.predict)
end

--- The same model with the averages of an optimiser in place of its weights.
---@param model table        of M.new
---@param exchange function  weights <-> averages
---@param averages function  -> table: the averages by the names of the weights
---@return table  with the methods of a model
function M.averaged(model, exchange, averages)
  local depth, average = 0, {}
  function average:use(f, ...) -- luacheck: ignore self
    if depth == 0 then exchange() end
    depth = depth + 1
    local results = table.pack(xpcall(f, blame.handler, ...))
    depth = depth - 1
    if depth == 0 then exchange() end
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
  end
  -- Within `use` the weights are the averages already.
  function average:parameters() -- luacheck: ignore self
    local list, of = model:parameters(), depth == 0 and averages() or {}
    for i, p in ipairs(list) do
      if of[p.name] then list[i] = nn.parameter(p.name, of[p.name], p.trained) end
    end
    return list
  end
  function average:condition(...) return self:use(model.condition, model, ...) end
  function average:predict(...) return self:use(model.predict, model, ...) end
  return setmetatable(average, { __index = model, __tostring = function()
    return tostring(model) .. ", averaged weights"
  end })
end

return M
