--[[
plain - settings as tables: deep copies, read-only views that may note what is read of them, defaults that are absent.

  plain.plain(value)                 a deep copy without views, markers and metatables
  plain.readonly(t, "cfg", reads)    a view; reading a key that it has not raises, `reads` is filled with what is read
  plain.optional "string"            a default that is absent until it gets a value of that type
Whoever takes settings takes views too: config.lua and settings/init.lua know what may be set, this file does not.
--]]
local words = require "flexlab.words"

local M = {}

local plain_of = setmetatable({}, { __mode = "k" })   -- read-only view -> its table
local noted = setmetatable({}, { __mode = "k" })      -- view that is watched -> notes that all of it was read
local Optional = {}

--- A default that is absent (false) until it gets a value of the type: number, string, boolean, table.
---@param kind string  number, string, boolean or table
---@return table  a marker, which reads as false
function M.optional(kind)
  return setmetatable({ type = kind }, Optional)
end

--- Whether a default is such a marker.
---@param v any  a default
---@return boolean
function M.is_optional(v) return getmetatable(v) == Optional end

--- The table under a view; any other value is itself.
---@param value any  a view, or anything
---@return any
function M.under(value) return plain_of[value] or value end

--- The same, to be read whole: the view notes it.
---@param value any  a view, or anything
---@return any
function M.table_of(value)
  if noted[value] then noted[value]() end
  return M.under(value)
end

--- A deep copy without views, markers and metatables.
---@param value any  a table, a view, or anything
---@return any
function M.plain(value)
  if M.is_optional(value) then return false end
  if type(value) ~= "table" then return value end
  local copy = {}
  for k, v in pairs(M.table_of(value)) do copy[k] = M.plain(v) end
  return copy
end

local function flatten(t, lists, prefix, out)
  for key, value in pairs(t) do
    if type(value) == "table" and (lists or #value == 0 and next(value) ~= nil) then
      flatten(value, lists, prefix .. tostring(key) .. ".", out)
    else
      out[prefix .. tostring(key)] = value
    end
  end
  return out
end

--- Nested settings by flat keys: { ["train.lr"] = 1e-3 }. Lists are values, or are taken apart too.
---@param t table            nested settings, their keys strings
---@param lists boolean|nil  true: no value is a table; "sizes.1" is the first of `sizes`
---@return table
function M.flat(t, lists) return flatten(t, lists, "", {}) end

-- Notes that everything below a view was read.
local function note_all(t, path, reads)
  for k, v in pairs(t) do
    local full = path .. tostring(k)
    reads[full] = true
    if type(v) == "table" then note_all(v, full .. ".", reads) end
  end
end

--- A read-only view; reading a key that is not there raises.
---@param t any              a table; anything else is returned as it is
---@param path string|nil    how messages call it; "cfg"
---@param reads table|nil    is filled with the paths that are read: { ["train.lr"] = true }
---@param prefix string|nil  what stands before those paths: "train."
---@return any
function M.readonly(t, path, reads, prefix)
  if type(t) ~= "table" or plain_of[t] then return t end
  path, prefix = path or "cfg", prefix or ""
  local children, view = {}, {}
  for k, v in pairs(t) do
    children[k] = M.readonly(v, path .. "." .. tostring(k), reads, prefix .. tostring(k) .. ".")
  end
  plain_of[view] = t
  if reads then noted[view] = function() note_all(t, prefix, reads) end end
  return setmetatable(view, {
    __index = function(_, key)
      local value = children[key]
      if reads then reads[prefix .. tostring(key)] = true end
      if value == nil and type(key) == "string" then
        error(("%s has %s"):format(path, words.unknown(key, words.keys(t))), 2)
      end
      return value
    end,
    __newindex = function(_, key)
      error(("%s is read-only: '%s' cannot be set"):format(path, tostring(key)), 2)
    end,
    __len = function() return #t end,
    __pairs = function()
      if reads then note_all(t, prefix, reads) end
      return next, children, nil
    end,
  })
end

return M
