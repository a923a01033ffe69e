--[[
patches - a field as a map of patches and back: p x p pixels become one pixel of p*p times the channels, rows
of the patch one after the other. A 1x1 convolution of such a map is a patch embedding [Dosovitskiy et al. 2021].
--]]
local M = {}

--- (N,H,W,C) -> (N,H/p,W/p,p*p*C); p divides H and W.
---@param x flexlab.Tensor  (N,H,W,C)
---@param p integer         side of a patch, pixels; divides H and W
---@return flexlab.Tensor
function M.fold(x, p)
  if p == 1 then return x end
  local n, h, w, c = table.unpack(x.shape)
  return x:reshape({ n, h // p, p, w // p, p * c }):permute({ 1, 2, 4, 3, 5 })
    :reshape { n, h // p, w // p, p * p * c }
end

--- (N,h,w,p*p*C) -> (N,p*h,p*w,C): what fold took apart.
---@param x flexlab.Tensor  (N,h,w,p*p*C)
---@param p integer         side of a patch, pixels
---@return flexlab.Tensor
function M.unfold(x, p)
  if p == 1 then return x end
  local n, h, w, d = table.unpack(x.shape)
  local c = d // (p * p)
  return x:reshape({ n, h, w, p, p * c }):permute({ 1, 2, 4, 3, 5 }):reshape { n, h * p, w * p, c }
end

return M
