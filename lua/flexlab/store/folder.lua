--[[
folder - what lies in a run's folder, and whose each name is. The list stands here alone: run:record, --fresh and
export ask it, and docs/internals.md is tested against it.

  folder.why_taken "files"        why run:record may not use a name, in words; nil where it may
  folder.clear(dir)               removes what attempts left (--fresh); the lock must be held
  folder.passing(name)            what is no part of a run: locks, files that are being written
  folder.stray(name, path)        why a file in a folder is none that a run or a study writes, in words; or nil
What run:record writes begins with a line that says so, by which --fresh knows records of any name. Anything else in a
folder is not FlexLab's: what a recipe saves there by a path of its own (scores.csv, sample.png), which the same code
writes again under the same name, and what its user put there. --fresh leaves it alone.
--]]
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local temporary = require "flexlab.store.temporary"
local words = require "flexlab.words"

local M = {}

--- Files of a run's folder.
M.files = { "config.lua", "recipe.lua", "env.txt", "log.txt", "data.txt", "files.lua", "notes.lua", "metrics.jsonl",
  "metrics.csv", "samples.csv", "last.h5", "cost.lua", "result.lua", "result.lua.part", "failed.txt", "report.html" }

--- Folders in it, the file that names its owner, and records that the library writes and reads itself.
M.folders, M.lock, M.own_records = { "code" }, "lock", { "seams", "split" }

--- Names beside those: of a study's folder, of the folders above, of an archive.
M.elsewhere = { "study.lua", "runs.csv", "runs.tex", "summary.csv", "cost.csv", "index.lua", "export.lua",
  "files.lock", "latest" }

--- The first line of a record.
M.mark = "written by run:record"

local taken = {}
for _, list in ipairs { M.files, M.folders, { M.lock }, M.own_records, M.elsewhere } do
  for _, name in ipairs(list) do
    local base = name:match "^[^.]+"
    taken[base] = taken[base] or name
  end
end

--- Why a record cannot have this name, in words; nil where it can.
---@param name any  as given to run:record
---@return string|nil|false
function M.why_taken(name)
  if type(name) ~= "string" or not name:match "^[%w_]+$" then return "is no name (letters, digits and _)" end
  return taken[name] and ("is taken: FlexLab itself writes '%s'"):format(taken[name])
end

--- What is no part of a run: locks, and files that are being written.
---@param name string  of a file in the folder
---@return any  true or a value that counts as it
function M.passing(name)
  return name == M.lock or name:find "^lock%." or name == "files.lock" or temporary.parse(name)
    or name:find "%.part$" or name:find "%c"
end

local function is_record(path)
  local file = path:find "%.lua$" and core.sys.exists(path) == "file" and io.open(path, "r")
  local first = file and file:read "l"
  if file then file:close() end
  return first == "-- " .. M.mark
end

-- Lua files that the library writes into a folder of a run or of a study itself.
local lua_files = {}
for _, list in ipairs { M.files, { "study.lua" } } do
  for _, name in ipairs(list) do lua_files[name] = name:find "%.lua$" ~= nil or nil end
end
for _, name in ipairs(M.own_records) do lua_files[name .. ".lua"] = true end

-- Whether a name is that of a copy of a Lua file (origin/copies.lua).
local function is_copy(name)
  return name:find "^code/[%w_][%w_/%-]*%.lua$" ~= nil
end

--- Why a file in a folder is none that a run or a study writes, in words; nil where it may be. Recipes save files of
--- any name there, but no code: Lua files are those of FlexLab, copies in code/, and records, each of which is a value.
---@param name string       relative to the folder
---@param path string|nil   of the file, where its contents are to be looked at
---@return string|nil
function M.stray(name, path)
  for part in name:gmatch "[^/]+" do
    if M.passing(part) or part:find "%.tmp%.%d" then return "is a lock, or a file that was being written" end
  end
  local top = name:match "^[^/]*"
  if words.has(M.folders, top) then return not is_copy(name) and "is no copy of a Lua file" or nil end
  if name:find "%.so[%d.]*$" or name:find "%.dll$" or name:find "%.luac$" then return "is code, which no run writes" end
  if not name:find "%.lua$" or lua_files[name] then return nil end
  if name:find "/" then return "is a Lua file, which runs keep in code/ alone" end
  return path and literal.read(path) == nil and "is a Lua file with more than a value, which no run writes" or nil
end

--- Removes a folder and all in it; links, also the path itself, are removed and not followed.
---@param path string  of a folder, a file or a link
function M.remove(path)
  local is_folder = core.sys.exists(path) == "folder" and not core.sys.readlink(path)
  for _, name in ipairs(is_folder and core.sys.list(path) or {}) do M.remove(path .. "/" .. name) end
  os.remove(path)
end

--- Removes what attempts left in a folder, but for the lock and what is not FlexLab's.
---@param dir string  a run's folder, whose lock is held
function M.clear(dir)
  local known = {}
  for _, name in ipairs(M.files) do known[name] = true end
  for _, name in ipairs(M.own_records) do known[name .. ".lua"] = true end
  for _, name in ipairs(core.sys.list(dir) or {}) do
    local path = dir .. "/" .. name
    local is_folder = core.sys.exists(path) == "folder" and not core.sys.readlink(path)
    if not is_folder and (known[name] or is_record(path)) then assert(core.sys.remove(path)) end
  end
  for _, name in ipairs(M.folders) do M.remove(dir .. "/" .. name) end
end

return M
