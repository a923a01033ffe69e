--[[
none - no field condition at all: only Re, where it is embedded
--]]
return {
  doc = "no field condition at all: only Re, where it is embedded",
  paths = { weak_skips = false, strong_skips = false, strong_bottleneck = false },
}
