--[[
parity - is our FLEX *the* FLEX? Compares with numbers recorded from the authors' code.

  for _, row in ipairs(flex.parity.check("sr_v.safetensors")) do print(row.name, row.error, row.ok) end
A file of a network has its configuration in the metadata and param/ in/ out/ grad/ with the authors'
names and layouts (N,C,H,W; weights (O,I,kH,kW)); one without a configuration holds single operations
(parity_ops.lua). error = max |ours - theirs| / max |theirs|; limits 1e-4 for outputs, 1e-3 for
gradients, 1e-5 for single operations. What a file holds and FlexLab cannot compute counts as failed.

A bias in front of a group norm with one channel a group has no effect, and what is recorded of its
gradient is rounding: less than 1e-5 of its weight's. There 1e-2 of the weight's gradient is the scale.
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local diffusion = require "flexlab.diffusion"
local model = require "flexlab.network.model"
local official = require "flexlab.official"
local parity_ops = require "flexlab.official.parity_ops"

local M = {}

M.limits = { out = 1e-4, grad = 1e-3, ops = 1e-5 }

local kinds = { v = "v", x = "x_official", eps = "eps_official" }

--- Their axes as ours: fields (N,C,H,W) and weights (O,I,kH,kW) get their channels last; everything else is alike.
---@param t flexlab.Tensor  in their layout
---@return flexlab.Tensor
function M.ours(t)
  if t.ndim == 4 then return t:permute { 1, 3, 4, 2 } end
  return t
end

local function largest(t) return t:detach():abs():summary().max end

--- max |a - b| / max |b| (or / scale); infinite when shapes differ or a number is not finite.
---@param a flexlab.Tensor  ours
---@param b flexlab.Tensor  theirs
---@param scale number|nil  what the difference is divided by; max |b|
---@return number
function M.error(a, b, scale)
  local scope <close> = core.scope()
  if a:count() ~= b:count() then return math.huge end
  local reference = b:detach():to("f64")
  local size = reference:abs()
  local difference = (a:detach():to("f64"):reshape(b.shape) - reference):abs()
  local s, d = size:summary(), difference:summary()
  scope:close()
  if s.nonfinite > 0 or d.nonfinite > 0 then return math.huge end
  scale = scale or s.max
  return scale > 0 and d.max / scale or d.max
end

--- A row of the comparison.
---@param name string           of what is compared
---@param a flexlab.Tensor|nil  ours; without it the row fails
---@param b flexlab.Tensor      theirs
---@param limit number          of the relative error
---@param scale number|nil      as of error
---@return table  { name =, error =, limit =, ok = }
function M.row(name, a, b, limit, scale)
  local error = a and M.error(a, b, scale) or math.huge
  return { name = name, error = error, limit = limit, ok = error <= limit }
end

-- A network with the file's configuration and weights.
local function build(file, path)
  local c = core.json.decode(file.text.config)
  local target = assert(file.tensors["in/target"], path .. " has no in/target")
  local lowres = assert(file.tensors["in/lowres"], path .. " has no in/lowres")
  local fields = official.fields(c)
  fields.height, fields.width, fields.in_channels = target.shape[3], target.shape[4], target.shape[2]
  fields.cond_channels, fields.dropout = lowres.shape[2], 0
  local net = core.flex(fields)
  local ours = {}
  for _, p in ipairs(net:parameters()) do
    local recorded = file.tensors["param/" .. p.name]
    if not recorded then error(("%s has no param/%s"):format(path, p.name), 0) end
    core.no_grad(function() p.tensor:copy_(M.ours(recorded)) end)
    ours[p.name] = p.tensor
  end
  for _, name in ipairs(file.names) do
    local weight = name:match("^param/(.+)$")
    if weight and not ours[weight] then
      error(("%s: this configuration has no weight '%s'"):format(path, weight), 0)
    end
  end
  if not kinds[c.kind] then error(("%s: unknown kind '%s'"):format(path, tostring(c.kind)), 0) end
  return model.new { net = net, conditioned = true, config = { dropout = 0, kind = c.kind },
    parametrisation = choices.registry("parametrisations")[kinds[c.kind]],
    schedule = choices.registry("schedules").cosine, loss = choices.registry("losses").l1 }, ours
end

-- The recorded inputs as a batch; past frames come before the last one, which is the estimate.
local function batch_of(file)
  local target = M.ours(file.tensors["in/target"])
  local lowres = M.ours(file.tensors["in/lowres"])
  local channels = target.shape[4]
  return { target = target, lowres = lowres, re = file.tensors["in/re"],
    estimate = lowres:narrow { axis = 4, start = lowres.shape[4] - channels + 1, length = channels } }
end

-- Every output we can compute, by the name it has in the file (without out/).
local function outputs(file, net, batch)
  local found = {}
  local eps, times = M.ours(file.tensors["in/eps"]), file.tensors["in/t"]:totable()
  local loss, seen = diffusion.loss_at(net, batch, times, eps)
  found.loss, found.x_t, found.pred = loss, seen.x_t, seen.pred
  core.no_grad(function()
    local encoded = net.net:encode(seen.x_t, file.tensors["in/t"], batch.re, seen.features)
    for prefix, features in pairs { cond = seen.features, enc = encoded } do
      found[prefix .. "_head"] = features.head
      for i, skip in ipairs(features.skips) do found[("%s_skip.%d"):format(prefix, i - 1)] = skip end
    end
  end)
  return found, loss
end

local function sample(file, net, batch, n)
  local noise = M.ours(file.tensors["in/x_T"])
  return (diffusion.sample(net, batch, { steps = n, noise = { noise } }))
end

-- The scale of a gradient that is nothing but rounding; nil for all others.
local function rounding(file, name)
  local weight = name:match("%.bias$") and file.tensors[(name:gsub("bias$", "weight"))]
  if not weight then return nil end
  local size = largest(weight)
  return largest(file.tensors[name]) < 1e-5 * size and 1e-2 * size or nil
end

local function check_network(file, path)
  local net, ours = build(file, path)
  local batch = batch_of(file)
  local found, loss = outputs(file, net, batch)
  loss:backward()
  local rows = {}
  for _, name in ipairs(file.names) do
    local group, rest = name:match("^(%a+)/(.+)$")
    local recorded = file.tensors[name]
    local scope <close> = core.scope()
    if group == "out" then
      local n = math.tointeger(tonumber(rest:match("^sample%.(%d+)$")))
      local value = n and n > 0 and sample(file, net, batch, n) or found[rest]
      rows[#rows + 1] = M.row(name, value, M.ours(recorded), M.limits.out)
    elseif group == "grad" then
      rows[#rows + 1] = M.row(name, ours[rest] and ours[rest].grad, M.ours(recorded), M.limits.grad,
        rounding(file, name))
    end
    scope:close()
  end
  return rows
end

--- Compares a file: list of { name, error, limit, ok } and whether all are ok. Raises one sentence when
--- the file cannot be read or does not fit its configuration.
---@param path string  of the file
---@return table[]
---@return boolean
function M.check(path)
  local file, message = core.io.load(path)
  if not file then error(message, 0) end
  local rows
  if file.text.config then
    rows = check_network(file, path)
  else
    rows = parity_ops.check(file, M)
  end
  if #rows == 0 then error(path .. " holds nothing to compare (out/, grad/ or single operations)", 0) end
  local ok = true
  for _, row in ipairs(rows) do ok = ok and row.ok end
  return rows, ok
end

return M
