--[[
pdebench_groups - one group a simulation: 0000/data (T,X,Y,C), 0000/grid/t. Diffusion-reaction,
radial dam break, diffusion-sorption (T,X,C).
--]]
local axes = { [3] = "txc", [4] = "tyxc", [5] = "tzyxc" }

local function simulations(file)
  local found = {}
  for path in pairs(file.variables) do
    local group = path:match("^(%d+)/data$")
    if group and file:numbers(path, 3, 5) then found[#found + 1] = group end
  end
  table.sort(found)
  return found
end

return {
  doc = "PDEBench diffusion-reaction and dam break: groups 0000.. with data (T,X,Y,C)",
  recognise = function(file) return #simulations(file) > 0 end,
  describe = function(file)
    local groups = simulations(file)
    local first = file.variables[groups[1] .. "/data"]
    return { groups = groups, channels = { { name = "data", path = "data", axes = axes[#first.shape] } },
      time = file.variables[groups[1] .. "/grid/t"] and "grid/t" }
  end,
}
