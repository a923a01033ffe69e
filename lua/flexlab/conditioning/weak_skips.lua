--[[
weak_skips - one conditioning path: condition skips added in the shared encoder
--]]
return {
  doc = "one conditioning path: condition skips added in the shared encoder",
  paths = { weak_skips = true, strong_skips = false, strong_bottleneck = false },
}
