--[[
record - a study as an object on disk: runs/<study>/<hash8>/study.lua lists its plan and its runs.

  { name = "conditioning", plan = "grid", recipe = "sr", source = "recipes/ablate_conditioning.lua",
    metric = { name = "rfne", better = "lower" } (or false), seeds = { 1, 2 },
    arms = { { label = "model.conditioning=none", settings = { ["model.conditioning"] = "none" } }, ... },
    runs = { { arm = 1, seed = 1, dir = "sr/1a2b3c4d/1" }, ... } }
It is written when the study begins, before its first run, and again at its end, so a study can be asked while it
runs and after it was stopped. Paths are relative to the folder of all runs, which can be moved. It holds no time:
two unbroken studies write the same bytes. The hash covers settings, seeds, sources and data (by the folders of the
runs) and the study's own file: more seeds or arms are another study beside the first, with the same runs in it.

A study.lua is somebody's file: what is read is checked, and a path that leaves the folder of runs is refused.
--]]
local code = require "flexlab.origin.code"
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local latest = require "flexlab.store.latest"
local literal = require "flexlab.literal"
local own = require "flexlab.store.own"

local M = {}

M.file = "study.lua"

--- runs/<study>/<hash8>/study.lua: whether a folder is a study's.
---@param dir string  of a folder
---@return boolean
function M.is_study(dir) return core.sys.exists(dir .. "/" .. M.file) == "file" end

local function relative(path, root)
  return path:sub(1, #root + 1) == root .. "/" and path:sub(#root + 2) or path
end

-- What study.lua holds. `dirs`: the folder of each task, relative.
local function content(study, tasks, dirs)
  local arms, place, list, seeds, seen = {}, {}, {}, {}, {}
  for i, task in ipairs(tasks) do
    local label = task.arm.label
    if not place[label] then
      arms[#arms + 1] = { label = label, settings = task.arm.settings }
      place[label] = #arms
    end
    if not seen[task.seed] then seen[task.seed], seeds[#seeds + 1] = true, task.seed end
    list[i] = { arm = place[label], seed = task.seed, dir = dirs[i] }
  end
  return { name = study.name, plan = study.kind, recipe = study.recipe.name, source = study.source or false,
    metric = study.recipe.metric or false, seeds = seeds, arms = arms, runs = list }
end

-- The first eight digits of the hash of a study.
local function hash(study, tasks, dirs)
  local places = {}
  for i, task in ipairs(tasks) do places[i] = task.arm.label .. "\n" .. dirs[i] end
  local file = study.source and not study.sweep and code.meaning_of(study.source) or ""
  return core.sys.hash(table.concat(places, "\n") .. file):sub(1, 8)
end

--- Writes down a study that begins; returns its folder, and a message where its link `latest` could not be made.
---@param study table    of init.lua
---@param tasks table[]  of Study:tasks
---@param root string    the folder of all runs
---@return string
---@return string|nil
function M.begin(study, tasks, root)
  local dirs = {}
  for i, task in ipairs(tasks) do
    dirs[i] = relative(study.recipe:folder(task.overrides, { seed = task.seed, root = root }), root)
  end
  local name = hash(study, tasks, dirs)
  local dir = ("%s/%s/%s"):format(root, study.name, name)
  assert(core.sys.mkdirs(dir))
  assert(literal.write(dir .. "/" .. M.file, content(study, tasks, dirs)))
  return dir, latest.point(root, study.name, name)
end

--- Writes it down again at the study's end, with the folders in which the runs are.
---@param study table    of init.lua
---@param tasks table[]  with their `dir`
---@param root string    the folder of all runs
---@param dir string     the study's folder
function M.finish(study, tasks, root, dir)
  local dirs = {}
  for i, task in ipairs(tasks) do dirs[i] = relative(task.dir, root) end
  assert(literal.write(dir .. "/" .. M.file, content(study, tasks, dirs)))
end

-- Raises unless `test` holds of a field of what was read.
local function want(path, test, what)
  if not test then error(("%s is no study's list of runs: %s"):format(path, what), 0) end
end

local function check_arms(path, arms)
  want(path, type(arms) == "table" and #arms > 0, "it has no arms")
  for _, arm in ipairs(arms) do
    want(path, foreign.fits(arm, { { label = "string", settings = "table" } }),
      "an arm is not { label =, settings = }")
  end
end

local function check_runs(path, list, arms)
  want(path, type(list) == "table" and #list > 0, "it has no runs")
  for _, run in ipairs(list) do
    want(path, foreign.fits(run, { { seed = "integer", dir = "string" } }) and arms[run.arm] ~= nil,
      "a run is not { arm =, seed =, dir = }")
    want(path, run.dir:match("^[%w_%-]+/" .. ("%x"):rep(8) .. "/%d+$") ~= nil,
      ("'%s' is no run below the folder of runs"):format(run.dir))
  end
end

--- What a study's folder lists, checked; raises with the file's name.
---@param dir string  the study's folder
---@return table
function M.read(dir)
  local path = dir .. "/" .. M.file
  local record, message = literal.read(path)
  want(path, type(record) == "table", message or "it is no table")
  want(path, type(record.name) == "string" and type(record.plan) == "string", "it has no name or no plan")
  check_arms(path, record.arms)
  check_runs(path, record.runs, record.arms)
  return record
end

--- The folder of all runs above a study's folder runs/<study>/<hash8>.
---@param dir string  the study's folder
---@return string
function M.root(dir)
  return dir:match("^(.+)/[^/]+/[^/]+$") or (dir:match("^[^/.][^/]*/[^/]+$") and ".") or dir .. "/../.."
end

--- The path of a run that a study lists; raises where it leads through a link.
---@param root string  the folder of all runs
---@param dir string   sr/1a2b3c4d/1
---@return string
function M.run_dir(root, dir)
  local link = own.link(root, dir)
  if link then error(("%s is a link; runs are not looked for behind it"):format(link), 0) end
  return root .. "/" .. dir
end

--- The study that a path means: its folder, or the folder of its name, of which the latest is meant (or the only one).
--- Nil for other folders; with a remark where there was a choice.
---@param path string  of a folder
---@return string|nil
---@return string|nil
function M.find(path)
  path = latest.resolve(path)
  if M.is_study(path) then return path end
  local folders = latest.folders(path)
  for _, name in ipairs(folders) do
    if not M.is_study(path .. "/" .. name) then return nil end
  end
  if #folders < 2 then return folders[1] and path .. "/" .. folders[1] end
  local last = latest.resolve(path .. "/latest")
  if not M.is_study(last) then
    error(("%s holds %d studies; name one: %s"):format(path, #folders, table.concat(folders, ", ")), 0)
  end
  return last, ("%s holds %d studies; this is the latest, %s"):format(path, #folders, last:match "[^/]*$")
end

return M
