--[[
chosen - which settings of a configuration name choices, so that every word of every arm is known before step 1.

A recipe's configuration is its own, but what it hands to this library has the library's names: `encoder` is a word
of flex.encoders() wherever it stands (model.encoder, second.model.encoder). Which settings these are, the declared
tables say (flexlab.settings, `kind`). Names that recipes use for other things too (kind, target, loss ...) count in
the section that the library reads them from, at any depth. A recipe that wants one of the others for something else
calls it otherwise.

Parts that a recipe brings along (`flex.losses.define`) must be defined where its file is loaded, not in its body:
words are looked up before a body runs.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local settings = require "flexlab.settings"
local words = require "flexlab.words"
local trial = require "flexlab.trial"

local M = {}

-- Names that recipes use for other things too.
local shared = { kind = true, predict = true, schedule = true, target = true, loss = true, format = true,
  augment = true, grid = true }

local kinds, joined = {}, {}

-- setting -> kind of choice (by its name alone, or with its section in front), and the kinds whose words are put
-- together ("a+b"), from the declared tables.
local function known()
  if next(kinds) then return kinds end
  for section, tables in pairs(settings.sections) do
    for _, name in ipairs(tables) do
      for _, entry in ipairs(settings.of(name).list) do
        local key = shared[entry.name] and section .. "." .. entry.name or entry.name
        if entry.kind then kinds[key], joined[entry.kind] = entry.kind, entry.joined end
      end
    end
  end
  return kinds
end

-- The words in a value: a string, or a list of strings; nothing in anything else.
local function words_in(value, kind)
  local list = {}
  for _, v in ipairs(type(value) == "table" and value or { value }) do
    if type(v) == "string" then
      for word in v:gmatch(joined[kind] and "[^+%s]+" or ".+") do list[#list + 1] = word end
    end
  end
  return list
end

-- The kind of choice that a setting names, or nil. A section of a declared table (flexlab.settings) says so itself,
-- whatever it is called.
local function kind_of(key, section, opened)
  if opened then
    local entry = opened.declared.entry[key]
    if entry then return entry.kind end
  end
  return known()[key] or known()[section .. "." .. tostring(key)]
end

local function walk(node, path, section, found, defaults)
  local opened = type(defaults) == "table" and settings.opened(defaults)
  for _, key in ipairs(words.keys(node)) do
    local value, full, kind = node[key], path .. tostring(key), kind_of(key, section, opened)
    if kind then
      for _, word in ipairs(words_in(value, kind)) do
        found[#found + 1] = { key = full, kind = kind, word = word, section = node, name = key }
      end
    elseif type(value) == "table" and type(key) == "string" then
      walk(value, full .. ".", key, found, type(defaults) == "table" and rawget(defaults, key))
    end
  end
  return found
end

--- The words of a resolved configuration: list of { key = "model.encoder", kind = "encoders", word = "flex",
--- section = the table it stands in, name = "encoder" }. `defaults` are the recipe's, where they are known.
---@param cfg table           resolved
---@param defaults table|nil  the recipe's
---@return table[]
function M.of(cfg, defaults) return walk(config.plain(cfg), "", "", {}, defaults) end

-- One sentence on a network's size that its backbone does not know, or nil. No user's backbone is loaded for it.
local function size_fault(cfg, defaults)
  for _, key in ipairs(words.keys(cfg)) do
    local section, opened = cfg[key], type(defaults) == "table" and settings.opened(defaults[key] or false)
    local size = opened and opened.declared.name == "model" and not section.channels and section.size
    local word = size and (section.backbone or opened.declared.defaults.backbone)
    local file = word and choices.files("backbones")[word]
    if file and file.own and not pcall(function() assert(choices.look("backbones", word).sizes(size)) end) then
      return ("%s.size: backbone '%s' has %s"):format(key, word, words.unknown(size, core.flex_sizes))
    end
  end
end

--- One sentence on the first word that there is not, or nil.
---@param cfg table           resolved
---@param defaults table|nil  the recipe's
---@return string|nil
function M.fault(cfg, defaults)
  for _, found in ipairs(M.of(cfg, defaults)) do
    if not choices.has(found.kind, found.word) then
      return ("%s: %s has %s"):format(found.key, found.kind, words.unknown(found.word, choices.registry(found.kind)()))
    end
  end
  return size_fault(config.plain(cfg), defaults)
end

-- Kinds whose settings stand in a table <setting>_options beside the word.
local tabled = { schedules = true, parametrisations = true, weightings = true, targets = true, losses = true,
  encoders = true }

--- Tries every word of a resolved configuration, with the settings that stand beside it. `defaults` are the recipe's.
---@param cfg table           resolved
---@param defaults table|nil  the recipe's
function M.try(cfg, defaults)
  for _, found in ipairs(M.of(cfg, defaults)) do
    local choice = choices.look(found.kind, found.word)
    if tabled[found.kind] and trial.tried(choice) then
      trial.once(choice, choices.registry("models").flex.settings(found.section, found.name, choice))
    else
      trial.among(choice, found.section)
    end
  end
end

return M
