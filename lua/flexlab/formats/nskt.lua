-- nskt - vorticity `w` (T,H,W) or (T,C,H,W): the files of FLEX, and those made here.
local layout = require "flexlab.data.layout"

return {
  doc = "FLEX's NSKT and `flexlab generate`: vorticity `w` (T,H,W) or (T,C,H,W), Re in the file's name",
  recognise = function(file)
    local v = file:numbers("w", 3, 4)
    return v and #v.axes == 0   -- a netCDF variable of this name says itself what its axes are
  end,
  describe = function(file)
    local about, names = file:attributes(""), {}
    for name in tostring(about.channels or ""):gmatch("[^,]+") do names[#names + 1] = name end
    return { channels = { { name = "w", path = "w", axes = layout.guess(file.variables.w.shape, true),
      names = names } }, time = file:numbers("times", 1, 1) and "times",
      boundary = about.boundary or about.solver and "periodic" or nil }
  end,
}
