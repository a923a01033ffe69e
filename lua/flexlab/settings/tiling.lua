--[[
tiling - the settings of tiles that cover a field larger than the network's (diffusion/tiling.lua).
--]]
return {
  doc = "tiles: eval.tiling",
  { "overlap", 24, "integer", least = 0, most = 65536, doc = "pixels that neighbouring tiles share" },
  { "border", 4, "integer", least = 0, most = 65536, doc = "pixels at a tile's edge that are discarded" },
  { "batch", 8, "integer", least = 1, most = 65536, doc = "tiles passed to the network at a time" },
  { "periodic", true, "boolean|word", words = { "y", "x" },
    doc = "the field is periodic, or along one axis: tiles reach over its edges" },
}
