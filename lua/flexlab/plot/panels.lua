--[[
panels - several charts in one drawing, from left to right and then down: panels({ a, b, c }, 2).
--]]

local svg = require "flexlab.plot.svg"

--- Several charts in one drawing, from left to right and then down.
---@param drawings table[]  at least one, all of the size of the first
---@param columns integer   how many stand beside each other
---@return table  a drawing
return function(drawings, columns)
  columns = math.min(columns, #drawings)
  local width, height = drawings[1].width, drawings[1].height
  local all = svg.new(columns * width, (#drawings + columns - 1) // columns * height, drawings[1].label)
  for i, d in ipairs(drawings) do
    all:element("svg", { x = (i - 1) % columns * width, y = (i - 1) // columns * height, width = width,
      height = height }, table.concat(d, "\n"))
  end
  return all
end
