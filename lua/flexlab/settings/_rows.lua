--[[
_rows - settings that the core has, too: entries (declare.lua) made from its own lists of options.

  local rows = require("flexlab.settings._rows").of(core.flex_fields)
  rows.entry "dropout"                                             all as the list has it
  rows.entry("depth", { default = false, types = "false|integer", note = "; false: by the size" })
  rows.rest()                                                      entries of those of the list's own that were not made
core.flex_fields is csrc/model/flex_fields.def, core.flow_options is csrc/sim/flow_options.def. A row that is `own` is
the setting of its name: it needs no line in a table of settings, where `rest` puts it.
--]]
local M = {}

local types = { size = "integer", seed = "integer", number = "number", flag = "boolean", choice = "word",
  sizes = "integers" }

local function words_of(row)
  if not row.words then return nil end
  local list = {}
  for word in row.words:gmatch "[^|]+" do list[#list + 1] = word end
  return list
end

-- The entry of a row, with what `changes` says in the place of what the row does.
local function entry_of(row, changes)
  local entry = { row.name, row.default, types[row.kind], least = row.least, most = row.most, below = row.below,
    words = words_of(row), doc = row.doc .. (changes.note or "") }
  if changes.default ~= nil then entry[2] = changes.default end
  entry[3] = changes.types or entry[3]
  for _, key in ipairs { "least", "above", "most", "below", "words", "doc" } do
    if changes[key] ~= nil then entry[key] = changes[key] end
  end
  return entry
end

--- Entries of the rows of one list: { entry(name, changes) -> entry, rest() -> entries }. changes: default, types,
--- least, above, most, below, words, doc in the place of the row's; note: a text behind its doc.
---@param list table[]  core.flex_fields or core.flow_options
---@return table
function M.of(list)
  local by_name, made = {}, {}
  for _, row in ipairs(list) do by_name[row.name] = row end
  local rows = {}
  function rows.entry(name, changes)
    made[name] = true
    return entry_of(by_name[name] or error("settings: the core has no option '" .. name .. "'", 2), changes or {})
  end
  function rows.rest()
    local entries = {}
    for _, row in ipairs(list) do
      if row.own and not made[row.name] then entries[#entries + 1] = rows.entry(row.name) end
    end
    return entries
  end
  return rows
end

return M
