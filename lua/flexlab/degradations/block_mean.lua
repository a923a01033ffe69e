--[[
block_mean - the mean over f x f blocks, up by bicubic interpolation: what a coarse sensor sees. Block
centres are where align_corners false puts them, so there is no shift.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C).
--]]
local core = require "flexlab.core"
local resample = require "flexlab.data.resample"

return {
  doc = "mean over f x f blocks, up by bicubic interpolation",
  cells = true,   -- samples stand for blocks, not for points of the grid (data/geometry.lua)
  low = function(field, factor) return core.mean_pool(field, { factor = factor }) end,
  lift = function(low, factor) return core.upsample(low, { factor = factor }) end,
  up = resample.resize("bicubic"),
}
