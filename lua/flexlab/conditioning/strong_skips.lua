--[[
strong_skips - one road: condition skips added to those the decoder reads
--]]
return {
  doc = "one road: condition skips added to those the decoder reads",
  roads = { weak_skips = false, strong_skips = true, strong_bottleneck = false },
}
