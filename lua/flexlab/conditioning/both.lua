--[[
both - all three roads: the paper's model
--]]
return {
  doc = "all three roads: the paper's model",
  roads = { weak_skips = true, strong_skips = true, strong_bottleneck = true },
}
