--[[
doc_comments - whether a Lua file says what it holds, and each of its public functions what it takes and gives.

  require "tests.doc_comments".check(path, text, fault)
CONTRIBUTING.md has the rules; tools/reference/comments.lua reads the comments and says which functions are public.
--]]
local comments = require "tools.reference.comments"

local M = {}

-- The name of a file in its head: its own, or its folder's for init.lua.
local function own_name(path)
  local folder, name = path:match "([^/]*)/([^/]+)%.lua$"
  return name == "init" and folder or name
end

--- The head is a block whose first line is "name - what the file holds".
---@param path string     for the messages
---@param text string     the file
---@param fault function  called with a format and its values for each fault
function M.head(path, text, fault)
  local first = text:match "^%-%-%[%[\n([^\n]*)"
  if not first then
    fault("%s:1: a file begins with a line --[[ and the line '%s - what it holds'", path, own_name(path))
  elseif first:sub(1, #own_name(path) + 3) ~= own_name(path) .. " - " then
    fault("%s:2: the head begins with '%s', not with '%s - '", path, first:sub(1, 30), own_name(path))
  elseif not text:find("\n--]]\n", 1, true) then
    fault("%s: the head ends with a line --]]", path)
  end
end

local function parameters(f, fault)
  for i = 1, math.max(#f.names, #f.params) do
    local param, name = f.params[i], f.names[i]
    if not param then
      fault("lacks ---@param %s", name)
    elseif not name then
      fault("has ---@param %s, but takes no such thing", param.name)
    elseif param.name ~= name then
      fault("has ---@param %s where %s comes", param.name, name)
    elseif param.text == "" then
      fault("does not say what %s means (two spaces stand behind the type)", name)
    end
  end
end

--- What is wrong with the comments of a file's public functions.
---@param path string     for the messages
---@param text string     the file
---@param fault function  called with a format and its values for each fault
function M.check(path, text, fault)
  for _, f in ipairs(comments.functions(text)) do
    local function wrong(format, ...)
      fault("%s:%d: %s%s%s " .. format, path, f.line, f.owner, f.sign, f.name == "" and "the function" or f.name, ...)
    end
    if f.stray then wrong("has the line '%s' where none of its kind belongs", f.stray) end
    if f.doc == "" then wrong "lacks a sentence that begins with ---" end
    parameters(f, wrong)
    if f.gives and #f.results == 0 then wrong "returns a value and lacks ---@return" end
    if not f.gives and #f.results > 0 then wrong "has ---@return and returns nothing" end
  end
end

return M
