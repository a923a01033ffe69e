--[[
none - every time counts alike in what the network predicts: FLEX's choice.
--]]
return {
  doc = "every time counts alike, in what is predicted: FLEX's choice",
  none = true,
  weight = function() return 1 end,
}
