--[[
strong_skips - one conditioning path: condition skips added to those the decoder reads
--]]
return {
  doc = "one conditioning path: condition skips added to those the decoder reads",
  paths = { weak_skips = false, strong_skips = true, strong_bottleneck = false },
}
