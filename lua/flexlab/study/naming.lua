--[[
naming - the arms of runs that were found in folders: what differs between them, as settings and a label.

  naming.arms(tasks)     gives each task its arm { settings, label }, sorts the tasks by arm and seed, and returns a
                         remark, or nil
The settings of an arm are the keys of config.lua in which the runs differ. Runs of the same settings that lie in
several folders differ in code or in data (origin/provenance.lua); then each folder is an arm, and `code` and `data` are
settings too: { code = "106883a9: encoders/blurs.lua" }, the first eight digits being the folder of that code. Without
this a part before and after an edit could not be compared, or, worse, seeds of the one would join those of the other.

Order: of folders that were named, as named (the first is what others are compared with); of a study's runs, as in its
plan; then by the settings, numbers by their size.
--]]
local copies = require "flexlab.origin.copies"
local literal = require "flexlab.literal"
local plan = require "flexlab.study.plan"
local provenance = require "flexlab.origin.provenance"
local why = require "flexlab.run.why"
local words = require "flexlab.words"

local M = {}

local MOST = 3        -- files that a label names

-- A value by which settings are told apart: 1 and 1.0 are one.
local function identity(value) return type(value) == "number" and value or literal.encode(value) end

-- The keys in which runs differ, as a set. A run that a study has yet to begin has no settings to look at.
local function differing(tasks)
  local keys, differ, begun = {}, {}, {}
  for _, task in ipairs(tasks) do
    if task.config ~= false then begun[#begun + 1] = task end
    for key in pairs(task.config ~= false and task.flat or task.planned.settings) do keys[key] = true end
  end
  for key in pairs(keys) do
    for _, task in ipairs(begun) do
      if identity(task.flat[key]) ~= identity(begun[1].flat[key]) then differ[key] = true end
    end
  end
  return differ
end

local function folder_of(task) return task.dir:match "^(.*)/[^/]*$" or "." end

-- The folders of tasks of the same settings, in order: { { dir =, name =, tasks = } }. Folders of one hash are one, as
-- on two machines, unless a seed is in both.
local function folders_of(tasks)
  local list, by_dir, by_hash, twice = {}, {}, {}, false
  for _, task in ipairs(tasks) do
    local dir = folder_of(task)
    local hash = dir:match "[^/]*$"
    local other = (by_hash[hash] or {})[task.seed]
    twice = twice or other ~= nil and other ~= dir
    by_hash[hash] = by_hash[hash] or {}
    by_hash[hash][task.seed] = dir
  end
  for _, task in ipairs(tasks) do
    local dir = folder_of(task)
    local name = twice and dir or dir:match "[^/]*$"
    if not by_dir[name] then
      list[#list + 1] = { dir = dir, name = dir:match "[^/]*$", tasks = {} }
      by_dir[name] = list[#list]
    end
    table.insert(by_dir[name].tasks, task)
  end
  return list
end

-- What a folder's runs were made with: { code = { [name of a file] = meaning }, data = { [path] = hash } }.
local function contents(folder)
  local made = { code = {}, data = {} }
  for _, file in ipairs(copies.files(folder.tasks[1].dir) or {}) do
    if not file.later then made.code[why.named(file.role, file.path)] = file.meaning end
  end
  for _, file in ipairs(provenance.recorded(folder.dir)) do
    if file.hash then made.data[file.path] = file.hash end
    if file.meaning then made.code[why.named("file", file.path)] = file.meaning end
  end
  return made
end

-- The names in which some of these sets differ, sorted.
local function unlike(sets)
  local names, list = {}, {}
  for _, set in ipairs(sets) do
    for name in pairs(set) do names[name] = true end
  end
  for _, name in ipairs(words.keys(names)) do
    for _, set in ipairs(sets) do
      if set[name] ~= sets[1][name] then
        list[#list + 1] = name
        break
      end
    end
  end
  return list
end

-- Adds `kind` = "hash8: files that differ" to the extra settings of folders; folders that agree in it have the same.
-- Whether there was a difference.
local function tell(folders, made, kind)
  local sets, first = {}, {}
  for i, m in ipairs(made) do sets[i] = m[kind] end
  local names = unlike(sets)
  if #names == 0 then return false end
  local text = table.concat(names, ", ", 1, math.min(#names, MOST))
  if #names > MOST then text = ("%s and %d more"):format(text, #names - MOST) end
  for i, folder in ipairs(folders) do
    local own = {}
    for k, name in ipairs(names) do own[k] = tostring(sets[i][name]) end
    local key = table.concat(own, " ")
    first[key] = first[key] or ("%s: %s"):format(folder.name, text)
    folder.extra[kind] = first[key]
  end
  return true
end

-- Whether two folders would still have one label.
local function alike(folders)
  local seen = {}
  for _, folder in ipairs(folders) do
    local key = tostring(folder.extra.code) .. "\n" .. tostring(folder.extra.data)
    if seen[key] then return true end
    seen[key] = true
  end
  return false
end

-- Tells folders of the same settings apart.
local function divide(folders)
  local made, names, same_name = {}, {}, false
  for i, folder in ipairs(folders) do
    folder.extra, made[i] = {}, contents(folder)
    same_name = same_name or names[folder.name] == true
    names[folder.name] = true
  end
  local code, data = tell(folders, made, "code"), tell(folders, made, "data")
  if alike(folders) or not (code or data) then          -- nothing is known but that they are several
    for _, folder in ipairs(folders) do folder.extra.folder = same_name and folder.dir or folder.name end
  end
  for _, folder in ipairs(folders) do
    for _, task in ipairs(folder.tasks) do task.extra = folder.extra end
  end
end

-- Tasks by the text of their settings.
local function grouped(tasks)
  local groups, order = {}, {}
  for _, task in ipairs(tasks) do
    local label = plan.label(task.arm.settings)
    if not groups[label] then groups[label], order[#order + 1] = {}, label end
    table.insert(groups[label], task)
  end
  return groups, order
end

-- Whether the settings of one arm come before another's: numbers by size, all else as text. Nil where they are equal.
local function before(a, b)
  local keys = {}
  for _, settings in ipairs { a, b } do
    for key in pairs(settings) do keys[key] = true end
  end
  for _, key in ipairs(words.keys(keys)) do
    local x, y = a[key], b[key]
    if identity(x) ~= identity(y) then
      if type(x) == "number" and type(y) == "number" then return x < y end
      return literal.encode(x) < literal.encode(y)
    end
  end
end

-- Sorts tasks: arms as said above, then seeds.
local function sort(tasks)
  local place, order, rank = {}, {}, {}
  for i, task in ipairs(tasks) do
    local label = task.arm.label
    place[label], rank[label] = math.min(place[label] or math.huge, task.place or 1), rank[label] or i
    order[label] = math.min(order[label] or math.huge, task.order or math.huge)
  end
  table.sort(tasks, function(a, b)
    local x, y = a.arm.label, b.arm.label
    if x ~= y then
      if place[x] ~= place[y] then return place[x] < place[y] end
      if order[x] ~= order[y] then return order[x] < order[y] end
      local first = before(a.arm.settings, b.arm.settings)
      if first ~= nil then return first end
      return rank[x] < rank[y]
    elseif a.seed ~= b.seed then
      return a.seed < b.seed
    end
    return a.dir < b.dir
  end)
end

--- Gives tasks their arms and sorts them; returns what a reader must know of it, or nil.
---@param tasks table[]  { dir, seed, flat, place = number of the path it was found by }
---@return string|nil
function M.arms(tasks)
  local differ, divided = differing(tasks), false
  for _, task in ipairs(tasks) do
    local settings = {}
    local own = task.config ~= false and task.flat or task.planned.settings
    for key in pairs(differ) do settings[key] = own[key] end
    task.arm, task.extra = { settings = settings }, nil
  end
  local groups, order = grouped(tasks)
  for _, label in ipairs(order) do
    local folders = folders_of(groups[label])
    if #folders > 1 then
      divide(folders)
      divided = true
    end
  end
  for _, task in ipairs(tasks) do
    local settings = task.arm.settings
    for key, value in pairs(task.extra or {}) do settings[key] = value end
    task.arm.label = next(settings) and plan.label(settings) or task.flat.recipe
  end
  sort(tasks)
  return divided and "runs of the same settings lie in several folders, since they differ in code or data, or are "
    .. "copies: each folder is an arm, named by its hash and the files that differ" or nil
end

return M
