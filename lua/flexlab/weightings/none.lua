--[[
none - every time counts alike in what the network predicts: FLEX's choice.
--]]
return {
  doc = "no weighting: every time counts alike in the error of what is predicted; FLEX's choice",
  none = true,
  weight = function() return 1 end,
}
