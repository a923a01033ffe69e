--[[
whole - whole fields, cut into tiles of the network's size and put together again.

Where the sides of a field are no multiples of a tile's, the field is padded behind its last row and column
(Frames:pad), and what comes back is cut to the field's own sides. So an answer has the size of what was given.
--]]
local core = require "flexlab.core"
local temporary = require "flexlab.store.temporary"

local M = {}

--- The least multiple of `unit` that is no less than `size`.
---@param size integer  pixels
---@param unit integer  pixels
---@return integer
function M.up_to(size, unit) return -(-size // unit) * unit end

--- The sides of the fields of a source, which all its files must share.
---@param source table  of frames.lua
---@return integer  height
---@return integer  width
function M.sides(source)
  local first = source.files[1]
  for _, file in ipairs(source.files) do
    if file.height ~= first.height or file.width ~= first.width then
      error(("fields of one size are wanted, '%s' has %dx%d and '%s' %dx%d"):format(first.path,
        first.height, first.width, file.path, file.height, file.width), 0)
    end
  end
  return first.height, first.width
end

--- Pads the fields of a source to multiples of a tile, and says how they are cut: { rows, columns, tile = {h, w},
--- field = {h, w}, frames, names, times }. Times are those of the source's frames.
---@param source table    of frames.lua
---@param tile integer[]  { height, width }
---@param path string     for messages
---@return table
function M.cut(source, tile, path)
  local height, width = M.sides(source)
  if 2 * height < tile[1] or 2 * width < tile[2] then
    error(("the fields of '%s', %dx%d, are less than half as large as the network's %dx%d"):format(path, height, width,
      tile[1], tile[2]), 0)
  end
  local grid = { tile = tile, field = { height, width }, names = source.names, boundary = source.boundary,
    rows = M.up_to(height, tile[1]) // tile[1], columns = M.up_to(width, tile[2]) // tile[2] }
  source:pad(function() return grid.rows * tile[1], grid.columns * tile[2] end)
  return grid
end

--- The times of the frames `ahead` (0) behind those of a list of { file, frame }, or nil where one is not known.
---@param source table       of frames.lua
---@param list table[]       entries of Frames:list
---@param ahead integer|nil  frames; 0
---@return number[]|nil
function M.times(source, list, ahead)
  local times = {}
  for i, e in ipairs(list) do
    times[i] = source.files[e.file].reader:time(e.frame + (ahead or 0))
    if not times[i] then return nil end
  end
  return times
end

--- The tiles of a source's frames in reading order.
---@param list table[]  entries of Frames:list
---@param grid table    of M.cut
---@return table[]
function M.tiles(list, grid)
  local entries, h, w = {}, grid.tile[1], grid.tile[2]
  for _, e in ipairs(list) do
    for y = 0, grid.rows - 1 do
      for x = 0, grid.columns - 1 do entries[#entries + 1] = { e = e, y = y * h + 1, x = x * w + 1 } end
    end
  end
  return entries
end

--- Takes tiles (h,w,C) in reading order; every full grid becomes one frame of the file, cut to the field's sides;
--- grid.about is what labelled.of says.
---@param path string  of the file that is made
---@param grid table   of M.cut, with `about`
---@return flexlab.FieldWriter
---@return function  takes the next tile
function M.assembler(path, grid)
  local height, width = table.unpack(grid.field)
  temporary.clear(path)
  local writer = assert(core.io.field_writer(path, { dataset = grid.about.dataset, frames = grid.frames,
    height = height, width = width, channels = #grid.names }))
  local whole, row, in_row, in_frame = nil, nil, 0, 0
  local function place(tile)
    row = row and row:concat(tile, { axis = 2 }) or tile
    in_row = in_row + 1
    if in_row < grid.columns then return end
    whole = whole and whole:concat(row, { axis = 1 }) or row
    row, in_row, in_frame = nil, 0, in_frame + 1
    if in_frame < grid.rows then return end
    local field = whole:narrow({ axis = 1, start = 1, length = height })
      :narrow { axis = 2, start = 1, length = width }
    assert(writer:append(field:reshape { 1, height, width, #grid.names }))
    whole, in_frame = nil, 0
  end
  return writer, place
end

return M
