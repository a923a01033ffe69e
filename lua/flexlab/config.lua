--[[
config - configurations: plain tables of numbers, strings, booleans and lists.

A recipe's defaults say which keys there are and of which type. Overrides may be nested
(`{ model = { size = "small" } }`) or flat (`{ ["model.size"] = "small" }`). Rules, in full:
  an unknown key raises and names the nearest one;
  a number takes a number (a whole default makes 1e3 the integer 1000), a string takes a string or a
  list of strings, `true` takes a boolean, a list takes a list, `{}` takes any table;
  `false` means "absent" and takes anything; `flex.optional "string"` starts absent and takes that type;
  a number is finite: NaN and infinity are refused.
A section that is declared (flexlab.settings) takes every setting of its table, of the types and ranges that stand
there; what a recipe does not name is in the result only where it is given.
A resolved configuration is read-only, and reading a key that it has not raises too.
--]]
local declare = require "flexlab.settings.declare"
local expected = require "flexlab.expected"
local literal = require "flexlab.literal"
local literal_parser = require "flexlab.literal_parser"
local plain = require "flexlab.plain"
local settings = require "flexlab.settings"
local words = require "flexlab.words"

local M = { plain = plain.plain, optional = plain.optional, readonly = plain.readonly }

local is_optional = plain.is_optional

local function is_list(v) return type(v) == "table" and (#v > 0 or next(v) == nil) end

-- The value to store for a default, or nil and what was expected.
local function accept(default, value)
  if is_optional(default) then
    if value == false or type(value) == default.type then return M.plain(value) end
    return nil, "a " .. default.type
  elseif default == false then
    return M.plain(value)
  elseif type(default) == "number" then
    if type(value) ~= "number" then return nil, "a number" end
    if value ~= value or math.abs(value) == math.huge then return nil, "a finite number" end
    if math.type(default) == "float" then return value + 0.0 end
    return math.tointeger(value) or value
  elseif type(default) == "string" then
    local strings = is_list(value) and #value > 0
    for _, v in ipairs(strings and value or {}) do strings = strings and type(v) == "string" end
    if type(value) == "string" or strings then return M.plain(value) end
    return nil, "a string"
  elseif type(default) == "boolean" then
    if type(value) == "boolean" then return value end
    return nil, "true or false"
  elseif is_list(default) then
    if type(value) == "table" and (next(default) == nil or is_list(value)) then return M.plain(value) end
    return nil, "a list"
  end
  return nil, "a table"
end

local function is_section(default)
  return type(default) == "table" and not is_optional(default)
    and (settings.opened(default) ~= nil or not is_list(default))
end

local function fail_unknown(defaults, key, path, level)
  local known, opened = words.keys(defaults), settings.opened(defaults)
  for _, name in ipairs(opened and words.keys(opened.declared.entry) or {}) do
    if defaults[name] == nil and not opened.fixed[name] then known[#known + 1] = name end
  end
  local where = path == "" and "the configuration" or "'" .. path .. "'"
  error(("%s has %s"):format(where, words.unknown(key, known)), level)
end

local function fail_inside(value, rest, full, level)
  error(("'%s' is %s, it has no key '%s'"):format(full, words.show(M.plain(value)), rest), level)
end

-- The table that one setting is (eval.tiling) with one of its keys set (overlap).
local function within(before, rest, value)
  local whole = type(before) == "table" and M.plain(before) or {}
  local place, last = whole, rest:match "[^.]+$"
  for part in rest:gmatch "([^.]+)%." do
    place[part] = type(place[part]) == "table" and place[part] or {}
    place = place[part]
  end
  place[last] = value
  return whole
end

local function is_table_of_keys(v) return type(v) == "table" and #v == 0 end

-- Stores a declared setting; a table over a table leaves what it does not name.
local function set_declared(target, key, entry, value, full, level)
  local before, whole = target[key], M.plain(value)
  if words.has(entry.types, "table") and is_table_of_keys(value) and is_table_of_keys(before) then
    whole = M.plain(before)
    for k, v in pairs(value) do whole[k] = M.plain(v) end
  end
  local stored = declare.check(entry, whole)
  if stored == nil then error(declare.sentence("'" .. full .. "'", entry, value), level) end
  if entry.of and type(stored) == "table" then
    settings.options("'" .. full .. "'", declare.of(entry.of), stored, nil, level)
  end
  target[key] = stored
end

-- Stores a setting of a plain section, or of the recipe's own: of the type of its default.
local function set_plain(target, key, default, value, full, level)
  local stored, wanted = accept(default, value)
  if stored == nil then
    error(("'%s' wants %s as its default %s, got %s %s"):format(full, wanted,
      is_optional(default) and "asks" or words.show(default), type(value), words.show(value)), level)
  end
  target[key] = stored
end

-- Sets one key, walking down flat names ("model.size"). A key that may be of a choice that the section names
-- (eval.eta, of the sampler) is put on the list `waiting`, since that is known when all else is set.
local function set(target, defaults, key, value, path, waiting, level)
  local head, rest = tostring(key):match("^([^.]+)%.(.+)$")
  head = head or key
  local full = path == "" and tostring(head) or path .. "." .. tostring(head)
  local entry, default, opened = settings.entry(defaults, head), defaults[head], settings.opened(defaults)
  if opened and opened.fixed[head] then
    error(("'%s' is set by the recipe itself"):format(full), level)
  elseif entry then
    if rest and not words.has(entry.types, "table") then fail_inside(target[head], rest, full, level + 1) end
    set_declared(target, head, entry, rest and within(target[head], rest, value) or value, full, level + 1)
  elseif default == nil then
    if rest or not (opened and #opened.declared.takes > 0) then fail_unknown(defaults, head, path, level + 1) end
    waiting[#waiting + 1] = { target = target, declared = opened.declared, key = head, value = value, path = path }
  elseif rest then
    if not is_section(default) then fail_inside(default, rest, full, level + 1) end
    set(target[head], default, rest, value, full, waiting, level + 1)
  elseif is_section(default) then
    if type(value) ~= "table" then
      error(("'%s' wants a table of settings, got %s"):format(full, words.show(value)), level)
    end
    for k, v in pairs(value) do set(target[head], default, k, v, full, waiting, level + 1) end
  else
    set_plain(target, head, default, value, full, level + 1)
  end
end

-- Raises where a table of a choice's settings (model.schedule_options) does not suit the choice that is named.
local function check_tables(result, defaults, path, level)
  for key, section in pairs(result) do
    local opened = settings.opened(defaults[key])
    local wrong = opened and settings.wrong_table(opened.declared, section)
    if wrong then error(("'%s%s': %s"):format(path, tostring(key), wrong), level) end
    if not opened and is_section(defaults[key]) then
      check_tables(section, defaults[key], path .. tostring(key) .. ".", level + 1)
    end
  end
end

local function settle(waiting, level)
  for _, one in ipairs(waiting) do
    local stored, wrong = settings.accept(one.declared, one.key, M.plain(one.value), one.target)
    if stored == nil then error(("'%s': %s"):format(one.path, wrong), level) end
    one.target[one.key] = stored
  end
end

-- A copy that accepts what its sections accepted.
local function copy_of(defaults)
  if is_optional(defaults) then return false end
  if type(defaults) ~= "table" then return defaults end
  local copy = {}
  for k, v in pairs(plain.table_of(defaults)) do copy[k] = copy_of(v) end
  return settings.as(copy, plain.under(defaults))
end

--- Defaults with overrides: a new plain table, whose sections accept what those of the defaults do.
---@param defaults table       a recipe's: they say which keys there are and of which type
---@param overrides table|nil  nested or flat, or both
---@param level integer|nil    whom an error blames, as in error(); 1
---@return table
function M.merge(defaults, overrides, level)
  local result = copy_of(defaults)
  local waiting = {}
  defaults = plain.under(defaults)
  for _, key in ipairs(words.keys(M.plain(overrides or {}))) do
    set(result, defaults, key, overrides[key], "", waiting, (level or 1) + 2)
  end
  settle(waiting, (level or 1) + 2)
  check_tables(result, defaults, "", (level or 1) + 2)
  return result
end

--- The paths ("a.b") of leaves of a resolved configuration that differ from its defaults, sorted.
---@param defaults table  a recipe's
---@param resolved table  of merge with these defaults
---@return string[]
function M.changed(defaults, resolved)
  local list, usual = {}, M.merge(defaults)
  local function walk(own, before, now, path)
    for key, value in pairs(now) do
      local full, was = path .. tostring(key), before[key]
      if own[key] ~= nil and is_section(own[key]) and type(value) == "table" then
        walk(own[key], was, value, full .. ".")
      elseif literal.encode(M.plain(value)) ~= literal.encode(was) then
        list[#list + 1] = full
      end
    end
  end
  walk(plain.under(defaults), usual, plain.under(resolved), "")
  table.sort(list)
  return list
end

--- Options of a function: defaults filled in, unknown keys refused. `also` lists keys that belong to
--- others who read the same section. `nil` options are the defaults.
---@param what string        the function, for messages
---@param defaults table     all options there are
---@param given table|nil    what the caller gave
---@param also string[]|nil  keys that are let through
---@param level integer|nil  whom an error blames, as in error(); 1
---@return table
function M.options(what, defaults, given, also, level)
  local result = M.plain(defaults)
  local known = words.keys(defaults)
  for _, k in ipairs(also or {}) do known[#known + 1] = k end
  given = M.plain(given or {})
  expected.known(what, given, known, (level or 1) + 1)
  for k, v in pairs(given) do result[k] = v end
  return result
end

--- "k=v" of --set -> key, value: v is a Lua literal if it is one, else the string itself.
---@param setting string  "train.lr=1e-3"; another form raises
---@return string  key
---@return any  value
function M.parse(setting)
  local key, word = tostring(setting):match("^%s*([%w_.]+)%s*=(.*)$")
  if not key then
    error(("'%s' is not of the form key=value"):format(tostring(setting)), 2)
  end
  return key, M.literal(word)
end

--- A word as a value: number, boolean, quoted string or table where it reads as one, else itself.
---@param word string  as typed
---@return any
function M.literal(word)
  local ok, value = literal_parser.parse(word, "set")
  if ok and value ~= nil then return value end
  return (word:gsub("^%s+", ""):gsub("%s+$", ""))
end

return M
