--[[
noisy - every f-th sample with sensor noise, up by bicubic interpolation that leaves samples where they
were taken. The noise is Gaussian, of standard deviation `noise` (0.05) times that of the sample's coarse
field; SuperBench's scenario has 0.05 and 0.1 [arXiv 2306.14070]. It is addressed by `keys`, one per sample.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C).
--]]
local core = require "flexlab.core"
local resample = require "flexlab.data.resample"

local function low(field, factor, cfg, keys)
  local coarse = resample.subsample(field, factor)
  local level = cfg and cfg.noise or 0.05
  local mean = coarse:mean { 2, 3 }
  local shape = coarse.shape
  local centred = coarse - mean:reshape { shape[1], 1, 1, shape[4] }
  local sd = centred:square():mean({ 2, 3 }):sqrt():reshape { shape[1], 1, 1, shape[4] }
  local noise = core.zeros(shape)
  for i = 1, shape[1] do
    noise[i]:copy_(core.normal({ shape[2], shape[3], shape[4] },
      keys and keys(i) or { seed = 1, stream = "data", sample = i }))
  end
  return coarse + noise * (sd * level)
end

return {
  doc = "every f-th sample with Gaussian sensor noise, up by aligned bicubic [SuperBench, arXiv 2306.14070]",
  low = low,
  up = resample.resize("bicubic", true),
}
