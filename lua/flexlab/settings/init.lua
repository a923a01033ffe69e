--[[
settings - every documented setting, declared once; and sections of a recipe that accept all of them.

  return flex.recipe("sr", {
    data  = flex.settings.superres { file = "data/train_re*.h5", crop = 64 },
    train = flex.settings.train { steps = 300, lr = 1e-3 },
  }, function(cfg, run) ... end)
Such a section has the settings that it names, with these defaults. It also accepts every other setting of its
declared table (--set train.optimizer=lion), of the declared types and range. One that is accepted so is in the
configuration only when it is given, and the function that takes the section fills in its default: so the hash of
a run does not change when a table grows. The recipe must pass the whole section on: what was given and is read
by nobody ends the run after its first step, or is said in a note at the end (run/unread.lua).

A section may have settings of the recipe's own, declared in a second table. A third lists settings that the recipe
sets itself, which are therefore refused. Any other table of a recipe's defaults can be declared, too, with `own`:
  eval  = flex.settings.eval({ members = 4 }, { { "steps", { 1, 2, 4 }, "integers", least = 1, doc = "steps to try" } })
  data  = flex.settings.superres({ factor = 4 }, nil, { "file", "test" })
  study = flex.settings.own { { "batches", 2, "integer", least = 1, doc = "test batches that are sampled" } }
A section that is a plain table accepts what it names and nothing else, of the type of its default.

The tables: superres, forecast, multitask (data), model, train, eval, tiling, rollout, flow; one file each beside this
one, which say types, ranges, defaults and meaning (declare.lua).
--]]
local choices = require "flexlab.choices"
local declare = require "flexlab.settings.declare"
local expected = require "flexlab.expected"
local plain = require "flexlab.plain"
local words = require "flexlab.words"

local M = { check = declare.check, expected = declare.expected, sentence = declare.sentence,
  entries = declare.entries, join = declare.join, of = declare.of, takes = declare.takes,
  choice = declare.choice }

--- The declared tables that a section may be of.
M.names = { "superres", "forecast", "multitask", "model", "train", "eval", "tiling", "rollout", "flow" }

--- A section of a recipe by its usual name -> the declared tables that it may be of.
M.sections = { data = { "superres", "forecast", "multitask" }, model = { "model" }, train = { "train" },
  eval = { "eval" }, tiling = { "tiling" }, rollout = { "rollout" }, flow = { "flow" } }

local opened = setmetatable({}, { __mode = "k" })   -- a section's defaults -> what it accepts

--- What a section's defaults accept: { declared =, fixed = { key = true }, entry = { the recipe's own, by name } }, or
--- nil for a plain table.
---@param defaults table  a section of a recipe
---@return table|nil
function M.opened(defaults) return opened[defaults] end

--- The entry of a key of a section's defaults; nil where it is declared nowhere.
---@param defaults table  a section of a recipe
---@param key string      of the section
---@return table|nil
function M.entry(defaults, key)
  local accepts = opened[defaults]
  return accepts and (accepts.entry[key] or accepts.declared.entry[key]) or nil
end

--- Declares settings that no table has: of a choice (its `defaults`), or of a recipe. Returns their defaults.
---@param list table[]      entries (declare.lua)
---@param others table|nil  further defaults: for a choice those of settings that the section's table declares (a
---  sampler's `steps`); for a recipe its sections
---@return table
function M.own(list, others)
  local defaults, declared = declare.own(list, others)
  opened[defaults] = { declared = declared, fixed = {}, entry = {} }
  return defaults
end

--- Makes `copy` accept what the section `defaults` does; returns it.
---@param copy table      a section
---@param defaults table  the section whose settings it accepts
---@return table  copy
function M.as(copy, defaults)
  opened[copy] = opened[defaults]
  return copy
end

--- A section of a recipe that accepts every setting of a declared table; M.<name> is the same for each.
---@param name string         one of settings.names
---@param defaults table|nil  the settings that the recipe names, with its defaults
---@param own table[]|nil     entries of settings that are the recipe's own
---@param fixed string[]|nil  names of settings that the recipe sets itself
---@param level integer|nil   whom an error blames, as in error(); 1
---@return table
function M.section(name, defaults, own, fixed, level)
  if not words.has(M.names, name) then
    error("settings: " .. words.unknown(tostring(name), M.names), (level or 1) + 1)
  end
  local declared, section = declare.of(name), {}
  for key, value in pairs(defaults or {}) do
    local stored, wrong = M.accept(declared, key, value, defaults)
    if stored == nil then error(("settings.%s: %s"):format(name, wrong), (level or 1) + 1) end
    section[key] = stored
  end
  local defaults_of_own, mine = declare.own(own or {})
  for key, value in pairs(defaults_of_own) do section[key] = value end
  local set = {}
  for _, key in ipairs(fixed or {}) do
    if not declared.entry[key] then
      error(("settings.%s has %s"):format(name, words.unknown(tostring(key), words.keys(declared.entry))),
        (level or 1) + 1)
    end
    set[key] = true
  end
  for _, entry in ipairs(declared.list) do set[entry.name] = set[entry.name] or entry.internal end
  opened[section] = { declared = declared, fixed = set, entry = mine.entry }
  return section
end

for _, name in ipairs(M.names) do
  M[name] = function(defaults, own, fixed) return M.section(name, defaults, own, fixed, 2) end
end

--- A section with some settings set: a plain table, for a recipe that decides them itself.
---@param section table  cfg.data, for example
---@param more table     settings by name: { file = .., test = .. }
---@return table
function M.with(section, more)
  local copy = plain.plain(section)
  for key, value in pairs(more) do copy[key] = value end
  return copy
end

--- The declaration of a table with the settings of the choices that `values` name beside its own, and the lists of
--- these choices: { sampler = { choice }, guidance = { choice, choice } }.
---@param declared table  declaration of a table
---@param values table    the section: its words name the choices
---@return table  declaration
---@return table  lists of choices by setting
function M.with_choices(declared, values)
  local lists = {}
  for _, take in ipairs(declared.takes) do
    local word = values[take.key] or declared.defaults[take.key] or take.otherwise
    lists[take.key] = {}
    for _, one in ipairs(type(word) == "table" and word or { word }) do
      for part in (type(one) == "string" and one or ""):gmatch "[^+%s]+" do
        table.insert(lists[take.key], choices.look(take.kind, part))
      end
    end
    declared = declare.join(declared, lists[take.key])
  end
  return declared, lists
end

--- The value of a key as it is stored, the key being of a declared table or of the choices that `values` name; or
--- nil and a sentence.
---@param declared table  declaration of a table
---@param key string      the setting
---@param value any       what came
---@param values table    the section: its words name choices
---@return any  nil where it is refused
---@return string|nil  why
function M.accept(declared, key, value, values)
  local entry = declared.entry[key]
  if not entry then      -- only then are the choices looked up: a recipe may define words of its own later
    declared = M.with_choices(declared, values)
    entry = declared.entry[key]
  end
  if not entry then return nil, "there is " .. words.unknown(key, words.keys(declared.entry)) end
  local stored = declare.check(entry, value)
  if stored == nil then return nil, declare.sentence(tostring(key), entry, value) end
  return stored
end

--- What is wrong with a section's tables of choices' settings (schedule_options), as a sentence; nil for nothing. A
--- word that stands for another part (encoder `flex`, official parametrisations) is judged where that part is made.
---@param declared table  declaration of a table
---@param section table   values by setting
---@return string|nil
function M.wrong_table(declared, section)
  for _, entry in ipairs(declared.list) do
    local given, named = section[entry.name], entry.choice and declared.entry[entry.choice]
    local word = named and (section[entry.choice] or named.default)
    if type(given) == "table" and next(given) and type(word) == "string" and not section.official
      and not (named.kind == "encoders" and word == "flex") and choices.has(named.kind, word) then
      local own = M.choice(choices.look(named.kind, word))
      local ok, message = pcall(M.options, ("%s of %s '%s'"):format(entry.name, named.name, word), own, given, nil, -1)
      if not ok then return message end
    end
  end
end

--- Options of a function that takes a declared table: the defaults filled in, the given ones checked. `also` lists
--- keys that are not settings.
---@param what string        the function, for messages
---@param declared table     of settings.of, settings.join or settings.with_choices
---@param given table|nil    what the caller gave
---@param also string[]|nil  keys that are let through unchecked
---@param level integer|nil  whom an error blames, as in error(); 1
---@return table
function M.options(what, declared, given, also, level)
  local result = {}
  expected.options(what, given, (level or 1) + 1)
  for key, default in pairs(declared.defaults) do result[key] = plain.plain(default) end
  for key, value in pairs(plain.plain(given or {})) do
    local entry = declared.entry[key]
    if entry then
      local stored = declare.check(entry, value)
      if stored == nil then
        error(("%s: %s"):format(what, declare.sentence(key, entry, value)), (level or 1) + 1)
      end
      result[key] = stored
    elseif words.has(also or {}, key) then
      result[key] = value
    else
      local known = words.keys(declared.entry)
      table.move(also or {}, 1, #(also or {}), #known + 1, known)
      error(("%s has %s"):format(what, words.unknown(key, known)), (level or 1) + 1)
    end
  end
  return result
end

return M
