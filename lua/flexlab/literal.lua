--[[
literal - values written as Lua source and read back without running it (literal_parser): config.lua, result.lua.
Keys are sorted, so equal tables give equal text; that text is what a run's hash covers.
--]]
local core = require "flexlab.core"
local literal_parser = require "flexlab.literal_parser"

local M = {}

local function number(v)
  if math.type(v) == "integer" then return tostring(v) end
  if v ~= v then return "0/0" end
  if v == math.huge then return "math.huge" elseif v == -math.huge then return "-math.huge" end
  for digits = 15, 17 do
    local s = ("%." .. digits .. "g"):format(v)
    if tonumber(s) == v then return s:find("[%.en]") and s or s .. ".0" end
  end
end

local function key(k)
  if type(k) == "string" and literal_parser.is_name(k) then return k end
  return "[" .. M.encode(k) .. "]"
end

local function sorted(t)
  local keys = {}
  for k in pairs(t) do
    if not (math.type(k) == "integer" and k >= 1 and k <= #t) then keys[#keys + 1] = k end
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and type(a) ~= "boolean" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

--- Lua source of a value; functions and userdata raise.
---@param value any          nil, boolean, number, string, or a table of these
---@param indent string|nil  spaces in front of the lines behind the first
---@return string
function M.encode(value, indent)
  indent = indent or ""
  local kind = type(value)
  if kind == "number" then return number(value) end
  if kind == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  if kind == "boolean" or kind == "nil" then return tostring(value) end
  if kind ~= "table" then error("a " .. kind .. " cannot be written as a value", 2) end
  local inner, parts = indent .. "  ", {}
  for _, v in ipairs(value) do parts[#parts + 1] = M.encode(v, inner) end
  local list = #parts
  for _, k in ipairs(sorted(value)) do
    parts[#parts + 1] = key(k) .. " = " .. M.encode(value[k], inner)
  end
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + #indent <= 80 and not line:find("\n") and (list == #parts or indent ~= "") then return line end
  return "{\n" .. inner .. table.concat(parts, ",\n" .. inner) .. "\n" .. indent .. "}"
end

--- The same in one line, for labels and messages.
---@param value any  as of encode
---@return string
function M.line(value)
  if type(value) ~= "table" then return M.encode(value) end
  local parts = {}
  for i, v in ipairs(value) do parts[i] = M.line(v) end
  for _, k in ipairs(sorted(value)) do parts[#parts + 1] = key(k) .. " = " .. M.line(value[k]) end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

--- Writes "return <value>" atomically; true or nil, message.
---@param path string         the file
---@param value any           as of encode
---@param comment string|nil  its first line
---@return boolean|nil  true
---@return string|nil  why it could not be written
function M.write(path, value, comment)
  return core.sys.write(path, (comment and "-- " .. comment .. "\n" or "")
    .. "return " .. M.encode(value) .. "\n")
end

--- The value of such a file, or nil, message (which names the file and the line).
---@param path string  a file that literal.write wrote
---@return any  nil where it cannot be read
---@return string|nil  why not
function M.read(path)
  local source, message = core.sys.read(path)
  if not source then return nil, message end
  local ok, value = literal_parser.parse(source, path, true)
  if not ok then return nil, value end
  return value, nil
end

--- The value of a file that may be absent: nil then. One that is there and cannot be read, or is no value, raises.
---@param path string  a file that literal.write wrote, or none
---@return any
function M.at(path)
  if not core.sys.exists(path) then return nil end
  local value, message = M.read(path)
  if message then error(message, 0) end
  return value
end

return M
