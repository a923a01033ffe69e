--[[
network - what backbones in Lua share: the calls of core.flex around layers of their own.

  local net = network.new { config = , skips = { { height=, width=, channels= }, ... }, encoder = , decoder = ,
    encode = function(net, x, emb, features) -> { head=, skips= },
    decode = function(net, encoded, emb, features) -> (N,H,W,C) }
config is core.flex's (docs/reference.md). encoder and decoder are tables of layers, each with
`embed = network.embedding(config)`; emb (N,D) is what it makes of t and Re. Features are what a condition
encoder hands over, or nil; which conditioning paths are open the backbone asks config.
--]]
local nn = require "flexlab.nn"

local M = {}

--- Time, and the scalar condition where it is embedded: a module called (t, re) -> (N,D). Encoder and decoder
--- have one each, as in FLEX.
---@param config table  of core.flex_fields
---@return flexlab.Module
function M.embedding(config)
  local d = config.channels[#config.channels]
  local module = nn.module { time = nn.time_embedding(d),
    condition = config.embed_condition and nn.condition_embedding(d) or nil }
  function module:forward(t, re)
    local emb = self.time(t)
    if not self.condition then return emb end
    if not re then error("this network embeds a condition: give re (N,1), Re/40000", 0) end
    return emb + self.condition(re)
  end
  return module
end

local function check(config, x)
  local s = x.shape
  if #s ~= 4 or s[2] ~= config.height or s[3] ~= config.width or s[4] ~= config.in_channels then
    error(("x must be (N,%d,%d,%d), not (%s)"):format(config.height, config.width, config.in_channels,
      table.concat(s, ",")), 0)
  end
end

--- A network with encode, decode, predict, skip_shapes, config, parameters, init, train.
---@param entries table  as the head says
---@return flexlab.Module
function M.new(entries)
  local net, encode, decode, config, skips = nn.module { encoder = entries.encoder, decoder = entries.decoder },
    entries.encode, entries.decode, entries.config, entries.skips
  function net:encode(x, t, re, features)
    check(config, x)
    if features and #features.skips < #skips then
      error(("the condition has %d skips, %d are needed"):format(#features.skips, #skips), 0)
    end
    return encode(self, x, self.encoder.embed(t, re), features)
  end
  function net:decode(encoded, t, re, features)
    return decode(self, encoded, self.decoder.embed(t, re), features)
  end
  function net:predict(x, t, re, features)
    return self:decode(self:encode(x, t, re, features), t, re, features)
  end
  function net:skip_shapes(n) -- luacheck: ignore self
    local shapes = {}
    for i, s in ipairs(skips) do shapes[i] = { n or 1, s.height, s.width, s.channels } end
    return shapes
  end
  function net:config() return config end -- luacheck: ignore self
  return net
end

return M
