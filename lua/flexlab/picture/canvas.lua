--[[
canvas - blocks of pixels put together like printer's type. A block is a tensor (1,H,W,3) with
values 0..1; blocks are padded, stacked and lined up, and the whole becomes a PNG.
--]]

local core = require "flexlab.core"
local font = require "flexlab.picture.font"

local M = { paper = { 1, 1, 1 }, ink = { 0.13, 0.14, 0.17 } }

--- Rows of a block.
---@param block flexlab.Tensor  (1,H,W,3)
---@return integer  pixels
function M.height(block) return block.shape[2] end
--- Columns of a block.
---@param block flexlab.Tensor  (1,H,W,3)
---@return integer  pixels
function M.width(block) return block.shape[3] end

--- A block of one colour.
---@param height integer       pixels
---@param width integer        pixels
---@param colour number[]|nil  {r, g, b} in 0..1; paper
---@return flexlab.Tensor
function M.solid(height, width, colour)
  return core.full({ 1, height, width, 1 }, 1) * core.tensor(colour or M.paper)
end

local function joined(axis, blocks)
  local whole
  for _, block in ipairs(blocks) do
    whole = whole and whole:concat(block, { axis = axis }) or block
  end
  return whole
end

--- Adds paper around a block: sizes = { top =, bottom =, left =, right = } in pixels.
---@param block flexlab.Tensor  (1,H,W,3)
---@param sizes table           { top =, bottom =, left =, right = } in pixels
---@return flexlab.Tensor
function M.pad(block, sizes)
  local parts = {}
  local width = M.width(block)
  if (sizes.top or 0) > 0 then parts[1] = M.solid(sizes.top, width) end
  parts[#parts + 1] = block
  if (sizes.bottom or 0) > 0 then parts[#parts + 1] = M.solid(sizes.bottom, width) end
  block = joined(2, parts)
  local height = M.height(block)
  parts = {}
  if (sizes.left or 0) > 0 then parts[1] = M.solid(height, sizes.left) end
  parts[#parts + 1] = block
  if (sizes.right or 0) > 0 then parts[#parts + 1] = M.solid(height, sizes.right) end
  return joined(3, parts)
end

--- One below the other, left edges in line.
---@param blocks flexlab.Tensor[]  from top to bottom
---@return flexlab.Tensor
function M.column(blocks)
  local width = 0
  for _, block in ipairs(blocks) do width = math.max(width, M.width(block)) end
  local parts = {}
  for i, block in ipairs(blocks) do parts[i] = M.pad(block, { right = width - M.width(block) }) end
  return joined(2, parts)
end

--- Side by side, upper edges in line.
---@param blocks flexlab.Tensor[]  from left to right
---@return flexlab.Tensor
function M.row(blocks)
  local height = 0
  for _, block in ipairs(blocks) do height = math.max(height, M.height(block)) end
  local parts = {}
  for i, block in ipairs(blocks) do parts[i] = M.pad(block, { bottom = height - M.height(block) }) end
  return joined(3, parts)
end

--- A line of text; each dot of the font is scale x scale pixels (1, 2 or 4), its edges softened.
---@param text string          one line
---@param scale integer        1, 2 or 4
---@param colour number[]|nil  {r, g, b} in 0..1; ink
---@return flexlab.Tensor  (1,H,W,3)
function M.text(text, scale, colour)
  local rows = font.smooth(font.smooth(font.rows(text == "" and " " or text)))
  local dots = core.tensor(rows):reshape { 1, #rows, #rows[1], 1 }
  if scale < 4 then dots = dots:mean_pool { factor = 4 // scale } end
  local delta = {}
  for c = 1, 3 do delta[c] = (colour or M.ink)[c] - M.paper[c] end
  return dots * core.tensor(delta) + core.tensor(M.paper)
end

--- A block as (H,W,3) for the encoder.
---@param block flexlab.Tensor  (1,H,W,3)
---@return flexlab.Tensor
function M.pixels(block) return block:reshape { M.height(block), M.width(block), 3 } end

return M
