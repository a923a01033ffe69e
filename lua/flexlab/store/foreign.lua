--[[
foreign - the .lua files of the folders of runs and studies, read as what they must be: a folder may come from anywhere,
and an edit or a full disk may have left anything in it.

  foreign.rows(path, "list of files", { { path = "string", hash = "string" }, { path = "string", meaning = "string" } })
  foreign.rows(path, "list of notes", "string")
  foreign.entries(path, "list of costs", { seconds = "number" })
Each gives the value, nil where there is no such file, or raises a sentence with the file's name, what it has and what
was expected. A link is left out (own.lua), and that no code is run by reading one is literal's part.
--]]
local own = require "flexlab.store.own"
local words = require "flexlab.words"

local M = {}

local ADVICE = "; restore the file, or remove it"

local function has_kind(value, kind)
  if kind == "integer" then return math.type(value) == "integer" end
  if kind == "numbers" then
    for _, v in ipairs(type(value) == "table" and value or { false }) do
      if type(v) ~= "number" then return false end
    end
    return true
  end
  return type(value) == kind
end

-- Whether a row has all entries of a form: a kind, or { entry = kind }.
local function fits(row, form)
  if type(form) == "string" then return has_kind(row, form) end
  if type(row) ~= "table" then return false end
  for name, kind in pairs(form) do
    if not has_kind(row[name], kind) then return false end
  end
  return true
end

local function shown(form)
  if type(form) == "string" then return "a " .. form end
  local parts = {}
  for _, name in ipairs(words.keys(form)) do parts[#parts + 1] = name .. " =" end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- Whether a row has one of several forms.
---@param row any      of a list
---@param forms table  list of kinds ("string"), or of { entry = kind }
---@return boolean
function M.fits(row, forms)
  for _, form in ipairs(forms) do
    if fits(row, form) then return true end
  end
  return false
end

--- The table that a file holds; nil where there is none.
---@param path string  the file
---@param what string  what it is, in words
---@return table|nil
function M.table(path, what)
  local dir, name = path:match "^(.*)/([^/]*)$"
  local value = own.value(dir, name)
  if value ~= nil and type(value) ~= "table" then
    error(("%s is no %s: it holds %s%s"):format(path, what, words.show(value), ADVICE), 0)
  end
  return value
end

--- A list whose every row has one of the forms; nil where there is no file.
---@param path string         the file
---@param what string         what it is, in words
---@param forms string|table  a kind of value, or a list of { entry = kind }
---@return table[]|nil
function M.rows(path, what, forms)
  local list = M.table(path, what)
  if not list then return nil end
  if type(forms) == "string" then forms = { forms } end
  for key, row in pairs(list) do
    if math.type(key) ~= "integer" or not M.fits(row, forms) then
      local texts = {}
      for i, form in ipairs(forms) do texts[i] = shown(form) end
      error(("%s is no %s: %s is not %s%s"):format(path, what, math.type(key) and "row " .. key or
        ("its '%s'"):format(tostring(key)), table.concat(texts, " or "), ADVICE), 0)
    end
  end
  return list
end

--- A table whose known entries, where it has them, are of these kinds; nil where there is no file.
---@param path string  the file
---@param what string  what it is, in words
---@param kinds table  { entry = kind }, "numbers" for a list of numbers
---@return table|nil
function M.entries(path, what, kinds)
  local value = M.table(path, what)
  for _, name in ipairs(value and words.keys(kinds) or {}) do
    if value[name] ~= nil and not has_kind(value[name], kinds[name]) then
      error(("%s is no %s: '%s' is %s, %s was expected%s"):format(path, what, name, words.show(value[name]),
        kinds[name] == "numbers" and "a list of numbers" or "a " .. kinds[name], ADVICE), 0)
    end
  end
  return value
end

return M
