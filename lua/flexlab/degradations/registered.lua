--[[
registered - every f-th sample, up by bicubic interpolation that leaves each sample where it was taken.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C).
--]]
local resample = require "flexlab.data.resample"

return {
  doc = "every f-th sample, up by bicubic interpolation without shift",
  low = resample.subsample, lift = resample.scatter,
  up = resample.resize("bicubic", true),
}
