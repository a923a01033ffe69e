-- study - a recipe under several settings and seeds, and what follows from it.
--
--   flex.study("condition", sr, { grid = { ["model.conditioning"] = { "weak", "both" } },
--     seeds = "1..8" }, function(runs) ... return { best = ... } end)
--
-- A study is called like a recipe. Its arms are those of a plan (study/plan.lua); seeds are blocks: every
-- arm sees each seed, hence the same order of data, times and noise, and the same first weights where shapes
-- allow, for all of them are addressed by seed and name; `runs:pivot(key, metric)` gives columns that are
-- paired seed by seed (study/runs.lua has the rest). Finished runs are found by their hash and not repeated.
--
-- With jobs = n the runs are shared out among n processes `flexlab run ... --worker i/n`; afterwards
-- this process reads their results like those of any finished run.

local config = require "flexlab.config"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local plan = require "flexlab.study.plan"
local record = require "flexlab.study.record"
local runs = require "flexlab.study.runs"
local words = require "flexlab.text"
local workers = require "flexlab.study.workers"

local M = {}

local Study = {}
Study.__index = Study
Study.__name = "flexlab.Study"

M.options = { seeds = false, seed = false, jobs = 1, root = "runs", fresh = false, quiet = false,
  worker = false, threads = false, device = false }

function M.is_study(v) return getmetatable(v) == Study end

-- "1..4,7", 3 or {1, 2} -> {1, 2, 3, 4, 7}; ranges include both ends.
function M.seeds(value)
  local list = {}
  for word in (type(value) == "table" and table.concat(value, ",") or tostring(value)):gmatch("[^,]+") do
    local first, last = word:match("^%s*(%d+)%s*%.%.%s*(%d+)%s*$")
    first = math.tointeger(tonumber(first or word))
    last = math.tointeger(tonumber(last or word))
    if not first or first < 0 or last < first or last - first > 9999 then
      error(("seeds: '%s' is not a seed or a range such as 1..8"):format(word), 0)
    end
    for seed = first, last do list[#list + 1] = seed end
  end
  if #list == 0 then error("seeds: the list is empty", 0) end
  return list
end

--- All combinations of a grid: see study/plan.lua.
function M.arms(grid) return plan.arms { grid = grid } end

local function check(name, recipe, design, body)
  if type(name) ~= "string" or not name:match("^[%w_%-]+$") then
    error("study: the name must be letters, digits, _ and -, got " .. tostring(name), 3)
  elseif type(recipe) ~= "table" or not recipe.resolve then
    error(("study '%s': the second argument must be a recipe"):format(name), 3)
  end
  local fault = type(design) ~= "table" and "the third argument must be a table" or plan.fault(design)
  if fault then error(("study '%s': %s"):format(name, fault), 3) end
  config.options(("study '%s'"):format(name), { grid = false, one_at_a_time = false, zip = false,
    list = false, seeds = "1..8" }, design, nil, 3)
  if body ~= nil and type(body) ~= "function" then
    error(("study '%s': the last argument must be a function(runs)"):format(name), 3)
  end
end

--- A new study.
---@param recipe table     what flex.recipe returned
---@param design table     { grid = { ["a.b"] = { values } }, seeds = "1..8" }, or another plan (study/plan.lua)
---@param body function|nil  body(runs) -> table of numbers; without it the table and report of the first metric
function M.new(name, recipe, design, body)
  check(name, recipe, design, body)
  local arms = plan.arms(design)
  return setmetatable({ name = name, recipe = recipe, defaults = recipe.defaults,
    body = body or require("flexlab.study.sweep").body, kind = plan.kind_of(design), grid = plan.factors(arms),
    seeds = M.seeds(design.seeds or "1..8"), arms = arms,
    -- The body's file, not the caller's: a file that ends in `return flex.study(...)` is no caller.
    source = body and debug.getinfo(body, "S").source:match("^@(.+)$") }, Study)
end

--- The study that a sweep on the command line means; without a grid it is one arm, several seeds.
---@param path string      the recipe's file, for other processes
---@param kind string|nil  "grid", or "zip": settings that vary together
function M.sweep(recipe, grid, seeds, path, kind)
  kind = kind or "grid"
  return setmetatable({ name = recipe.name .. "-sweep", recipe = recipe, defaults = recipe.defaults,
    body = require("flexlab.study.sweep").body, grid = grid, seeds = seeds, arms = plan.arms { [kind] = grid },
    kind = kind, source = path, sweep = true }, Study)
end

--- The same study with other values of its grid (--sweep): a copy.
function Study:with(grid)
  if self.kind ~= "grid" then
    error(("study '%s' has a plan of the kind %s; only a grid can be swept over"):format(self.name, self.kind), 2)
  end
  local merged = {}
  for key, values in pairs(self.grid) do merged[key] = values end
  for key, values in pairs(grid) do merged[key] = values end
  local copy = setmetatable({ grid = merged, arms = M.arms(merged), sweep = true }, Study)
  for key, value in pairs(self) do
    if copy[key] == nil then copy[key] = value end
  end
  return copy
end

-- Settings of an arm on top of the overrides given by the user.
local function combined(overrides, arm)
  local all = {}
  for k, v in pairs(overrides or {}) do all[k] = v end
  for k, v in pairs(arm.settings) do all[k] = v end
  return all
end

--- The configuration of the base recipe with overrides; raises for an unknown key or a wrong type,
--- of the arms as well.
function Study:resolve(overrides, level)
  for _, arm in ipairs(self.arms) do
    self.recipe:resolve(combined(overrides, arm), (level or 1) + 1)
  end
  return self.recipe:resolve(overrides, (level or 1) + 1)
end

--- Tries the choices that any arm names.
function Study:check(overrides)
  self.recipe:check(overrides)
  for _, arm in ipairs(self.arms) do self.recipe:check(combined(overrides, arm)) end
end

--- All runs, seed by seed: list of { arm =, seed =, overrides = }.
function Study:tasks(overrides, seeds)
  local tasks = {}
  local base = config.plain(self.recipe:resolve(overrides))
  local arms = plan.distinct(self.kind, self.arms, function(key)
    local value = base
    for part in key:gmatch("[^.]+") do value = type(value) == "table" and value[part] end
    return value
  end)
  for _, seed in ipairs(seeds or self.seeds) do
    for _, arm in ipairs(arms) do
      tasks[#tasks + 1] = { arm = arm, seed = seed, overrides = combined(overrides, arm) }
    end
  end
  return tasks
end

local function report(self, task, k, n, seconds)
  local metrics = {}
  for _, key in ipairs(words.keys(task.result)) do
    if type(task.result[key]) == "number" and #metrics < 4 then
      metrics[#metrics + 1] = ("%s %.4g"):format(key, task.result[key])
    end
  end
  io.write(("%s %d/%d  %s  seed %d  %s  (%s)\n"):format(self.name, k, n, task.arm.label,
    task.seed, table.concat(metrics, "  "), words.duration(seconds)))
  io.flush()
end

-- Runs the tasks of a worker (all of them without one) one after the other.
local function run_tasks(self, tasks, o)
  local first, stride = 1, 1
  if o.worker then first, stride = o.worker[1], o.worker[2] end
  for k = first, #tasks, stride do
    local task, began = tasks[k], core.sys.time()
    task.result = self.recipe(task.overrides, { seed = task.seed, root = o.root, fresh = o.fresh,
      quiet = o.quiet, label = task.arm.label })
    if not o.quiet then report(self, task, k, #tasks, core.sys.time() - began) end
  end
end

function Study:__call(overrides, options)
  local o = config.options("a study's options", M.options, options, nil, 2)
  self:resolve(overrides, 2)
  self:check(overrides)
  local seeds = (o.seeds or o.seed) and M.seeds(o.seeds or o.seed) or self.seeds
  local tasks = self:tasks(overrides, seeds)
  local dir, fault = record.begin(self, tasks, o.root)
  if fault and not o.quiet then io.write("note: ", fault, "\n") end
  if o.jobs > 1 and not o.worker then
    workers.run(self, overrides, seeds, o)
    o.fresh, o.quiet = false, true
  end
  run_tasks(self, tasks, o)
  if o.worker then return { dir = o.root, worker = true } end
  for _, task in ipairs(tasks) do task.dir = task.result.dir end
  record.finish(self, tasks, o.root, dir)
  local asked = runs.new { name = self.name, tasks = tasks, seeds = seeds, dir = dir, grid = self.grid,
    one_at_a_time = self.kind == "one_at_a_time", study = self }
  local result = self.body(asked) or {}
  for _, remark in ipairs(asked:remarks()) do io.write("note: ", remark, "\n") end
  assert(literal.write(dir .. "/result.lua", config.plain(result)))
  result.dir = dir
  return result
end

function Study:__tostring()
  return ("study '%s': %d arms, %d seeds"):format(self.name, #self.arms, #self.seeds)
end

return setmetatable(M, { __call = function(_, ...)
  return M.new(...)
end })
