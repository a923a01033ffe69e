--[[
positions - where a token stands, as numbers that are added to it.

sincos: half of the channels for the row, half for the column; of each, sines and cosines of the index
times 10000^(-i/n) [Vaswani et al. 2017; in two dimensions He et al. 2022, masked autoencoders]. It is
known for every size.
--]]
local core = require "flexlab.core"

local M = {}

--- Positions (1, rows * columns, d) of a map, row by row; d divisible by 4.
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

return M
