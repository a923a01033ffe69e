--[[
witness - what a run loads and reads after it has begun, written down for the next call.

  local witness <close> = witness.open(run)
While it is open, loading.lua tells it of every file that a user's code loads as Lua or opens for reading, and
`run:has_read` of the data. Lua files that the run's set (code.lua) does not hold, and what they bring along, are
recorded by their meaning and copied beside the others (copies.lua); other files by their contents
(provenance.lua). All open runs are told: what an inner run reads, the outer one depends on.

Not recorded: what is in the run's own folder, what the run itself has written, devices; and what is read by other
programs (io.popen) or by readers that a file took hold of before FlexLab was loaded cannot be seen.
--]]
local code = require "flexlab.origin.code"
local copies = require "flexlab.origin.copies"
local loading = require "flexlab.loading"
local provenance = require "flexlab.origin.provenance"

local M = {}

local Witness = {}
Witness.__index = Witness

--- Starts to watch for a run, which has dir and, where its code is known, code.
---@param run table  with dir, and code where it is known
---@return table  to be closed
function M.open(run)
  local witness = setmetatable({ dir = run.dir, code = run.code or code.none(), seen = {}, written = {} }, Witness)
  table.insert(loading.watchers, witness)
  return witness
end

function Witness:__close()
  for i = #loading.watchers, 1, -1 do
    if loading.watchers[i] == self then table.remove(loading.watchers, i) end
  end
end

--- Records fingerprints for all seeds of the configuration, and for this run.
---@param prints table[]  of provenance.fingerprint
function Witness:record(prints)
  if #prints == 0 then return end
  provenance.record(self.dir:match("^(.*)/[^/]*$") or ".", prints)
  provenance.record(self.dir, prints)
end

--- A file is loaded as Lua.
---@param role string  how it is reached (code.lua)
---@param path string  the file
function Witness:loads(role, path)
  local known = self.code.by_path[path]
  if known and code.meaning_of(path) ~= known.meaning then
    error(("%s has changed since this process looked at it for %s; the same command again starts a new run")
      :format(path, self.dir), 0)
  end
  if self.seen[path] then return end
  self.seen[path] = true
  local set, prints = code.closure(role, path), {}
  local later = code.none()
  for _, entry in ipairs(set.list) do
    if not self.code.by_path[entry.path] then
      later.list[#later.list + 1] = entry
      prints[#prints + 1] = { path = entry.path, meaning = entry.meaning }
    end
  end
  if #prints > 0 then copies.add(self.dir, later) end
  self:record(prints)
end

--- Whether a path is none that the next call has to compare.
---@param path string  of a file
---@return any  true or a value that counts as it
function Witness:is_private(path)
  return path:sub(1, #self.dir + 1) == self.dir .. "/" or self.written[path] or path:find "^/dev/"
    or path:find "^/proc/"
end

--- A file is opened for reading, or is data.
---@param path string  the file
function Witness:reads(path)
  if self.seen[path] or self:is_private(path) then return end
  self.seen[path] = true
  self:record { provenance.fingerprint(path) }
end

--- A file is opened for writing.
---@param path string  the file
function Witness:writes(path)
  if not self.seen[path] then self.written[path] = true end
end

--- All open runs have read these files of data, or checkpoints in these folders; returns the fingerprints.
---@param paths string[]  of files or folders
---@return table[]
function M.saw(paths)
  local prints = {}
  for _, path in ipairs(paths) do prints[#prints + 1] = provenance.fingerprint(path) end
  for _, witness in ipairs(loading.watchers) do
    local its = {}
    for _, print in ipairs(prints) do
      if not witness:is_private(print.path) then its[#its + 1] = print end
    end
    witness:record(its)
  end
  return prints
end

--- Open runs depend on what another run, of this code and in this folder, has read.
---@param set table   of code.set, of the other run
---@param dir string  the other run's folder
function M.inherit(set, dir)
  if #loading.watchers == 0 then return end
  for _, entry in ipairs(set.list) do
    if entry.path then loading.tell(entry.role == "recipe" and "file " .. entry.path or entry.role, entry.path) end
  end
  local read = provenance.recorded(dir)
  if #read == 0 then read = provenance.recorded(dir:match("^(.*)/[^/]*$") or ".") end   -- of an older version
  for _, print in ipairs(read) do
    for _, witness in ipairs(loading.watchers) do
      if print.meaning then witness:loads("file " .. print.path, print.path) else witness:reads(print.path) end
    end
  end
end

return M
