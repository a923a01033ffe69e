--[[
rotation - quarter turns of the square, each as likely; half turns where patches are not square.
Forcing along one axis (Kolmogorov's) singles out a direction: turned fields would belong to another equation.
--]]
return {
  doc = "quarter turns (half turns of patches that are not square); vectors turn with the field",
  broken = function(file)
    return file.forcing == "kolmogorov" and "its forcing has a direction" or nil
  end,
  draw = function(element, number, square)
    element.turns = square and math.floor(4 * number) or 2 * math.floor(2 * number)
  end,
}
