--[[
forecast - the settings of data for forecasts (flex.data.forecast). 65536 frames are longer than any film at hand.
--]]
return {
  with = { "data" },
  early = true,
  doc = "data for forecasts: flex.data.forecast",
  { "past", 2, "integer", least = 1, most = 65536, doc = "number of past frames that the network is given" },
  { "lead", 1, "integer|integers", least = 1, most = 65536,
    doc = "frames ahead to forecast; of a list each sample draws one" },
  { "horizon", 1, "integer", least = 1, most = 65536, doc = "largest number of steps of a rollout from a test sample" },
}
