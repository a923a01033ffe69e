--[[
superres - the settings of data for super-resolution (flex.data.superres).
--]]
return {
  with = { "data" },
  early = true,
  doc = "data for super-resolution: flex.data.superres",
  { "factor", 4, "integer", least = 1, most = 65536, doc = "ratio of fine to coarse grid; it divides the crop" },
  { "degradation", "bicubic", "word", kind = "degradations", doc = "how the coarse field is made and interpolated" },
  { "noise", 0.05, "number", least = 0, most = 1e6,
    doc = "degradation `noisy`: standard deviation of the noise, in units of the field's" },
  { "circular", false, "boolean|word", words = { "y", "x" },
    doc = "patches are whole fields, periodic or so along one axis: interpolate over their edges" },
  { "low", false, "false|text|texts", doc = "files that hold the coarse fields, or their dataset in `file`" },
  { "test_low", false, "false|text|texts", doc = "the same for the test files" },
}
