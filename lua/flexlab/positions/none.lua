--[[
none - tokens do not know where they stand: what positions are worth, by their absence
--]]
local core = require "flexlab.core"

return { doc = "none: tokens are a set; what positions are worth, by their absence",
  fixed = function(rows, columns, d) return core.zeros { 1, 1 + rows * columns, d } end }
