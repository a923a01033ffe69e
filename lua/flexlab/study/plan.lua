--[[
plan - which settings a study tries: its arms, each { settings = { ["a.b"] = value }, label = "a.b=value ..." }.

  grid          { ["model.predict"] = { "v", "x" }, ["train.lr"] = { 1e-3, 1e-4 } }   all combinations
  one_at_a_time the same form: the base, then each value of each key alone on top of it. k keys of n values
                take 1 + k n arms instead of n^k; what they miss is whether effects add up (interactions)
  zip           { ["model.channels"] = { 32, 64 }, ["train.lr"] = { 1e-3, 5e-4 } }    the first values of all, then the
                second of all, ...: settings that vary together
  list          { { ["model.size"] = "nano" }, { ["model.size"] = "small", label = "big one" } }  exactly these
A plan has one of these. The base of one_at_a_time is the recipe with the user's settings; a value equal
to the base's makes no arm of its own.
--]]
local literal = require "flexlab.literal"
local words = require "flexlab.words"

local M = {}

M.kinds = { "grid", "one_at_a_time", "zip", "list" }

--- A value of a setting in short, in one line; a number one way: 1000.0 is 1000.
---@param value any  of a setting
---@return string
function M.shown(value)
  if type(value) == "table" or type(value) == "string" and value:find "%c" then return literal.line(value) end
  return tostring(math.type(value) == "float" and math.tointeger(value) or value)
end

--- "a=1 b=2" of settings, in alphabetic order.
---@param settings table  by flat keys
---@return string
function M.label(settings)
  local parts = {}
  for i, key in ipairs(words.keys(settings)) do parts[i] = key .. "=" .. M.shown(settings[key]) end
  return table.concat(parts, " ")
end

local arms = {}

-- All combinations, keys in alphabetic order, the last one varying fastest.
function arms.grid(grid)
  local list = { {} }
  for _, key in ipairs(words.keys(grid)) do
    local longer = {}
    for _, settings in ipairs(list) do
      for _, value in ipairs(grid[key]) do
        local copy = { [key] = value }
        for k, v in pairs(settings) do copy[k] = v end
        longer[#longer + 1] = copy
      end
    end
    list = longer
  end
  for i, settings in ipairs(list) do list[i] = { settings = settings, label = M.label(settings) } end
  return list
end

function arms.one_at_a_time(factors)
  local list = { { settings = {}, label = "base" } }
  for _, key in ipairs(words.keys(factors)) do
    for _, value in ipairs(factors[key]) do
      local settings = { [key] = value }
      list[#list + 1] = { settings = settings, label = M.label(settings) }
    end
  end
  return list
end

-- One arm for each place in the lists, which M.fault holds to one length.
function arms.zip(factors)
  local list, keys = {}, words.keys(factors)
  for i = 1, #factors[keys[1]] do
    local settings = {}
    for _, key in ipairs(keys) do settings[key] = factors[key][i] end
    list[i] = { settings = settings, label = M.label(settings) }
  end
  return list
end

function arms.list(entries)
  local list = {}
  for i, entry in ipairs(entries) do
    local settings = {}
    for k, v in pairs(entry) do if k ~= "label" then settings[k] = v end end
    list[i] = { settings = settings, label = entry.label or (next(settings) and M.label(settings) or "base") }
  end
  return list
end

--- What is wrong with lists that are to be zipped, in a sentence; nil if they have one length.
---@param factors table  { ["a.b"] = { values } }
---@return string|nil
function M.unequal(factors)
  local keys = words.keys(factors)
  for _, key in ipairs(keys) do
    if #factors[key] ~= #factors[keys[1]] then
      return ("zip wants as many values of each setting: %s has %d, %s has %d"):format(keys[1], #factors[keys[1]], key,
        #factors[key])
    end
  end
end

--- The kind of plan of a design, and the plan.
---@param design table  of a study
---@return string|nil
---@return string|nil  what is wrong
function M.kind_of(design)
  local found
  for _, kind in ipairs(M.kinds) do
    if design[kind] then
      if found then return nil, ("%s and %s are given; one plan is wanted"):format(found, kind) end
      found = kind
    end
  end
  return found
end

--- One sentence on what is wrong with a design, or nil.
---@param design table  of a study
---@return string|nil
function M.fault(design)
  local kind, message = M.kind_of(design)
  if message then return message end
  local plan = kind and design[kind]
  if type(plan) ~= "table" or next(plan) == nil then
    return "wanted { grid = { [key] = { values } }, seeds = } (or one_at_a_time, zip or list)"
  end
  for key, values in pairs(plan) do
    if type(values) ~= "table" or kind ~= "list" and #values == 0 then
      return ("%s['%s'] must be a %s"):format(kind, key, kind == "list" and "table of settings" or "list of values")
    end
  end
  local unequal = kind == "zip" and M.unequal(plan)
  if unequal then return unequal end
  return M.twice(arms[kind](plan))
end

--- What is wrong with arms of which two are one (1e-3 and 0.001 are one value), in a sentence; else nil.
---@param list table[]  arms
---@return string|nil
function M.twice(list)
  local seen = {}
  for _, arm in ipairs(list) do
    if seen[arm.label] then return ("two arms are called '%s'"):format(arm.label) end
    seen[arm.label] = true
  end
end

--- The arms of a design.
---@param design table  of a study, without a fault
---@return table[]
function M.arms(design)
  local kind = M.kind_of(design)
  return arms[kind](design[kind])
end

--- Without the arms whose settings are what the base has anyway (one_at_a_time).
---@param kind string    of the plan
---@param list table[]   arms
---@param base function  flat key -> value of the base's configuration
---@return table[]
function M.distinct(kind, list, base)
  if kind ~= "one_at_a_time" then return list end
  local kept = {}
  for _, arm in ipairs(list) do
    local key, value = next(arm.settings)
    if key == nil or literal.encode(value) ~= literal.encode(base(key)) then kept[#kept + 1] = arm end
  end
  return kept
end

--- Keys that arms set, and the values each takes in their order: { ["a.b"] = { values } }.
---@param list table[]  arms
---@return table
function M.factors(list)
  local factors, seen = {}, {}
  for _, arm in ipairs(list) do
    for key, value in pairs(arm.settings) do
      local name = key .. "=" .. literal.line(value)
      factors[key] = factors[key] or {}
      if not seen[name] then
        seen[name] = true
        table.insert(factors[key], value)
      end
    end
  end
  return factors
end

return M
