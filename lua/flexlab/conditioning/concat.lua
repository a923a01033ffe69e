--[[
concat - the condition as further channels beside x_t, for the shared encoder to read at every step; no
condition encoder. Conditioning as in SR3 and CorrDiff, and the plainest rival of FLEX's conditioning paths.
--]]
return {
  doc = "condition beside x_t as channels, no encoder [Saharia et al. 2021, SR3]",
  paths = { concat = true },
}
