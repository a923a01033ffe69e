--[[
positions - where a token stands, as numbers that are added to it.

sincos: half of the channels for the row, half for the column; of each, sines and cosines of the index
times 10000^(-i/n) [Vaswani et al. 2017; in two dimensions He et al. 2022, masked autoencoders]. It is
known for every size. Learned positions are known for one size, and between its tokens interpolated
[Dosovitskiy et al. 2021, section 3.2]. Token 0, which carries time and Re, has no position.
--]]
local core = require "flexlab.core"

local M = {}

--- Positions (1, rows * columns, d) of a map, row by row; d divisible by 4.
---@param rows integer     of the map
---@param columns integer  of the map
---@param d integer        channels, divisible by 4
---@return flexlab.Tensor
function M.sincos(rows, columns, d)
  if d % 4 ~= 0 then error(("positions: %d channels are not divisible by 4"):format(d), 2) end
  local n, flat = d // 4, {}
  local function add(index)
    for i = 0, n - 1 do flat[#flat + 1] = math.sin(index * 10000 ^ (-i / n)) end
    for i = 0, n - 1 do flat[#flat + 1] = math.cos(index * 10000 ^ (-i / n)) end
  end
  for y = 0, rows - 1 do
    for x = 0, columns - 1 do
      add(y)
      add(x)
    end
  end
  return core.tensor(flat):reshape { 1, rows * columns, d }
end

--- The same behind a token 0 of zeros: (1, 1 + rows * columns, d), as a FLEX network adds it.
---@param rows integer     of the map
---@param columns integer  of the map
---@param d integer        channels, divisible by 4
---@return flexlab.Tensor
function M.fixed(rows, columns, d)
  return core.zeros({ 1, 1, d }):concat(M.sincos(rows, columns, d), { axis = 2 })
end

--- Learned positions (1, 1 + T, d) of a map of from = { rows, columns } for one of `to`: bicubic between
--- tokens; token 0 as it is.
---@param learned flexlab.Tensor  (1, 1 + T, d)
---@param from integer[]          { rows, columns } of the map that it is for
---@param to integer[]            { rows, columns } of another
---@return flexlab.Tensor
function M.interpolate(learned, from, to)
  local d = learned.shape[3]
  local map = learned:narrow({ axis = 2, start = 2, length = from[1] * from[2] }):reshape { 1, from[1], from[2], d }
  local resized = core.resize(map, { size = to, method = "bicubic" }):reshape { 1, to[1] * to[2], d }
  return learned:narrow({ axis = 2, start = 1, length = 1 }):concat(resized, { axis = 2 })
end

return M
