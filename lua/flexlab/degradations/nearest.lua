--[[
nearest - every f-th sample, up by repeating pixels.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C).
--]]
local resample = require "flexlab.data.resample"

return {
  doc = "every f-th sample, up by repeating pixels",
  low = resample.subsample, lift = resample.scatter,
  up = resample.resize("nearest"),
}
