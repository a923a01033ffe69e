--[[
sources - what the reference is made from: the manual's lines parsed, and the comments of lua/flexlab.

A function is { name, params = { { name, type, optional } }, result = type or nil, doc }.
--]]
local comments = require "tools.reference.comments"
local manual = require "flexlab.manual"

local M = {}

-- "a: {b: c, d}, e?: f" -> parts; commas inside brackets do not divide.
local function split(text)
  local parts, depth, start = {}, 0, 1
  for i = 1, #text do
    local c = text:sub(i, i)
    if c:find "[{(<%[]" then depth = depth + 1 elseif c:find "[})>%]]" then depth = depth - 1 end
    if c == "," and depth == 0 then parts[#parts + 1], start = text:sub(start, i - 1), i + 1 end
  end
  if text:find "%S" then parts[#parts + 1] = text:sub(start) end
  return parts
end

local function parameters(text)
  local list = {}
  for _, part in ipairs(split(text)) do
    local name, optional, kind = part:match "^%s*([%w_.]+)(%??):%s*(.-)%s*$"
    assert(name, "manual: cannot read the argument '" .. part .. "'")
    list[#list + 1] = { name = name, type = kind, optional = optional == "?" }
  end
  return list
end

--- One line of the manual.
function M.parse(line)
  local name, arguments, rest, doc = line:match "^([%w_]+)(%b())(.-)%s+%-%-%s+(.*)$"
  assert(name, "manual: cannot read '" .. line .. "'")
  return { name = name, params = parameters(arguments:sub(2, -2)), result = rest:match "^:%s*(.*)$", doc = doc }
end

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    if line:find "^%s" then
      list[#list] = list[#list] .. " " .. line:match "^%s*(.*)$"
    else
      list[#list + 1] = line
    end
  end
  return list
end

--- The manual: { { holder, title, about, fields = { {name, type, doc} }, functions } }.
function M.manual()
  local sections = {}
  for _, s in ipairs(manual) do
    local section = { holder = s.holder, title = s.title, about = s.about, fields = {}, functions = {} }
    for _, line in ipairs(lines(s.fields or "")) do
      local name, kind, doc = line:match "^([%w_]+):%s*(.-)%s+%-%-%s+(.*)$"
      section.fields[#section.fields + 1] = { name = name, type = kind, doc = doc }
    end
    for _, line in ipairs(lines(s[1])) do section.functions[#section.functions + 1] = M.parse(line) end
    sections[#sections + 1] = section
  end
  return sections
end

-- The lines of a file's first comment, without marks.
local function head(text)
  local comment = text:match "^%-%-%[%[\n(.-)%-%-%]%]"
  if comment then return comment end
  local list = {}
  for line in text:gmatch "([^\n]*)\n" do
    local words = line:match "^%-%- ?(.*)$"
    if not words then break end
    list[#list + 1] = words
  end
  return table.concat(list, "\n")
end

-- What comes after "name - " up to the first example or empty line, and the first indented lines.
local function introduction(text)
  local title, example = {}, {}
  for line in (head(text) .. "\n"):gmatch "([^\n]*)\n" do
    if line:find "^  %S" or #example > 0 and line:find "^  " then
      example[#example + 1] = line
    elseif #example > 0 or line == "" and #title > 0 and not head(text):find("\n\n  ", 1, true) then
      break
    elseif #example == 0 and line ~= "" then
      title[#title + 1] = line
    end
  end
  return (table.concat(title, " "):gsub("^[%w_.]+ %- ", "")), table.concat(example, "\n")
end

-- The public functions of the file of a module; of one that has no file, none.
local function functions_of(name)
  local path = package.searchpath(name, package.path)
  local file = path and io.open(path)
  if not file then return {} end
  local text = file:read "a"
  file:close()
  return comments.functions(text)
end

local valued, read = {}, {}   -- each file is read once: by_value's answer, and the modules that are in it

--- The public functions of all loaded modules by their values: a module may hand on those of another.
---@return table  { [function] = as of comments.lua, with `module` = "diffusion.sampling" }
function M.by_value()
  for name, loaded in pairs(package.loaded) do
    local module = name:match "^flexlab%.(.*)$"
    for _, f in ipairs(module and not read[name] and functions_of(name) or {}) do
      local value = f.name == "" and loaded or f.owner == "M" and type(loaded) == "table" and rawget(loaded, f.name)
      if type(value) == "function" then valued[value], f.module = f, module end
    end
    read[name] = true
  end
  return valued
end

--- The documented functions of a Lua file (see comments.lua), and how it begins: { title, example, functions }.
function M.library(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  local found = {}
  for _, f in ipairs(comments.functions(text)) do
    if f.doc ~= "" and f.name ~= "" then found[#found + 1] = f end
  end
  local title, example = introduction(text)
  return { title = title, example = example, functions = found }
end

return M
