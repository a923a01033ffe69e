--[[
netcdf - any netCDF file, 3 or 4: axes and what is no field by CF's rules (flexlab.data.cf), missing elements NaN
and packed numbers unpacked already.

The fields are the variables with rows and columns that are on the grid and at the times of the largest; what is on
that grid and does not change in time is a channel when it is named. All others are left out, with a reason.
--]]
local cf = require "flexlab.data.cf"

local function is_field(v) return v.number and #v.shape >= 2 and #v.axes == #v.shape end

local function fields(file, no_field)
  local list = {}
  for _, v in ipairs(file.list) do
    if is_field(v) and not no_field[v.path] then list[#list + 1] = v end
  end
  return list
end

local function size(v)
  local n = 1
  for _, s in ipairs(v.shape) do n = n * s end
  return n
end

-- The axes along which frames are counted, and those of a frame: names and sizes in one text each.
local function grid_of(entry)
  local frames, field = {}, {}
  for a, axis in ipairs(entry.told) do
    local letter = entry.axes:sub(a, a)
    local list = (letter == "y" or letter == "x") and field or letter ~= "c" and frames
    if list then list[#list + 1] = letter .. " " .. axis.name .. " " .. axis.size end
  end
  table.sort(frames)
  table.sort(field)
  return table.concat(frames, ","), table.concat(field, ",")
end

-- What decides which is the largest: time, then the number of axes, then elements.
local function rank(entry)
  return { entry.axes:find("t", 1, true) and 1 or 0, #entry.variable.shape, size(entry.variable) }
end

local function largest(entries)
  local best, most
  for _, e in ipairs(entries) do
    local r, more = rank(e), not best
    for k = 1, 3 do
      if best and r[k] ~= most[k] then more = r[k] > most[k] break end
    end
    if more then best, most = e, r end
  end
  return best
end

local function entries_of(file, list)
  local entries = {}
  for i, v in ipairs(list) do
    local e = cf.channel(file, v)
    e.variable, e.frames, e.field = v, grid_of(e)
    entries[i] = e
  end
  return entries
end

-- Divides entries into channels and what has other axes than the largest.
local function choose(entries, reasons)
  local model, channels = largest(entries), {}
  for _, e in ipairs(entries) do
    if e.field == model.field and (e.frames == model.frames or e.frames == "") then
      e.constant = e.frames ~= model.frames
      channels[#channels + 1] = e
      if e.constant then reasons[e.path] = "does not change in time: a channel when data.channels names it" end
    else
      reasons[e.path] = ("other axes than '%s': %s"):format(model.path, table.concat(e.variable.axes, ", "))
    end
  end
  return channels, model
end

return {
  doc = "netCDF 3 or 4: axes by attributes, units and names (CF conventions), packed numbers unpacked",
  order = 90,   -- after the formats that know their keys
  recognise = function(file) return #fields(file, cf.no_fields(file)) > 0 end,
  describe = function(file)
    local reasons = cf.no_fields(file)
    local list = fields(file, reasons)
    if #list == 0 then   -- where the format is given and nothing fits
      error(("data: '%s' has no variable with rows and columns that is a field; it has %s"):format(file.path,
        file:names()), 0)
    end
    local channels, model = choose(entries_of(file, list), reasons)
    for _, v in ipairs(file.list) do
      if not is_field(v) then reasons[v.path] = reasons[v.path] or "no field of rows and columns with named axes" end
    end
    return { channels = channels, time = cf.time(model), wraps = cf.wraps(file, model), left_out = reasons }
  end,
}
