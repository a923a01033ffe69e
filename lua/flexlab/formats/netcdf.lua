--[[
netcdf - any netCDF file, 3 or 4: axes by the names of their dimensions, else by their places.

The channels are the variables that have the shape of the largest one. Packed numbers (scale_factor,
add_offset) are unpacked and fill values are NaN already.
--]]
local text = require "flexlab.text"

local words = {
  t = { "time", "t", "month", "times" },
  y = { "lat", "latitude", "y", "rlat", "nlat", "nav_lat", "projection_y_coordinate", "south_north" },
  x = { "lon", "longitude", "x", "rlon", "nlon", "nav_lon", "projection_x_coordinate", "west_east" },
  z = { "level", "lev", "plev", "depth", "z", "height", "altitude", "pressure", "model_level_number" },
  n = { "member", "ensemble", "realization", "number", "sample", "run" },
}

local letter = {}
for l, list in pairs(words) do
  for _, word in ipairs(list) do letter[word] = l end
end

local places = { [2] = "yx", [3] = "tyx", [4] = "tzyx", [5] = "ntzyx" }

-- One letter an axis, each once; names that are not known leave it to the places.
local function axes_of(v)
  local axes, seen = "", {}
  for _, name in ipairs(v.axes) do
    local l = letter[name:lower()]
    if not l or seen[l] then return places[#v.shape] end
    seen[l], axes = true, axes .. l
  end
  return #axes == #v.shape and seen.y and seen.x and axes or places[#v.shape]
end

local function size(v)
  local n = 1
  for _, s in ipairs(v.shape) do n = n * s end
  return n
end

-- Variables with axes of rank 2 to 5, which are no bounds or coordinates.
local function candidates(file)
  local list = {}
  for _, v in ipairs(file.list) do
    if v.number and #v.axes == #v.shape and places[#v.shape] and v.axes[#v.axes] ~= v.path
      and not v.axes[#v.axes]:find("bnds", 1, true) and not v.axes[#v.axes]:find("bounds", 1, true) then
      list[#list + 1] = v
    end
  end
  return list
end

local function largest(list)
  local best
  for _, v in ipairs(list) do
    if not best or #v.shape > #best.shape or (#v.shape == #best.shape and size(v) > size(best)) then best = v end
  end
  return best
end

return {
  doc = "netCDF 3 or 4: axes by the names of dimensions, packed numbers unpacked",
  order = 90,   -- after the formats that know their keys
  recognise = function(file) return #candidates(file) > 0 end,
  describe = function(file)
    local list = candidates(file)
    local model, channels = largest(list), {}
    local shape = table.concat(model.shape, "x") .. " " .. text.list(model.axes)
    for _, v in ipairs(list) do
      if table.concat(v.shape, "x") .. " " .. text.list(v.axes) == shape then
        channels[#channels + 1] = { name = v.path, path = v.path, axes = axes_of(v) }
      end
    end
    local t = axes_of(model):find("t", 1, true)
    return { channels = channels, time = t and file:numbers(model.axes[t], 1, 1) and model.axes[t] }
  end,
}
