--[[
comments - the public functions of a Lua file and what their comments say, read without running anything.

  comments.functions(text) -> list of { owner, sign, name, arguments = "(a, b)", names = { "a", "b" }, line,
    gives = whether it returns a value, doc, params = { { name, type, text } }, results = { { type, text } },
    stray = the first line of the comment that is none of these, or nil }
A function is public where it stands on a module's table or on a class (`function M.name`, `function Run:name`), or is
the module itself (`return function`, whose name is ""). A table in lower case (`readers.name`) is the file's own, and a
name that begins with __ is Lua's. The comment is of this form, the sentence first, parameters in their order:

  --- Sentence, of one or more lines.
  ---@param name type  meaning, unit, range
  ---  a second line of it begins with two spaces
  ---@return type  meaning, which may be left out where the sentence says it
--]]
local tokens = require "flexlab.origin.tokens"

local M = {}

local OPENS = { ["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true }
local CLOSES = { ["end"] = true, ["until"] = true }
local BARE = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, [";"] = true }

-- The text of the function that begins at a byte: to its `end` on the same line, or to the next at a line's beginning.
local function body(text, at)
  local line = text:match("[^\n]*", at)
  if line:find "%f[%w_]end%W*$" and not line:find "%f[%w_]then%s*$" and not line:find "%(%s*$" then return line end
  return text:sub(at, select(2, text:find("\nend", at, true)))
end

-- Whether the function with which this text begins returns a value.
local function gives(text)
  local list, open = assert(tokens.of(text)), {}
  for i, token in ipairs(list) do
    if OPENS[token] then
      open[#open + 1] = token
    elseif CLOSES[token] then
      open[#open] = nil
    elseif token == "return" and not BARE[list[i + 1]] then
      local inner = 0
      for _, opened in ipairs(open) do inner = inner + (opened == "function" and 1 or 0) end
      if inner == 1 then return true end
    end
  end
  return false
end

-- A line of a comment with a tag: its name, its type, its meaning.
local function tagged(line)
  local name, rest = line:match "^%-%-%-@param (%S+)%s+(.*)$"
  rest = rest or line:match "^%-%-%-@return (.*)$"
  if not rest then return nil end
  local kind, text = (rest .. "  "):match "^(%S.-)%s%s+(.-)%s*$"
  return { name = name, type = kind or "", text = text or "" }
end

-- What a comment's lines say: doc, params, results, stray.
local function said(lines)
  local comment, doc, last = { params = {}, results = {} }, {}, nil
  for _, line in ipairs(lines) do
    local tag = tagged(line)
    local more = line:match "^%-%-%-%s%s+(%S.*)$"
    if tag then
      if tag.name and #comment.results > 0 then comment.stray = comment.stray or line end
      table.insert(tag.name and comment.params or comment.results, tag)
      last = tag
    elseif last and more then
      last.text = last.text .. " " .. more
    elseif not last and line:find "^%-%-%-?%s" then
      doc[#doc + 1] = line:match "^%-+%s+(.*)$"
      if not line:find "^%-%-%-" then comment.stray = comment.stray or line end
    elseif not line:find "^%-%-%-@" or line:find "^%-%-%-@param" then
      comment.stray = comment.stray or line   -- other tags, as @overload, are for the language server alone
    end
  end
  comment.doc = table.concat(doc, " ")
  return comment
end

-- A line that declares a public function: owner, sign, name, arguments.
local function declared(text, at)
  local owner, sign, name, arguments = text:match("^function (%u[%w_]*)([.:])([%w_]+)(%b())", at)
  if not owner then owner, sign, name, arguments = text:match("^(%u[%w_]*)(%.)([%w_]+) = function ?(%b())", at) end
  if owner then return not name:find "^__" and owner or nil, sign, name, arguments end
  arguments = text:match("^return function ?(%b())", at)
  if arguments then return "", "", "", arguments end
end

--- The public functions of a file, in order.
---@param text string  the file
---@return table[]  as the head of this file says
function M.functions(text)
  local list, comment, at, number = {}, {}, 1, 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local owner, sign, name, arguments = declared(text, at)
    if owner then
      local f = said(comment)
      f.owner, f.sign, f.name, f.line, f.arguments, f.names = owner, sign, name, number, arguments, {}
      for argument in arguments:sub(2, -2):gmatch "[%w_.]+" do table.insert(f.names, argument) end
      f.gives = gives(body(text, at))
      list[#list + 1] = f
    end
    if line:find "^%-%-[^%]]" then comment[#comment + 1] = line else comment = {} end
    at = at + #line + 1
  end
  return list
end

return M
