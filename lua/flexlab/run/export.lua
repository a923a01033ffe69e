--[[
export - a run, or a study with all its runs, as one archive that opens elsewhere (`flexlab export`, tar.lua).

The archive holds a folder of runs: export.lua (the list of its files with bytes and hashes, and the version of FlexLab
that wrote it), then sr/1a2b3c4d/1/... of every run, its settings, recipe, copies of the user's Lua files, versions
(env.txt), log, result and weights, sr/1a2b3c4d/files.lua (what data it read, by hashes) and, of a study, its folder.
So `tar xf run.tar` gives a folder that table, compare, report, sample and evaluate take, and `flexlab import` the same
with every file checked. Data are not in it: files.lua names them. Locks and unfinished temporary files are left out.
--]]
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local folder = require "flexlab.store.folder"
local latest = require "flexlab.store.latest"
local literal = require "flexlab.literal"
local provenance = require "flexlab.origin.provenance"
local tar = require "flexlab.tar"
local terminal = require "flexlab.terminal"
local temporary = require "flexlab.store.temporary"

local M = {}

M.manifest = "export.lua"

local MOST_DEEP = 12

-- The files in a folder, as paths relative to it, sorted; links are not followed.
local function files_in(dir, prefix, list, depth)
  local names = core.sys.list(dir) or {}
  table.sort(names)
  for _, name in ipairs(names) do
    local path = dir .. "/" .. name
    local kind = not core.sys.readlink(path) and not folder.passing(name) and core.sys.exists(path)
    if kind == "folder" and depth < MOST_DEEP then
      files_in(path, prefix .. name .. "/", list, depth + 1)
    elseif kind == "file" then
      list[#list + 1] = prefix .. name
    end
  end
  return list
end

-- Name in the archive -> path, and the names in order: of runs with the files.lua beside them, of a study.
local function contents(runs, study)
  local path_of, order = {}, {}
  local function add(name, path)
    if not path_of[name] then path_of[name], order[#order + 1] = path, name end
  end
  local function add_folder(dir)
    for _, name in ipairs(files_in(dir, "", {}, 1)) do
      local path = dir .. "/" .. name
      local why = folder.stray(name, path)
      if why then
        terminal.note(("%s %s: left out"):format(path, why))
      else
        add(latest.place(dir) .. "/" .. name, path)
      end
    end
  end
  if study then add_folder(study) end
  for _, dir in ipairs(runs) do
    local above = dir:match "^(.*)/[^/]+$" or ".."
    if core.sys.exists(above .. "/files.lua") == "file" then
      add(latest.place(dir):match "^(.*)/[^/]+$" .. "/files.lua", above .. "/files.lua")
    end
    add_folder(dir)
  end
  return path_of, order
end

--- Writes an archive of runs (folders) and, of a study, its folder; the number of its files and their bytes.
---@param path string       of the archive
---@param runs string[]     folders of runs
---@param study string|nil  folder of a study
---@return integer  files
---@return integer  bytes
function M.write(path, runs, study)
  path = destination.of("export", path, { anywhere = true })
  local path_of, order = contents(runs, study)
  local list, bytes = {}, 0
  for i, name in ipairs(order) do
    local print = provenance.fingerprint(path_of[name])
    if not print then error(("export: %s cannot be read"):format(path_of[name]), 0) end
    list[i], bytes = { name = name, bytes = print.bytes, hash = print.hash }, bytes + print.bytes
  end
  local manifest = "return " .. literal.encode { flexlab = tostring(core.info().version), files = list } .. "\n"
  temporary.clear(path)
  local archive = tar.writer(path)
  local ok, message = pcall(function()
    archive:text(M.manifest, manifest)
    for _, name in ipairs(order) do archive:add(name, path_of[name]) end
    archive:finish()
  end)
  if not ok then
    archive:abandon()
    error(message, 0)
  end
  return #order, bytes
end

return M
