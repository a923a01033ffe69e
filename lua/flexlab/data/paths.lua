--[[
paths - which files are meant: a path, a list of paths, or a pattern with * in its last part. In a rehearsal
(run/rehearsal.lua) a film that is not there yet is the file that stands for it.
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

-- A pattern with * as one of Lua's.
local function lua_pattern(name)
  return "^" .. name:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
end

--- Whether a path, or its last part, is what `pattern` (with or without *) says.
---@param path string     of a file
---@param pattern string  a path, a name, or one with *
---@return boolean
function M.matches(path, pattern)
  local lua = lua_pattern(pattern)
  return path == pattern or path:match(lua) ~= nil or path:match("[^/]*$"):match(lua) ~= nil
end

-- Path of a film that is not there -> that of the file that stands for it.
local function stand_ins()
  local run = context.run()
  return run and run.rehearsal and run.rehearsal.stands or {}
end

local function matching(pattern)
  local folder, name = pattern:match("^(.*)/([^/]*)$")
  folder, name = folder or ".", lua_pattern(name or pattern)
  local found = {}
  local names, message = core.sys.list(folder)
  for path in pairs(stand_ins()) do
    local own, file = path:match "^(.*)/([^/]*)$"
    if (own or ".") == folder and (file or path):match(name) then found[#found + 1] = path end
  end
  if not names and #found == 0 then error(("data: no file matches '%s': %s"):format(pattern, message), 0) end
  for _, file in ipairs(names or {}) do
    if file:match(name) then found[#found + 1] = folder .. "/" .. file end
  end
  table.sort(found)
  return found
end

--- The paths that `files` means; raises when there are none.
---@param files string|string[]  paths and patterns
---@return string[]
function M.expand(files)
  local paths = {}
  for _, item in ipairs(type(files) == "table" and files or { files }) do
    local found = item:find("*", 1, true) and matching(item) or { item }
    if #found == 0 then error(("data: no file matches '%s'"):format(item), 0) end
    for _, path in ipairs(found) do paths[#paths + 1] = path end
  end
  if #paths == 0 then error("data: no file is named", 0) end
  local stands = stand_ins()
  for i, path in ipairs(paths) do paths[i] = stands[path] or path end
  return paths
end

--- The sentence about a file that is not there, with the nearest name in its folder, or is no file.
---@param path string  of the file
---@return string
function M.missing(path)
  local kind = core.sys.exists(path)
  if kind then
    return ("data: '%s' is a %s, not a file"):format(path, kind == "folder" and "folder" or "device or a pipe")
  end
  local candidates = {}
  for _, name in ipairs(core.sys.list(path:match("^(.*)/[^/]*$") or ".") or {}) do
    if name:match("%.h5$") or name:match("%.hdf5$") or name:match("%.nc$") or name:match("%.np[yz]$") then
      candidates[#candidates + 1] = name
    end
  end
  local near = words.nearest(path:match("[^/]*$"), candidates)
  local hint = near and ("; nearest in that folder: " .. near) or ""
  return ("data: there is no file '%s'%s (`flexlab generate turbulence` makes one)"):format(path, hint)
end

return M
