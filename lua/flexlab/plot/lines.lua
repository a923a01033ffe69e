--[[
lines - curves over a common axis, each axis linear or logarithmic.

  lines({ { name = "truth", x = {...}, y = {...}, dash = "5 4" }, ... },
        { title = "Spectrum", x = { label = "wavenumber", log = true }, y = { label = "E", log = true } })

The first series lies on top. A series may set colour, dash, width, opacity, `legend = false`.
--]]

local axis = require "flexlab.plot.axis"
local expected = require "flexlab.expected"
local frame = require "flexlab.plot.frame"

local MOST = 1200       -- points drawn of one curve; more cannot be seen and swell the report

local KNOWN = { "title", "width", "height", "x", "y" }
local AXIS = { "label", "log", "low", "high" }
local SERIES = { "name", "x", "y", "colour", "dash", "width", "opacity", "legend" }

local function checked(series, options)
  expected.known("plot.lines", options, KNOWN, 3)
  for _, name in ipairs { "x", "y" } do
    expected.known("plot.lines: axis " .. name, options and options[name], AXIS, 3)
  end
  for i, s in ipairs(series) do
    expected.known("plot.lines: series " .. i, s, SERIES, 3)
    if type(s.x) ~= "table" or type(s.y) ~= "table" or #s.x ~= #s.y then
      error(string.format("plot.lines: series %d ('%s') needs x and y of equal length", i,
        tostring(s.name)), 3)
    end
  end
end

local function points(s, place)
  local stride, list = math.max(1, math.ceil(#s.x / MOST)), {}
  for i = 1, #s.x do
    if (i - 1) % stride == 0 or i == #s.x then
      local x, y = place(s.x[i], s.y[i])
      list[#list + 1], list[#list + 2] = x, y
    end
  end
  return list
end

--- Curves over common axes, each linear or logarithmic.
---@param series table[]     at least one, each { name =, x = {}, y = {}, ... } as the head says
---@param options table|nil  { title =, width =, height =, x = axis, y = axis }, an axis being { label =, log =, low =,
---  high = }
---@return table  a drawing
return function(series, options)
  checked(series, options)
  options = options or {}
  local x, y = options.x or {}, options.y or {}
  local xs, ys, legend = {}, {}, {}
  for i, s in ipairs(series) do
    xs[i], ys[i] = s.x, s.y
    s.colour = s.colour or frame.colour(i)
    if s.legend ~= false and s.name then legend[#legend + 1] = s end
  end
  local drawing, place = frame.new {
    title = options.title, width = options.width, height = options.height,
    legend = #legend > 1 and legend or nil,
    x = axis.fit(xs, x), y = axis.fit(ys, y), x_label = x.label, y_label = y.label,
  }
  for i = #series, 1, -1 do
    drawing:path(points(series[i], place), series[i])
  end
  return drawing
end
