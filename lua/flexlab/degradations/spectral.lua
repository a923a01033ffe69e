--[[
spectral - a sharp cut-off: the wavenumbers that a grid f times coarser can carry, and no others, taken
where every f-th sample lies; up by trigonometric interpolation, so there is no shift. It takes patches
for periodic, as whole simulated frames are; a patch cut out of one rings at its edges.
low (N,H,W,C) -> (N,H/f,W/f,C); up (N,h,w,C) -> (N,H,W,C). [Pope 2000, section 13.2: the sharp filter]

Along each axis both are a matrix: Dirichlet's kernel with the modes |k| < m/2 of the m coarse points.
--]]
local core = require "flexlab.core"

local kernels = {}

-- (from, to): the values at `to` points of the modes that min(from, to) points carry.
local function kernel(from, to)
  local name = from .. ":" .. to
  if kernels[name] then return core.tensor(kernels[name]) end
  local top, rows = (math.min(from, to) + 1) // 2 - 1, {}
  for i = 0, from - 1 do
    rows[i + 1] = {}
    for j = 0, to - 1 do
      local phase, sum = 2 * math.pi * (j / to - i / from), 1
      for k = 1, top do sum = sum + 2 * math.cos(k * phase) end
      rows[i + 1][j + 1] = sum / from
    end
  end
  kernels[name] = rows
  return core.tensor(rows)
end

local function resample(field, height, width)
  local _, h, w = table.unpack(field.shape)
  return field:permute({ 1, 4, 3, 2 }):matmul(kernel(h, height))
    :permute({ 1, 2, 4, 3 }):matmul(kernel(w, width)):permute { 1, 3, 4, 2 }
end

return {
  doc = "sharp spectral cut-off at the coarse grid's wavenumber, up by trigonometric interpolation [Pope 2000]",
  low = function(field, factor)
    local _, h, w = table.unpack(field.shape)
    if h % factor ~= 0 or w % factor ~= 0 then
      error(("a field of %dx%d is not divisible by factor %d"):format(h, w, factor), 2)
    end
    return resample(field, h // factor, w // factor)
  end,
  up = function(low, height, width) return resample(low, height, width) end,
}
