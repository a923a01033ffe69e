--[[
choices - one file, one word: lua/flexlab/<kind>/<name>.lua is something a recipe can name.

The folder is the registry. `flex.losses()` lists the words of a kind, `flex.losses.huber` is the
choice, `flex.encoders.define("mine", {...})` adds one for this process (nil
takes it away). A choice is a table with
`doc`, `defaults` and the functions that its kind asks for (docs/extending.md). Any folder
flexlab/<kind> on package.path counts, so a user's own choice needs no change here; of a name that two folders
have, the first counts, and ours are first. A word whose choice is a user's has an origin: the file, or the
functions of a definition, which a run's hash covers (origin/code.lua). `provide` puts a run's own copy in the
place of what a word would mean (origin/copies.lua).
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local loading = require "flexlab.loading"
local literal_parser = require "flexlab.literal_parser"
local renamed = require "flexlab.renamed"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"
local trial = require "flexlab.trial"

local M = {}

--- kind -> the functions a choice of that kind must have.
M.kinds = {
  schedules = { "logsnr" }, parametrisations = { "goal", "recover" }, weightings = { "weight" },
  targets = { "base" }, samplers = { "sample" }, grids = { "times" }, guidance = { "guide" },
  losses = { "loss" }, degradations = { "low", "up" }, observables = { "of" }, encoders = { "new" },
  formats = { "recognise", "describe" }, symmetries = {}, conditioning = {}, positions = {}, models = { "new" },
  backbones = { "new", "sizes", "divisor" }, optimizers = { "new" },
}

local registries, defined_of = {}, {}   -- kind -> its registry, and what it has loaded
local origins, provided = {}, {}        -- kind.word -> where a user's choice came from; what `provide` was given

-- A file _name.lua of a kind's folder serves its words and is none.
local function is_helper(name) return name:sub(1, 1) == "_" end

local function is_word(name)
  return type(name) == "string" and name:match("^[%w_]+$") ~= nil and not is_helper(name)
end

--- Called with kind and word where no choice is found; may return the sentence to raise.
M.missing = nil

-- The files of a kind in the order of the path: { name =, path =, own =, hidden = the path of a file that comes
-- first }.
local function files(kind)
  local list, first, seen = {}, {}, {}
  for _, folder in ipairs(loading.folders(kind)) do
    for _, file in ipairs(core.sys.exists(folder.path) and assert(core.sys.list(folder.path)) or {}) do
      local name, path = file:match("^(.+)%.lua$"), folder.path .. "/" .. file
      if name and not is_helper(name) and not seen[path] then
        list[#list + 1] = { name = name, path = path, own = folder.own, hidden = first[name] }
        first[name], seen[path] = first[name] or path, true
      end
    end
  end
  return list
end

--- The files in folders flexlab/<kind>, by word: { word = { path =, own = } }, the first folder's. Runs nothing.
---@param kind string  "losses"
---@return table
function M.files(kind)
  local found = {}
  for _, file in ipairs(files(kind)) do
    if is_word(file.name) and not file.hidden then found[file.name] = file end
  end
  return found
end

local function names(kind, defined)
  local found = M.files(kind)
  for name in pairs(defined) do found[name] = true end
  for name in pairs(provided) do
    local word = name:match("^" .. kind .. "%.(.*)$")
    if word then found[word] = true end
  end
  return words.keys(found)
end

-- A file may return another word's table (`return require "flexlab.losses.l1"`), which keeps its own name.
local function copied(choice)
  local copy = {}
  for k, v in pairs(choice) do copy[k] = v end
  return copy
end

-- Gives what a choice says under a former name its present one, too, and says so once.
local function take_former_entries(kind, name, choice)
  for former, present in pairs(renamed.entries[kind] or {}) do
    if choice[former] ~= nil and choice[present] == nil then
      local full = ("%s '%s': '%s'"):format(kind, name, former)
      terminal.note_once(("%s is called '%s' now"):format(full, present))
      choice[present] = choice[former]
    end
  end
end

-- Checks a choice and gives it its name, its kind, its place and, where there is `new`, the call.
local function finish(kind, name, choice, path)
  local where = path or blame.where()
  local function refuse(what, ...) error((where and where .. ": " or "") .. what:format(kind, name, ...), 0) end
  if path and (choice == nil or choice == true) then   -- true is what require makes of nothing
    refuse "%s '%s': its file must return a table and returns nothing (is `return M` missing at its end?)"
  end
  if type(choice) ~= "table" then refuse("%s '%s': its file must return a table, got %s", type(choice)) end
  for _, entry in ipairs(M.kinds[kind]) do
    if type(choice[entry]) ~= "function" then refuse("%s '%s' lacks the function '%s'", entry) end
  end
  take_former_entries(kind, name, choice)
  if choice.name and (choice.name ~= name or choice.kind ~= kind) then choice = copied(choice) end
  choice.name, choice.kind, choice.file, choice.where = name, kind, path, where
  choice.own = path ~= nil and blame.is_own("@" .. path)
  choice.doc, choice.defaults = choice.doc or "", choice.defaults or {}
  if choice.new and not getmetatable(choice) then
    setmetatable(choice, { __call = function(_, ...)
      trial.once(choice)
      return choice.new(...)
    end })
  end
  return choice
end

-- What a run kept of a word; what its recipe defines there has been defined when `load` returns.
local function from_copy(kind, defined, name, copy)
  provided[kind .. "." .. name] = nil
  local choice = copy.load()
  if choice then
    defined[name] = finish(kind, name, choice, copy.path)
    origins[kind .. "." .. name] = { path = copy.path, text = copy.text, home = copy.home }
  end
  return defined[name]
end

local function find(kind, defined, name)
  if not is_word(name) then return nil end
  local full = kind .. "." .. name
  if provided[full] then return from_copy(kind, defined, name, provided[full]) end
  local path = loading.find("flexlab." .. full)
  if not path then return nil end
  defined[name] = finish(kind, name, require("flexlab." .. full), path)
  origins[full] = not loading.is_own(path) and { path = path } or nil
  return defined[name]
end

-- The functions of a choice that is a definition, for those who ask where it stands.
local function functions_of(choice)
  local list = {}
  for _, key in ipairs(words.keys(choice)) do
    if type(choice[key]) == "function" then list[#list + 1] = choice[key] end
  end
  local meta = getmetatable(choice)
  if type(meta) == "table" and type(meta.__call) == "function" then list[#list + 1] = meta.__call end
  return list
end

--- All choices that are the user's: word -> list of { kind =, word =, path =, text =, home = } (a file, or a kept
--- copy) or { kind =, word =, functions =, from = } (a definition, and the file that made it). Runs nothing.
---@return table
function M.parts()
  local parts = {}
  local function add(kind, word, part)
    part.kind, part.word = kind, word
    parts[word] = parts[word] or {}
    table.insert(parts[word], part)
  end
  for kind in pairs(M.kinds) do
    for word, file in pairs(M.files(kind)) do
      local full = kind .. "." .. word
      if not file.own and not origins[full] and not provided[full] then add(kind, word, { path = file.path }) end
    end
  end
  for _, known in ipairs { origins, provided } do
    for full, o in pairs(known) do
      local kind, word = full:match("^(.-)%.(.*)$")
      if not o.defined then
        add(kind, word, { path = o.path, text = o.text, home = o.home, functions = o.functions, from = o.from })
      end
    end
  end
  return parts
end

--- From now on a word means what a run kept of it: copy = { path =, text =, home =, load = function() -> choice }.
--- Returns false where this process has taken the word from another text already (M.within).
---@param kind string  "losses"
---@param name string  the word
---@param copy table   what it means from now on
---@return boolean
function M.provide(kind, name, copy)
  local full = kind .. "." .. name
  M.registry(kind)
  local loaded, origin = defined_of[kind][name], origins[full]
  if not loaded then
    provided[full] = copy
    return true
  end
  return origin ~= nil and origin.path ~= nil
    and (origin.path == copy.path or loading.text(origin.path) == copy.text)
end

-- What all words mean now; a function that gives those that meant something their meaning back.
local function kept_meanings()
  local saved = {}
  for kind, defined in pairs(defined_of) do
    for name, choice in pairs(defined) do
      saved[#saved + 1] = { kind = kind, name = name, choice = choice, origin = origins[kind .. "." .. name] }
    end
  end
  return function()
    for _, s in ipairs(saved) do
      local full = s.kind .. "." .. s.name
      defined_of[s.kind][s.name], origins[full], provided[full] = s.choice, s.origin, nil
    end
  end
end

--- f(...) while words mean the copies `list` = { { kind =, name =, copy = } }, whatever they mean in this process. A
--- copy is loaded once: it is kept in the entry's `copy`.
---@param list table[]  the copies
---@param f function    what is called
---@param ... any       its arguments
---@return any  all its results
function M.within(list, f, ...)
  if #list == 0 then return f(...) end
  local give_back = kept_meanings()
  for _, one in ipairs(list) do
    local full, was = one.kind .. "." .. one.name, one.copy.loaded
    defined_of[one.kind][one.name], origins[full] = was and was.choice, was and was.origin
    provided[full] = not was and one.copy or nil
  end
  local results = table.pack(pcall(f, ...))
  for _, one in ipairs(list) do
    local full = one.kind .. "." .. one.name
    local choice = defined_of[one.kind][one.name]
    if choice then one.copy.loaded = { choice = choice, origin = origins[full] } end
  end
  give_back()
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Raises that there is no such choice; `level` as in error().
local function refuse(kind, name, level)
  local sentence = M.missing and M.missing(kind, name)
  error(sentence or kind .. ": " .. words.unknown(name, M.registry(kind)()), sentence and 0 or level + 1)
end

--- The registry of a kind: call it for the list of names, index it for a choice.
---@param kind string  "losses"; an unknown one raises
---@return table
function M.registry(kind)
  if not M.kinds[kind] then error("choices: " .. words.unknown(kind, words.keys(M.kinds)), 2) end
  if registries[kind] then return registries[kind] end
  local defined = {}
  defined_of[kind] = defined
  local registry = setmetatable({}, {
    __call = function(_, ...)
      if select("#", ...) > 0 then
        error(("%s takes nothing, and lists the words; a choice is flex.%s.WORD"):format(kind, kind), 2)
      end
      return names(kind, defined)
    end,
    __index = function(_, name)
      name = M.present(kind, name)
      local choice = defined[name] or find(kind, defined, name)
      local origin = choice and origins[kind .. "." .. name]
      if origin and origin.path then loading.used("flexlab." .. kind .. "." .. name, origin.path) end
      if choice then return choice end
      refuse(kind, name, 2)
    end,
  })
  rawset(registry, "define", function(name, choice)
    defined[name] = choice and finish(kind, name, choice)
    origins[kind .. "." .. name] = choice and { functions = functions_of(choice), from = loading.user_file() } or nil
    provided[kind .. "." .. name] = nil
    return choice
  end)
  registries[kind] = registry
  return registry
end

-- The first comment of a file, without the file's own name in front.
local function comment(path)
  local source = core.sys.read(path) or ""
  local first = source:match("^%-%-%[%[%s*([^\n]*)") or source:match("^%-%-%s*([^\n]*)") or ""
  local name = path:gsub("^%./", "")
  if first:sub(1, #name) == name then first = first:sub(#name + 1):gsub("^%s*[:%-]%s*", "") end
  return first
end

-- The text that stands behind `doc =` in a file, which is not run; nil where none does.
local function doc_in(path)
  local source = (core.sys.read(path) or ""):gsub("%-%-%[%[.-%]%]", ""):gsub("%-%-[^\n]*", "")
  local at = source:match "%f[%w_]doc%s*=%s*()[\"']"
  local stop = at
  while stop do
    stop = source:find(source:sub(at, at), stop + 1, true)
    local before = stop and source:sub(at, stop - 1):match "\\*$"
    if before and #before % 2 == 0 then
      local ok, value = literal_parser.parse(source:sub(at, stop), path)
      return ok and value or nil
    end
  end
end

-- What a user's file says of itself, without running it, or why it is no choice.
local function written(file)
  if not is_word(file.name) then return file.path .. ": not a word; its name must be letters, digits and _" end
  if file.hidden then
    return ("%s: not used; %s comes first"):format(file.path, blame.is_own("@" .. file.hidden)
      and "the library's own word" or file.hidden)
  end
  local chunk, message = loadfile(file.path, "t")
  if not chunk then return "does not compile: " .. blame.placed(message) end
  local first = doc_in(file.path) or comment(file.path)
  return first == "" and file.path or file.path .. ": " .. first
end

--- What there is of a kind: list of { name =, doc =, path =, own = }, in alphabetic order. The library's own files say
--- their doc; those of users are compiled and not run, and say their path, and their doc as it is
--- written or else their first comment: one that is broken hides no other.
---@param kind string  "losses"
---@return table[]
function M.described(kind)
  local registry, list = M.registry(kind), {}
  for _, file in ipairs(loading.unrestricted(files, kind)) do
    local own = blame.is_own("@" .. file.path)
    list[#list + 1] = { name = file.name, path = file.path, own = own,
      doc = own and registry[file.name].doc or written(file) }
  end
  for _, choice in ipairs(M.defined(kind)) do
    list[#list + 1] = { name = choice.name, path = choice.where, own = false, doc = choice.doc }
  end
  table.sort(list, function(a, b)
    return a.name < b.name or a.name == b.name and tostring(a.path) < tostring(b.path)
  end)
  return list
end

--- The choices of a kind that have been defined, not found in a file.
---@param kind string  "losses"
---@return table[]  choices, by name
function M.defined(kind)
  M.registry(kind)
  local list = {}
  for _, name in ipairs(words.keys(defined_of[kind])) do
    local choice = defined_of[kind][name]
    if not choice.file then list[#list + 1] = choice end
  end
  return list
end

--- Runs a file as the choice `name` of a kind, in place of any other of that name.
---@param kind string  "losses"
---@param name string  the word
---@param path string  the file
---@return table  the choice
function M.load(kind, name, path)
  M.registry(kind)
  local chunk, message = loadfile(path, "t")
  if not chunk then error(message, 0) end
  defined_of[kind][name] = finish(kind, name, blame.call(chunk, name, path), path)
  origins[kind .. "." .. name] = not loading.is_own(path) and { path = path } or nil
  return defined_of[kind][name]
end

local function is_there(kind, name)
  M.registry(kind)
  return defined_of[kind][name] ~= nil
    or is_word(name) and (provided[kind .. "." .. name] or loading.find("flexlab." .. kind .. "." .. name)) ~= nil
end

--- The present word for one that was called otherwise once (renamed.lua), which is said once; any other word, and one
--- that is somebody's own choice, is itself.
---@param kind string  "losses"
---@param name any     a word as it was written
---@return any
function M.present(kind, name)
  local now = renamed.words[kind] and renamed.words[kind][name]
  if not now or is_there(kind, name) then return name end
  terminal.note_once(("the word '%s' of %s is called '%s' now"):format(name, kind, now))
  return now
end

--- Whether there is a choice of this name, without loading it.
---@param kind string  "losses"
---@param name any     a word as it was written
---@return boolean
function M.has(kind, name) return is_there(kind, M.present(kind, name)) end

-- The choice called `name`; `level` as in error().
local function look(kind, name, level)
  local registry = M.registry(kind)
  if not M.has(kind, name) then refuse(kind, name, level + 1) end
  return registry[name]
end

--- The choice called `name`, to be read and not used. The error blames the caller's caller.
---@param kind string  "losses"
---@param name any     a word as it was written
---@return table
function M.look(kind, name)
  local choice = look(kind, name, 3)
  return choice
end

--- The choice called `name`, for use: it is tried when it is used first (flexlab.trial). The error blames the
--- caller's caller.
---@param kind string  "losses"
---@param name any     a word as it was written
---@return table
function M.get(kind, name)
  local choice = look(kind, name, 3)
  trial.once(choice)
  return choice
end

return M
