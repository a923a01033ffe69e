--[[
labelled - what a file that FlexLab writes says of its fields, so that it is read back as what it is: by
formats/flexlab.lua here, and by its attributes elsewhere.

  labelled.of(source, factor, cells) -> { dataset =, quantities =, axes = {...}, times = }
  labelled.write(writer, about, cell_methods)

The dataset has the variable's name where all channels are of one variable, else `fields`. Attributes of the file:
dataset, channels, quantities (JSON), rows and columns (the names of the arrays that are their coordinates). Attributes
of the dataset: units, standard_name, long_name where all channels share them. Of fields that are made finer the
coordinates are interpolated between those of the coarse samples, and left out where a latitude would lie beyond a pole.
`times` are those of the frames as they are written: of a forecast, those that it is for. Where these are counted from a
date (units "hours since ..."), `forecast_reference_time` has the time of the last frame that each forecast was made
from, and `forecast_period` how much later it is for, as CF names them.
--]]
local core = require "flexlab.core"
local fields = require "flexlab.data.fields"
local quantities = require "flexlab.data.quantities"

local M = {}

local kept = { "units", "standard_name", "long_name", "axis", "positive" }

-- The variable that all channels of a reader are of, without its groups; or `fields`.
local function variable_of(reader)
  local path = reader.chosen[1].part.path
  for _, c in ipairs(reader.chosen) do
    if c.part.path ~= path then return "fields" end
  end
  return path:match("[^/]*$")
end

-- Numbers at samples `factor` times finer: (j + 0.5) / factor - 0.5 for cells, j / factor for points, from 0 on.
local function finer(list, factor, cells)
  if factor == 1 or #list < 2 then return factor == 1 and list or nil end
  local fine = {}
  for j = 0, #list * factor - 1 do
    local at = cells and (j + 0.5) / factor - 0.5 or j / factor
    local i = math.max(0, math.min(#list - 2, math.floor(at)))
    fine[j + 1] = list[i + 1] + (at - i) * (list[i + 2] - list[i + 1])
  end
  return fine
end

local function beyond_a_pole(axis, list)
  local latitude = axis.attributes.standard_name == "latitude" or tostring(axis.attributes.units):find "^degrees?_?[nN]"
  for _, v in ipairs(latitude and list or {}) do
    if math.abs(v) > 90 then return true end
  end
end

-- The coordinates of rows and columns that a reader's file tells: { y = { name, values, attributes }, x = ... }.
local function axes_of(reader, factor, cells)
  local axes = {}
  for _, axis in ipairs(reader.chosen[1].part.told or {}) do
    local v = (axis.letter == "y" or axis.letter == "x") and axis.coordinate
    local t = v and v.number and reader.file.container:read(v.path, { dtype = "f64" })
    local list = t and finer(t:totable(), factor, cells)
    if list and not beyond_a_pole(axis, list) then
      axes[axis.letter] = { name = axis.name:match("[^/]*$"), values = list, attributes = axis.attributes }
    end
  end
  return axes
end

-- What is known of channels that were made of others (data.observable).
local function named_only(names)
  local list = {}
  for c, name in ipairs(names) do list[c] = { name = name } end
  return list
end

--- What is to be said of fields like those of a source (frames.lua), `factor` times finer (1: as they are).
---@param source table        of frames.lua
---@param factor integer|nil  1
---@param cells boolean|nil   whether coarse samples are means over cells (geometry.lua)
---@return table
function M.of(source, factor, cells)
  local scope <close> = core.scope()
  local path, o = source.files[1].path, source.options
  local reader = fields.open(path, o)   -- the source's own may be closed
  local d = reader.file.description
  local time = d.time and not d.groups and reader.file:attributes(d.time) or {}
  local about = { dataset = source.observed and "fields" or variable_of(reader), time = time,
    quantities = source.observed and named_only(source.names) or source.files[1].quantities,
    axes = axes_of(reader, factor or 1, cells) }
  reader:close()
  scope:close()
  return about
end

-- The value of an attribute that all channels share.
local function shared(list, key)
  for _, item in ipairs(list) do
    if item[key] ~= list[1][key] then return nil end
  end
  return list[1][key]
end

local function attributes(writer, dataset, from, keys)
  for _, key in ipairs(keys) do
    if type(from[key]) == "string" and from[key] ~= "" then assert(writer:text(key, from[key], dataset)) end
  end
end

-- The times of a forecast from a calendar: what it was made from, and how long before.
local function write_reference(writer, about)
  local unit, periods = tostring(about.time.units):match "^%s*(%S+)%s+since%s", {}
  if not unit then return end
  for i, time in ipairs(about.times) do periods[i] = time - about.reference[i] end
  assert(writer:array("forecast_reference_time", about.reference))
  attributes(writer, "forecast_reference_time", { units = about.time.units, calendar = about.time.calendar,
    standard_name = "forecast_reference_time" }, { "units", "calendar", "standard_name" })
  assert(writer:array("forecast_period", periods))
  attributes(writer, "forecast_period", { units = unit, standard_name = "forecast_period" },
    { "units", "standard_name" })
end

local function write_times(writer, about)
  if not about.times then return end
  assert(writer:array("times", about.times))
  attributes(writer, "times", about.time, { "units", "calendar", "standard_name" })
  if about.reference then write_reference(writer, about) end
end

--- Writes it into a file whose frames are written; `method` is what was done with the members (CF's cell_methods).
---@param writer flexlab.FieldWriter  whose frames are written
---@param about table                 of M.of
---@param method string|nil           "mean", "standard_deviation"
function M.write(writer, about, method)
  local own = {}
  for _, key in ipairs(quantities.keys) do own[key] = shared(about.quantities, key) end
  assert(writer:text("dataset", about.dataset))
  assert(writer:text("quantities", core.json.encode(about.quantities)))
  attributes(writer, about.dataset, own, quantities.keys)
  if method then assert(writer:text("cell_methods", "realization: " .. method, about.dataset)) end
  for letter, key in pairs { y = "rows", x = "columns" } do
    local axis = about.axes[letter]
    if axis then
      assert(writer:array(axis.name, axis.values))
      attributes(writer, axis.name, axis.attributes, kept)
      assert(writer:text(key, axis.name))
    end
  end
  write_times(writer, about)
end

return M
