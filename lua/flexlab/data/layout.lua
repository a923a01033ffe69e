--[[
layout - what the axes of a variable mean: one letter an axis.

  n sample (simulation)   t time   z depth   y row   x column   c channel (may occur several times)

Frames are counted along n, then z, then t: a plane z of a sample n is a run in time. A letter that is absent
means that the variable does not change along that axis; it is repeated.
--]]
local words = require "flexlab.words"

local M = {}

M.letters = { n = "sample", t = "time", z = "depth", y = "row", x = "column", c = "channel" }

-- Names that axes have in files, by letter. Digits at the end are ignored: lat_0, isobaric2.
local names = {
  n = { "sample", "member", "ensemble", "ens", "realization", "number", "run", "batch" },
  t = { "time", "t", "month", "months", "times", "valid_time", "date", "year", "day", "hour", "record", "frame",
    "step", "lead_time", "forecast_time" },
  z = { "depth", "level", "lev", "levels", "plev", "z", "height", "altitude", "pressure", "isobaric",
    "model_level_number", "pressure_level", "isobaricinhpa", "deptht", "olevel", "sigma", "hybrid" },
  y = { "row", "rows", "lat", "latitude", "y", "rlat", "nlat", "nav_lat", "projection_y_coordinate", "south_north",
    "yc", "j", "nj", "grid_latitude" },
  x = { "column", "columns", "lon", "longitude", "x", "rlon", "nlon", "nav_lon", "projection_x_coordinate",
    "west_east", "xc", "i", "ni", "grid_longitude" },
  c = { "channel", "channels", "variable", "band" },
}

local letter_of = {}
for letter, list in pairs(names) do
  for _, name in ipairs(list) do letter_of[name] = letter end
end

--- The letter of an axis by its name in a file, or nil.
---@param name string  "lat", "time"
---@return string|nil
function M.letter_of(name)
  local word = name:lower()
  return letter_of[word] or letter_of[word:gsub("_?%d+$", "")]
end

--- Axes as a user gives them, in letters: "tyx", "time lat lon" or { "time", "row", "column" }. Raises on a word that
--- is none.
---@param given string|string[]  letters, or words
---@return string
function M.parse(given)
  local list = type(given) == "table" and given or words.words(given)
  if #list == 1 and list[1]:match("^[ntzyxc]+$") then return list[1] end
  local word = ""
  for _, name in ipairs(list) do
    local letter = M.letters[name] and name or M.letter_of(name)
    if not letter then
      error(("data: axes: '%s' is no axis: one letter an axis (n t z y x c) or names (%s)"):format(name,
        "sample, time, depth, row, column, channel"), 0)
    end
    word = word .. letter
  end
  return word
end

--- The usual meaning of a shape of 2 to 4 axes. `channels`: a fourth axis is channels, not samples.
---@param shape integer[]       of a variable
---@param channels boolean|nil  a fourth axis is channels, not samples
---@return string|nil
function M.guess(shape, channels)
  if #shape == 2 then return "yx" end
  if #shape == 3 then return "tyx" end
  if #shape ~= 4 then return nil end
  if shape[4] <= 4 and shape[2] > 4 then return "tyxc" end
  return (channels or shape[2] <= 4) and "tcyx" or "ntyx"
end

--- Refuses axes that do not fit the variable `v` of the file at `path`.
---@param path string  of the file
---@param v table      a variable
---@param axes any     what a description says of it
function M.check(path, v, axes)
  local counts = {}
  if type(axes) ~= "string" or #axes ~= #v.shape then
    error(("data: '%s': '%s' has %d axes (%s), the description says '%s'; one letter an axis: n t z y x c")
      :format(path, v.path, #v.shape, table.concat(v.shape, ","), tostring(axes)), 0)
  end
  for letter in axes:gmatch(".") do
    counts[letter] = (counts[letter] or 0) + 1
    if not M.letters[letter] or (letter ~= "c" and counts[letter] > 1) then
      error(("data: '%s': axes '%s' of '%s': letters are n t z y x, each once, and c")
        :format(path, axes, v.path), 0)
    end
  end
end

--- The size along each letter; c is the product of its axes.
---@param v table      a variable
---@param axes string  letters
---@return table
function M.sizes(v, axes)
  local sizes = { c = 1 }
  for a = 1, #axes do
    local letter = axes:sub(a, a)
    sizes[letter] = (letter == "c" and sizes.c or 1) * v.shape[a]
  end
  return sizes
end

--- { "sample", "time", "row", "column" } of "ntyx".
---@param axes string  letters
---@return string[]
function M.words(axes)
  local list = {}
  for letter in axes:gmatch(".") do list[#list + 1] = M.letters[letter] end
  return list
end

return M
