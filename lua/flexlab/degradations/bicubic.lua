--[[
bicubic - every f-th sample, up by bicubic interpolation (align_corners false): FLEX's. The estimate is
shifted by (f-1)/2 pixels against the truth (src/utils/get_data_sr.py of
the authors' code); see registered.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C).
--]]
local resample = require "flexlab.data.resample"

return {
  doc = "every f-th sample, up by bicubic interpolation, as FLEX",
  low = resample.subsample, lift = resample.scatter,
  up = resample.resize("bicubic"),
}
