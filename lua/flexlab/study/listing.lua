--[[
listing - what `flexlab list runs` shows: every run with its state, date, settings and main number; every study.

  listing.runs(tasks)      one row per run: settings are those in which the runs of its recipe differ; "*" marks the
                           finished runs of the best arm of a recipe by its main metric (run/judging.lua, ranking.lua)
  listing.studies(dirs)    one row a study: how many of its runs are in which state, its best arm
Both read the folders alone: no code of a recipe is run, so what is listed needs none.
--]]
local copies = require "flexlab.origin.copies"
local finished = require "flexlab.study.finished"
local judging = require "flexlab.run.judging"
local latest = require "flexlab.store.latest"
local naming = require "flexlab.study.naming"
local notes = require "flexlab.context.notes"
local plan = require "flexlab.study.plan"
local ranking = require "flexlab.study.ranking"
local record = require "flexlab.study.record"
local study_runs = require "flexlab.study.runs"
local state = require "flexlab.store.state"
local tabulate = require "flexlab.tabulate"

local M = {}

local ORDER = { "done", "running", "stopped", "failed", "diverged", "new" }

local MOST = 36       -- letters of a state; a longer one is cut, and stands whole below the table

-- The first letters of a text, at most so many, and whether it was cut.
local function cut(text, most)
  if (utf8.len(text) or #text) <= most then return text, false end
  local stop = utf8.len(text) and utf8.offset(text, most) or most
  return text:sub(1, stop - 1) .. "\u{2026}", true
end

-- Notes a sentence that the table has no room for, with the runs that it is about.
local function note(sentences, text, dir)
  if not sentences[text] then sentences[text], sentences[#sentences + 1] = {}, text end
  table.insert(sentences[text], dir)
end

--- A time as it is listed; "-" where there is none.
---@param seconds number|nil  Unix time
---@return string
function M.date(seconds)
  return seconds and os.date("%Y-%m-%d %H:%M", math.floor(seconds)) or "-"
end

-- The main number of a run as text; "" for a run without one.
local function main_of(task, main)
  local value = main and task.result and judging.value(task.result, main.name)
  if not value then return "" end
  return ("%s %s"):format(main.name, value == value and ("%.4g"):format(value) or "not finite")
end

-- What runs are judged by, as { main =, best = label of the best arm, about = as ranking.lua has it, arms = how many };
-- nothing of it where the runs have no number in common.
local function verdict(runs)
  local main = runs:main()
  if not main then return {} end
  local ok, pivot = pcall(runs.pivot, runs, nil, main.name)
  if not ok then return { main = main, arms = 0 } end
  local best, about = ranking.best(pivot, main.better)
  return { main = main, best = best, about = about, arms = #pivot:arms() }
end

-- The same of the runs of one recipe, whose arms are what differs.
local function judged(tasks)
  local remark = naming.arms(tasks)
  local found = verdict(study_runs.new { name = "", tasks = tasks })
  if (found.arms or 0) < 2 then found.best, found.about = nil, nil end      -- nothing to choose from
  found.remark = remark
  return found
end

-- Adds the rows of the runs of one recipe, arm by arm; returns how they were judged.
local function add_recipe(t, tasks)
  local found = judged(tasks)
  found.sentences = {}
  for _, task in ipairs(tasks) do
    local s, settings = state.of(task.dir), plan.label(task.arm.settings)
    if not task.result and task.state then s.word, s.sentence = task.state.word, task.state.sentence or s.sentence end
    local shown = main_of(task, found.main)
    local star = found.best and shown ~= "" and task.arm.label == found.best and " *" or ""
    local version = s.word == "done" and copies.version(task.dir)
    local said = #notes.of(task.dir)
    local whole = state.short(s):gsub("%s+", " ")
    local words, was_cut = cut(whole, MOST)
    if was_cut then note(found.sentences, whole, task.dir) end
    words = words .. (version and ", " .. version or "")
      .. (said > 0 and (", %d note%s"):format(said, said > 1 and "s" or "") or "")
    t:row { task.dir, words, M.date(s.when), settings, shown .. star }
  end
  return found
end

--- A table of runs, and what they are judged by: a list of { recipe =, main =, best =, about =, remark =,
--- sentences = { text, ..., [text] = the runs it is about } }.
---@param tasks table[]  as finished.tasks has them
---@return table
---@return table[]
function M.runs(tasks)
  local t, recipes, order, mains = tabulate { "run", "state", "date", "settings", "result" }, {}, {}, {}
  for _, task in ipairs(tasks) do
    local name = task.flat.recipe
    if not recipes[name] then recipes[name], order[#order + 1] = {}, name end
    table.insert(recipes[name], task)
  end
  for _, name in ipairs(order) do
    local found = add_recipe(t, recipes[name])
    t:gap()
    found.recipe, mains[#mains + 1] = name, found
  end
  return t, mains
end

-- "done 5, failed 1" and the latest time of the runs of a study.
local function states(tasks)
  local count, when, parts = {}, nil, {}
  for _, task in ipairs(tasks) do
    local s = state.of(task.dir)
    count[s.word] = (count[s.word] or 0) + 1
    if s.when and (not when or s.when > when) then when = s.when end
  end
  for _, word in ipairs(ORDER) do
    if count[word] then parts[#parts + 1] = ("%s %d"):format(word, count[word]) end
  end
  return table.concat(parts, ", "), when
end

-- The best arm of a study by its main metric; "" while none is finished.
local function best_of(dir)
  local ok, runs = pcall(finished.find, dir)
  local found = ok and verdict(runs) or {}
  return found.best and ("%s (%s %.4g)"):format(found.best, found.main.name, found.about.means[found.best]) or ""
end

--- A table of studies.
---@param dirs string[]  folders with a study.lua
---@return table
function M.studies(dirs)
  local t = tabulate { "study", "plan", "arms", "seeds", "runs", "date", "best arm" }
  for _, dir in ipairs(dirs) do
    local ok, list = pcall(record.read, dir)
    if ok then
      local text, when = states(finished.tasks { dir })
      t:row { dir, list.plan, #list.arms, #list.seeds, text, M.date(when), best_of(dir) }
    else
      t:row { dir, "-", "-", "-", list, "-", "" }
    end
  end
  return t
end

--- The folders of studies in a folder of runs: runs/<study>/<hash8> with a study.lua.
---@param root string  the folder of all runs
---@return string[]
function M.study_folders(root)
  local dirs = {}
  if record.is_study(root) then return { root } end
  for _, name in ipairs(latest.folders(root)) do
    local path = root .. "/" .. name
    if record.is_study(path) then dirs[#dirs + 1] = path end
    for _, hash in ipairs(latest.folders(path)) do
      if record.is_study(path .. "/" .. hash) then dirs[#dirs + 1] = path .. "/" .. hash end
    end
  end
  return dirs
end

return M
