--[[
baselines - what a method must beat: interpolation of the low field, or the last frame again. Each
takes a batch and returns (N,H,W,C) in physical units, so flex.evaluate takes them as samplers.
--]]
local core = require "flexlab.core"
local data = require "flexlab.data"

local M = {}

--- The last known frame (forecast), or the estimate that the network starts from (super-resolution).
function M.persistence(batch) return data.physical(batch.estimate, batch.scale) end

local function interpolation(method, registered)
  return function(batch)
    if not batch.low then return M.persistence(batch) end
    local shape = batch.estimate.shape
    return core.resize(batch.low, { size = { shape[2], shape[3] }, method = method, registered = registered })
  end
end

M.nearest = interpolation "nearest"
M.bilinear = interpolation "bilinear"
M.bicubic = interpolation "bicubic"

--- Bicubic that leaves each sample of [::f] where it was taken. The others, as the authors' evaluation
--- has them, shift such data by (f-1)/2 pixels; a network that only undoes the shift beats them.
M.registered = interpolation("bicubic", true)

return M
