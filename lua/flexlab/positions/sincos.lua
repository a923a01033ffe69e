--[[
sincos - sines and cosines of row and column, fixed and the same for every size of field (flexlab.network.positions)
--]]
local positions = require "flexlab.network.positions"

return { doc = "sines and cosines of row and column, fixed [Vaswani et al. 2017; He et al. 2022]",
  fixed = positions.fixed }
