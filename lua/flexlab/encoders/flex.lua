--[[
flex - the authors' condition encoder: a U-Net encoder of ResBlocks (and a transformer with
use_transf). It is part of the C network, so there is nothing to build here.
--]]
return {
  doc = "the authors' U-Net encoder of ResBlocks, inside the C network",
  inside = true,
  new = function()
    error("encoders.flex is part of the network: name it in flex.models.flex { encoder = \"flex\" }", 2)
  end,
}
