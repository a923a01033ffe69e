--[[
the_well - The Well: t0_fields/* (N,T,X,Y), t1_fields/* (N,T,X,Y,D), t2_fields/* (N,T,X,Y,D,D).

The attributes sample_varying, time_varying and dim_varying of a field say which axes it has: one along
which it is constant is absent from the file. boundary_conditions/*/@bc_type is periodic, wall or open.
Fields that do not change in time are channels only when data.channels names them.
--]]
local function flag(value) return value == nil or value == 1 or value == true or value == "True" end

local letters = { [1] = "x", [2] = "yx", [3] = "zyx" }

-- The axes that the field has in the file.
local function axes_of(attributes, dimensions, order)
  local axes = (flag(attributes.sample_varying) and "n" or "") .. (flag(attributes.time_varying) and "t" or "")
  local varying = attributes.dim_varying
  if type(varying) ~= "table" then varying = { varying } end
  for d = 1, dimensions do
    if flag(varying[d]) then axes = axes .. letters[dimensions]:sub(d, d) end
  end
  return axes .. ("c"):rep(order)
end

-- One word when all sides agree, "mixed" when they do not, nil when nothing is said.
local function boundary(file)
  local word
  for _, group in ipairs(file.container:groups()) do
    local kind = group:match("^boundary_conditions/[^/]+$") and file:attributes(group).bc_type
    if type(kind) == "table" then kind = kind[1] end
    if kind then word = (not word or word == kind:lower()) and kind:lower() or "mixed" end
  end
  return word
end

local function fields(file, dimensions)
  local list = {}
  for _, v in ipairs(file.list) do
    local order, name = v.path:match("^t([012])_fields/([^/]+)$")
    if order and v.number then
      local attributes = file:attributes(v.path)
      list[#list + 1] = { name = name, path = v.path, axes = axes_of(attributes, dimensions, tonumber(order)),
        constant = not flag(attributes.time_varying) }
    end
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

local function re(file)
  for path in pairs(file.variables) do
    local name = path:match("^scalars/(.*)$")
    if name and (name == "Re" or name:lower():find("^reynolds")) then return path end
  end
end

return {
  doc = "The Well: t0_fields, t1_fields, t2_fields with absent axes and boundary_conditions",
  recognise = function(file)
    for path in pairs(file.variables) do
      if path:match("^t[012]_fields/") then return true end
    end
    return false
  end,
  describe = function(file)
    local said = file:attributes("").n_spatial_dims
    local dimensions = math.tointeger(said) or 2
    if not letters[dimensions] then
      error(("data: '%s' has n_spatial_dims %s; 1, 2 or 3 was expected"):format(file.path, tostring(said)), 0)
    end
    return { channels = fields(file, dimensions), time = file:numbers("dimensions/time", 1, 2) and "dimensions/time",
      boundary = boundary(file), re = re(file) }
  end,
}
