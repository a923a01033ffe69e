--[[
literal_parser - values spelled as Lua source, read without running anything.

A file of data that is run, and be it in an empty environment, can loop for ever, take all memory ("x"):rep(1e9), or
hand over a table that holds itself. So what is written by flexlab.literal is parsed: nil, true, false, numbers
(0/0 and quotients of two numbers too), math.huge, texts in every form of Lua, and tables of these. Work and memory are
in proportion to the source, whose size and depth are bounded. Nothing else of the language is known.

  state = { source =, at = (byte), name = (of the file, for messages), depth = }
Failures are raised as plain strings inside and caught in M.parse.
--]]
local M = {}

local MOST_BYTES, MOST_DEPTH = 16 << 20, 100
local ESCAPES = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["\\"] = "\\", ['"'] = '"',
  ["'"] = "'", ["\n"] = "\n" }
local RESERVED = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
  until while]]):gmatch "%a+" do RESERVED[word] = true end

--- Whether a text can stand as a name, without quotes, before "=" in a table.
---@param text string  a key of a table
---@return boolean
function M.is_name(text) return text:find "^[%a_][%w_]*$" ~= nil and not RESERVED[text] end

local function fail(state, message)
  local line = 1
  for _ in state.source:sub(1, state.at - 1):gmatch "\n" do line = line + 1 end
  error(("%s:%d: %s"):format(state.name, line, message), 0)
end

local function show(state)
  local near = state.source:match("^[%w_]+", state.at) or state.source:match("^[^%s]", state.at)
  return near and ("'%s'"):format(near:sub(1, 40)) or "the end"
end

-- The bytes that match `pattern` (anchored) here, or nil; they are behind us then.
local function take(state, pattern)
  local first, last = state.source:find(pattern, state.at)
  if not first then return nil end
  state.at = last + 1
  return state.source:sub(first, last)
end

-- What a long bracket that begins here holds, or nil if none does.
local function long_text(state)
  local level = state.source:match("^%[(=*)%[", state.at)
  if not level then return nil end
  local begin = state.at + #level + 2
  local stop, last = state.source:find("]" .. level .. "]", begin, true)
  if not stop then fail(state, "a long text without an end") end
  state.at = last + 1
  return (state.source:sub(begin, stop - 1):gsub("\r\n?", "\n"):gsub("^\n", ""))
end

local function skip_space(state)
  repeat
    take(state, "^%s+")
    local comment = take(state, "^%-%-")
    if comment and not long_text(state) then take(state, "^[^\n]*") end
  until not comment
end

-- One escape behind its backslash.
local function escape(state)
  local source, at = state.source, state.at
  local code = source:match("^x(%x%x)", at)
  if code then
    state.at = at + 3
    return string.char(tonumber(code, 16))
  end
  code = source:match("^%d%d?%d?", at)
  if code then
    if tonumber(code) > 255 then fail(state, "a decimal escape beyond 255") end
    state.at = at + #code
    return string.char(tonumber(code))
  end
  code = source:match("^u{(%x+)}", at)
  if code then
    if #code > 8 or tonumber(code, 16) >= 2 ^ 31 then fail(state, "a character beyond \\u{7FFFFFFF}") end
    state.at = at + #code + 3
    return utf8.char(tonumber(code, 16))
  end
  if take(state, "^z%s*") then return "" end
  local letter = source:sub(at, at)
  if not ESCAPES[letter] then fail(state, "an escape that Lua does not know: \\" .. letter) end
  state.at = at + 1
  return ESCAPES[letter]
end

local function quoted_text(state)
  local quote = take(state, "^[\"']")
  if not quote then return nil end
  local parts, plain = {}, quote == '"' and '^[^"\\\n]+' or "^[^'\\\n]+"
  while not take(state, "^" .. quote) do
    local part = take(state, plain)
    if not part then
      if not take(state, "^\\") then fail(state, "a text without its closing " .. quote) end
      part = escape(state)
    end
    parts[#parts + 1] = part
  end
  return table.concat(parts)
end

-- A numeral as Lua's lexer takes it: with the sign of its exponent, and letters that would spoil it.
local function numeral(state)
  local at = state.at
  if not state.source:find("^%.?%d", at) then return nil end
  local exponent = state.source:find("^0[xX]", at) and "^[pP][+-]?" or "^[eE][+-]?"
  take(state, "^0[xX]")
  while take(state, exponent) or take(state, "^[%w_%.]") do end -- luacheck: ignore 542
  local value = tonumber(state.source:sub(at, state.at - 1))
  if not value then fail(state, ("'%s' is no number"):format(state.source:sub(at, math.min(state.at - 1, at + 39)))) end
  return value
end

-- A number with its sign, math.huge, or nil.
local function number(state)
  local negative = take(state, "^%-%s*")
  local value = numeral(state) or (take(state, "^math%s*%.%s*huge%f[^%w_]") and math.huge)
  if not value then
    if negative then fail(state, show(state) .. " is no number") end
    return nil
  end
  if negative then value = -value end
  skip_space(state)
  if take(state, "^/%f[^/]") then
    skip_space(state)
    local below = numeral(state)
    if not below then fail(state, show(state) .. " is no number to divide by") end
    value = value / below
  end
  return value
end

local value_of

local function field(state, list, count)
  local key
  if not state.source:find("^%[=*%[", state.at) and take(state, "^%[") then
    key = value_of(state)
    skip_space(state)
    if not take(state, "^%]") then fail(state, "']' was expected, not " .. show(state)) end
    if key == nil or key ~= key then fail(state, "a table has no entry for nil, nor for 0/0") end
  else
    local name = state.source:match("^([%a_][%w_]*)%s*=%f[^=]", state.at)
    key = name and M.is_name(name) and take(state, "^[%a_][%w_]*") or nil
  end
  if key == nil then
    list[count + 1] = value_of(state)
    return count + 1
  end
  skip_space(state)
  if not take(state, "^=%f[^=]") then fail(state, "'=' was expected, not " .. show(state)) end
  list[key] = value_of(state)
  return count
end

local function table_of(state)
  if not take(state, "^{") then return nil end
  state.depth = state.depth + 1
  if state.depth > MOST_DEPTH then fail(state, ("tables are nested more than %d deep"):format(MOST_DEPTH)) end
  local list, count = {}, 0
  skip_space(state)
  while not take(state, "^}") do
    count = field(state, list, count)
    skip_space(state)
    if not take(state, "^[,;]") and state.source:sub(state.at, state.at) ~= "}" then
      fail(state, "',' or '}' was expected, not " .. show(state))
    end
    skip_space(state)
  end
  state.depth = state.depth - 1
  return list
end

local WORDS = { { "^true%f[^%w_]", true }, { "^false%f[^%w_]", false }, { "^nil%f[^%w_]", nil } }

function value_of(state)
  skip_space(state)
  for _, word in ipairs(WORDS) do
    if take(state, word[1]) then return word[2] end
  end
  local value = table_of(state) or quoted_text(state) or long_text(state) or number(state)
  if value == nil then
    fail(state, show(state) .. " is no value: data are numbers, texts, true, false, nil and tables of these, and "
      .. "nothing in them is run")
  end
  return value
end

local function whole(state, with_return)
  skip_space(state)
  if with_return and not take(state, "^return%f[^%w_]") then
    fail(state, "'return' and a value were expected, not " .. show(state) .. ": nothing in a file of data is run")
  end
  local value = value_of(state)
  skip_space(state)
  if with_return then take(state, "^;") end
  skip_space(state)
  if state.at <= #state.source then fail(state, "the end was expected, not " .. show(state)) end
  return value
end

--- The value that `source` spells: true and it, or false and a message "NAME:LINE: ...".
---@param source string            the text, bounded in bytes and depth
---@param name string              what messages call the source
---@param with_return boolean|nil  `return VALUE`, as a file has it
---@return boolean  whether it is a value
---@return any  the value, or the message
function M.parse(source, name, with_return)
  if #source > MOST_BYTES then
    return false, ("%s: %d bytes are more than the %d that data are read of"):format(name, #source, MOST_BYTES)
  end
  return pcall(whole, { source = source, at = 1, name = name, depth = 0 }, with_return)
end

return M
