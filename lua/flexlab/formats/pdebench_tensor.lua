--[[
pdebench_tensor - `tensor` (N,T,X) of the one-dimensional sets, (N,1,X,Y) with `nu` (N,X,Y) of Darcy.
--]]
local axes = { [3] = "ntx", [4] = "ntyx" }

return {
  doc = "PDEBench one-dimensional sets and Darcy flow: tensor (N,T,X) or (N,1,X,Y)",
  recognise = function(file) return file:numbers("tensor", 3, 4) end,
  describe = function(file)
    local channels = { { name = "tensor", path = "tensor", axes = axes[#file.variables.tensor.shape] } }
    if file:numbers("nu", 3, 3) then
      channels[2] = { name = "nu", path = "nu", axes = "nyx", constant = true }
    end
    return { channels = channels, time = file:numbers("t-coordinate", 1, 1) and "t-coordinate" }
  end,
}
