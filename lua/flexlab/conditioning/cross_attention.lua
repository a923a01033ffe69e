--[[
cross_attention - tokens of the bottleneck attend to those of the condition encoder's head, between the shared
encoder and the decoder: what is added to a token is chosen from the whole condition, not from its place.
--]]
return {
  doc = "bottleneck tokens attend to the condition's tokens [Vaswani et al. 2017; Rombach et al. 2022]",
  paths = { cross_attention = true },
}
