--[[
code - the user's Lua files that a recipe runs, known before its first step.

  code.base(body)            what a recipe is made of, whatever its settings: its file and what that names
  code.set(base, settings)   with the parts that the settings name by word
  code.hash(set, settings)   8 hex digits: the settings, and the meaning of every file (tokens.lua)

A set is { list = { entry }, by_role, by_path, defines }; an entry is { role =, path =, text =, meaning = }. Roles
say how a file is reached, so that a project that moves keeps its hashes:
  recipe                     the file that holds the body
  module helper              require "helper"; flexlab.losses.mine is the word `mine` of losses
  file more/parts.lua        dofile or loadfile, the path as it is written
  define encoders.mine       functions that choices.define was given, where they stand in no other file of the set
Files are followed at any depth. What a text names only by computing it is found in two ways: what the main chunks
have loaded when the recipe is made counts as if it were written there (loading.lua); what is loaded after the
body has begun is recorded by the run and compared at the next call (witness.lua, provenance.lua).

A word counts where a user's file or a definition of that name exists, whichever setting it stands in, and so do
the words in strings of the files themselves. Which setting means which kind is known to the bodies alone; a
file too many costs a repeated run where it is edited, a file too few a wrong answer.
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local loading = require "flexlab.loading"
local tokens = require "flexlab.origin.tokens"

local M = {}

-- Kinds of which every user's file may be asked, whatever the words are: formats recognise data, and
-- `augment = true` means all symmetries.
local ALL_ASKED = { formats = true, symmetries = true }

local cache = {}   -- text -> what tokens say of it

-- { meaning =, uses = } of a text, lexed once.
local function understood(text)
  local known = cache[text]
  if not known then
    known = { meaning = tokens.meaning(text), uses = tokens.uses(text) }
    cache[text] = known
  end
  return known
end

--- Path and text of a function's source: a file, the text of a chunk that was a string, or what the function
--- compiles to (a line of the prompt).
---@param f function  of Lua
---@return string|nil  path
---@return string  text
function M.source_of(f)
  local source = debug.getinfo(f, "S").source
  local path = source:match("^@(.+)$")
  if path then return path, loading.text(path) or "" end
  return nil, source:find("^=") and string.dump(f, true) or source
end

local add

-- Follows what a file names: its requires and dofiles, and what its main chunk has loaded.
local function follow(set, entry, home)
  local uses = understood(entry.text).uses
  local function reach(kind, name, path)
    local kept = home and home:find(kind, name)
    if kept then return add(set, kind .. " " .. name, kept.path, kept.text, home) end
    if path and not loading.is_own(path) then add(set, kind .. " " .. name, path) end
  end
  for _, name in ipairs(uses.requires) do reach("module", name, loading.find(name)) end
  for _, name in ipairs(uses.files) do reach("file", name, core.sys.exists(name) == "file" and name or nil) end
  if entry.path and not set.later then
    for _, edge in ipairs(loading.loaded_by(entry.path)) do reach(table.unpack(edge)) end
  end
end

-- Adds a file under its role, and what it names. `home`: the kept run that it is a copy of (copies.lua).
function add(set, role, path, text, home)
  if set.by_role[role] then return end
  text = text or loading.text(path)
  if not text then return end
  local entry = { role = role, path = path, text = text, meaning = understood(text).meaning }
  set.by_role[role] = entry
  set.list[#set.list + 1] = entry
  if path then set.by_path[path] = entry end
  follow(set, entry, home or loading.homes[path or false])
end

--- A set without files.
---@return table
function M.none() return { list = {}, by_role = {}, by_path = {}, defines = {} } end

--- The files of a recipe whatever its settings.
---@param body function    of the recipe
---@param path string|nil  the file that made the recipe, if that is known and not the body's
---@return table
function M.base(body, path)
  local set = M.none()
  local own, text = M.source_of(body)
  add(set, "recipe", own, text)
  if path and path ~= own then add(set, "file " .. (path:match("[^/]*$")), path) end
  return set
end

--- The files that one file brings along, as a set; for what is loaded later.
---@param role string  how the file is reached (see the head)
---@param path string  the file
---@return table
function M.closure(role, path)
  local set = M.none()
  add(set, role, path)
  return set
end

local function copy(base)
  local set = M.none()
  set.later = true   -- what main chunks load from now on belongs to runs
  for _, entry in ipairs(base.list) do
    set.list[#set.list + 1], set.by_role[entry.role] = entry, entry
    if entry.path then set.by_path[entry.path] = entry end
  end
  return set
end

-- Adds the words of strings at any depth to a set.
local function words_of(value, words)
  if type(value) == "string" then
    for word in value:gmatch("[A-Za-z_][%w_]*") do words[word] = true end
  elseif type(value) == "table" then
    for k, v in pairs(value) do
      words_of(k, words)
      words_of(v, words)
    end
  end
end

-- Adds a user's part that a word may mean: its file, or those that hold the functions of a definition.
local function add_part(set, part)
  local name = part.kind .. "." .. part.word
  if part.path then return add(set, "module flexlab." .. name, part.path, part.text, part.home) end
  local count = 0
  local function from(path, text)
    if path and (loading.is_own(path) or set.by_path[path]) then return end
    count = count + 1
    add(set, "define " .. name .. (count > 1 and " " .. count or ""), path, text)
  end
  for _, f in ipairs(part.functions) do from(M.source_of(f)) end
  if part.from then from(part.from) end          -- which may hold its settings
  local maker = part.from and set.by_path[part.from]
  set.defines[name] = maker and maker.role or nil
end

-- Adds the parts that words mean, and those that these name, to a set; `all` = those of the kinds ALL_ASKED too.
local function add_parts(set, words, all)
  local parts, from = choices.parts(), 1
  repeat   -- a part may name others
    for i = from, #set.list do
      for word in pairs(understood(set.list[i].text).uses.words) do words[word] = true end
    end
    from = #set.list + 1
    for word, list in pairs(parts) do
      for _, part in ipairs(list) do
        if words[word] or all and ALL_ASKED[part.kind] then add_part(set, part) end
      end
    end
  until from > #set.list
  return set
end

--- The files of a recipe with its settings.
---@param base table      of M.base
---@param settings table  plain, resolved
---@return table
function M.set(base, settings)
  if next(choices.parts()) == nil then return base end
  local words = {}
  words_of(settings, words)
  return add_parts(copy(base), words, true)
end

--- The files of the user's parts that words in `values` mean now, as a set, and all these words: { word = true }.
---@param values table  in which words stand, at any depth
---@return table  set
---@return table  words
function M.parts(values)
  local words, set = {}, M.none()
  set.later = true
  words_of(values, words)
  return add_parts(set, words), words
end

--- What a run's hash covers.
---@param set table       of M.set
---@param settings table  resolved
---@return string  8 hex digits
function M.hash(set, settings)
  local lines = {}
  for i, entry in ipairs(set.list) do lines[i] = entry.role .. " " .. entry.meaning end
  table.sort(lines)
  return core.sys.hash(literal.encode(config.plain(settings)) .. "\n" .. table.concat(lines, "\n")):sub(1, 8)
end

--- The meaning of a text (tokens.lua).
---@param text string  of a Lua file
---@return string  16 hex digits
function M.meaning(text) return understood(text).meaning end

--- The meaning of a file as it would be loaded, or nil.
---@param path string  of a Lua file
---@return string|nil
function M.meaning_of(path)
  local text = loading.text(path)
  return text and understood(text).meaning
end

-- The rule of version 0.1: bytes of the recipe's file, and of the recipes that it requires.
local function required(source, seen)
  local texts = {}
  for name in source:gmatch("require%s*%(?%s*[\"'](recipes%.[%w_.]+)[\"']") do
    local path = not seen[name] and loading.find(name)
    seen[name] = true
    local other = path and core.sys.read(path)
    if other then texts[#texts + 1] = other .. required(other, seen) end
  end
  return table.concat(texts)
end

--- The hash that version 0.1 gave these settings and this recipe's text, which covers no other file than recipes:
--- nil where the set has others, since a run of that version does not say with which it was made.
---@param set table       of M.set
---@param settings table  resolved
---@return string|nil
function M.old_hash(set, settings)
  for _, entry in ipairs(set.list) do
    if entry.role ~= "recipe" and not entry.role:find "^module recipes%." then return nil end
  end
  local recipe = set.by_role.recipe
  local text = recipe.path and recipe.text or (recipe.text:find "^\27" and "line" or recipe.text)
  return core.sys.hash(literal.encode(config.plain(settings)) .. "\n" .. text .. required(text, {})):sub(1, 8)
end

return M
