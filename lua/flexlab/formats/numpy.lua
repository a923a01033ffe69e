--[[
numpy - .npy and .npz: every array that has the shape of the largest is a channel (or several).
(A,B,H,W) is (T,C,H,W) if B is at most 4, (T,H,W,C) if the last is, else (N,T,H,W).
--]]
local layout = require "flexlab.data.layout"

local function size(v)
  local n = 1
  for _, s in ipairs(v.shape) do n = n * s end
  return n
end

return {
  doc = "numpy .npy and .npz: arrays (H,W), (T,H,W), (N,T,H,W), (T,C,H,W) or (T,H,W,C)",
  order = 95,
  recognise = function(file)
    return (file.container.kind == "npy" or file.container.kind == "npz") and file:largest(2, 4) ~= nil
  end,
  describe = function(file)
    local model, channels = file:largest(2, 4), {}
    for _, v in ipairs(file.list) do
      if v.number and table.concat(v.shape, "x") == table.concat(model.shape, "x") and size(v) > 0 then
        channels[#channels + 1] = { name = v.path, path = v.path, axes = layout.guess(v.shape) }
      end
    end
    return { channels = channels }
  end,
}
