--[[
both - all three conditioning paths: the paper's model
--]]
return {
  doc = "all three conditioning paths: the paper's model",
  paths = { weak_skips = true, strong_skips = true, strong_bottleneck = true },
}
