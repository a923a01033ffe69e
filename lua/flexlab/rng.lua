--[[
rng - whole numbers from addresses. A key {seed=, stream=, step=, sample=, member=} is an address in
Philox's sequence (docs/design.md section 7), so nothing here has state and a resumed run needs none.
Streams: init order crop noise time dropout sample data user.
--]]
local core = require "flexlab.core"

local M = {}

--- n numbers in [0, 1); the first k do not depend on n.
---@param key table  address: { seed =, stream =, step =, sample =, member = }
---@param n integer  how many
---@return number[]
function M.uniform(key, n)
  local _ <close> = core.scope()
  return core.uniform({ n }, key):totable()
end

--- n standard normal numbers; the first k do not depend on n.
---@param key table  address, as in uniform
---@param n integer  how many
---@return number[]
function M.normal(key, n)
  local _ <close> = core.scope()
  return core.normal({ n }, key):totable()
end

--- n whole numbers from 1 to high.
---@param key table     address, as in uniform
---@param n integer     how many
---@param high integer  the largest that can come, 1 or above
---@return integer[]
function M.integers(key, n, high)
  local list = M.uniform(key, n)
  for i, u in ipairs(list) do list[i] = math.min(math.floor(u * high) + 1, high) end
  return list
end

return M
