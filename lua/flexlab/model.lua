--[[
model - what every network of this laboratory can do: condition, predict, hand out its parameters.

  features = model:condition(batch)              once per sample, does not depend on t
  p = model:predict(x_t, t, batch, features)     x_t (N,H,W,C), t (N) -> (N,H,W,C)
  model:parameters()                             list of { name=, tensor=, trained= }
A model with averaged weights (optim.ema) is the same object with `use` exchanging the weights.
--]]
local Run = require "flexlab.run"

local M = {}

local Model = { __name = "flexlab.Model" }
Model.__index = Model

--- A model from { net, config, parametrisation, schedule, loss, encoder|nil, conditioned }.
function M.new(fields)
  local model = setmetatable(fields, Model)
  local run = Run.current()
  if run then run:watch(model) end
  return model
end

--- What the condition encoder makes of a batch; nil when no road is open.
function Model:condition(batch)
  if not self.conditioned then return nil end
  if self.encoder then return self.encoder:condition(batch.lowres, batch.re) end
  return self.net:condition(batch.lowres, batch.re)
end

--- The network's output at times t.
function Model:predict(x, t, batch, features)
  return self.net:predict(x, t, batch.re, features)
end

function Model:parameters()
  local list = self.net:parameters()
  if self.encoder then
    for _, p in ipairs(self.encoder:parameters()) do
      list[#list + 1] = { name = "condition_encoder." .. p.name, tensor = p.tensor, trained = p.trained }
    end
  end
  return list
end

--- Dropout on with a key, off with nil.
function Model:train(key)
  self.net:train(key)
  if self.encoder and self.encoder.train then self.encoder:train(key) end
end

--- Number of trained numbers.
function Model:count()
  local n = 0
  for _, p in ipairs(self:parameters()) do
    if p.trained then n = n + p.tensor:count() end
  end
  return n
end

--- alpha(t), sigma(t) of the schedule.
function Model:coefficients(t)
  local logsnr = self.schedule.logsnr(t, self.config)
  return math.sqrt(1 / (1 + math.exp(-logsnr))), math.sqrt(1 / (1 + math.exp(logsnr)))
end

--- Runs f(...) with the weights that this model stands for.
function Model:use(f, ...) -- luacheck: ignore self
  return f(...)
end

function Model:__tostring()
  return ("FLEX %s: %.2f M parameters, %dx%dx%d, predicts %s"):format(self.config.size or "",
    self:count() / 1e6, self.config.height, self.config.width, self.config.in_channels,
    self.config.predict)
end

--- The same model with the averages of an optimiser in place of its weights.
---@param exchange function  weights <-> averages
function M.averaged(model, exchange)
  local depth, average = 0, {}
  function average:use(f, ...) -- luacheck: ignore self
    if depth == 0 then exchange() end
    depth = depth + 1
    local results = table.pack(pcall(f, ...))
    depth = depth - 1
    if depth == 0 then exchange() end
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
  end
  function average:condition(batch) return self:use(model.condition, model, batch) end
  function average:predict(...) return self:use(model.predict, model, ...) end
  return setmetatable(average, { __index = model, __tostring = function()
    return tostring(model) .. ", averaged weights"
  end })
end

return M
