--[[
layout - what the axes of a variable mean: one letter an axis.

  n sample (simulation)   t time   z depth   y row   x column   c channel (may occur several times)

Frames are counted along n, then z, then t: a plane z of a sample n is a run in time. A letter that is absent
means that the variable does not change along that axis; it is repeated.
--]]
local M = {}

M.letters = { n = "sample", t = "time", z = "depth", y = "row", x = "column", c = "channel" }

--- The usual meaning of a shape of 2 to 4 axes. `channels`: a fourth axis is channels, not samples.
function M.guess(shape, channels)
  if #shape == 2 then return "yx" end
  if #shape == 3 then return "tyx" end
  if #shape ~= 4 then return nil end
  if shape[4] <= 4 and shape[2] > 4 then return "tyxc" end
  return (channels or shape[2] <= 4) and "tcyx" or "ntyx"
end

--- Refuses axes that do not fit the variable `v` of the file at `path`.
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
function M.sizes(v, axes)
  local sizes = { c = 1 }
  for a = 1, #axes do
    local letter = axes:sub(a, a)
    sizes[letter] = (letter == "c" and sizes.c or 1) * v.shape[a]
  end
  return sizes
end

--- { "sample", "time", "row", "column" } of "ntyx".
function M.words(axes)
  local list = {}
  for letter in axes:gmatch(".") do list[#list + 1] = M.letters[letter] end
  return list
end

return M
