--[[
steady - files of data that a run reads patch by patch must stay what they were when it opened them. One that is written
to in place, or cut, would be half of the old and half of the new, under the hash of the old.

  steady:add(source, take)   what a source (data/frames.lua) has just opened
  steady:settle(source)      it is in memory now: looked at a last time, then free to change
  steady:check()             raises a sentence when one has changed

A look is one stat a file: its bytes and its times of writing and of change. Only where they differ is the file read
again, and only where its fingerprint (provenance.lua) differs, too, has it changed: a touch is no change. A file that
was removed, or replaced by another under its name, changes nothing: what was opened is still read.
--]]
local core = require "flexlab.core"
local provenance = require "flexlab.origin.provenance"

local M = {}

local Steady = {}
Steady.__index = Steady

--- A watch over no files yet.
---@return table
function M.new() return setmetatable({ sources = {} }, Steady) end

-- What a file is now: { path, which one it is, its size and times }; nil where there is none.
local function look(path)
  local which, state = core.sys.mark(path)
  return which and { path = path, which = which, state = state }
end

-- Raises if the file of a look has changed since.
local function compare(old)
  local now = look(old.path)
  if not now or now.which ~= old.which or now.state == old.state then return end
  local print = provenance.fingerprint(old.path)
  if not print or print.hash == old.print.hash and print.bytes == old.print.bytes then
    old.state = now.state
    return
  end
  error(("'%s' changed while the run read it (it had %d bytes and hash %s, and has %d bytes and hash %s now): what was "
    .. "computed is neither of the old file nor of the new one; the same command again starts a new run")
    :format(old.path, old.print.bytes, old.print.hash, print.bytes, print.hash), 0)
end

--- Files that a source has opened; take(paths) -> their fingerprints, which are taken after the look.
---@param source table   with `files`, each of which has a path
---@param take function  paths -> fingerprints (provenance.lua)
function Steady:add(source, take)
  local looks, paths, by_path = {}, {}, {}
  for i, file in ipairs(source.files) do
    looks[i], paths[i] = look(file.path) or false, file.path
  end
  for _, print in ipairs(take(paths)) do by_path[print.path] = print end
  local known = {}
  for _, found in ipairs(looks) do
    if found and by_path[found.path] then
      found.print = by_path[found.path]
      known[#known + 1] = found
    end
  end
  self.sources[source] = known
end

--- Looks at a source's files a last time; they may change from now on.
---@param source table  as of add
function Steady:settle(source)
  for _, old in ipairs(self.sources[source] or {}) do compare(old) end
  self.sources[source] = nil
end

--- Looks at all files; raises a sentence where one has changed.
function Steady:check()
  for _, looks in pairs(self.sources) do
    for _, old in ipairs(looks) do compare(old) end
  end
end

return M
