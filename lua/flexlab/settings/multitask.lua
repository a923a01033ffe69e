--[[
multitask - the settings of data for both tasks at once (flex.data.multitask).
--]]
return {
  with = { "data" },
  early = true,
  doc = "data for both tasks at once: flex.data.multitask",
  { "superres", {}, "table", doc = "settings of super-resolution alone: factor, degradation, noise and more" },
  { "forecast", {}, "table", doc = "settings of the forecast alone: past, lead, horizon" },
}
