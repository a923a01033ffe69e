--[[
copies - the code of a run, kept beside its result: copies, and the way back from them.

  copies.write(dir, recipe, set)   RUN/code/: the bytes of every file of the set (code.lua), and index.lua
  copies.open(dir)                 a kept run: its modules, files and parts are loaded from the copies
  copies.trust(dir)                its parts are from now on the words of this process: --trust RUN
  copies.within(dir, f, ...)       f(...) with its parts: flex.load_model's trust
  copies.recipe(dir)               its recipe, from the copies: flexlab run --from RUN

The copies are written once, by the first attempt, and name modules as package.path does (code/helper.lua,
code/flexlab/losses/mine.lua), so that a folder `code` can also be given as --parts. index.lua says which copy plays
which role, and which FlexLab wrote and resumed the run; it is what is read back, not the names.

A copy runs with an environment of its own, in which `require`, `dofile` and `loadfile` find the other copies; its
modules are not those of package.loaded, since the folder it is used from may hold another helper of that name. What
is not among the copies is FlexLab's own, or looked for as ever. Nothing here asks whether code may be run: the
commands do (SECURITY.md), and `open` runs nothing.
--]]
local capture = require "flexlab.origin.capture"
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local latest = require "flexlab.store.latest"
local library = require "flexlab.origin.library"
local literal = require "flexlab.literal"
local loading = require "flexlab.loading"
local must = require "flexlab.must"
local own = require "flexlab.store.own"
local provenance = require "flexlab.origin.provenance"

local M = {}

local Kept = {}
Kept.__index = Kept
Kept.__name = "flexlab.Kept"

-- The name of a copy below code/, not taken yet.
local function copy_name(entry, taken)
  local module = entry.role:match("^module (.*)$")
  local name = module and module:gsub("[^%w_.-]", "_"):gsub("%.+", "/"):gsub("^[/%-]+", "")
    or entry.role == "recipe" and "recipe" or (entry.path or entry.role):match("[^/ ]*$"):gsub("%.lua$", "")
      :gsub("[^%w_-]", "_"):gsub("^%-+", "")
  if name == "" then name = "file" end
  local unique, n = name, 1
  while taken[unique] do
    n = n + 1
    unique = ("%s_%d"):format(name, n)
  end
  taken[unique] = true
  return unique .. ".lua"
end

-- Whether a row of an index is one that `copy` makes: it may come from another machine.
local function is_row(file)
  return foreign.fits(file, { { role = "string", meaning = "string", copy = "string" } })
    and (file.path == nil or type(file.path) == "string") and file.copy:find "^[%w_][%w_/%-]*%.lua$" ~= nil
end

-- The index of a run's copies; nil where there is none that can be understood.
local function index_of(dir)
  local index = own.try(dir, "code/index.lua")
  if type(index) ~= "table" or type(index.files) ~= "table" or type(index.library) ~= "table" then return nil end
  for _, file in ipairs(index.files) do
    if not is_row(file) then return nil end
  end
  return index
end

local function save(dir, index)
  must(literal.write(dir .. "/code/index.lua", index, "the Lua files that this run was made with"))
end

-- Copies an entry of a set and returns its row of the index.
local function copy(dir, entry, taken, later)
  local name = copy_name(entry, taken)
  local path = dir .. "/code/" .. name
  must(core.sys.mkdirs(path:match("^(.*)/")))
  must(core.sys.write(path, entry.text))
  return { role = entry.role, path = entry.path, copy = name, meaning = entry.meaning, later = later }
end

--- Writes the copies of a run's code; where they are, only another FlexLab is noted.
---@param dir string     the run's folder
---@param recipe string  its name
---@param set table      of code.set
function M.write(dir, recipe, set)
  local index = index_of(dir)
  if index then
    if not library.is(index.library[#index.library]) then
      table.insert(index.library, library.this())
      save(dir, index)
    end
    return
  end
  must(core.sys.mkdirs(dir .. "/code"))
  local taken = { index = true }
  index = { recipe = recipe, library = { library.this() }, files = {}, defines = set.defines }
  for i, entry in ipairs(set.list) do index.files[i] = copy(dir, entry, taken) end
  save(dir, index)
end

--- Adds files that were loaded after the run had begun (a set of code.closure).
---@param dir string  the run's folder
---@param set table   of code.closure
function M.add(dir, set)
  local index = index_of(dir)
  if not index then return end
  local taken, known, more = { index = true }, {}, false
  for _, file in ipairs(index.files) do
    taken[file.copy:gsub("%.lua$", "")], known[file.role] = true, true
  end
  for _, entry in ipairs(set.list) do
    if not known[entry.role] then
      index.files[#index.files + 1], more = copy(dir, entry, taken, true), true
    end
  end
  if more then save(dir, index) end
end

--- Whether a folder is that of a run that kept its code.
---@param dir string  any folder
---@return boolean
function M.is(dir) return index_of(dir) ~= nil end

--- The files that a run was made with, as index.lua lists them: { role =, path =, copy =, meaning =, later = }.
--- nil of a run that kept none.
---@param dir string  the run's folder
---@return table[]|nil
function M.files(dir)
  local index = index_of(dir)
  return index and index.files
end

--- Whether another version made a finished run: a phrase for people, or nil where it was this one.
---@param dir string  the run's folder
---@return string|nil
function M.version(dir)
  local index = index_of(dir)
  if not index then return "by another version" end
  for _, saved in ipairs(index.library) do
    if not library.is(saved) then return "by another version of FlexLab" end
  end
end

--- A run whose code was kept; raises where none was. Runs nothing.
---@param dir string  the run's folder
---@return table
function M.open(dir)
  dir = latest.resolve(dir:gsub("/last%.h5$", ""))
  local index = index_of(dir)
  if not index then
    error(core.sys.exists(dir) == "folder" and ("'%s' keeps no code: it is not the folder of a run, or a version "
      .. "before code was kept made it"):format(dir) or ("there is no folder '%s'"):format(dir), 0)
  end
  local kept = setmetatable({ dir = dir, index = index, by_role = {}, modules = {} }, Kept)
  for _, file in ipairs(index.files) do
    local path, text = ("%s/code/%s"):format(dir, file.copy), own.read(dir, "code/" .. file.copy)
    if not text then error(("there is no file '%s', which the run's list of copies names"):format(path), 0) end
    kept.by_role[file.role] = { role = file.role, path = path, text = text, was = file.path }
    loading.homes[path] = kept
  end
  return kept
end

--- The copy of "module x" or "file y", as { path =, text = }, or nil.
---@param kind string  "module" or "file"
---@param name any     as require or loadfile got it
---@return table|nil
function Kept:find(kind, name) return self.by_role[kind .. " " .. tostring(name)] end

--- What code of the copies sees: the globals, but for what loads files.
---@return table
function Kept:environment()
  local env = { _G = _G }
  function env.require(name)
    local file = self:find("module", name)
    if not file then return require(name) end
    return self:module(name, file)
  end
  function env.loadfile(path, mode, ...)
    local file = self:find("file", path)
    if not file then return loadfile(path, mode, ...) end
    return self:chunk(file, ...)
  end
  function env.dofile(path)
    local file = self:find("file", path)
    if not file then return dofile(path) end
    return assert(self:chunk(file))()
  end
  return setmetatable(env, { __index = _G, __newindex = _G })
end

--- A copy as a function. It is told to open runs as any loaded file is.
---@param file table  of Kept:find
---@param ... any     nothing, or the environment that the chunk is to have
---@return function|nil
---@return string|nil  why it cannot be loaded
function Kept:chunk(file, ...)
  self.env = self.env or self:environment()
  loading.tell(file.role, file.path)
  local env = select("#", ...) > 0 and ... or self.env
  return loading.load_file(file.path, "t", env)
end

--- The module of that name, from its copy, loaded once.
---@param name string  as require got it
---@param file table   of Kept:find
---@return any  what the module is
---@return string  its path
function Kept:module(name, file)
  if self.modules[name] ~= nil then
    loading.tell(file.role, file.path)
    return self.modules[name], file.path
  end
  local chunk, message = self:chunk(file)
  if not chunk then error(message, 0) end
  local value = chunk(name, file.path)
  if value == nil then value = true end
  self.modules[name] = value
  return value, file.path
end

--- Runs the copy of a file for what it defines; a recipe that it calls ends it (recipe.lua). It is run again where its
--- words have been given back since (M.within).
---@param role string  how the file was reached (code.lua)
function Kept:execute(role)
  local file, module = self.by_role[role], role:match("^module (.*)$")
  if not file then error(("'%s' has no copy of its %s"):format(self.dir, role), 0) end
  if self.running == role then return end
  self.running = role
  local ok, e = pcall(function()
    if module then
      self.modules[module] = nil
      return self:module(module, file)
    end
    local chunk, message = self:chunk(file)
    if not chunk then error(message, 0) end
    return capture.of(chunk)
  end)
  self.running = nil
  if not ok then error(e, 0) end
end

--- The parts of this run as choices.provide takes them: choices in files, and what it defined. Nothing is run until a
--- word is asked for.
---@return table[]
function Kept:parts()
  if self.list then return self.list end
  local list = {}
  self.list = list
  local function add(kind, name, part)
    local helper = name and name:sub(1, 1) == "_"      -- of a folder of choices: no word
    if kind and choices.kinds[kind] and not helper then list[#list + 1] = { kind = kind, name = name, copy = part } end
  end
  for role, file in pairs(self.by_role) do
    local kind, word = role:match("^module flexlab%.([%w_]+)%.([%w_]+)$")
    add(kind, word, { path = file.path, text = file.text, home = self,
      load = function() return (self:module("flexlab." .. kind .. "." .. word, file)) end })
  end
  for name, role in pairs(type(self.index.defines) == "table" and self.index.defines or {}) do
    local kind, word = name:match("^([%w_]+)%.([%w_]+)$")
    add(kind, word, { path = self.by_role[role] and self.by_role[role].path, defined = true,
      load = function() return self:execute(role) and nil end })
  end
  return list
end

--- Makes the parts of this run those that words mean in this process. Returns the list of those whose word this
--- process has taken from elsewhere already.
---@return table[]
function Kept:provide()
  local taken = {}
  for _, part in ipairs(self:parts()) do
    if not choices.provide(part.kind, part.name, part.copy) then taken[#taken + 1] = part end
  end
  return taken
end

local opened = {}

local function open_once(dir)
  opened[dir] = opened[dir] or M.open(dir)
  return opened[dir]
end

--- The parts that a run kept are from now on what their words mean: --trust RUN.
---@param dir string  the run's folder
---@return table  as of M.open
function M.trust(dir)
  local kept = open_once(dir)
  local taken = kept:provide()[1]
  if taken then
    error(("%s '%s' is another one in this process already; load '%s' in a process of its own"):format(taken.kind,
      taken.name, tostring(taken.copy.path)), 0)
  end
  return kept
end

--- f(...) with the parts that a run kept: flex.load_model's trust. Words that mean nothing yet in this process mean
--- the copies from now on; what has been taken from elsewhere keeps its meaning behind the call, so that two versions
--- of a part live side by side.
---@param dir string  the run's folder
---@param f function  what is called
---@param ... any     its arguments
---@return any  all its results
function M.within(dir, f, ...) return choices.within(open_once(dir):provide(), f, ...) end

-- Raises unless the data files that a run has read are here, with the contents they had.
local function check_data(dir)
  local read = provenance.recorded(dir)
  if #read == 0 then read = provenance.recorded(dir:match("^(.*)/[^/]*$") or ".") end
  local faults = {}
  for _, was in ipairs(read) do
    local now = not was.meaning and provenance.fingerprint(was.path)
    if not was.meaning and not now then
      faults[#faults + 1] = ("'%s' is not here"):format(was.path)
    elseif not was.meaning and (now.hash ~= was.hash or now.bytes ~= was.bytes) then
      faults[#faults + 1] = ("'%s' has other contents (%d bytes, hash %s; the run read %d bytes, hash %s)"):format(
        was.path, now.bytes, now.hash, was.bytes, was.hash)
    end
  end
  if #faults > 0 then error(("%s cannot be repeated: %s"):format(dir, table.concat(faults, "; ")), 0) end
end

--- What repeats a run: its recipe from the copies, its settings, its seed. Raises where data files are missing or
--- have changed.
---@param dir string  the run's folder
---@return table  { recipe =, settings =, seed =, dir = }
function M.recipe(dir)
  local kept = M.trust(dir)
  check_data(kept.dir)
  local settings = foreign.table(kept.dir .. "/config.lua", "list of settings")
  if not settings then error(("%s has no config.lua: it is not the folder of a run"):format(kept.dir), 0) end
  local chunk, wrong = kept:chunk(kept.by_role.recipe)
  if not chunk then error(wrong, 0) end
  local recipe = capture.of(chunk, kept.index.recipe)
  if not recipe then
    error(("%s does not make the recipe '%s'"):format(kept.by_role.recipe.path, tostring(kept.index.recipe)), 0)
  end
  return { recipe = recipe, settings = settings, dir = kept.dir,
    seed = math.tointeger(tonumber(kept.dir:match("([^/]+)$"))) or 1 }
end

return M
