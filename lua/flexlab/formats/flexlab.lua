--[[
flexlab - what `flexlab sample` writes (data/labelled.lua): one dataset, named as its variable was, (T,H,W) or
(T,C,H,W), with the names of its channels, their units, and the coordinates of rows and columns.
--]]
local cf = require "flexlab.data.cf"
local core = require "flexlab.core"

local function dataset_of(file)
  local name = file:attributes("").dataset
  local v = type(name) == "string" and type(file:attributes("").quantities) == "string" and file:numbers(name, 3, 4)
  return v and #v.axes == 0 and v or nil
end

-- The list of the attribute `quantities`, one table a channel; empty ones where it is none.
local function quantities_of(file, names)
  local ok, list = pcall(core.json.decode, file:attributes("").quantities)
  local own = {}
  for c = 1, #names do own[c] = ok and type(list) == "table" and type(list[c]) == "table" and list[c] or {} end
  return own
end

-- An axis as cf.lua tells it.
local function axis_of(file, v, at, letter, key)
  local name = file:attributes("")[key]
  local coordinate = type(name) == "string" and file:numbers(name, 1, 1)
  if coordinate and coordinate.shape[1] ~= v.shape[at] then coordinate = nil end
  return { name = coordinate and name or letter, size = v.shape[at], letter = letter, coordinate = coordinate or nil,
    by = coordinate and ("by the file's attribute %s"):format(key) or "its place",
    attributes = coordinate and file:attributes(name) or {} }
end

return {
  doc = "what `flexlab sample` writes: one dataset (T,H,W) or (T,C,H,W) that says what its channels are",
  order = 10,   -- it says who wrote it
  recognise = function(file) return dataset_of(file) ~= nil end,
  describe = function(file)
    local v, about, names = dataset_of(file), file:attributes(""), {}
    for name in tostring(about.channels or ""):gmatch("[^,]+") do names[#names + 1] = name end
    if #names == 0 then names[1] = v.path end
    local last = #v.shape
    local told = { { name = "times", size = v.shape[1], letter = "t", by = "its place", attributes = {} } }
    if last == 4 then
      told[2] = { name = "channels", size = v.shape[2], letter = "c", by = "its place", attributes = {} }
    end
    told[#told + 1] = axis_of(file, v, last - 1, "y", "rows")
    told[#told + 1] = axis_of(file, v, last, "x", "columns")
    local entry = { name = v.path, path = v.path, axes = last == 4 and "tcyx" or "tyx", names = names, told = told,
      quantities = quantities_of(file, names) }
    local wraps = about.columns and cf.wraps(file, entry) or nil
    return { channels = { entry }, time = file:numbers("times", 1, 1) and "times", wraps = wraps,
      boundary = about.boundary }
  end,
}
