--[[
strong - condition skips and head given to the decoder
--]]
return {
  doc = "condition skips and head given to the decoder",
  roads = { weak_skips = false, strong_skips = true, strong_bottleneck = true },
}
