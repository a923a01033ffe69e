--[[
boxes - from a patch of a frame to boxes of the file's variables, and back to channels last.

`reader` is one of fields.lua: parts (variables), chosen (channels, each { part, at }), size of each axis.
`at` = { n, z, t } are the indices of a frame, `box` = { y, x, y_size, x_size } the patch. What is asked for and
what is read are the same boxes by construction: both come from `of`.
--]]
local core = require "flexlab.core"

local M = {}

local kept = { y = true, x = true, c = true }

-- The name of a part in the file, whose samples may be groups of their own.
local function path_of(reader, part, n)
  local groups = reader.file.description.groups
  return groups and groups[n] .. "/" .. part.path or part.path
end

-- The box of a part: path, { start =, count = }; a count of 0 drops the axis.
local function of(reader, part, at, box)
  local path, start, count = path_of(reader, part, at.n), {}, {}
  for a = 1, #part.axes do
    local letter = part.axes:sub(a, a)
    if kept[letter] then
      start[a], count[a] = box[letter] or 1, box[letter .. "_size"] or reader.variable(path).shape[a]
    else
      start[a], count[a] = at[letter], 0
    end
  end
  return path, { start = start, count = count }
end

-- The axes of what was read in the order y, x, c: where each of them is.
local function order_of(axes)
  local where, order, n = { y = {}, x = {}, c = {} }, {}, 0
  for letter in axes:gmatch(".") do
    if kept[letter] then
      n = n + 1
      table.insert(where[letter], n)
    end
  end
  for _, letter in ipairs { "y", "x", "c" } do table.move(where[letter], 1, #where[letter], #order + 1, order) end
  return order
end

-- The numbers of a part as (h,w,C of the part); an axis that the part lacks is repeated.
local function read_part(reader, part, at, box)
  local t, message = reader.file.container:read(of(reader, part, at, box))
  if not t then return nil, message end
  local order = order_of(part.axes)
  for i, axis in ipairs(order) do
    if i ~= axis then t = t:permute(order) break end
  end
  local h = part.axes:find("y", 1, true) and box.y_size or 1
  local w = part.axes:find("x", 1, true) and box.x_size or 1
  t = t:reshape { h, w, part.sizes.c }
  if h == box.y_size and w == box.x_size then return t end
  return core.zeros { box.y_size, box.x_size, part.sizes.c } + t
end

-- How many of the chosen channels from i on follow each other in one part.
local function run_of(chosen, i)
  local c, n = chosen[i], 1
  while chosen[i + n] and chosen[i + n].part == c.part and chosen[i + n].at == c.at + n do n = n + 1 end
  return n
end

--- The patch as (1,h,w,C), channels in the order that was asked for; nil and a message.
---@param reader table  of fields.lua
---@param at table      { n =, z =, t = }, indices from 1
---@param box table     { y, x, y_size, x_size }
---@return flexlab.Tensor|nil
---@return string|nil
function M.read(reader, at, box)
  local read, whole, i = {}, nil, 1
  while i <= #reader.chosen do
    local c, n = reader.chosen[i], run_of(reader.chosen, i)
    if not read[c.part] then
      local t, message = read_part(reader, c.part, at, box)
      if not t then return nil, message end
      read[c.part] = t
    end
    local piece = read[c.part]
    if n < c.part.sizes.c then piece = piece:narrow { axis = 3, start = c.at, length = n } end
    whole = whole and whole:concat(piece, { axis = 3 }) or piece
    i = i + n
  end
  return whole:reshape { 1, table.unpack(whole.shape) }
end

-- Calls f(part) for each part of the chosen channels once, in their order.
local function each_part(reader, f)
  local seen = {}
  for _, c in ipairs(reader.chosen) do
    if not seen[c.part] then
      seen[c.part] = true
      f(c.part)
    end
  end
end

--- Has the boxes of the patch read in the order in which M.read takes them.
---@param reader table  of fields.lua
---@param at table      { n =, z =, t = }, indices from 1
---@param box table     { y, x, y_size, x_size }
function M.ask(reader, at, box)
  each_part(reader, function(part) reader.file.container:ask(of(reader, part, at, box)) end)
end

--- Fits the caches of decoded chunks to patches of this size in `frames` frames in a row.
---@param reader table    of fields.lua
---@param height integer  pixels of a patch
---@param width integer   pixels of a patch
---@param frames integer  how many are read in a row
function M.expect(reader, height, width, frames)
  local groups = reader.file.description.groups
  each_part(reader, function(part)
    for n = 1, groups and #groups or 1 do
      local path, count = path_of(reader, part, n), {}
      for a, size in ipairs(reader.variable(path).shape) do
        local letter = part.axes:sub(a, a)
        count[a] = math.min(size, ({ y = height, x = width, c = size, t = frames })[letter] or 1)
      end
      reader.file.container:expect(path, count)
    end
  end)
end

return M
