--[[
strong_bottleneck - one road: condition head added at the bottleneck
--]]
return {
  doc = "one road: condition head added at the bottleneck",
  roads = { weak_skips = false, strong_skips = false, strong_bottleneck = true },
}
