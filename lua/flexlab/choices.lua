--[[
choices - one file, one word: lua/flexlab/<kind>/<name>.lua is something a recipe can name.

The folder is the registry. `flex.losses()` lists the words of a kind, `flex.losses.huber` is the
choice, `flex.encoders.define("mine", {...})` adds one for this process (nil
takes it away). A choice is a table with
`doc`, `defaults` and the functions that its kind asks for (docs/internals.md section 2). Any folder
flexlab/<kind> on package.path counts, so a user's own choice needs no change here.
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local text = require "flexlab.text"

local M = {}

--- kind -> the functions a choice of that kind must have.
M.kinds = {
  schedules = { "logsnr" }, parametrisations = { "goal", "recover" }, weightings = { "weight" },
  targets = { "base" }, samplers = { "sample" }, grids = { "times" }, guidance = { "guide" },
  losses = { "loss" }, degradations = { "low", "up" }, observables = { "of" }, encoders = { "new" },
  formats = { "recognise", "describe" }, symmetries = {}, conditioning = {}, positions = {}, models = { "new" },
  backbones = { "new", "sizes", "divisor" }, optimizers = { "new" },
}

local registries, defined_of = {}, {}

local function contracts() return require "flexlab.contracts" end   -- which try choices

local function is_word(name) return type(name) == "string" and name:match("^[%w_]+$") ~= nil end

-- Folders named flexlab/<kind> on package.path.
local function folders(kind)
  local found = {}
  for template in package.path:gmatch("[^;]+") do
    local folder = template:match("^(.-)%?%.lua$")
    if folder then
      folder = folder .. "flexlab/" .. kind
      if core.sys.exists(folder) == "folder" then found[#found + 1] = folder end
    end
  end
  return found
end

-- The files of a kind in the order of the path: { name =, path =, hidden = the path of a file that comes first }.
local function files(kind)
  local list, first, seen = {}, {}, {}
  for _, folder in ipairs(folders(kind)) do
    for _, file in ipairs(core.sys.list(folder) or {}) do
      local name, path = file:match("^(.+)%.lua$"), folder .. "/" .. file
      if name and not seen[path] then
        list[#list + 1] = { name = name, path = path, hidden = first[name] }
        first[name], seen[path] = first[name] or path, true
      end
    end
  end
  return list
end

local function names(kind, defined)
  local all = {}
  for _, file in ipairs(files(kind)) do
    if is_word(file.name) then all[file.name] = true end
  end
  for name in pairs(defined) do all[name] = true end
  return text.keys(all)
end

-- A file may return another word's table (`return require "flexlab.losses.l1"`), which keeps its own name.
local function copied(choice)
  local copy = {}
  for k, v in pairs(choice) do copy[k] = v end
  return copy
end

-- Checks a choice and gives it its name, its kind, its place and, where there is `new`, the call.
local function finish(kind, name, choice, path)
  local where = path or blame.where()
  local function refuse(what, ...) error((where and where .. ": " or "") .. what:format(kind, name, ...), 0) end
  if type(choice) ~= "table" then refuse("%s '%s': its file must return a table, got %s", type(choice)) end
  for _, field in ipairs(M.kinds[kind]) do
    if type(choice[field]) ~= "function" then refuse("%s '%s' lacks the function '%s'", field) end
  end
  if choice.name and (choice.name ~= name or choice.kind ~= kind) then choice = copied(choice) end
  choice.name, choice.kind, choice.file, choice.where = name, kind, path, where
  choice.own = path ~= nil and blame.is_own("@" .. path)
  choice.doc, choice.defaults = choice.doc or "", choice.defaults or {}
  if choice.new and not getmetatable(choice) then
    setmetatable(choice, { __call = function(_, ...)
      contracts().once(choice)
      return choice.new(...)
    end })
  end
  return choice
end

local function find(kind, defined, name)
  local module = "flexlab." .. kind .. "." .. tostring(name)
  local path = is_word(name) and package.searchpath(module, package.path)
  if path then
    defined[name] = finish(kind, name, require(module), path)
    return defined[name]
  end
end

--- The registry of a kind: call it for the list of names, index it for a choice.
---@param kind string
function M.registry(kind)
  if not M.kinds[kind] then error("choices: " .. text.unknown(kind, text.keys(M.kinds)), 2) end
  if registries[kind] then return registries[kind] end
  local defined = {}
  defined_of[kind] = defined
  local registry = setmetatable({}, {
    __call = function() return names(kind, defined) end,
    __index = function(_, name)
      local choice = defined[name] or find(kind, defined, name)
      if choice then return choice end
      error(kind .. ": " .. text.unknown(name, names(kind, defined)), 2)
    end,
  })
  rawset(registry, "define", function(name, choice)
    defined[name] = choice and finish(kind, name, choice)
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

-- What a user's file says of itself, without running it, or why it is no choice.
local function written(file)
  if not is_word(file.name) then return file.path .. ": not a word; its name must be letters, digits and _" end
  if file.hidden then
    return ("%s: not used; %s comes first"):format(file.path, blame.is_own("@" .. file.hidden)
      and "the library's own word" or file.hidden)
  end
  local chunk, message = loadfile(file.path, "t")
  if not chunk then return "does not compile: " .. blame.placed(message) end
  local first = comment(file.path)
  return first == "" and file.path or file.path .. ": " .. first
end

--- What there is of a kind: list of { name =, doc =, path =, own = }, in alphabetic order. The library's own files say
--- their doc; those of users are compiled and not run, and say their path and first comment: one that is broken
--- hides no other.
function M.described(kind)
  local registry, list = M.registry(kind), {}
  for _, file in ipairs(files(kind)) do
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
function M.defined(kind)
  M.registry(kind)
  local list = {}
  for _, name in ipairs(text.keys(defined_of[kind])) do
    local choice = defined_of[kind][name]
    if not choice.file then list[#list + 1] = choice end
  end
  return list
end

--- Runs a file as the choice `name` of a kind, in place of any other of that name.
function M.load(kind, name, path)
  M.registry(kind)
  local chunk, message = loadfile(path, "t")
  if not chunk then error(message, 0) end
  defined_of[kind][name] = finish(kind, name, blame.call(chunk, name, path), path)
  return defined_of[kind][name]
end

--- Whether there is a choice of this name, without loading it.
function M.has(kind, name)
  M.registry(kind)
  return defined_of[kind][name] ~= nil
    or is_word(name) and package.searchpath("flexlab." .. kind .. "." .. name, package.path) ~= nil
end

-- The choice called `name`; `level` as in error().
local function look(kind, name, level)
  local registry = M.registry(kind)
  if not M.has(kind, name) then error(kind .. ": " .. text.unknown(name, registry()), level + 1) end
  return registry[name]
end

--- The choice called `name`, to be read and not used. The error blames the caller's caller.
function M.look(kind, name)
  local choice = look(kind, name, 3)
  return choice
end

--- The choice called `name`, for use: it is tried when it is used first (flexlab.contracts). The error blames the
--- caller's caller.
function M.get(kind, name)
  local choice = look(kind, name, 3)
  contracts().once(choice)
  return choice
end

return M
