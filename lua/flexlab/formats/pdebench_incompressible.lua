--[[
pdebench_incompressible - velocity (N,T,H,W,2), particles (N,T,H,W,1), force (N,H,W,2), t (N,T),
compressed with lzf. The walls have zero velocity. The force does not change in time: it is a channel
only when data.channels names it.
--]]
local known = { { "velocity", "ntyxc", { "vx", "vy" } }, { "particles", "ntyxc", { "particles" } },
  { "force", "nyxc", { "fx", "fy" }, true } }

return {
  doc = "PDEBench incompressible Navier-Stokes: velocity, particles (N,T,H,W,C), force; lzf",
  recognise = function(file) return file:numbers("velocity", 5, 5) and file:numbers("t", 1, 2) end,
  describe = function(file)
    local channels = {}
    for _, k in ipairs(known) do
      if file:numbers(k[1], #k[2], #k[2]) then
        channels[#channels + 1] = { name = k[1], path = k[1], axes = k[2], names = k[3], constant = k[4] }
      end
    end
    return { channels = channels, time = "t", boundary = "wall" }
  end,
}
