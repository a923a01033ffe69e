--[[
cf - the meaning of a netCDF file's variables and axes, from its attributes.     [CF conventions 1.11, chapters 4, 5, 7]

Two questions are answered here, and each answer keeps its reason, since `flexlab data` shows it:

  which variables are no fields     bounds, coordinates, grid_mapping, cell_measures, ancillary_variables and
                                    formula_terms of other variables name them; a coordinate has its axis' name
  what an axis means                its coordinate's attribute axis, else its units, standard_name or `positive`,
                                    else its own name (layout.lua), else its place: t z y x from the end

Evidence is taken kind by kind for all axes of a variable, each letter once: what one axis claims by an attribute,
another cannot take by its name, and a name that nobody knows leaves the known ones as they are. Levels of a variable
that changes in time are channels of its frames, as networks of weather have them (t@850, t@500); where there is no
time they are frames. `axes` given by the user wins over all of this.
--]]
local layout = require "flexlab.data.layout"
local words = require "flexlab.words"

local M = {}

-- --- names in a file with groups --------------------------------------------------------------------

-- The variable that `name` means for a variable at `path`: in its group, else in those around it.
local function resolve(file, path, name)
  if name:sub(1, 1) == "/" then return file.variables[name:sub(2)] end
  local group = path:match("^(.*)/[^/]*$")
  while group do
    local v = file.variables[group .. "/" .. name]
    if v then return v end
    group = group:match("^(.*)/[^/]*$")
  end
  return file.variables[name]
end

local function base(path) return path:match("[^/]*$") end

--- The coordinate of an axis: the variable of one dimension that has its name; nil if there is none.
---@param file table   of source.lua
---@param v table      the variable whose axis it is
---@param name string  of the axis
---@return table|nil  a variable
function M.coordinate(file, v, name)
  local c = resolve(file, v.path, name)
  return c and #c.shape == 1 and c.axes[1] == name and c or nil
end

-- --- words of attributes ----------------------------------------------------------------------------

local axis_letters = { T = "t", Z = "z", Y = "y", X = "x" }
local cdm_letters = { Time = "t", Pressure = "z", Height = "z", GeoZ = "z", Lat = "y", GeoY = "y", Lon = "x",
  GeoX = "x", Ensemble = "n" }

local north, east = {}, {}
for _, degree in ipairs { "degree", "degrees" } do
  for _, link in ipairs { "_", "" } do
    for _, word in ipairs { "north", "N" } do north[degree .. link .. word] = true end
    for _, word in ipairs { "east", "E" } do east[degree .. link .. word] = true end
  end
end

local pressure = { Pa = true, hPa = true, mb = true, mbar = true, millibar = true, millibars = true, bar = true,
  dbar = true, decibar = true, kPa = true, pascal = true, pascals = true, level = true, layer = true,
  sigma_level = true }

-- --- what is no field -------------------------------------------------------------------------------

-- Attributes that name variables, and what those are. With `pairs`, as "area: cell_area".
local naming = {
  { "bounds", "the bounds of '%s'" }, { "climatology", "the bounds of '%s'" },
  { "coordinates", "a coordinate of '%s'" }, { "grid_mapping", "the grid mapping of '%s'" },
  { "cell_measures", "a cell measure of '%s'" }, { "ancillary_variables", "ancillary to '%s'" },
  { "formula_terms", "a term of the formula of '%s'" }, { "node_coordinates", "a coordinate of '%s'" },
  { "node_count", "the geometry of '%s'" }, { "part_node_count", "the geometry of '%s'" },
  { "interior_ring", "the geometry of '%s'" },
  -- UGRID 1.0: what a mesh (cf_role = "mesh_topology") is made of
  { "face_node_connectivity", "the mesh '%s'" }, { "edge_node_connectivity", "the mesh '%s'" },
  { "volume_node_connectivity", "the mesh '%s'" }, { "boundary_node_connectivity", "the mesh '%s'" },
  { "face_edge_connectivity", "the mesh '%s'" }, { "face_face_connectivity", "the mesh '%s'" },
  { "edge_face_connectivity", "the mesh '%s'" }, { "volume_face_connectivity", "the mesh '%s'" },
  { "volume_edge_connectivity", "the mesh '%s'" }, { "volume_volume_connectivity", "the mesh '%s'" },
  { "volume_shape_type", "the mesh '%s'" }, { "face_coordinates", "a coordinate of '%s'" },
  { "edge_coordinates", "a coordinate of '%s'" }, { "volume_coordinates", "a coordinate of '%s'" },
}

-- Words of an attribute's value without those that end in a colon, which are keys.
local function named(value)
  local list = {}
  for word in tostring(value):gmatch("%S+") do
    if word:sub(-1) ~= ":" then list[#list + 1] = word end
  end
  return list
end

local function add_named(file, path, found)
  local attributes = file:attributes(path)
  for _, kind in ipairs(naming) do
    for _, name in ipairs(attributes[kind[1]] and named(attributes[kind[1]]) or {}) do
      local v = resolve(file, path, name)
      if v and v.path ~= path and not found[v.path] then
        found[v.path] = kind[2]:format(path == "" and "the file" or path) .. " (its attribute " .. kind[1] .. ")"
      end
    end
  end
end

local function shown(key, value) return ("%s = %q"):format(key, value) end

-- Whether a variable is a latitude, a longitude or a time by its units or standard_name, whoever names it: a reason.
local function is_coordinate(a)
  local units = type(a.units) == "string" and a.units or ""
  if north[units] or east[units] or units:find("^%a+%s+since%s") then
    return "a coordinate by its " .. shown("units", units)
  end
  if a.standard_name == "latitude" or a.standard_name == "longitude" then
    return "a coordinate by its " .. shown("standard_name", a.standard_name)
  end
end

--- Variables that are no fields: reasons by path.
---@param file table  of source.lua
---@return table
function M.no_fields(file)
  local found = {}
  add_named(file, "", found)
  for _, v in ipairs(file.list) do add_named(file, v.path, found) end
  for _, v in ipairs(file.list) do
    local last = v.axes[#v.axes] or ""
    local role = file:attributes(v.path).cf_role
    if role then found[v.path] = found[v.path] or ("no field but %s (its attribute cf_role)"):format(role) end
    if not v.number then
      found[v.path] = found[v.path] or "no numbers but " .. v.dtype
    elseif #v.shape == 1 and v.axes[1] == base(v.path) then
      found[v.path] = found[v.path] or "the coordinate of its axis"
    elseif last:find("bnds", 1, true) or last:find("bounds", 1, true) then
      found[v.path] = found[v.path] or ("bounds, as its axis %s says"):format(last)
    elseif v.target then
      found[v.path] = found[v.path] or ("a link to '%s'"):format(v.target)
    else
      found[v.path] = found[v.path] or is_coordinate(file:attributes(v.path))
    end
  end
  return found
end

-- --- what an axis means -----------------------------------------------------------------------------

local standard = {
  time = "t", forecast_period = "t", forecast_reference_time = "n", realization = "n",
  latitude = "y", grid_latitude = "y", projection_y_coordinate = "y", projection_y_angular_coordinate = "y",
  longitude = "x", grid_longitude = "x", projection_x_coordinate = "x", projection_x_angular_coordinate = "x",
  air_pressure = "z", height = "z", altitude = "z", depth = "z", geopotential_height = "z",
  height_above_mean_sea_level = "z", model_level_number = "z", atmosphere_sigma_coordinate = "z",
  atmosphere_hybrid_sigma_pressure_coordinate = "z", atmosphere_hybrid_height_coordinate = "z",
  ocean_sigma_coordinate = "z", ocean_s_coordinate = "z", ocean_sigma_z_coordinate = "z",
}

-- Each kind of evidence: f(attributes of the coordinate, name of the axis) -> letter, reason.
local evidence = {
  function(a)
    for _, key in ipairs { "axis", "cartesian_axis" } do
      local letter = type(a[key]) == "string" and axis_letters[a[key]:upper()]
      if letter then return letter, shown(key, a[key]) end
    end
    local kind = a._CoordinateAxisType
    if cdm_letters[kind] then return cdm_letters[kind], shown("_CoordinateAxisType", kind) end
  end,
  function(a)
    local units = type(a.units) == "string" and a.units or ""
    local letter = north[units] and "y" or east[units] and "x" or units:find("^%a+%s+since%s") and "t"
    if letter then return letter, shown("units", units) end
  end,
  function(a)
    if standard[a.standard_name] then return standard[a.standard_name], shown("standard_name", a.standard_name) end
  end,
  function(a)
    local positive = type(a.positive) == "string" and a.positive:lower()
    if positive == "up" or positive == "down" then return "z", shown("positive", a.positive) end
    if pressure[a.units] then return "z", shown("units", a.units) end
  end,
  function(_, name)
    local letter = layout.letter_of(name)
    if letter then return letter, "its name" end
  end,
}

-- Letters for axes that nothing tells: rows and columns from the end, then time, levels, samples.
local function by_place(axes, taken)
  local open = {}
  for i, axis in ipairs(axes) do
    if not axis.letter then open[#open + 1] = i end
  end
  local function give(at, letter)
    local axis = axes[table.remove(open, at)]
    axis.letter, axis.by, taken[letter] = letter, "its place", true
  end
  for _, letter in ipairs { "x", "y" } do
    if not taken[letter] and #open > 0 then give(#open, letter) end
  end
  local rest = #open > 2 and { "n", "t", "z" } or { "t", "z", "n" }
  for _, letter in ipairs(rest) do
    if not taken[letter] and #open > 0 then give(1, letter) end
  end
  while #open > 0 do give(1, "c") end
end

--- The axes of a variable in their order: { { name =, size =, letter =, by = reason, coordinate = variable or nil } }.
---@param file table  of source.lua
---@param v table     a variable
---@return table[]
function M.axes(file, v)
  local axes, taken = {}, {}
  for a, name in ipairs(v.axes) do
    axes[a] = { name = name, size = v.shape[a], coordinate = M.coordinate(file, v, name) }
    axes[a].attributes = axes[a].coordinate and file:attributes(axes[a].coordinate.path) or {}
  end
  for _, kind in ipairs(evidence) do
    for _, axis in ipairs(axes) do
      local letter, by
      if not axis.letter then letter, by = kind(axis.attributes, axis.name) end
      if letter and not taken[letter] then
        axis.letter, axis.by, taken[letter] = letter, by, true
      end
    end
  end
  by_place(axes, taken)
  return axes
end

--- The letters of axes in one word; levels are channels where there is time.
---@param axes table[]  of M.axes
---@return string
function M.letters(axes)
  local word = ""
  for _, axis in ipairs(axes) do word = word .. axis.letter end
  if word:find("t", 1, true) then word = word:gsub("z", "c") end
  return word
end

local function axis_of(axes, letter)
  for _, axis in ipairs(axes) do
    if axis.letter == letter then return axis end
  end
end

local function numbers(file, v)
  if not v or not v.number or v.shape[1] == 0 then return nil end
  local t = file.container:read(v.path, { dtype = "f64" })
  return t and t:totable()
end

-- t@850, t@500 ... for the levels of an axis, or their numbers.
local function level_names(file, name, axis)
  local values, names = numbers(file, axis.coordinate), {}
  for i = 1, axis.size do names[i] = ("%s@%.7g"):format(name, values and values[i] or i) end
  return names
end

--- How a variable is described as channels (docs/extending.md: formats), with what told its axes.
---@param file table  of source.lua
---@param v table     a variable
---@return table
function M.channel(file, v)
  local axes = M.axes(file, v)
  local entry = { name = v.path, path = v.path, axes = M.letters(axes), told = axes }
  local levels = axis_of(axes, "z")
  if levels and axis_of(axes, "t") and levels.size > 1 and select(2, entry.axes:gsub("c", "")) == 1 then
    entry.names = level_names(file, v.path, levels)
  end
  return entry
end

--- The coordinate of time of a described variable, or nil.
---@param entry table  of M.channel
---@return string|nil  its path
function M.time(entry)
  local axis = axis_of(entry.told, "t")
  return axis and axis.coordinate and axis.coordinate.number and axis.coordinate.path or nil
end

--- "x" where its columns are longitudes around the globe, "" where they are not, nil if that is not known.
---@param file table   of source.lua
---@param entry table  of M.channel
---@return string|nil
function M.wraps(file, entry)
  local axis = axis_of(entry.told, "x")
  local values = axis and numbers(file, axis.coordinate)
  if not values or #values < 2 then return nil end
  local a = axis.attributes
  if not (east[a.units] or a.standard_name == "longitude") then return axis_letters[a.axis] and "" or nil end
  local step = (values[#values] - values[1]) / (#values - 1)
  for i = 2, #values do
    if math.abs(values[i] - values[i - 1] - step) > 0.01 * math.abs(step) then return "" end
  end
  return math.abs(math.abs(step) * #values - 360) < 0.01 * math.abs(step) and "x" or ""
end

--- "time (units = "days since 2000-01-01") is time", for people.
---@param axes table[]  of M.axes
---@return string
function M.told(axes)
  local list, time = {}, axis_of(axes, "t")
  for i, axis in ipairs(axes) do
    local meaning = layout.letters[axis.letter] .. (axis.letter == "z" and time and ", its levels channels" or "")
    list[i] = ("%s is %s (%s)"):format(axis.name, meaning, axis.by)
  end
  return words.list(list)
end

return M
