--[[
own - the files of a run's folder that are its own. A folder may come from anyone: a link in it could lead to any file
of the reader's, and a page that shows what it leads to would carry it away; what is written to it would land there.

  own.path(dir, name) -> path or nil    a plain file; a link is left out, which is said once on the standard error
  own.read(dir, name) -> text or nil    own.value(dir, name) -> value of a Lua file, nil if it is not there
  own.try(dir, name) -> value of a Lua file, or nil, why there is none; never raises
  own.link(dir, name) -> path or nil    the first link on the way there
  own.demand(dir, names)                raises where one of the files that are about to be appended to is a link
A name may lead into a folder ("code/index.lua"), which must not be a link either. Whoever reads a file of a run asks
here, also whether it is there: a run whose result.lua is a link has no result.
--]]
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local terminal = require "flexlab.terminal"

local M = {}

local said = {}

--- The first link on the way from a folder to what a name in it means ("a.lua", "code/index.lua"), or nil.
---@param dir string   the folder, which may itself be reached through a link
---@param name string  of a file in it, or below it
---@return string|nil
function M.link(dir, name)
  local path = dir
  for part in name:gmatch "[^/]+" do
    path = path .. "/" .. part
    if core.sys.readlink(path) then return path end
  end
end

--- Path of a plain file in a folder, or nil.
---@param dir string   the folder
---@param name string  of a file in it, or below it
---@return string|nil
function M.path(dir, name)
  local link = M.link(dir, name)
  if link then
    if not said[link] then terminal.note(("%s is a link: left out"):format(link)) end
    said[link] = true
    return nil
  end
  local path = dir .. "/" .. name
  return core.sys.exists(path) == "file" and path or nil
end

--- Contents of a plain file in a folder, or nil.
---@param dir string   the folder
---@param name string  of a file in it, or below it
---@return string|nil
function M.read(dir, name)
  local path = M.path(dir, name)
  return path and core.sys.read(path) or nil
end

--- The value that a plain file in a folder holds (literal.at), or nil.
---@param dir string   the folder
---@param name string  of a file in it, or below it
---@return any
function M.value(dir, name)
  local path = M.path(dir, name)
  return path and literal.at(path)
end

--- The same, of a file that may be broken: nil and a sentence then.
---@param dir string   the folder
---@param name string  of a file in it, or below it
---@return any
---@return string|nil
function M.try(dir, name)
  local path = M.path(dir, name)
  if not path then return nil, ("%s/%s is no plain file"):format(dir, name) end
  return literal.read(path)
end

--- Raises where one of these files of a folder is a link, which an append would follow.
---@param dir string      the folder
---@param names string[]  of files in it
function M.demand(dir, names)
  for _, name in ipairs(names) do
    local link = M.link(dir, name)
    if link then
      error(("%s is a link, and a run writes to files of its own folder alone; remove the link"):format(link), 0)
    end
  end
end

return M
