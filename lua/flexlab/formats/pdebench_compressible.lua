--[[
pdebench_compressible - density, pressure, Vx, Vy (, Vz) (N,T,X,Y(,Z)) with x-, y-, t-coordinate.
`t-coordinate` has one entry more than there are frames (edges): the first T count.
--]]
local axes = { [3] = "ntx", [4] = "ntyx", [5] = "ntzyx" }

return {
  doc = "PDEBench compressible Navier-Stokes: density, pressure, Vx, Vy(, Vz) (N,T,X,Y(,Z))",
  recognise = function(file) return file:numbers("density", 3, 5) and file:numbers("Vx", 3, 5) end,
  describe = function(file)
    local channels = {}
    for _, name in ipairs { "density", "pressure", "Vx", "Vy", "Vz" } do
      local v = file:numbers(name, 3, 5)
      if v then channels[#channels + 1] = { name = name, path = name, axes = axes[#v.shape] } end
    end
    return { channels = channels, time = file:numbers("t-coordinate", 1, 1) and "t-coordinate",
      boundary = file.path:find("periodic", 1, true) and "periodic" or nil }
  end,
}
