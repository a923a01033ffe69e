--[[
resample - what the degradations share: every f-th sample, and resizing.
--]]
local core = require "flexlab.core"

local M = {}

--- field (N,H,W,C) -> field[::f, ::f], by viewing it as (N,H/f,f,W/f,f,C).
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
function M.scatter(low, f)
  return spread(spread(low, 2, f), 3, f)
end

--- `up` of a degradation by resize's method.
function M.resize(method, registered)
  return function(low, height, width, cfg)
    return core.resize(low, { size = { height, width }, method = method,
      registered = registered or false, circular = cfg and cfg.circular or false })
  end
end

return M
