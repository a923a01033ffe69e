--[[
tokens - the meaning of a Lua file: the sequence of its tokens, as they are spelled.

  tokens.of(text)       -> list of tokens, or nil where the text ends inside a string or a comment
  tokens.meaning(text)  -> 16 hex digits: equal for texts that differ in comments, white space and line breaks alone
  tokens.uses(text)     -> { requires = {names}, files = {paths}, words = {set} }, what a text names literally

Two files with equal meanings do the same, but for line numbers in messages. The reverse is not asked for:
'a' and "a" are two spellings, and a renamed local is another text. The tokens are those of Lua 5.4 (manual, 3.1):
names, numerals, strings of all forms, and operators; a first line that begins with # and a byte-order mark are
skipped, as loadfile does. What Lua could not load (an unfinished string, a precompiled chunk) means its bytes.

`uses` is what can be told without running anything: require "x", require("x"), pcall(require, "x"), the same of
dofile and loadfile, and the words that may be choices: parts "a", "b" of every short string, of "a+b" too, and
the name behind a dot (flex.losses.mine). Too many words do no harm, since only those count that are files.
--]]
local core = require "flexlab.core"

local M = {}

local THREE = { ["..."] = true }
local TWO = { [".."] = true, ["=="] = true, ["~="] = true, ["<="] = true, [">="] = true, ["//"] = true, ["::"] = true,
  ["<<"] = true, [">>"] = true }
local LONGEST_WORD = 200   -- bytes of a string that may name choices

-- The last byte of a long bracket that opens at `from`, nil if it is none, false if it does not end.
local function long_bracket(text, from)
  local _, opened, equals = text:find("^%[(=*)%[", from)
  if not opened then return nil end
  local _, last = text:find("]" .. equals .. "]", opened + 1, true)
  return last or false
end

-- The last byte of the string that opens with the quote at `from`, or false.
local function quoted(text, from)
  local quote, at = text:sub(from, from), from + 1
  while true do
    at = text:find("[\\\r\n" .. quote .. "]", at)
    local c = at and text:sub(at, at)
    if c == quote then return at end
    if c ~= "\\" then return false end
    if text:find("^z", at + 1) then
      at = text:find("[^ \t\r\n\v\f]", at + 2) or #text + 1
    else   -- a line break of two bytes is one escape
      local pair = text:find("^\r\n", at + 1) or text:find("^\n\r", at + 1)
      at = at + (pair and 3 or 2)
    end
  end
end

-- The last byte of the numeral at `from`, as Lua's own lexer cuts it: digits, points, exponents with a sign.
local function numeral(text, from)
  local hex = text:find("^0[xX]", from)
  local exponent, at = hex and "^[pP]" or "^[eE]", from + (hex and 2 or 0)
  while true do
    if text:find(exponent, at) then
      at = at + (text:find("^[+-]", at + 1) and 2 or 1)
    elseif text:find("^[%x.]", at) then
      at = at + 1
    else
      return text:find("^[A-Za-z_]", at) and at or at - 1
    end
  end
end

-- Where the text begins for Lua.
local function beginning(text)
  local from = text:sub(1, 3) == "\xEF\xBB\xBF" and 4 or 1
  if text:find("^#", from) then from = text:find("\n", from, true) or #text + 1 end
  return from
end

-- The byte behind the comment at `from`, nil if it does not end.
local function behind_comment(text, from)
  local last = long_bracket(text, from + 2)
  if last then return last + 1 end
  if last == false then return nil end
  return text:find("[\r\n]", from) or #text + 1
end

-- The last byte of the token at `from`; false where it does not end.
local function ending(text, from)
  local c = text:sub(from, from)
  if c:find("[A-Za-z_]") then
    return select(2, text:find("^[A-Za-z0-9_]*", from))
  elseif c:find("%d") or text:find("^%.%d", from) then
    return numeral(text, from)
  elseif c == '"' or c == "'" then
    return quoted(text, from)
  end
  local last = c == "[" and long_bracket(text, from)
  if last or c == "[" and last == false then return last end
  return from + (THREE[text:sub(from, from + 2)] and 2 or TWO[text:sub(from, from + 1)] and 1 or 0)
end

--- The tokens of a text, or nil if it ends inside one or in a comment.
---@param text string  of a Lua file
---@return string[]|nil
function M.of(text)
  local list, at = {}, beginning(text)
  while true do
    at = text:find("[^ \t\r\n\v\f]", at)
    if not at then return list end
    if text:find("^%-%-", at) then
      at = behind_comment(text, at)
      if not at then return nil end
    else
      local last = ending(text, at)
      if not last then return nil end
      list[#list + 1] = text:sub(at, last)
      at = last + 1
    end
  end
end

--- The meaning of a text, as 16 hex digits.
---@param text string  of a Lua file, or a precompiled chunk
---@return string
function M.meaning(text)
  local list = text:sub(1, 1) ~= "\27" and M.of(text)
  if not list then return core.sys.hash("bytes " .. text) end
  for i, token in ipairs(list) do list[i] = #token .. ":" .. token end   -- a string may hold any byte
  return core.sys.hash(table.concat(list, " "))
end

-- The value of a token that is a string; nil of any other.
local function value(token)
  if not (token and token:find("^[\"'%[]") and #token > 1) then return nil end
  local chunk = load("return " .. token, "=token", "t", {})
  return chunk and chunk()
end

-- The literal that is the argument of the function named by token i: f "x", f("x"), pcall(f, "x").
local function argument(list, i)
  local opening = list[i + 1] == "(" or list[i + 1] == ","
  local closed = not opening or list[i + 3] == ")" or list[i + 3] == ","     -- "a" .. b is computed
  return closed and value(list[opening and i + 2 or i + 1]) or nil
end

local function add_words(set, text)
  if #text > LONGEST_WORD then return end
  for word in text:gmatch("[A-Za-z_][%w_]*") do set[word] = true end
end

--- What a text names literally; see the head of this file.
---@param text string  of a Lua file
---@return table  { requires = {names}, files = {paths}, words = {[word] = true} }
function M.uses(text)
  local uses, list = { requires = {}, files = {}, words = {} }, text:sub(1, 1) ~= "\27" and M.of(text) or {}
  for i, token in ipairs(list) do
    local to = token == "require" and uses.requires or (token == "dofile" or token == "loadfile") and uses.files
    local name = to and argument(list, i)
    if name then to[#to + 1] = name end
    local text_of_it = value(token)
    if text_of_it then add_words(uses.words, text_of_it) end
    if list[i - 1] == "." and token:find("^[A-Za-z_]") then uses.words[token] = true end
  end
  return uses
end

return M
