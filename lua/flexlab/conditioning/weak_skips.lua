--[[
weak_skips - one road: condition skips added in the shared encoder
--]]
return {
  doc = "one road: condition skips added in the shared encoder",
  roads = { weak_skips = true, strong_skips = false, strong_bottleneck = false },
}
