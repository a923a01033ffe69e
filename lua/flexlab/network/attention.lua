--[[
attention - modules of attention outside transformer blocks.

  local a = attention.map(64, 2)        a(x): every pixel of a map attends to all pixels, added to the map
  local c = attention.cross(64, 2, where)       c(x, context): tokens attend to other tokens
--]]
local core = require "flexlab.core"
local nn = require "flexlab.nn"

local M = {}

--- x + proj(attention(qkv(GroupNorm x))) among the pixels of a map (N,H,W,C), as in the U-Nets of diffusion
--- [Ho et al. 2020; Dhariwal & Nichol 2021]; proj starts at zero. heads divides channels.
---@param channels integer  C
---@param heads integer     divides channels
---@return flexlab.Module  x (N,H,W,C) -> (N,H,W,C)
function M.map(channels, heads)
  if channels % heads ~= 0 then
    error(("attention: %d heads do not divide %d channels"):format(heads, channels), 2)
  end
  local module = nn.module { norm = nn.group_norm(channels), qkv = nn.linear(channels, 3 * channels),
    proj = nn.conv(channels, channels, { kernel = 1, zero = true }) }
  function module:forward(x)
    local n, h, w, c = table.unpack(x.shape)
    local qkv, parts = self.qkv(self.norm(x):reshape { n, h * w, c }), {}
    for i = 1, 3 do parts[i] = qkv:narrow { axis = 3, start = (i - 1) * c + 1, length = c } end
    local y = core.attention(parts[1], parts[2], parts[3], { heads = heads })
    return x + self.proj(y:reshape { n, h, w, c })
  end
  return module
end

-- A map (N,H,W,C), or tokens (N,T,C), as tokens.
local function tokens_of(x)
  if #x.shape == 3 then return x end
  return x:reshape { x.shape[1], x.shape[2] * x.shape[3], x.shape[4] }
end

-- Tokens with positions added: `where` (1,1+T,D) has a token in front, which a map has not.
local function placed(x, where)
  if not where then return x end
  local t, all = x.shape[2], where.shape[2]
  return x + (t == all and where or where:narrow { axis = 2, start = all - t + 1, length = t })
end

--- x + proj(attention(q(LN x), k(LN context), v(LN context))) [Vaswani et al. 2017, section 3.2.3]: x and context are
--- maps (N,h,w,D) or tokens (N,T,D), with the token of time and Re in front or without. Where tokens stand is added
--- to what queries and keys are made of; `where` (1,1+h*w,D) or nil. The result has x's shape.
---@param d integer                 channels of both, D
---@param heads integer             divides d
---@param where flexlab.Tensor|nil  positions (1,1+h*w,D)
---@return flexlab.Module  (x, context) -> as x
function M.cross(d, heads, where)
  local module = nn.module { norm = nn.layer_norm(d), context_norm = nn.layer_norm(d), q = nn.linear(d, d),
    k = nn.linear(d, d), v = nn.linear(d, d), proj = nn.linear(d, d) }
  function module:forward(x, context)
    local own, other = self.norm(tokens_of(x)), self.context_norm(tokens_of(context))
    local y = core.attention(self.q(placed(own, where)), self.k(placed(other, where)), self.v(other), { heads = heads })
    return x + self.proj(y):reshape(x.shape)
  end
  return module
end

return M
