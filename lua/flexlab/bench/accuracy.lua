--[[
accuracy - what the 3x3 convolution loses to rounding, by number of channels.

Standard normal fields and weights, made in f32, go through the kernels in use and, widened to f64, through the
reference; the figure is the largest difference over the largest number of the exact result. Each column adds up
over what its row names: forward over the channels of the input, data (the gradient for the input) over those of
the output, weights over the pixels. `direct` is the forward pass without padding, which never takes Winograd's tiles:
what summation alone costs. One image: a sample's bits do not depend on the batch.
--]]
local core = require "flexlab.core"
local flex = require "flexlab"
local terminal = require "flexlab.terminal"

local M = {}

--- The limit that tests hold the engine to, of the largest number of a result.
M.limit = 2e-5

--- Channel counts of the networks, from the least that takes Winograd's tiles to the most.
M.channels = { 16, 32, 64, 128, 256, 384, 512, 768, 1152 }

local OTHER = 32 -- channels on the side that is not added up

local function normal(shape, member)
  return core.normal(shape, { seed = 1, stream = "data", member = member })
end

-- The largest difference of two lists of tensors, pair by pair, each over the largest of the second.
local function errors(got, exact)
  local list = {}
  for i, t in ipairs(exact) do
    local most = t:abs():summary().max
    list[i] = (got[i]:to "f64" - t):abs():summary().max / most
  end
  return list
end

-- y, dx and dw of a convolution in one element type.
local function passes(dtype, x, w, dy, options)
  x, w = x:to(dtype):track(true), w:to(dtype):track(true)
  local y = x:conv2d(w, nil, options)
  if dy then y:backward(dy:to(dtype)) end
  return { y:detach(), x.grad, w.grad }
end

-- The errors of each instruction set. What is exact is computed once: it is what takes the time.
local function compare(isas, x, w, dy, options)
  local exact, list = passes("f64", x, w, dy, options), {}
  for i, isa in ipairs(isas) do
    core.isa(isa)
    list[i] = errors(passes("f32", x, w, dy, options), exact)
  end
  return list
end

--- { channels, forward, data, weights, direct } for one number of channels on maps of size x size: a list, one row for
--- each of the instruction sets `isas`.
---@param channels integer  of the maps
---@param size integer      height and width of the maps, pixels
---@param isas string[]     words of core.isa
---@return table[]
function M.rows(channels, size, isas)
  local scope <close> = core.scope()
  local wide, narrow = normal({ 1, size, size, channels }, 1), normal({ 1, size, size, OTHER }, 2)
  local gather = normal({ OTHER, 3, 3, channels }, 3)
  local scatter = normal({ channels, 3, 3, OTHER }, 4)
  local before = core.isa()
  local onto, from = compare(isas, wide, gather, narrow), compare(isas, narrow, scatter, wide)
  local direct = compare(isas, wide, gather, nil, { pad = 0 })
  core.isa(before)
  scope:close()
  local rows = {}
  for i in ipairs(isas) do
    rows[i] = { channels = channels, forward = onto[i][1], data = from[i][2], weights = onto[i][3],
      direct = direct[i][1] }
  end
  return rows
end

--- The row of the instruction set in use.
---@param channels integer  of the maps
---@param size integer      height and width of the maps, pixels
---@return table
function M.row(channels, size) return M.rows(channels, size, { core.isa() })[1] end

--- Measures and prints the rows.
---@param values table  channels (list), size, json
function M.run(values)
  local rows = {}
  for i, channels in ipairs(values.channels) do
    rows[i] = M.row(channels, values.size)
    if core.sys.interrupts() > 0 then error("stopped", 0) end
  end
  if values.json then
    terminal.json { isa = core.isa(), size = values.size, rows = rows }
    return
  end
  local t = flex.table { "channels", "forward", "data", "weights", "direct" }
  for _, row in ipairs(rows) do
    local cells = { row.channels }
    for i, name in ipairs { "forward", "data", "weights", "direct" } do cells[i + 1] = ("%.1e"):format(row[name]) end
    t:row(cells)
  end
  terminal.say(("3x3 convolution (%s) on %dx%d: largest error over the largest exact number\n"):format(core.isa(),
    values.size, values.size))
  t:print()
end

return M
