--[[
rotary - queries and keys turn by angles that grow with row and column, so that attention sees where tokens
stand relative to one another [Su et al. 2021, arXiv 2104.09864]; in two dimensions half of the pairs of a head turn
by the row and half by the column (csrc/nn/positions.c). Nothing is added to the tokens, nothing is trained, and
any size of field will do. The channels of a head must be divisible by 4.
--]]
local core = require "flexlab.core"

return { doc = "queries and keys turned by row and column [Su et al. 2021, RoPE; axial]", rotary = true,
  fixed = function(rows, columns, d) return core.zeros { 1, 1 + rows * columns, d } end }
