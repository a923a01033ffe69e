--[[
finished - runs found in folders, as one object to ask (runs.lua).

  flex.runs "runs/sr"                      every run below that folder
  flex.runs { "runs/sr", "runs/x/1a2b3c4d" }
  flex.runs "runs/conditioning"            the runs of a study (the latest of that name), (record.lua)
The settings of runs in folders are the keys of config.lua in which they differ; where they belong to several
recipes, `recipe` is one of them, and where they differ in code or data, so are `code` and `data` (naming.lua). A
study's runs have the settings and the order of its plan. Runs that failed or diverged are there without a result; those
that are not finished are left out of folders and counted (`unfinished`), and a study has them too, for it knows them.
--]]
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local latest = require "flexlab.store.latest"
local naming = require "flexlab.study.naming"
local own = require "flexlab.store.own"
local plain = require "flexlab.plain"
local record = require "flexlab.study.record"
local runs = require "flexlab.study.runs"
local state = require "flexlab.store.state"

local M = {}

--- Whether a path is the folder of a run, <name>/<hash8>/<seed> with its settings in it; a study's folder,
--- <name>/<hash8>, has settings too, and its hash may be all digits.
---@param path string  of a folder
---@return boolean
function M.is_run(path)
  return path:match(("/" .. ("%x"):rep(8)) .. "/%d+$") ~= nil and core.sys.exists(path .. "/config.lua") ~= nil
    and not record.is_study(path)
end

--- The folders of runs at or below a path, in order.
---@param path string         of a folder
---@param found string[]|nil  to which it adds
---@param depth integer|nil   levels above; 4 are walked
---@return string[]
function M.folders(path, found, depth)
  found, depth = found or {}, depth or 0
  if M.is_run(path) then
    found[#found + 1] = path
  elseif depth < 4 then
    for _, name in ipairs(latest.folders(path)) do M.folders(path .. "/" .. name, found, depth + 1) end
  end
  return found
end

-- The result of a run's folder, or nil and its state.
local function result_of(dir)
  if not own.path(dir, "result.lua") then return nil, state.of(dir) end
  local result, message = own.try(dir, "result.lua")
  if type(result) == "table" then return result end
  return nil, { word = "failed", sentence = ("result.lua cannot be read: %s"):format(message or "it is no table") }
end


local function read(dir)
  local name, seed = dir:match("([^/]+)/[^/]+/(%d+)/*$")
  local cfg = foreign.table(dir .. "/config.lua", "list of settings")
  if not name or not cfg then return nil end
  local result, what = result_of(dir)
  local flat = plain.flat(cfg)
  flat.recipe = flat.recipe or name
  return { dir = dir, seed = math.tointeger(tonumber(seed)), result = result, state = what, config = cfg,
    flat = flat }
end

-- Adds the runs of a study's folder, as its plan has them; true.
local function add_study(found, dir)
  local list = record.read(dir)
  local root = record.root(dir)
  for _, run in ipairs(list.runs) do
    local path = record.run_dir(root, run.dir)
    local task = not found.seen[path] and (read(path) or { dir = path, seed = run.seed, state = { word = "new" },
      config = false, flat = { recipe = list.recipe } })
    if task then
      task.planned, task.order = list.arms[run.arm], run.arm
      found.seen[path], found.tasks[#found.tasks + 1] = true, task
    end
  end
  found.study = list
  return true
end

-- Adds the runs below a folder; whether there are any.
local function add_folder(found, path)
  local any = false
  for _, dir in ipairs(M.folders(path)) do
    local task = not found.seen[dir] and read(dir)
    if task then found.seen[dir], found.tasks[#found.tasks + 1] = true, task end
    any = any or found.seen[dir]
  end
  return any
end

local function gather(paths)
  local found = { tasks = {}, seen = {}, remarks = {}, empty = {} }
  for place, path in ipairs(paths) do
    path = latest.resolve(path)
    local before = #found.tasks
    if core.sys.exists(path) ~= "folder" then
      error(("there is no folder '%s' (`flexlab list runs` shows those there are)"):format(path), 0)
    end
    local dir, remark = record.find(path)
    found.remarks[#found.remarks + 1] = remark
    local any = dir and add_study(found, dir) or add_folder(found, path)
    if not any then found.empty[#found.empty + 1] = paths[place] end
    for i = before + 1, #found.tasks do found.tasks[i].place = place end
    found.dir = found.dir or dir or path
  end
  return found
end

-- Refuses a path that means no run: left out without a word, it would be missed in what is shown of the others.
local function all_mean_runs(found)
  if #found.empty > 0 then
    error(("there is no run in '%s': it is no run, no study and no folder of runs"):format(
      table.concat(found.empty, "', '")), 0)
  end
end

--- The runs in folders, in any state: { dir, seed, result or nil, state, config, flat = settings by flat keys }.
--- A path that means no run raises.
---@param paths string[]     folders of runs or of studies
---@param empty boolean|nil  true: a folder may hold none
---@return table[]
function M.tasks(paths, empty)
  local found = gather(paths)
  if not empty then all_mean_runs(found) end
  return found.tasks
end

-- What is to be said of the folder of a study that was made before studies listed their runs; "" of any other.
local function old_study(path)
  local folders = latest.folders(path)
  folders[#folders + 1] = "."
  for _, name in ipairs(folders) do
    if own.path(path .. "/" .. name, "result.lua") then
      return "; it holds a study that does not list its runs yet: run it again (finished runs are not repeated)"
    end
  end
  return ""
end

-- Without the runs that are not finished, where no study wants them; raises where nothing is finished.
local function ended(found, paths)
  local kept, finished, all = {}, 0, #found.tasks
  for _, task in ipairs(found.tasks) do
    local word = task.state and task.state.word
    if task.result or task.planned or word == "failed" or word == "diverged" then kept[#kept + 1] = task end
    finished = finished + (task.result and 1 or 0)
  end
  if finished == 0 then
    local states = {}
    for i, task in ipairs(found.tasks) do states[i] = task.state or state.of(task.dir) end
    error(("no finished run in %s%s"):format(table.concat(paths, ", "), all > 0
      and (" (%s)"):format(state.summary(states)) or old_study(found.dir)), 0)
  end
  found.tasks, found.unfinished = kept, all - #kept
end

--- The runs in folders (a path or a list of them); raises when none of them is finished.
---@param paths string|string[]  folders of runs or of studies
---@return table  of runs.lua
function M.find(paths)
  local all = type(paths) == "table" and paths or { paths }
  local found = gather(all)
  if #all > 1 then all_mean_runs(found) end
  ended(found, all)
  local fields = { name = table.concat(all, " "), tasks = found.tasks, unfinished = found.unfinished, dir = found.dir }
  if found.study and #all == 1 then
    for _, task in ipairs(found.tasks) do task.arm = task.planned end
    fields.name, fields.one_at_a_time = found.study.name, found.study.plan == "one_at_a_time"
  else
    found.remarks[#found.remarks + 1] = naming.arms(found.tasks)
  end
  local asked = runs.new(fields)
  for _, remark in ipairs(found.remarks) do asked:remark(remark) end
  if found.unfinished > 0 then asked:remark(("%d runs are not finished and left out"):format(found.unfinished)) end
  return asked
end

return setmetatable(M, { __call = function(_, paths) return M.find(paths) end })
