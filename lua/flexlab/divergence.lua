--[[
divergence - when training has left all bounds, so that no later step can bring it back.

A run has diverged when a loss or a gradient is not finite, or when a loss exceeds 1e6 times the median of the size of
the first 10 losses. Losses of a network that learns fall; one that rises a millionfold comes from weights that are
lost, although their numbers may stay finite for long. The bound is wide on purpose: a loss that starts at a minimum
(fine-tuning) may rise a thousandfold and come back. A median of 0 bounds nothing.
The first losses are kept in the checkpoint, so a resumed run judges as an unbroken one does.

Divergence is an answer about the settings, not a fault of the machine: the state is `diverged` (store/state.lua), the
run stands in tables without a result, and it is not repeated unasked, for the same seed gives the same bits.
--]]
local core = require "flexlab.core"

local M = {}

M.first = 10          -- losses whose median sets the scale
M.factor = 1e6        -- times that: beyond all bounds

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  return (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2
end

--- Why a loss means that training has diverged, in a sentence; nil while it does not. `first`: the list of the sizes
--- of the first losses, to which this one is added; without it the loss must be finite, and that is all.
---@param value number        the loss of this step
---@param first number[]|nil  sizes of the first losses, up to M.first of them
---@return string|nil  a sentence
function M.of_loss(value, first)
  if value ~= value or value == math.huge or value == -math.huge then
    return ("the loss is %s"):format(value ~= value and "nan" or tostring(value))     -- C may say -nan
  end
  if not first then return nil end
  if #first < M.first then
    first[#first + 1] = math.abs(value)
    return nil
  end
  local bound = M.factor * median(first)
  if bound > 0 and math.abs(value) > bound then
    return ("the loss is %.3g, more than %g times the median %.3g of its first %d values"):format(value, M.factor,
      bound / M.factor, M.first)
  end
end

--- The first losses as a checkpoint keeps them, and read back.
---@param first number[]  sizes of the first losses
---@return string  JSON
function M.encode(first) return core.json.encode(first) end

--- The first losses as a checkpoint kept them; what is no list of numbers gives an empty one.
---@param text string|nil  JSON
---@return number[]
function M.decode(text)
  local list, first = text and core.json.decode(text), {}
  for _, v in ipairs(type(list) == "table" and list or {}) do
    if type(v) == "number" and #first < M.first then first[#first + 1] = v end
  end
  return first
end

return M
