--[[
nskt - `w` (T,H,W) or (T,C,H,W): the files of FLEX, and those made here. That it is a vorticity is said of a file that
says so: by the name that the authors give theirs, or by the solver of `flexlab generate`, whose unit is U/L.

Attributes say what an array cannot: channels ("u,v"), boundary, wraps (axes that close upon themselves where there is
no boundary: "x"), channel_units and its like (a line per channel), and samples and levels where the frames of several
runs lie one behind the other.
--]]
local layout = require "flexlab.data.layout"

-- What a picture calls the channel w, where the file says what it is.
local function label_of(about, path)
  if about.solver then return "vorticity (U/L)" end
  return path:match("[^/]*$"):match("^%d+_%d+_%d+_seed") and "vorticity" or nil
end

-- What repack.lua wrote of each channel, a line each, and what a vorticity is called.
local function quantities(about, names, path)
  local list = {}
  for c = 1, math.max(1, #names) do
    list[c] = { label = (names[c] or "w") == "w" and label_of(about, path) or nil }
  end
  for _, key in ipairs { "label", "units", "standard_name", "long_name" } do
    local c = 0
    for line in tostring(about["channel_" .. key] or ""):gmatch("([^\n]*)\n") do
      c = c + 1
      list[c] = list[c] or {}
      list[c][key] = line
    end
  end
  return list
end

-- A number among the attributes, an integer where it is one.
local function count(value) return math.tointeger(tonumber(value)) or value end

return {
  doc = "FLEX's NSKT and `flexlab generate`: `w` (T,H,W) or (T,C,H,W), Re in the file's name",
  recognise = function(file)
    local v = file:numbers("w", 3, 4)
    return v and #v.axes == 0   -- a netCDF variable of this name says itself what its axes are
  end,
  describe = function(file)
    local about, names = file:attributes(""), {}
    for name in tostring(about.channels or ""):gmatch("[^,]+") do names[#names + 1] = name end
    return { channels = { { name = "w", path = "w", axes = layout.guess(file.variables.w.shape, true),
      names = names, quantities = quantities(about, names, file.path) } },
      time = file:numbers("times", 1, 1) and "times",
      counts = { n = count(about.samples), z = count(about.levels) },
      boundary = about.boundary or about.solver and "periodic" or nil,
      wraps = type(about.wraps) == "string" and about.wraps:match "^[yx]*$" or nil }
  end,
}
