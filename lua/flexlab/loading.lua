--[[
loading - which Lua files are ours, which are the user's, where they are looked for, and who is told.

Three things need this and nothing else has it: a run must know what code it ran (origin/code.lua), a command that
only looks must run none of the user's (SECURITY.md), and `require "recipes.sr"` must work in any folder.

*Ours* are the files of the folder flexlab that this file lies in. Everything else is the user's: recipes too,
those that come along included, since a user reads and copies them.

*Where.* package.path, in its order. Behind it "recipes.NAME" is looked for beside the recipe that was named on the
command line and among the recipes that come along, and siblings of that recipe by their plain name. With
M.restrict(true) nothing but our own folder is searched, neither package.path nor package.cpath.

*Who is told.* A recipe can hide what it loads: a computed name, a dofile in a loop. So `require`, `dofile`,
`loadfile`, `io.open`, `io.lines` and `io.input` are replaced, once, by functions that tell the open runs
(M.watchers) and then do what they did; messages name the caller's line as before (blame.call). A user's
file that holds one of them from before FlexLab was loaded escapes. What is loaded is remembered as it was then
(M.text): a file that is edited while a process lives has, for this process, its old meaning.
--]]
local blame = require "flexlab.blame"
local renamed = require "flexlab.renamed"
local M = { load_file = loadfile }   -- as it is before it is watched

local ROOT = blame.root:gsub("flexlab/$", "")   -- "" or with its slash

-- Calls f while our own folder alone is searched for Lua files.
local function alone(f, ...)
  local path = package.path
  package.path = ("%s?.lua;%s?/init.lua"):format(ROOT, ROOT)
  local ok, result = pcall(f, ...)
  package.path = path
  if not ok then error(result, 0) end
  return result
end

-- The core is a library of C. Stock Lua would take a file flexlab/core.lua of the current folder before it.
local core = alone(require, "flexlab.core")
local terminal = require "flexlab.terminal"   -- which asks for the core too

local siblings = {}                             -- name of a folder -> folder of a recipe that was named
local snapshots = {}                            -- path -> text, as it was when it was loaded
local paths = {}                                -- name of a loaded module -> its path, or false
local edges = {}                                -- path -> { {kind, name, path} ... } loaded by its main chunk
local full_path, full_cpath                     -- while restricted

--- Paths of copies that runs keep of their code -> the kept run (origin/copies.lua).
M.homes = {}

--- Runs that are open: objects with loads(role, path), reads(path) and writes(path).
M.watchers = {}

-- share/flexlab/recipes in the folder that LuaRocks keeps of this version, where it is LuaRocks that installed it.
local function recipes_of_rock(share)
  local rocks = share:gsub("share/$", "lib/luarocks/rocks-5.4/flexlab/")
  for _, rock in ipairs(core.sys.list(rocks) or {}) do
    local path = rocks .. rock .. "/share/flexlab/recipes"
    if rock:match("^(.*)%-%d+$") == core.info().version and core.sys.exists(path) then return path end
  end
end

--- The folder of FlexLab's own recipes: beside lua/ in the source tree, in share/flexlab where installed.
---@return string|nil  nil where FlexLab lies in neither way
function M.own_recipes()
  local tree = ROOT == "lua/" and "" or ROOT:match("^(.*/)lua/$")
  if tree then return tree .. "recipes" end
  local share = ROOT:match("^(.*/)lua/5%.4/$")
  if not share then return nil end
  local path = share .. "flexlab/recipes"
  return not core.sys.exists(path) and recipes_of_rock(share) or path
end

--- Whether a path is of one of our own files.
---@param path string  of a Lua file
---@return boolean
function M.is_own(path) return blame.is_own("@" .. path) end

--- The path of one of our own modules, whether it is there or not: "flexlab.losses" -> ".../flexlab/losses".
---@param module string  its name, "flexlab.losses"
---@return string  without .lua
function M.own_folder(module) return ROOT .. module:gsub("%.", "/") end

local function join(folder, file) return folder == "" and file or folder .. "/" .. file end

-- The file of "recipes.NAME" and the like behind package.path; nil if there is none.
local function beside(name)
  local folder, file = name:match("^([%w_%-]+)%.([%w_%-]+)$")
  if not folder then return nil end
  local places = { siblings[folder] or false, folder == "recipes" and M.own_recipes() or false }
  for _, place in ipairs(places) do
    local path = place and join(place, file .. ".lua")
    if path and core.sys.exists(path) == "file" then return path end
  end
end

--- The file that require(name) would load, or nil: no file of Lua, or none at all.
---@param name string  of a module
---@return string|nil  its path
function M.find(name)
  if package.preload[name] then return nil end
  local path = package.searchpath(name, package.path)
  return path or not full_path and beside(name) or nil
end

--- The folders in which package.path looks for flexlab/<kind>: a list of { path =, own = }, in order.
---@param kind string  of choices: "losses"
---@return table[]
function M.folders(kind)
  local found, seen = {}, {}
  for template in package.path:gmatch("[^;]+") do
    local folder = template:match("^(.-)%?%.lua$")
    local path = folder and not seen[folder] and folder .. "flexlab/" .. kind
    if path and core.sys.exists(path) == "folder" then
      found[#found + 1] = { path = path, own = M.is_own(path .. "/") }
    end
    if folder then seen[folder] = true end
  end
  return found
end

-- Adds a folder behind package.path, unless it is there.
local function add(folder)
  for _, tail in ipairs { "?.lua", "?/init.lua" } do
    local template = join(folder, tail)
    if not (";" .. package.path .. ";"):find(";" .. template .. ";", 1, true) then
      package.path = package.path .. ";" .. template
    end
  end
end

--- Parts and siblings of the recipe in `path` are found from now on: by name, and as "<its folder>.name".
---@param path string  of the recipe
function M.beside_recipe(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  local name = (folder == "." and "" or folder):match("([^/]+)/*$")
  if name then siblings[name] = folder end
  add(folder)
end

--- Parts in DIR/flexlab/<kind>, and modules in DIR, are found from now on, before those of other folders.
---@param folder string  DIR; raises where there is none
function M.parts(folder)
  if core.sys.exists(folder) ~= "folder" then error(("there is no folder '%s'"):format(folder), 0) end
  folder = folder:gsub("(.)/+$", "%1")
  package.path = ("%s?.lua;%s?/init.lua;%s/?.lua;%s/?/init.lua;%s"):format(ROOT, ROOT, folder, folder, package.path)
end

--- Searches our own folder alone, or everything again.
---@param value boolean  true: our own folder alone
function M.restrict(value)
  if value and not full_path then
    full_path, full_cpath = package.path, package.cpath
    package.path, package.cpath = ("%s?.lua;%s?/init.lua"):format(ROOT, ROOT), ""
  elseif not value and full_path then
    package.path, package.cpath, full_path, full_cpath = full_path, full_cpath, nil, nil
  end
end

--- Whether our own folder alone is searched.
---@return boolean
function M.restricted() return full_path ~= nil end

--- Calls f with the user's folders, to see what is there; nothing of it may be run.
---@param f function  may look, and must not load
---@param ... any     its arguments
---@return any  its results; its errors go on
function M.unrestricted(f, ...)
  local was = full_path ~= nil
  M.restrict(false)
  local results = table.pack(pcall(f, ...))
  M.restrict(was)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

--- The text of a file: as it was when this process loaded it, else as it is. nil if it cannot be read.
---@param path string  of a Lua file
---@return string|nil
function M.text(path) return snapshots[path] or core.sys.read(path) end

--- Whether a file that this process has loaded has another text by now.
---@param path string  of a Lua file
---@return boolean
function M.is_edited(path)
  return snapshots[path] ~= nil and snapshots[path] ~= (core.sys.read(path) or snapshots[path])
end

--- What the main chunk of a file has loaded by names that it may have computed: list of { kind, name, path }.
---@param path string  of a Lua file
---@return table[]
function M.loaded_by(path) return edges[path] or {} end

--- The user's file whose function is running, innermost; nil where there is none.
---@return string|nil  its path
function M.user_file()
  for level = 2, math.huge do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    local path = info.what ~= "C" and info.source:match("^@(.+)$")
    if path and not M.is_own(path) then return path end
  end
end

-- The user's file whose main chunk runs nearest to us, or nil.
local function main_chunk()
  for level = 3, math.huge do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    local path = info.what == "main" and info.source:match("^@(.+)$")
    if path and not M.is_own(path) then return path end
  end
end

--- Tells the open runs that a user's file is loaded, in this role (origin/code.lua).
---@param role string  what the file is for: "module", "read", ...
---@param path string  the file
function M.tell(role, path)
  for _, watcher in ipairs(M.watchers) do watcher:loads(role, path) end
end

-- A user's file is about to be loaded: `kind` "module" or "file", by this name.
local function loads(kind, name, path)
  if kind == "file" or not package.loaded[name] or not snapshots[path] then snapshots[path] = core.sys.read(path) end
  if #M.watchers > 0 then return M.tell(kind .. " " .. name, path) end
  local from = main_chunk()
  if not from or from == path then return end
  edges[from] = edges[from] or {}
  for _, edge in ipairs(edges[from]) do
    if edge[1] == kind and edge[2] == name then return end
  end
  table.insert(edges[from], { kind, name, path })
end

--- Tells the open runs of a part that is used, whether it is loaded now or was before.
---@param name string  of the module
---@param path string  its file
function M.used(name, path) loads("module", name, path) end

local READ_FOR_OTHERS = { ["literal.lua"] = true }

-- Whether the user's code called the replaced function that asks (by_user, touched, the function itself: 3 frames).
-- Readers of ours that only pass on what the user asked for (flex.literal.read) are looked through.
local function by_user()
  for i = 4, math.huge do
    local info = debug.getinfo(i, "S")
    if not info then return false end
    if info.what ~= "C" then
      if not blame.is_own(info.source) then return true end
      if not READ_FOR_OTHERS[info.source:sub(#blame.root + 2)] then return false end
    end
  end
end

-- Tells the open runs that a file is read, or written (`what`), by the user's code.
local function touched(what, path)
  if #M.watchers == 0 or type(path) ~= "string" or not by_user() then return end
  for _, watcher in ipairs(M.watchers) do watcher[what](watcher, path) end
end

-- Puts `wrap(old)` in the place of a function.
local function replace(t, name, wrap)
  local old = rawget(t, name)
  if old then rawset(t, name, wrap(old)) end
end

local function watch_loading(name)
  replace(_G, name, function(old)
    return function(path, ...)
      if type(path) == "string" and not M.is_own(path) and core.sys.exists(path) == "file" then
        loads("file", path, path)
      end
      if path == nil and select("#", ...) == 0 then return old() end
      return blame.call(old, path, ...)
    end
  end)
end

-- The module that has been renamed since somebody wrote its name.
local function search_renamed(name)
  local now = renamed.modules[name:match "^flexlab%.(.*)$"]
  if not now then return nil end
  return function()
    terminal.note(("the module '%s' is called 'flexlab.%s' now"):format(name, now))
    return require("flexlab." .. now)
  end
end

local function install()
  replace(_G, "require", function(old)
    return function(name, ...)
      if type(name) == "string" then
        if paths[name] == nil or not package.loaded[name] then
          local path = M.find(name)
          paths[name] = path and not M.is_own(path) and path or false
        end
        if paths[name] then loads("module", name, paths[name]) end
      end
      return blame.call(old, name, ...)
    end
  end)
  watch_loading "dofile"
  watch_loading "loadfile"
  replace(io, "open", function(old)
    return function(path, mode, ...)
      touched((mode == nil or tostring(mode):find "^r") and "reads" or "writes", path)
      return old(path, mode, ...)
    end
  end)
  for _, reader in ipairs { { io, "lines" }, { io, "input" }, { core.sys, "read" }, { core.io, "load" },
    { core.io, "container" } } do
    replace(reader[1], reader[2], function(old)
      return function(path, ...)
        touched("reads", path)
        if path == nil and select("#", ...) == 0 then return old() end
        return blame.call(old, path, ...)
      end
    end)
  end
  table.insert(package.searchers, function(name)
    local path = M.restricted() and nil or beside(name)
    if not path then return nil end
    local chunk, message = M.load_file(path, "t")
    if not chunk then error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 0) end
    return chunk, path
  end)
  table.insert(package.searchers, search_renamed)
end

install()

return M
