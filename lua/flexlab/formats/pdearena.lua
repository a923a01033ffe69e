--[[
pdearena - a group named by the split with u, vx, vy (n,T,128,128): smoke in a buoyant flow.
--]]
local function group_of(file)
  for _, mode in ipairs { "train", "valid", "test" } do
    if file:numbers(mode .. "/u", 4, 4) then return mode end
  end
end

return {
  doc = "PDEArena Navier-Stokes: u, vx, vy (N,T,H,W) in a group train, valid or test",
  recognise = function(file) return group_of(file) ~= nil end,
  describe = function(file)
    local group, channels = group_of(file), {}
    for _, name in ipairs { "u", "vx", "vy" } do
      if file:numbers(group .. "/" .. name, 4, 4) then
        channels[#channels + 1] = { name = name, path = group .. "/" .. name, axes = "ntyx" }
      end
    end
    return { channels = channels, time = file:numbers(group .. "/t", 1, 2) and group .. "/t" }
  end,
}
