--[[
velocity - (u, v) from the vorticity w of a periodic frame: u = d psi/dy, v = -d psi/dx, laplace psi = -w,
by the solver's own transforms (csrc/sim). The mean of w plays no part. (1,H,W,1) -> (1,H,W,2).
--]]
local core = require "flexlab.core"

return {
  doc = "the two components of the velocity, from a periodic frame of vorticity",
  names = { "u", "v" },
  of = function(frame)
    local _, h, w, c = table.unpack(frame.shape)
    if c ~= 1 then error(("velocity wants one channel, the vorticity; these data have %d"):format(c), 0) end
    local flow = core.flow { height = h, width = w, re = 1, k0 = 1, initial = "rest" }
    local ok, velocity = pcall(function()
      flow:set_vorticity(frame:to("f64"), 0)
      return flow:velocity():to("f32")
    end)
    flow:close()
    if not ok then error(velocity, 0) end
    return velocity
  end,
}
