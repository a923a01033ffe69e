--[[
parity_ops - single operations against recorded numbers: <op>/x0.. y dy dx0.., schedules, optimisers.

Numbers that the recording does not name, found by trying: group norm has 32 groups, layer norm eps
1e-5 (see `norms`); Adam lr 0.01, betas .9 .999, eps 1e-8; AdamW the same with weight decay 0.1; Lion
lr 0.01, betas .9 .99, weight decay 0.1; clip to norm 1. logSNR is recorded in single precision, where
tan near pi/2 costs 5e-5, so it is compared with the same formula rounded after each operation.
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local optim = require "flexlab.optim"

local M = {}

local function ours(t)
  if t.ndim == 4 then return t:permute { 1, 3, 4, 2 } end
  return t
end

-- (N,heads,T,d) -> (N,T,heads d)
local function tokens(t)
  local n, heads, length, d = table.unpack(t.shape)
  return t:permute({ 1, 3, 2, 4 }):reshape { n, length, heads * d }
end

-- pattern of the name -> f(inputs, captured number, op's shape) and the layout of tensors.
local operations = {
  { "^conv.*circular", function(x) return core.conv2d(x[1], x[2], x[3], { padding = "circular" }) end },
  { "^conv", function(x) return core.conv2d(x[1], x[2], x[3]) end },
  { "^group_norm", function(x) return core.group_norm(x[1], x[2], x[3]) end },
  { "^layer_norm", function(x) return core.layer_norm(x[1], x[2], x[3], { eps = 1e-5 }) end },
  { "^linear", function(x) return core.linear(x[1], x[2], x[3]) end },
  { "^attention", function(x, _, heads) return core.attention(x[1], x[2], x[3], { heads = heads }) end,
    tokens },
  { "^softmax", function(x) return core.softmax(x[1]) end },
  { "^silu", function(x) return core.silu(x[1]) end },
  { "^gelu", function(x) return core.gelu(x[1]) end },
  { "^avg_pool(%d+)", function(x, f) return core.mean_pool(x[1], { factor = f }) end },
  { "^nearest_up(%d+)", function(x, f) return core.upsample(x[1], { factor = f }) end },
  { "^(bi%a+)_x(%d+)", function(x, f, _, method)
    local shape = x[1].shape
    return core.resize(x[1], { size = { shape[2] * f, shape[3] * f }, method = method })
  end },
  { "^l1_loss", function(x) return core.l1_loss(x[1], x[2]) end },
  { "^mse_loss", function(x) return core.mse_loss(x[1], x[2]) end },
  { "^huber_loss", function(x) return core.huber_loss(x[1], x[2]) end },
}

-- y and the gradients of one operation, in the order of the file.
local function check_operation(group, entry, rows, parity, captures)
  local layout = entry[3] or ours
  local inputs, heads = {}, nil
  for i = 0, 9 do
    local x = group["x" .. i]
    if not x then break end
    heads = heads or (x.ndim == 4 and x.shape[2])
    inputs[i + 1] = layout(x):track(true)
  end
  local number = math.tointeger(tonumber(captures[#captures]))
  local y = entry[2](inputs, number, heads, captures[1])
  rows[#rows + 1] = parity.row(group.name .. "/y", y, layout(group.y), parity.limits.ops)
  if not group.dy then return end
  y:backward(layout(group.dy):reshape(y.shape))
  for i, x in ipairs(inputs) do
    local recorded = group["dx" .. i - 1]
    if recorded then
      rows[#rows + 1] = parity.row(("%s/dx%d"):format(group.name, i - 1), x.grad, layout(recorded),
        parity.limits.ops)
    end
  end
end

local function single(x) return (string.unpack("<f", string.pack("<f", x))) end

local function check_schedule(group, rows, parity, captures)
  local schedule, cfg = choices.registry("schedules").cosine, { shift = tonumber(captures[1]) }
  local values = { logsnr = {}, alpha = {}, sigma = {} }
  for i, t in ipairs(group.t:totable()) do
    values.logsnr[i] = schedule.logsnr(t, cfg, single)
    local logsnr = schedule.logsnr(t, cfg)
    values.alpha[i] = math.sqrt(1 / (1 + math.exp(-logsnr)))
    values.sigma[i] = math.sqrt(1 / (1 + math.exp(logsnr)))
  end
  for _, name in ipairs { "logsnr", "alpha", "sigma" } do
    if group[name] then
      rows[#rows + 1] = parity.row(group.name .. "/" .. name, core.tensor(values[name]), group[name],
        parity.limits.ops)
    end
  end
end

local rules = {
  adam = { kind = "adam", beta1 = 0.9, beta2 = 0.999, eps = 1e-8 },
  adamw = { kind = "adamw", beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.1 },
  lion = { kind = "lion", beta1 = 0.9, beta2 = 0.99, weight_decay = 0.1 },
}

-- Sets the gradient of p to g: the derivative of sum(p g).
local function give_gradient(p, g) (p * g):sum():backward() end

local function check_rule(group, rows, parity)
  local rule = {}
  for k, v in pairs(rules[group.name]) do rule[k] = v end
  local p = group.p0:clone():track(true)
  rule.parameters = { p }
  local o, path = core.optimizer(rule), core.zeros(group.p.shape)
  for i = 1, group.g.shape[1] do
    o:clear_grads()
    give_gradient(p, group.g[i])
    o:step { lr = 0.01 }
    path[i]:copy_(p:detach())
  end
  rows[#rows + 1] = parity.row(group.name .. "/p", path, group.p, parity.limits.ops)
end

-- With Adam at beta1 = 0 and beta2 = 0 gradients hide; what clipping did is read from the moments:
-- after one step first = (1 - beta1) g.
local function check_clip(group, rows, parity)
  local parameters = {}
  for i = 1, 2 do
    local g = group["g" .. i - 1]
    parameters[i] = core.zeros(g.shape):track(true)
    give_gradient(parameters[i], g)
  end
  local o = core.optimizer { kind = "adam", parameters = parameters, beta1 = 0.5 }
  local norm = o:step { lr = 0, clip = 1 }
  rows[#rows + 1] = parity.row("clip/norm", core.tensor { norm }, group.norm, parity.limits.ops)
  for i, first in ipairs(o:state().first) do
    rows[#rows + 1] = parity.row("clip/c" .. i - 1, first * 2, group["c" .. i - 1], parity.limits.ops)
  end
end

-- The decay used at each update: with the average at 0 and the weight at 1, 1 - decay remains.
local function check_decay(group, rows, parity, name)
  local recorded, p = group[name], core.full({ 1 }, 1):track(true)
  local o = core.optimizer { kind = "adam", parameters = { p }, ema = tonumber(name) }
  local average, decay = o:state().average[1], {}
  for i = 1, recorded:count() do
    average:fill_(0)
    give_gradient(p, core.zeros { 1 })
    o:step { lr = 0 }
    o:clear_grads()
    decay[i] = 1 - average:item()
  end
  rows[#rows + 1] = parity.row("ema_decay/" .. name, core.tensor(decay), recorded, parity.limits.ops)
end

local function check_rate(group, rows, parity, name)
  local warmup, steps = name:match("^(%d+)_(%d+)$")
  local rate = {}
  for k = 0, group[name]:count() - 1 do
    rate[k + 1] = optim.factor(k, tonumber(warmup), tonumber(steps), true)
  end
  rows[#rows + 1] = parity.row(group.name .. "/" .. name, core.tensor(rate), group[name], parity.limits.ops)
end

local function check_group(group, rows, parity)
  local shift = group.name:match("^schedule_cosine%.(.+)$")
  if shift then return check_schedule(group, rows, parity, { shift }) end
  if rules[group.name] then return check_rule(group, rows, parity) end
  if group.name == "clip" then return check_clip(group, rows, parity) end
  for _, name in ipairs(group.entries) do
    if group.name == "ema_decay" then check_decay(group, rows, parity, name) end
    if group.name == "lr_cosine_warmup" then check_rate(group, rows, parity, name) end
  end
  if group.name == "ema_decay" or group.name == "lr_cosine_warmup" then return end
  for _, entry in ipairs(operations) do
    local captures = { group.name:match(entry[1]) }
    if #captures > 0 and group.y then return check_operation(group, entry, rows, parity, captures) end
  end
  rows[#rows + 1] = { name = group.name, error = math.huge, limit = parity.limits.ops, ok = false }
end

--- Rows for every group of the file.
---@param file table    of core.io.load
---@param parity table  of parity.lua: error, row, limits
---@return table[]
function M.check(file, parity)
  local groups, order, rows = {}, {}, {}
  for _, full in ipairs(file.names) do
    local name, entry = full:match("^([^/]+)/(.+)$")
    if name then
      if not groups[name] then
        groups[name] = { name = name, entries = {} }
        order[#order + 1] = groups[name]
      end
      groups[name][entry] = file.tensors[full]
      table.insert(groups[name].entries, entry)
    end
  end
  for _, group in ipairs(order) do check_group(group, rows, parity) end
  return rows
end

return M
