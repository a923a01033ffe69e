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
    return core.resize(batch.low, { size = { shape[2], shape[3] }, method = method,
      registered = registered or false })
  end
end

M.nearest = interpolation "nearest"
M.bilinear = interpolation "bilinear"
M.bicubic = interpolation "bicubic"
--- Bicubic, but each sample of field[::f, ::f] stays where it was taken; the others shift the field
--- by (f-1)/2 pixels, as FLEX's authors do [flex-method section 5, defect 3].
M.registered = interpolation("bicubic", true)

return M
