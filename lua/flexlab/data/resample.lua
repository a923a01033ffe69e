--[[
resample - what the degradations share: every f-th sample, and interpolation, over the edges of periodic axes.
--]]
local core = require "flexlab.core"

local M = {}

--- field (N,H,W,C) -> field[::f, ::f], by viewing it as (N,H/f,f,W/f,f,C).
---@param field flexlab.Tensor  (N,H,W,C)
---@param f integer             factor; one that divides neither side raises
---@return flexlab.Tensor  (N,H/f,W/f,C)
function M.subsample(field, f)
  local n, h, w, c = table.unpack(field.shape)
  if h % f ~= 0 or w % f ~= 0 then
    error(("a field of %dx%d is not divisible by factor %d"):format(h, w, f), 2)
  end
  return field:reshape({ n, h // f, f, w // f, f, c })
    :narrow({ axis = 3, start = 1, length = 1 }):narrow({ axis = 5, start = 1, length = 1 })
    :reshape({ n, h // f, w // f, c })
end

-- The same numbers `f` times as far apart along an axis, zeros between.
local function spread(t, axis, f)
  local shape = t.shape
  table.insert(shape, axis + 1, 1)
  local zeros = t.shape
  table.insert(zeros, axis + 1, f - 1)
  local joined = f > 1 and t:reshape(shape):concat(core.zeros(zeros), { axis = axis + 1 }) or t
  local result = t.shape
  result[axis] = result[axis] * f
  return joined:reshape(result)
end

--- The lift of subsampling: low (N,h,w,C) at every f-th pixel of (N,hf,wf,C), zeros elsewhere; subsample
--- gives low back, and no field that does is smaller.
---@param low flexlab.Tensor  (N,h,w,C)
---@param f integer           factor
---@return flexlab.Tensor
function M.scatter(low, f)
  return spread(spread(low, 2, f), 3, f)
end

local REACH = 4     -- samples beyond an edge: no interpolation looks at more than two

-- A field with what lies beyond both ends of an axis along which it is periodic, and how many samples that is.
local function wrapped(low, axis)
  local n = low.shape[axis]
  local reach = math.min(REACH, n)
  local before = low:narrow { axis = axis, start = n - reach + 1, length = reach }
  local behind = low:narrow { axis = axis, start = 1, length = reach }
  return before:concat(low, { axis = axis }):concat(behind, { axis = axis }), reach
end

--- low (N,h,w,C) -> (N,height,width,C), multiples of h and w.
---@param low flexlab.Tensor       (N,h,w,C)
---@param height integer           a multiple of h
---@param width integer            a multiple of w
---@param method string            of core.resize
---@param registered boolean       whether the first samples of both grids lie in one place
---@param circular boolean|string  whether the field is periodic: true (both axes), "y" or "x" (one), false
---@return flexlab.Tensor
function M.interpolate(low, height, width, method, registered, circular)
  local size = { height, width }
  local axis = circular == "y" and 1 or circular == "x" and 2
  if not axis then
    return core.resize(low, { size = size, method = method, registered = registered, circular = circular or false })
  end
  local length, factor = size[axis], size[axis] // low.shape[axis + 1]
  local wide, reach = wrapped(low, axis + 1)
  size[axis] = length + 2 * reach * factor
  return core.resize(wide, { size = size, method = method, registered = registered })
    :narrow { axis = axis + 1, start = reach * factor + 1, length = length }
end

--- `up` of a degradation by resize's method.
---@param method string           of core.resize
---@param registered boolean|nil  as of interpolate; false
---@return function  (low, height, width, cfg) -> (N,height,width,C)
function M.resize(method, registered)
  return function(low, height, width, cfg)
    return M.interpolate(low, height, width, method, registered or false, cfg and cfg.circular)
  end
end

return M
