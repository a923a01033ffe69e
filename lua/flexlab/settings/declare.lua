--[[
declare - what one setting is: its name, its default, the values it takes and what it means.

  { "batch", 8, "integer", least = 1, most = 65536, doc = "patches in a training step" }

An entry has a name, a default, and its types, joined by "|":
  boolean, false, true   `false` alone means: absent
  number, integer        within `least` .. `most`, or `above` .. `below`, which the value itself may not have
  numbers, integers      lists of these, none of them empty
  pair                   two whole numbers, { height, width }
  text, texts            a text that is not empty, a list of such
  string                 any text
  word, words            one of `words` (a fixed list) or of the choices of `kind` (flexlab.choices); several in a
                         list, which may be empty with `empty`. With `joined` a word may be "a+b"
  table                  settings of its own; `of` names their declared table where there is one
  any                    unchecked
It has `doc`, one line. With `internal` it is written by the library (into checkpoints) and is not for users.
With `choice`, a table holds the choice's own settings: schedule_options those of the schedule that `schedule` names.
Numbers are finite: NaN and infinity are no setting. What a word of a `kind` must be is checked where the choice is used
(and for all arms of a study before its first run), since a recipe may define words of its own.

A list of entries is declared once (data.lua, model.lua, ...) and everything else reads it: the functions that take
the settings, recipes that accept them (init.lua), `flexlab show`, the reference.
--]]
local choices = require "flexlab.choices"
local words = require "flexlab.words"

local M = {}

local checks = {}

-- A finite number within the entry's range.
local function within(entry, v)
  if type(v) ~= "number" or v ~= v or v == math.huge or v == -math.huge then return false end
  return not (entry.least and v < entry.least or entry.most and v > entry.most
    or entry.above and v <= entry.above or entry.below and v >= entry.below)
end

-- A list of one or more values that all pass.
local function all(value, passes, empty)
  if type(value) ~= "table" or #value == 0 and not empty then return nil end
  local list = {}
  for k in pairs(value) do
    if math.type(k) ~= "integer" or k < 1 or k > #value then return nil end
  end
  for i, v in ipairs(value) do
    list[i] = passes(v)
    if list[i] == nil then return nil end
  end
  return list
end

function checks.any(_, v) return v end
checks["true"] = function(_, v) if v == true then return v end end
checks["false"] = function(_, v) if v == false then return v end end
checks["boolean"] = function(_, v) if type(v) == "boolean" then return v end end

function checks.integer(entry, v)
  local whole = type(v) == "number" and math.tointeger(v)
  if whole and within(entry, whole) then return whole end
end

-- A default that is written with a decimal point keeps one, so that 1 and 1.0 are one configuration.
function checks.number(entry, v)
  if not within(entry, v) then return nil end
  return math.type(entry.default) == "float" and v + 0.0 or v
end

function checks.numbers(entry, v) return all(v, function(x) return checks.number(entry, x) end) end
function checks.integers(entry, v) return all(v, function(x) return checks.integer(entry, x) end) end
function checks.pair(entry, v) return type(v) == "table" and #v == 2 and checks.integers(entry, v) or nil end
function checks.string(_, v) if type(v) == "string" then return v end end
function checks.text(_, v) if type(v) == "string" and v ~= "" then return v end end
function checks.texts(_, v) return all(v, function(x) return checks.text(nil, x) end) end

function checks.word(entry, v)
  if type(v) ~= "string" or v == "" or (entry.words and not words.has(entry.words, v)) then return nil end
  return entry.kind and choices.present(entry.kind, v) or v
end

function checks.words(entry, v) return all(v, function(x) return checks.word(entry, x) end, entry.empty) end

checks["table"] = function(_, v) if type(v) == "table" then return v end end

-- A bound as people write it: 65536, 1e9.
local function number(v)
  local whole = math.tointeger(v)
  if whole and math.abs(whole) < 1e6 then return tostring(whole) end
  return (("%.4g"):format(v):gsub("e%+0*", "e"):gsub("e%-0*", "e-"))
end

-- The range of an entry's numbers: "from 1 to 65536", "above 0 and up to 1.3", "" without one.
local function range_of(entry)
  local low, high, parts = entry.least, entry.most, {}
  if low and high then return ("from %s to %s"):format(number(low), number(high)) end
  if low then parts[#parts + 1] = "from " .. number(low) .. " on" end
  if entry.above then parts[#parts + 1] = "above " .. number(entry.above) end
  if entry.below then parts[#parts + 1] = "below " .. number(entry.below) end
  if high then parts[#parts + 1] = "up to " .. number(high) end
  return table.concat(parts, " and ")
end

--- The range of an entry's numbers in short, for tables and help: "1..65536", ">0, <=1.3".
---@param entry table  a setting
---@return string
function M.short_range(entry)
  local parts = {}
  if entry.least and entry.most then return number(entry.least) .. ".." .. number(entry.most) end
  for _, bound in ipairs { { "least", ">=" }, { "above", ">" }, { "below", "<" }, { "most", "<=" } } do
    if entry[bound[1]] then parts[#parts + 1] = bound[2] .. number(entry[bound[1]]) end
  end
  return table.concat(parts, ", ")
end

local function span(entry)
  local range = range_of(entry)
  return range ~= "" and " " .. range or ""
end

local function one_of(entry)
  if entry.words then
    local quoted = {}
    for i, word in ipairs(entry.words) do quoted[i] = "'" .. word .. "'" end
    return words.list(quoted, "or")
  end
  return "a word of flex." .. (entry.kind == "optimizers" and "optim" or entry.kind)
end

local phrases = {
  any = function() return "any value" end,
  boolean = function() return "true or false" end,
  ["true"] = function() return "true" end,
  ["false"] = function() return "false" end,
  integer = function(e) return "a whole number" .. span(e) end,
  number = function(e) return "a number" .. span(e) end,
  integers = function(e) return "a list of whole numbers" .. span(e) end,
  numbers = function(e) return "a list of numbers" .. span(e) end,
  pair = function(e) return "two whole numbers {height, width}" .. span(e) end,
  string = function() return "a text" end,
  text = function() return "a text that is not empty" end,
  texts = function() return "a list of such texts" end,
  word = function(e) return one_of(e) end,
  words = function(e)
    return words.has(e.types, "word") and "a list of such words" or "a list, each of it " .. one_of(e)
  end,
  ["table"] = function(e) return e.of and ("a table of %s settings"):format(e.of) or "a table" end,
}

--- What an entry takes, as a sentence says it: "a whole number from 1 to 65536, or false".
---@param entry table  a setting
---@return string
function M.expected(entry)
  local parts = {}
  for _, kind in ipairs(entry.types) do
    if kind ~= "false" then parts[#parts + 1] = phrases[kind](entry) end
  end
  if words.has(entry.types, "false") then parts[#parts + 1] = "false" end
  return table.concat(parts, ", or ")
end

local short = { boolean = "true, false", ["false"] = "false", ["true"] = "true", integer = "whole number",
  number = "number", numbers = "list of numbers", integers = "list of whole numbers", pair = "{height, width}",
  text = "text", texts = "list of texts", string = "text", words = "list of words", table = "table", any = "any" }

--- What an entry takes, in a table's cell: "whole number 1..65536, false"; a word as the kind it is of.
---@param entry table  a setting
---@return string
function M.takes(entry)
  local parts, range = {}, M.short_range(entry)
  for _, kind in ipairs(entry.types) do
    if kind == "word" then
      parts[#parts + 1] = entry.words and table.concat(entry.words, ", ")
        or "flex." .. (entry.kind == "optimizers" and "optim" or entry.kind)
    else
      local numeric = kind:find "^integer" or kind:find "^number" or kind == "pair"
      parts[#parts + 1] = short[kind] .. (numeric and range ~= "" and " " .. range or "")
    end
  end
  return table.concat(parts, "; ")
end

--- The value as it is stored, or nil where it is none that the entry takes (M.sentence says so).
---@param entry table  a setting
---@param value any    what came
---@return any
function M.check(entry, value)
  for _, kind in ipairs(entry.types) do
    local stored = checks[kind](entry, value)
    if stored ~= nil then return stored end
  end
end

-- A value in short: numbers of a list are shown.
local function shown(value)
  if math.type(value) == "float" then return ("%.14g"):format(value) end
  if type(value) == "table" and #value > 0 and #value <= 4 then
    local parts = {}
    for i, v in ipairs(value) do parts[i] = type(v) == "table" and words.show(v) or shown(v) end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  return words.show(value)
end

--- "batch must be a whole number from 1 to 65536, got 0"; of a word of a fixed list also the nearest.
---@param name string  the setting as the user knows it
---@param entry table  its entry
---@param value any    what came
---@return string
function M.sentence(name, entry, value)
  local near = ""
  if entry.words and type(value) == "string" then
    near = words.meant(value, entry.words)
  end
  return ("%s must be %s, got %s%s"):format(name, M.expected(entry), shown(value), near)
end

local function typed(entry, name)
  entry.name, entry.default, entry.types = entry[1], entry[2], {}
  for kind in entry[3]:gmatch "[^|]+" do
    if not checks[kind] then error(("settings: '%s.%s' has no type '%s'"):format(name, entry.name, kind), 0) end
    entry.types[#entry.types + 1] = kind
  end
  return entry
end

-- Adds an entry; one of the same name takes the place of the one before.
local function add(declared, entry)
  for i, before in ipairs(declared.list) do
    if before.name == entry.name then
      declared.list[i] = entry
      break
    end
  end
  if not declared.entry[entry.name] then table.insert(declared.list, entry) end
  declared.entry[entry.name], declared.defaults[entry.name] = entry, entry.default
end

local function new(name, list)
  local declared = { name = name, list = {}, entry = {}, defaults = {}, takes = list.takes or {}, doc = list.doc,
    early = list.early or false, added = {} }
  for _, part in ipairs(list.with or {}) do
    for _, entry in ipairs(M.of(part).list) do add(declared, entry) end
  end
  for _, entry in ipairs(list) do
    add(declared, typed(entry, name))
    declared.added[entry.name] = entry.default
  end
  return declared
end

local known = {}

--- The declaration `name` (data, superres, forecast, model, train, eval, ...): { name, doc, list, entry = {by name},
--- defaults, added, takes }. `added` are the defaults of entries that are not of a table it begins with (`with`);
--- takes = {{ key =, kind =, otherwise = }}: key names a choice whose own settings are given beside these.
---@param name string  of a file in settings/
---@return table
function M.of(name)
  if not known[name] then known[name] = new(name, require("flexlab.settings." .. name)) end
  return known[name]
end

local declarations = setmetatable({}, { __mode = "k" })   -- a choice's defaults -> their declaration

--- Declares entries that no table has; returns their defaults with `others` beside them, and the declaration.
---@param list table[]      entries, as the head says
---@param others table|nil  further defaults, by name
---@return table  defaults
---@return table  declaration
function M.own(list, others)
  local declared, defaults = new("own", list), {}
  for _, t in ipairs { declared.defaults, others or {} } do
    for name, value in pairs(t) do defaults[name] = value end
  end
  declarations[defaults] = declared
  return defaults, declared
end

--- The entries of a choice's defaults: as declared, else of the type of each default; false and tables are unchecked.
---@param defaults table  of a choice
---@return table[]
function M.entries(defaults)
  local declared, list = declarations[defaults], {}
  for _, entry in ipairs(declared and declared.list or {}) do list[#list + 1] = entry end
  for _, name in ipairs(words.keys(defaults)) do
    if declared and declared.entry[name] then goto continue end
    local kind = type(defaults[name])
    local plain = kind == "number" or kind == "string" or defaults[name] == true
    list[#list + 1] = { name = name, default = defaults[name], types = { plain and kind or "any" }, doc = "" }
    ::continue::
  end
  return list
end

--- The declaration of one choice's own settings.
---@param choice table  with defaults
---@return table  declaration
function M.choice(choice) return M.join(new(choice.name or "own", {}), { choice }) end

--- A declaration with the settings of choices beside its own. A name that both have keeps the type and the meaning
--- declared first, and takes the choice's default.
---@param declared table  declaration
---@param some table[]    choices
---@return table  declaration
function M.join(declared, some)
  local joined = new(declared.name, {})
  for _, entry in ipairs(declared.list) do add(joined, entry) end
  for _, choice in ipairs(some) do
    for _, entry in ipairs(M.entries(choice.defaults)) do
      local known_here, copy = declared.entry[entry.name], {}
      for k, v in pairs(known_here or entry) do copy[k] = v end
      copy.default, copy.choice = entry.default, not known_here and choice or nil
      add(joined, copy)
    end
  end
  return joined
end

return M
