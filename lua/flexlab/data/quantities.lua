--[[
quantities - what the channels of a file are: their units and names, and whether two files hold the same.

  quantities.of(reader) -> { { name = "t2m", units = "K", standard_name =, long_name = }, ... }    one per channel
  quantities.judge({ list, path }, { list, path }, options)       raises a sentence, notes one, or is content

A network learns numbers: kelvin in one file and degrees Celsius in another are one field to it, and a wrong result
to its reader. So files of one set, its test files, its coarse files, and what a checkpoint is given, are compared
here, channel by channel. Units that are read as different (units.lua) and standard names that differ are refused. What
cannot be decided - a unit that is not known beside another text, a unit that one file alone has, long names in other
words - is a note. The way out is the user's word: where channels are named by number, or described (data.format), a
difference is a note too, since a wrong attribute in a file that may not be changed must not end the work.
--]]
local notes = require "flexlab.context.notes"
local units = require "flexlab.data.units"

local M = {}

M.keys = { "units", "standard_name", "long_name" }

local function said(value)
  if type(value) == "number" then return ("%g"):format(value) end
  value = type(value) == "string" and value:match("^%s*(.-)%s*$")
  return value and value ~= "" and value or nil
end

--- The quantities of the chosen channels of a reader (fields.lua): what the format knows of each, else what their
--- variables say. `label` is what a picture calls it, where that is known.
---@param reader table  of fields.lua
---@return table[]
function M.of(reader)
  local list, groups = {}, reader.file.description.groups
  for c, chosen in ipairs(reader.chosen) do
    local attributes = reader.file:attributes((groups and groups[1] .. "/" or "") .. chosen.part.path)
    local each = chosen.part.quantities
    local item, known = { name = reader.names[c] }, each and each[chosen.at] or chosen.part.quantity or {}
    item.label = said(known.label)
    for _, key in ipairs(M.keys) do item[key] = said(attributes[key]) or said(known[key]) end
    list[c] = item
  end
  return list
end

--- Whether a user says himself which channels are which: by their numbers, or in a description.
---@param options table|nil  channels, format
---@return boolean
function M.named(options)
  local o = options or {}
  local first = type(o.channels) == "table" and o.channels[1] or o.channels
  return math.tointeger(first) ~= nil or type(o.format) == "table" and o.format.channels ~= nil
end

-- How a pair of channels differs: "refuse" or "note", the key, or nil.
local function difference(a, b)
  local unit = units.compare(a.units, b.units)
  if unit == "different" then return "refuse", "units" end
  if a.standard_name and b.standard_name then
    if a.standard_name ~= b.standard_name then return "refuse", "standard_name" end
  elseif a.long_name and b.long_name and a.long_name ~= b.long_name then
    return "note", "long_name"
  end
  if unit == "unknown" or (unit == "unsaid" and (a.units or b.units)) then return "note", "units" end
end

local function one(item, key, path)
  return item[key] and ("%s '%s' in %s"):format(key, item[key], path) or ("no %s in %s"):format(key, path)
end

local function shown(path) return path and ("'%s'"):format(path) or "the training data" end

--- "refuse" or "note" and a sentence for the first channel that differs; nil where none does. Each side is
--- { list of quantities, path of its file, or nothing where it is a checkpoint's }.
---@param a table            one side
---@param b table            the other
---@param options table|nil  channels, format: where they name the channels, a refusal becomes a note
---@return string|nil
---@return string|nil
function M.compare(a, b, options)
  local state, sentence
  for c, item in ipairs(a[1]) do
    local other = b[1][c] or {}
    local found, key = difference(item, other)
    if found and (not state or state == "note" and found == "refuse") then
      state = found
      sentence = ("channel '%s' has %s and %s"):format(item.name, one(item, key, shown(a[2])),
        one(other, key, shown(b[2])))
    end
  end
  if state == "refuse" and M.named(options) then state = "note" end
  return state, sentence
end

--- Raises where two sides hold different quantities, notes what cannot be decided (not where `noted`: of many files
--- the first one is enough). Returns whether there was something to note.
---@param a table            one side, as of compare
---@param b table            the other
---@param options table|nil  as of compare
---@param noted boolean|nil  says nothing
---@return boolean
function M.judge(a, b, options, noted)
  local state, sentence = M.compare(a, b, options)
  if state == "refuse" then
    error(("data: %s: to a network they would be one field. Convert one of them; where an attribute is wrong, "
      .. "correct it, or name the channels by number (data.channels = { 1 }, --channels 1), which makes this a note")
      :format(sentence), 0)
  end
  if state and not noted then notes.add("data: " .. sentence .. ": they are taken as one") end
  return state ~= nil
end

-- The list of a checkpoint, which may come from anywhere: nil where it is no list of tables for these channels.
local function of_checkpoint(about, count)
  local list = about.quantities
  if type(list) ~= "table" or #list ~= count then return nil end
  local own = {}
  for c, item in ipairs(list) do
    if type(item) ~= "table" then return nil end
    own[c] = { name = said(item.name) or tostring(c), label = said(item.label) }
    for _, key in ipairs(M.keys) do own[c][key] = said(item[key]) end
  end
  return own
end

--- The same between the data of a checkpoint (model.data) and a source of frames that it is given.
---@param about table        model.data
---@param source table       of frames.lua
---@param options table|nil  as of compare
function M.judge_trained(about, source, options)
  local first = source.files[1]
  local list = of_checkpoint(about, #first.quantities)
  if list then M.judge({ list }, { first.quantities, first.path }, options) end
end

--- What a channel is called in a picture: "vorticity (s-1)".
---@param item table  of M.of
---@return string
function M.label(item)
  if item.label then return item.label end
  return (item.long_name or item.name) .. (item.units and (" (%s)"):format(item.units) or "")
end

return M
