--[[
reflection - x -> -x or not, each as likely. Vorticity and the velocity's component along x change their sign.
--]]
return {
  doc = "x to -x: vorticity and the component along x change their sign",
  broken = function(file)
    return file.forcing == "kolmogorov" and "its forcing has a direction" or nil
  end,
  draw = function(element, number) element.mirror = number < 0.5 end,
}
