--[[
film - the scalar (Re) alone, as scale and shift in every ResBlock, also where embed_condition is false
--]]
return {
  doc = "the scalar (Re) alone, as scale and shift of every ResBlock [Perez et al. 2018]",
  paths = { film = true },
}
