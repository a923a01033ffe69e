-- forecast - the settings of data for forecasts (flex.data.forecast). 65536 frames are longer than any film at hand.
return {
  with = { "data" },
  early = true,
  doc = "data for forecasts: flex.data.forecast",
  { "past", 2, "integer", least = 1, most = 65536, doc = "past frames that the network is shown" },
  { "lead", 1, "integer|integers", least = 1, most = 65536,
    doc = "frames ahead to forecast; of a list each sample draws one" },
  { "horizon", 1, "integer", least = 1, most = 65536, doc = "steps that a test sample can be rolled out" },
}
