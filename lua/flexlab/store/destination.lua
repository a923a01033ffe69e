--[[
destination - where a file that the user names is written: the one check of such a name. A file is written beside its
place and renamed, so what stood there is gone; a slip of the hand would take the user's data, or the weights of a run.

  local out = destination.of("--out", "fine.h5", { inputs = { "flow.h5", "runs/sr/1a2b3c4d/1/last.h5" } })
  local out, spread = table.unpack(destination.all({ { "--out", o }, { "--spread", s or false } }, { inputs = list }))
  local path = destination.saved(path)      what a script saves: plot:save, picture:save, table:save

Refused are: a folder, a device, a pipe, a socket, and the name of a folder ("x/", ".."); an input of the command, under
whatever name or link; a place in a run's folder, and the files of a study; one file under two names. An earlier answer
of the same name is replaced: that is what a second attempt is for. A link is followed to the file that it leads to, as
`cp` does, but not in a run's folder, which may come from anyone (own.lua): there a save replaces the link. Nothing is
written or made here.
--]]
local core = require "flexlab.core"
local folder = require "flexlab.store.folder"
local latest = require "flexlab.store.latest"

local M = {}

local MOST_FOLDERS = 128

local own_names = { [folder.lock] = true }
for _, list in ipairs { folder.files, folder.elsewhere } do
  for _, name in ipairs(list) do own_names[name] = true end
end
for _, name in ipairs(folder.own_records) do own_names[name .. ".lua"] = true end

-- Folder ("." of none) and last part of a path.
local function split(path)
  local above, name = path:match "^(.*)/([^/]*)$"
  return above == "" and "/" or above or ".", name or path
end

-- Which file stands at a path: two names of one file have one.
local function identity(path) return (core.sys.mark(path)) end

--- Whether a folder is that of a run: its settings, and a trace of an attempt.
---@param dir string  the folder
---@return boolean
function M.is_run(dir)
  if core.sys.exists(dir .. "/config.lua") ~= "file" then return false end
  for _, name in ipairs { "env.txt", "log.txt", "last.h5", "result.lua", folder.lock } do
    if core.sys.exists(dir .. "/" .. name) then return true end
  end
  return false
end

-- The folder of a run that a folder is or lies in, also where it is not there yet; nil of another.
local function run_around(dir)
  while not core.sys.exists(dir) do
    local above = split(dir)
    if above == dir then return nil end
    dir = above
  end
  for _ = 1, MOST_FOLDERS do
    if M.is_run(dir) then return dir end
    local above = dir .. "/.."
    if identity(above) == identity(dir) then return nil end
    dir = above
  end
end

-- What is wrong with a path whose links are followed, whatever it is for; nil for nothing.
local function fault(path)
  local _, name = split(path)
  if path == "" then return "is empty, a file's name was expected" end
  if name == "" or name == "." or name == ".." then return "is the name of a folder, not of a file" end
  for above in path:gmatch "()/%.%.%f[/\0]" do
    local before = path:sub(1, above - 1)
    if before ~= "" and core.sys.exists(before) ~= "folder" then
      return ("leads through '%s', which is no folder"):format(before)
    end
  end
  local kind = core.sys.exists(path)
  if kind == "folder" then return "is a folder, not a file" end
  if kind == "other" then return "is a device or a pipe, not a file" end
end

-- The file of a run or a study that a path is, or lies among, in words; nil of another. `home` is a run's folder in
-- which it may lie under a name that is not FlexLab's.
local function belongs(path, home)
  local above, name = split(path)
  local run = run_around(above)
  if run and home and identity(run) == identity(home) and not own_names[name] then run = nil end
  if run then return ("lies in the folder of a run, '%s'"):format(run == above and above or run) end
  if own_names[name] and core.sys.exists(above .. "/study.lua") then return "is a file of a study" end
end

--- The file that a name of the user's means, to be written; raises for one that must not be.
---@param label string       what named it: "--out", "out"
---@param path string        as it was given
---@param options table|nil  inputs: paths that are read; home: the folder of the current run;
---  anywhere: in the folder of a run, too (a name that the command chose itself, a file that may be there already)
---@return string            the path to write to
function M.of(label, path, options)
  local o = options or {}
  local to = latest.follow(path, latest.target)
  local wrong = not to and "is a link that leads in a circle" or fault(to)
  if not wrong then
    local it = identity(to)
    for _, input in ipairs(it and o.inputs or {}) do
      if identity(input) == it then
        error(("%s: '%s' is %s, which is read; give another name"):format(label, path,
          input == path and "an input" or ("the input '%s'"):format(input)), 0)
      end
    end
    wrong = not o.anywhere and belongs(to, o.home)
    wrong = wrong and wrong .. "; give another name"
  end
  if wrong then error(("%s: '%s' %s"):format(label, path, wrong), 0) end
  return to
end

-- What two names of one file have in common, whether or not it is there.
local function place_of(path)
  local above, name = split(path)
  return identity(path) or ("%s/%s"):format(identity(above) or above, name)
end

--- The same for all files that one command writes, which must differ: the paths to write to, in the same order.
---@param named table[]      { label, path }; a path that is false or nil is left out, and false in the answer
---@param options table|nil  of M.of
---@return (string|false)[]
function M.all(named, options)
  local paths, seen = {}, {}
  for i, entry in ipairs(named) do
    paths[i] = entry[2] and M.of(entry[1], entry[2], options) or false
    local place = paths[i] and place_of(paths[i])
    if place and seen[place] then
      error(("%s and %s name the same file, '%s'"):format(seen[place], entry[1], entry[2]), 0)
    end
    if place then seen[place] = entry[1] end
  end
  return paths
end

--- Raises for a folder, made or not, in which nothing is to be written: that of a run, or one in it.
---@param label string  what named it: "--report"
---@param dir string    as it was given
function M.folder(label, dir)
  local run = run_around(dir)
  if not run then return end
  error(("%s: '%s' %s the folder of a run; give another folder"):format(label, dir,
    run == dir and "is" or "lies in"), 0)
end

--- Where a script saves a file of its own: anywhere but on a file of FlexLab's in the folder of a run or a study.
---@param path string  as it was given
---@return string      the path to write to
function M.saved(path)
  local above, name = split(path)
  local runs = M.is_run(above) or core.sys.exists(above .. "/study.lua") ~= nil
  if runs and own_names[name] then
    error(("'%s' is a file of the folder of a run, which FlexLab writes itself; give another name"):format(path), 0)
  end
  return runs and path or M.of("save", path, { home = run_around(above) })
end

return M
