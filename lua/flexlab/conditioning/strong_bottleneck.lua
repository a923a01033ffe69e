--[[
strong_bottleneck - one conditioning path: condition head added at the bottleneck
--]]
return {
  doc = "one conditioning path: condition head added at the bottleneck",
  paths = { weak_skips = false, strong_skips = false, strong_bottleneck = true },
}
