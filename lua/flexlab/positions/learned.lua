--[[
learned - a vector for every token, trained with the network, as FLEX has it: known for one size of field, and
between its tokens interpolated for others (flexlab.network.positions)
--]]
return { doc = "a trained vector for each token, interpolated for other sizes [Dosovitskiy et al. 2021]" }
