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

--- `up` of a degradation by resize's method.
function M.resize(method, registered)
  return function(low, height, width, cfg)
    return core.resize(low, { size = { height, width }, method = method,
      registered = registered or false, circular = cfg and cfg.circular or false })
  end
end

return M
