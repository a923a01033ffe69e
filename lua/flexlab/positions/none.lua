--[[
none - tokens do not know where they stand: what positions are worth, by their absence
--]]
local core = require "flexlab.core"

return { doc = "no positions: the tokens are a set; it shows what positions are worth",
  fixed = function(rows, columns, d) return core.zeros { 1, 1 + rows * columns, d } end }
