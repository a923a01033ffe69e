--[[
strong - condition skips and head given to the decoder
--]]
return {
  doc = "condition skips and head given to the decoder",
  paths = { weak_skips = false, strong_skips = true, strong_bottleneck = true },
}
