--[[
temporary - files that are being written, and those that a killed process left: X.tmp.PID.place beside X (csrc/io/file.c
makes the name: core.sys.temporary), place being eight digits of the host, its boot and its namespace of process
numbers. So two hosts that write into one folder never have the same name, and who finds one can ask after its writer.

Whose it is. In a run's folder the owner of the lock alone writes, so all temporary files there are debris for it. In
folders that runs share a file is debris when its writer was of our place and no such process is there now, or when a
day has gone by: no file here takes a day to write. Versions before that wrote X.tmp.PID: such a file is judged by its
age alone. Beside a file of the user's, where sample, export, convert and repack write, only a file of our place whose
writer is gone is debris (M.clear).
--]]
local core = require "flexlab.core"

local M = {}

M.day = 86400

local function our_place() return core.sys.temporary("x"):match "%x+$" end

--- What a temporary file will be, its process and its place (nil of an old one); nil of another name.
---@param name string  of a file
---@return string|nil  name of what it will be
---@return integer|nil  process
---@return string|nil  place
function M.parse(name)
  local base, pid, place = name:match "^(.+)%.tmp%.(%d+)%.(%x%x%x%x%x%x%x%x)$"
  if not base then base, pid = name:match "^(.+)%.tmp%.(%d+)$" end
  if base then return base, math.tointeger(tonumber(pid)), place end
end

--- Removes all temporary files in a folder and below it; links are not followed.
---@param folder string  of one run, whose lock is held
function M.sweep(folder)
  for _, name in ipairs(core.sys.list(folder) or {}) do
    local path = folder .. "/" .. name
    local inner = core.sys.exists(path) == "folder" and not core.sys.readlink(path)
    if inner then
      M.sweep(path)
    elseif M.parse(name) then
      core.sys.remove(path)
    end
  end
end

-- Whether a name is that of a temporary file whose writer, of our place, is gone.
local function is_dead(pid, its) return its == our_place() and not (pid and core.sys.process_exists(pid)) end

--- Before a file is written: removes what writers of the same file that are gone have left beside it. The folder is the
--- user's, so nothing is judged by its age or by a name without a place.
---@param path string  of the file that is to be written
function M.clear(path)
  local folder, file = path:match "^(.*/)([^/]*)$"
  for _, name in ipairs(core.sys.list(folder or ".") or {}) do
    local base, pid, its = M.parse(name)
    if base == (file or path) and is_dead(pid, its) then core.sys.remove((folder or "") .. name) end
  end
end

--- Names in a shared folder, not below it, of what writers that are gone have left.
---@param folder string  that runs share
---@return string[]
function M.left(folder)
  local list = {}
  for _, name in ipairs(core.sys.list(folder) or {}) do
    local base, pid, its = M.parse(name)
    local modified = base and core.sys.modified(folder .. "/" .. name)
    if base and is_dead(pid, its) or modified and core.sys.now() - modified > M.day then list[#list + 1] = name end
  end
  return list
end

return M
