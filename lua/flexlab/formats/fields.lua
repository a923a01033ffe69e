--[[
fields - `fields` (T,H,W) or (T,C,H,W): minFLEX's ERA5 region, FourCastNet's years, SuperBench.
SuperBench's simulations at low resolution are `LR_fields` in the same file: data.low or data.dataset names them.
--]]
local layout = require "flexlab.data.layout"

return {
  doc = "minFLEX, ERA5 as FourCastNet has it, SuperBench: `fields` (T,H,W) or (T,C,H,W)",
  recognise = function(file)
    local v = file:numbers("fields", 3, 4)
    return v and #v.axes == 0   -- a netCDF variable of this name says itself what its axes are
  end,
  describe = function(file)
    return { channels = { { name = "fields", path = "fields",
      axes = layout.guess(file.variables.fields.shape, true) } } }
  end,
}
