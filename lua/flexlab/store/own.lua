--[[
own - the files of a run's folder that are its own. A folder may come from anyone: a link in it could lead to any file
of the reader's, and a page that shows what it leads to would carry it away.

  own.path(dir, name) -> path or nil    a plain file; a link is left out, which is said once on the standard error
  own.read(dir, name) -> text or nil    own.value(dir, name) -> value of a Lua file, nil if it is not there
--]]
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local terminal = require "flexlab.terminal"

local M = {}

local said = {}

--- Path of a plain file in a folder, or nil.
function M.path(dir, name)
  local path = dir .. "/" .. name
  if core.sys.readlink(path) then
    if not said[path] then terminal.note(("%s is a link: left out"):format(path)) end
    said[path] = true
    return nil
  end
  return core.sys.exists(path) == "file" and path or nil
end

--- Its contents, or nil.
function M.read(dir, name)
  local path = M.path(dir, name)
  return path and core.sys.read(path) or nil
end

--- The value that it holds (literal.at), or nil.
function M.value(dir, name)
  local path = M.path(dir, name)
  return path and literal.at(path)
end

return M
