--[[
clock - repeating work, timing it, and naming what was timed.
--]]
local core = require "flexlab.core"

local M = {}

--- Wall seconds of `repeats` calls of f after one that is left out; each call has a scope of its own.
--- A second press of Ctrl-C stops C; the first one is seen here, between two calls.
---@param repeats integer  that are timed
---@param f function       called with 0 .. repeats
---@return number[]
function M.timed(repeats, f)
  local seconds = {}
  for i = 0, repeats do
    local scope <close> = core.scope()
    local began = core.sys.time()
    f(i)
    if i > 0 then seconds[i] = core.sys.time() - began end
    scope:close()
    if core.sys.interrupts() > 0 then error("stopped", 0) end
  end
  return seconds
end

--- The least of a list: other work on the machine only ever adds.
---@param seconds number[]  at least one
---@return number
function M.least(seconds) return math.min(table.unpack(seconds)) end

--- "4x64x64x128 128x3x3x128": the operands of a call of core.measure; vectors beside the first are left out.
---@param call table  of core.measure
---@return string
function M.shapes(call)
  local list = {}
  for i, shape in ipairs(call.operands) do
    if shape and (#shape > 1 or i == 1) then list[#list + 1] = table.concat(shape, "x") end
  end
  return table.concat(list, " ")
end

return M
