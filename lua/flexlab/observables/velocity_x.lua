--[[
velocity_x - the first component u of the velocity alone (velocity.lua): as many channels as the vorticity it is
made of, so a network that learned the one can be given the other. (1,H,W,1) -> (1,H,W,1).
--]]
local velocity = require "flexlab.observables.velocity"

return {
  doc = "the first component of the velocity, from a periodic frame of vorticity",
  of = function(frame) return velocity.of(frame):narrow { axis = 4, start = 1, length = 1 } end,
}
