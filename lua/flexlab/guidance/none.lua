--[[
none - the network's answer as it is.
--]]
return {
  doc = "the network's answer as it is",
  guide = function(_, env) return env.predict end,
}
