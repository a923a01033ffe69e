--[[
finished - finished runs found in folders, as one object to ask (runs.lua).

  flex.runs "runs/sr"                      every finished run below that folder
  flex.runs { "runs/sr", "runs/x/1a2b3c4d" }
Their settings are the keys of config.lua in which they differ; where they belong to several recipes, `recipe`
is one of them. Unfinished runs are left out and counted (`unfinished`).
--]]
local core = require "flexlab.core"
local latest = require "flexlab.run.latest"
local literal = require "flexlab.literal"
local plan = require "flexlab.study.plan"
local runs = require "flexlab.study.runs"
local words = require "flexlab.text"

local M = {}

local function flatten(t, prefix, out)
  for key, value in pairs(t) do
    if type(value) == "table" and #value == 0 and next(value) ~= nil then
      flatten(value, prefix .. key .. ".", out)
    else
      out[prefix .. key] = value
    end
  end
  return out
end

--- Whether a path is the folder of a run, <name>/<hash8>/<seed> with its settings in it; a study's folder,
--- <name>/<hash8>, has settings too, and its hash may be all digits.
function M.is_run(path)
  return path:match(("/" .. ("%x"):rep(8)) .. "/%d+$") ~= nil and core.sys.exists(path .. "/config.lua") ~= nil
end

-- Folders of runs at or below a path.
local function collect(path, found, depth)
  if M.is_run(path) then
    found[#found + 1] = path
  elseif depth < 4 then
    for _, name in ipairs(latest.folders(path)) do collect(path .. "/" .. name, found, depth + 1) end
  end
  return found
end

local function read(dir)
  local name, _, seed = dir:match("([^/]+)/([^/]+)/(%d+)/*$")
  local result = core.sys.exists(dir .. "/result.lua") and literal.read(dir .. "/result.lua")
  local cfg = literal.read(dir .. "/config.lua")
  if not name or type(result) ~= "table" or type(cfg) ~= "table" then return nil end
  return { dir = dir, seed = math.tointeger(tonumber(seed)), result = result, config = cfg,
    flat = flatten(cfg, "", { recipe = name }) }
end

-- The keys in which runs differ.
local function differing(tasks)
  local keys, differ = {}, {}
  for _, task in ipairs(tasks) do
    for key in pairs(task.flat) do keys[key] = true end
  end
  for key in pairs(keys) do
    local first = literal.encode(tasks[1].flat[key])
    for _, task in ipairs(tasks) do
      if literal.encode(task.flat[key]) ~= first then differ[key] = true end
    end
  end
  return differ
end

--- The finished runs in folders (a path or a list of them); raises when there are none.
function M.find(paths)
  local tasks, unfinished, all = {}, 0, type(paths) == "table" and paths or { paths }
  for _, path in ipairs(all) do
    path = latest.resolve(path)
    if core.sys.exists(path) ~= "folder" then
      error(("there is no folder '%s' (`flexlab list runs` shows those there are)"):format(path), 2)
    end
    for _, dir in ipairs(collect(path, {}, 0)) do
      local task = read(dir)
      if task then tasks[#tasks + 1] = task else unfinished = unfinished + 1 end
    end
  end
  if #tasks == 0 then
    error(("no finished run in %s%s"):format(table.concat(all, ", "), unfinished > 0
      and (", but %d that are not finished"):format(unfinished) or ""), 2)
  end
  local differ = differing(tasks)
  for _, task in ipairs(tasks) do
    local settings = {}
    for key in pairs(differ) do settings[key] = task.flat[key] end
    local label = next(settings) and plan.label(settings) or task.flat.recipe
    task.arm = { settings = settings, label = label }
  end
  table.sort(tasks, function(a, b)
    if a.arm.label ~= b.arm.label then return a.arm.label < b.arm.label end
    return a.seed < b.seed
  end)
  return runs.new { name = table.concat(all, " "), tasks = tasks, unfinished = unfinished, dir = all[1],
    settings = words.keys(differ) }
end

return setmetatable(M, { __call = function(_, paths) return M.find(paths) end })
