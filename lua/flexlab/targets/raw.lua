--[[
raw - the field itself is diffused: what FLEX's residual is compared with.
--]]
return {
  doc = "the field itself, without an estimate [Ho et al. 2020]",
  base = function() end,
}
