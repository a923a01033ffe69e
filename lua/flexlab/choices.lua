--[[
choices - one file, one word: lua/flexlab/<kind>/<name>.lua is something a recipe can name.

The folder is the registry. `flex.losses()` lists the words of a kind, `flex.losses.huber` is the
choice, `flex.encoders.define("mine", {...})` adds one for this process (nil
takes it away). A choice is a table with
`doc`, `defaults` and the functions that its kind asks for (docs/internals.md section 2). Any folder
flexlab/<kind> on package.path counts, so a user's own choice needs no change here.
--]]
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

local registries = {}

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

local function names(kind, defined)
  local seen, list = {}, {}
  local function add(name)
    if not seen[name] then seen[name] = true; list[#list + 1] = name end
  end
  for name in pairs(defined) do add(name) end
  for _, folder in ipairs(folders(kind)) do
    for _, file in ipairs(core.sys.list(folder) or {}) do
      local name = file:match("^([%w_]+)%.lua$")
      if name then add(name) end
    end
  end
  table.sort(list)
  return list
end

-- Checks a choice and gives it its name, its kind and, where there is `new`, the call.
local function finish(kind, name, choice)
  if type(choice) ~= "table" then
    error(("%s '%s': its file must return a table, got %s"):format(kind, name, type(choice)), 0)
  end
  for _, field in ipairs(M.kinds[kind]) do
    if type(choice[field]) ~= "function" then
      error(("%s '%s' lacks the function '%s'"):format(kind, name, field), 0)
    end
  end
  choice.name, choice.kind = name, kind
  choice.doc, choice.defaults = choice.doc or "", choice.defaults or {}
  if choice.new and not getmetatable(choice) then
    setmetatable(choice, { __call = function(_, ...) return choice.new(...) end })
  end
  return choice
end

local function find(kind, defined, name)
  local module = "flexlab." .. kind .. "." .. tostring(name)
  if type(name) == "string" and name:match("^[%w_]+$") and package.searchpath(module, package.path) then
    defined[name] = finish(kind, name, require(module))
    return defined[name]
  end
end

--- The registry of a kind: call it for the list of names, index it for a choice.
---@param kind string
function M.registry(kind)
  if not M.kinds[kind] then error("choices: " .. text.unknown(kind, text.keys(M.kinds)), 2) end
  if registries[kind] then return registries[kind] end
  local defined = {}
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

--- The choice called `name`; the error blames the caller's caller.
function M.get(kind, name)
  local ok, choice = pcall(function() return M.registry(kind)[name] end)
  if not ok then error((tostring(choice):gsub("^[^:]+:%d+: ", "")), 3) end
  return choice
end

return M
