--[[
panel - fields side by side under common colour scales, as one picture.

A panel is a list of groups; the fields of a group share one colour scale and one colour bar:
  { label = "vorticity", map = "diverging", low = number or nil, limit = number or nil, below = false,
    columns = { { { "low", field }, { "FLEX", field } }, ... } }     each column from top to bottom
With the map "fitted" the scale is that of the values: diverging, about 0, where they straddle it, else sequential
from the lowest to the highest, so that a temperature of 260 to 290 K is no single red.
Groups stand side by side; one with `below` stands under the group before it.
A field is (1,H,W,1) or (H,W); coarser ones are drawn with larger pixels.
--]]

local axis = require "flexlab.plot.axis"
local canvas = require "flexlab.picture.canvas"
local colours = require "flexlab.picture.colours"
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"

local TILE = 320         -- pixels of the longer side of a field, about
local TEXT = 2           -- font dots are 2 x 2 pixels
local TITLE, GAP = 28, 16
local LINE = 18          -- height of a line of text

local function normal(field)
  local shape = field.shape
  if #shape == 2 then return field:reshape { 1, shape[1], shape[2], 1 } end
  if #shape ~= 4 then
    error("picture.panel: a field is (1,H,W,1) or (H,W), got " .. #shape .. " axes", 0)
  end
  return field:narrow({ axis = 1, start = 1, length = 1 }):narrow { axis = 4, start = 1, length = 1 }
    :to("f32")
end

-- The end of a scale: the largest value, but no more than 4 r.m.s., lest one eddy bleach the rest.
local function limit_of(group)
  local largest, rms = 0, 0
  for _, column in ipairs(group.columns) do
    for _, item in ipairs(column) do
      local s = item[2]:summary()
      largest = math.max(largest, math.abs(s.min), math.abs(s.max))
      rms = math.max(rms, math.sqrt(item[2]:square():mean():item()))
    end
  end
  local limit = math.min(largest, 4 * rms)
  return limit > 0 and limit < math.huge and limit or 1
end

-- Lowest and highest value of a group, but no more than 4 standard deviations from the mean; and whether they straddle
-- 0.
local function range_of(group)
  local low, high, sum, square, count = math.huge, -math.huge, 0, 0, 0
  for _, column in ipairs(group.columns) do
    for _, item in ipairs(column) do
      local s, n = item[2]:summary(), item[2]:count()
      low, high, count = math.min(low, s.min), math.max(high, s.max), count + n
      sum, square = sum + n * s.mean, square + n * item[2]:to("f64"):square():mean():item()
    end
  end
  local mean = sum / count
  local far = 4 * math.sqrt(math.max(0, square / count - mean * mean))
  local straddles = low < 0 and high > 0
  low, high = math.max(low, mean - far), math.min(high, mean + far)
  if not (low < high and high - low < math.huge) then low, high = mean - 0.5, mean + 0.5 end
  return low, high, straddles
end

-- The map and the ends of a group's colour scale.
local function settle(group)
  if group.map == "fitted" then
    local low, high, straddles = range_of(group)
    group.map = straddles and "diverging" or "sequential"
    if not straddles then group.low, group.limit = group.low or low, group.limit or high end
  end
  group.limit = group.limit or limit_of(group)
  group.low = group.low or group.map == "diverging" and -group.limit or 0
end

local function size_of(groups)
  local height, width = 0, 0
  for _, group in ipairs(groups) do
    for _, column in ipairs(group.columns) do
      for _, item in ipairs(column) do
        height, width = math.max(height, item[2].shape[2]), math.max(width, item[2].shape[3])
      end
    end
  end
  local factor = TILE / math.max(height, width)
  if factor >= 1 then factor = math.floor(factor + 0.5) end
  return math.max(1, math.floor(height * factor)), math.max(1, math.floor(width * factor))
end

local function title(text)
  return canvas.pad(canvas.text(text, TEXT), { top = 3, bottom = TITLE - LINE - 3 })
end

local function tile(item, group, size)
  local field = item[2]:resize { size = { size[1], size[2] }, method = "nearest" }
  local image = colours.apply(group.map, field, group.low, group.limit)
  return canvas.pad(canvas.column { title(item[1]), image }, { bottom = GAP, right = GAP })
end

-- Tick labels at their heights, from the top down.
local function labels(scale, height)
  local parts, cursor = {}, 0
  for i = #scale.ticks, 1, -1 do
    local tick = scale.ticks[i]
    local y = math.floor((1 - scale.at(tick.value)) * (height - 1) + 0.5) - 7
    y = math.max(0, math.min(height - 14, y))
    if y >= cursor then
      if y > cursor then parts[#parts + 1] = canvas.solid(y - cursor, 1) end
      local text = tick.label:gsub("\u{2212}", "-")
      parts[#parts + 1] = canvas.row { canvas.pad(canvas.solid(2, 5, canvas.ink),
        { top = 6, right = 8 }), canvas.text(text, TEXT) }
      cursor = y + LINE
    end
  end
  return canvas.column(parts)
end

-- Ticks of the nice axis that lie within the scale.
local function ticks_within(low, high)
  local scale = axis.linear(low, high, 8)
  local kept = { ticks = {}, at = function(v) return (v - low) / (high - low) end }
  for _, tick in ipairs(scale.ticks) do
    if tick.value >= low - 1e-9 and tick.value <= high + 1e-9 then
      kept.ticks[#kept.ticks + 1] = tick
    end
  end
  return kept
end

local function bar(group, height)
  local ramp = core.arange(height):reshape { 1, height, 1, 1 }
  local scale = (group.low - group.limit) / math.max(1, height - 1)
  ramp = (ramp - ramp:get(1, 1, 1, 1)):affine { scale = scale, shift = group.limit }
  local strip = colours.apply(group.map, ramp, group.low, group.limit)
    * core.full({ 1, 1, 18, 1 }, 1)
  local ticks = labels(ticks_within(group.low, group.limit), height)
  return canvas.pad(canvas.column { title(group.label), canvas.row { strip, ticks } }, { right = 2 * GAP })
end

-- The groups with their fields as (1,H,W,1) f32 and their scales settled; the caller's are not touched.
local function prepared(groups)
  local own = {}
  for g, group in ipairs(groups) do
    own[g] = { label = group.label, map = group.map, low = group.low, limit = group.limit, below = group.below,
      columns = {} }
    for c, column in ipairs(group.columns) do
      own[g].columns[c] = {}
      for i, item in ipairs(column) do own[g].columns[c][i] = { item[1], normal(item[2]) } end
    end
    settle(own[g])
  end
  return own
end

-- The fields of a group and its colour bar.
local function group_block(group, size)
  local blocks, rows = {}, 0
  for _, column in ipairs(group.columns) do
    local tiles = {}
    for i, item in ipairs(column) do tiles[i] = tile(item, group, size) end
    blocks[#blocks + 1], rows = canvas.column(tiles), math.max(rows, #tiles)
  end
  blocks[#blocks + 1] = bar(group, rows * (size[1] + TITLE + GAP) - TITLE - GAP)
  return canvas.row(blocks)
end

local function draw(groups)
  groups = prepared(groups)
  local size, blocks = { size_of(groups) }, {}
  for _, group in ipairs(groups) do
    local block = group_block(group, size)
    if group.below and #blocks > 0 then
      blocks[#blocks] = canvas.column { blocks[#blocks], block }
    else
      blocks[#blocks + 1] = block
    end
  end
  return canvas.pixels(canvas.pad(canvas.row(blocks), { top = GAP, left = GAP })), groups[1].map
end

local Picture = {}
Picture.__index = Picture

--- The picture as the bytes of a PNG file.
---@return string
function Picture:png() return self.bytes end

--- Writes the PNG; raises when the file cannot be written.
---@param path string  of the file
---@return table  self
function Picture:save(path)
  assert(core.sys.write(destination.saved(path), self.bytes))
  return self
end

--- Fields side by side under common colour scales, as one picture.
---@param groups table[]  as the head says
---@return table  :png(), :save(path), height, width (pixels)
return function(groups)
  local _ <close> = core.scope()
  local pixels, map = core.no_grad(draw, groups)
  return setmetatable({ bytes = assert(core.io.png_encode(pixels)), height = pixels.shape[1],
    width = pixels.shape[2], map = map }, Picture)
end
