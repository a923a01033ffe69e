--[[
nn - modules in Lua. `nn.module { ... }` is a table of layers that counts as one: its parameters are
those of its fields, named by their path ("skips.1.weight"), in sorted order.

  local net = nn.module { first = nn.conv(1, 32), norm = nn.group_norm(32) }
  function net:forward(x) return self.norm(self.first(x)):silu() end
  net:init(1, "my.")                      weights from a seed and their names
Layers are core.nn's (docs/reference.md): linear conv group_norm layer_norm resblock
transformer_block condition_embedding time_embedding positions.
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

local Module = { __name = "flexlab.Module" }
Module.__index = Module
Module.__call = function(self, ...) return self:forward(...) end

local function has(v, method)
  if type(v) ~= "table" and type(v) ~= "userdata" then return false end
  local ok, f = pcall(function() return v[method] end)
  return ok and type(f) == "function"
end

-- Calls f(path, layer) for every layer in a table of layers, lists in order, fields sorted.
local function walk(node, path, f)
  local keys = words.keys(node)
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  for _, key in ipairs(keys) do
    local v, name = node[key], path .. tostring(key)
    if not core.is_tensor(v) then
      if has(v, "parameters") then
        f(name, v)
      elseif type(v) == "table" and getmetatable(v) == nil then
        walk(v, name .. ".", f)
      end
    end
  end
end

local is_trained = setmetatable({}, { __mode = "k" })    -- entry -> whether training is to move it
local is_buffer = setmetatable({}, { __mode = "k" })

local Parameter = { __name = "flexlab.Parameter" }

-- `trained` stands behind the metatable, so that setting it arrives here.
function Parameter.__index(p, key)
  if key == "trained" then return is_trained[p] end
end

function Parameter.__newindex(p, key, value)
  if key ~= "trained" then return rawset(p, key, value) end
  if type(value) ~= "boolean" then error("trained must be true or false, got " .. words.show(value), 2) end
  if value and is_buffer[p] then error(("'%s' is a buffer, which nothing trains"):format(p.name), 2) end
  is_trained[p] = value
  if not is_buffer[p] then p.tensor:track(value) end
end

--- An entry of a list of parameters, { name =, tensor =, trained = }. Setting `trained` to false before the optimiser
--- is made freezes the parameter, as p.tensor:track(false) does.
---@param name string            its path in the module: "skips.1.weight"
---@param tensor flexlab.Tensor  of any shape
---@param trained boolean|nil    false: kept in checkpoints, never trained
---@return table
function M.parameter(name, tensor, trained)
  local p = setmetatable({ name = name, tensor = tensor }, Parameter)
  is_trained[p], is_buffer[p] = trained and true or false, not trained or nil
  return p
end

--- A module of layers; assign more fields later, and `forward` to make it callable.
---@param fields table|nil  layers, or tables of layers, by name
---@return flexlab.Module
function M.module(fields)
  return setmetatable(fields or {}, Module)
end

--- Every parameter: list of { name=, tensor=, trained= }.
---@return table[]
function Module:parameters()
  local list = {}
  walk(self, "", function(path, layer)
    for _, p in ipairs(layer:parameters()) do
      list[#list + 1] = M.parameter(path .. "." .. p.name, p.tensor, p.trained)
    end
  end)
  return list
end

--- Weights from a seed; each depends on its name only.
---@param seed integer       of the weights
---@param prefix string|nil  in front of the names; ""
---@return table  self
function Module:init(seed, prefix)
  walk(self, prefix or "", function(path, layer) layer:init(seed, path .. ".") end)
  return self
end

-- Numbers of masks that a layer may draw in a pass before it meets those of the next one.
local MASKS = 1 << 10

--- Dropout on with a key, off with nil. Every layer has masks of its own: key.member counts them.
---@param key flexlab.Key|nil  address of the random numbers of this step
---@return table  self
function Module:train(key)
  local member, layers = key and key.member or 0, 0
  walk(self, "", function(_, layer)
    if not has(layer, "train") then return end
    local own = key and { seed = key.seed, stream = key.stream, sample = key.sample, step = key.step,
      member = member + layers * MASKS }
    layer:train(own or nil)
    layers = layers + 1
  end)
  return self
end

--- Number of trained numbers of any module.
---@param module table  anything with the method parameters
---@return integer
function M.count(module)
  local n = 0
  for _, p in ipairs(module:parameters()) do
    if p.trained then n = n + p.tensor:count() end
  end
  return n
end

return setmetatable(M, {
  __index = function(_, name)
    local layer = core.nn[name]
    if layer then return layer end
    error("nn: " .. words.unknown(name, words.keys(core.nn)), 2)
  end,
})
