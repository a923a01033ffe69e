--[[
study - a recipe under several settings and seeds, and what follows from it.

  flex.study("condition", sr, { grid = { ["model.conditioning"] = { "weak", "both" } },
    seeds = "1..8" }, function(runs) ... return { best = ... } end)

A study is called like a recipe. Its arms are those of a plan (study/plan.lua); seeds are blocks: every
arm sees each seed, hence the same order of data, times and noise, and the same first weights where shapes
allow, for all of them are addressed by seed and name; `runs:pivot(key, metric)` gives columns that are
paired seed by seed (study/runs.lua has the rest). Finished runs are found by their hash and not repeated.

Runs are shared with every other process that works on the same study (queue.lua): the workers of jobs = n, and
other commands. One that fails or diverges is written down, and the others go on; the body gets all of them, those
without a result with their state (runs.lua).
--]]

local config = require "flexlab.config"
local interruption = require "flexlab.context.interruption"
local literal = require "flexlab.literal"
local live = require "flexlab.study.live"
local plan = require "flexlab.study.plan"
local study_queue = require "flexlab.study.queue"
local record = require "flexlab.study.record"
local runs = require "flexlab.study.runs"
local sweep = require "flexlab.study.sweep"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"
local workers = require "flexlab.study.workers"

local M = {}

local Study = {}
Study.__index = Study
Study.__name = "flexlab.Study"

M.options = { seeds = false, seed = false, jobs = 1, root = "runs", fresh = false, quiet = false,
  worker = false, threads = false, device = false, retry = false, parts = false }

--- Whether a value is a study.
---@param v any  what a file returned
---@return boolean
function M.is_study(v) return getmetatable(v) == Study end

--- Seeds as a list: "1..4,7", 3 or {1, 2} -> {1, 2, 3, 4, 7}; ranges include both ends. A seed that is there twice
--- raises, since it would be run once and counted twice.
---@param value string|integer|any[]  whole numbers from 0 to 2^53, or ranges of at most 10000
---@return integer[]
function M.seeds(value)
  local list, seen = {}, {}
  for word in (type(value) == "table" and table.concat(value, ",") or tostring(value)):gmatch("[^,]+") do
    local first, last = word:match("^%s*(%d+)%s*%.%.%s*(%d+)%s*$")
    first = math.tointeger(tonumber(first or word))
    last = math.tointeger(tonumber(last or word))
    if not first or first < 0 or last < first or last - first > 9999 then
      error(("seeds: '%s' is not a seed or a range such as 1..8"):format(word), 0)
    end
    if last > 1 << 53 then error(("seeds: %d is beyond 2^53"):format(last), 0) end      -- JSON keeps the others exactly
    for seed = first, last do
      if seen[seed] then error(("seeds: %d is there twice; a seed is one trial"):format(seed), 0) end
      list[#list + 1], seen[seed] = seed, true
    end
  end
  if #list == 0 then error("seeds: the list is empty", 0) end
  return list
end

--- All combinations of a grid: see study/plan.lua.
---@param grid table  { ["a.b"] = { values } }
---@return table[]
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
---@param name string        letters, digits, _ and -
---@param recipe table       what flex.recipe returned
---@param design table       { grid = { ["a.b"] = { values } }, seeds = "1..8" }, or another plan (study/plan.lua)
---@param body function|nil  body(runs) -> table of numbers; without it the table and report of the first metric
---@return table  the study: call it to run it
function M.new(name, recipe, design, body)
  check(name, recipe, design, body)
  local arms = plan.arms(design)
  return setmetatable({ name = name, recipe = recipe, defaults = recipe.defaults,
    body = body or sweep.body, sweep_table = not body,
    kind = plan.kind_of(design), grid = plan.factors(arms),
    seeds = M.seeds(design.seeds or "1..8"), arms = arms,
    -- The body's file, not the caller's: a file that ends in `return flex.study(...)` is no caller.
    source = body and debug.getinfo(body, "S").source:match("^@(.+)$") }, Study)
end

--- The study that a sweep on the command line means; without a grid it is one arm, several seeds.
---@param recipe table     what flex.recipe returned
---@param grid table       { ["a.b"] = { values } }
---@param seeds integer[]  of M.seeds
---@param path string      the recipe's file, for other processes
---@param kind string|nil  "grid", or "zip": settings that vary together
---@return table  a study
function M.sweep(recipe, grid, seeds, path, kind)
  kind = kind or "grid"
  return setmetatable({ name = recipe.name .. "-sweep", recipe = recipe, defaults = recipe.defaults,
    body = sweep.body, sweep_table = true, grid = grid, seeds = seeds,
    arms = plan.arms { [kind] = grid }, kind = kind, source = path, sweep = true }, Study)
end

--- The same study with other values of its grid (--sweep): a copy.
---@param grid table  { ["a.b"] = { values } }, in the place of those of the same keys
---@return table
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
---@param overrides table|nil  nested or flat
---@param level integer|nil    whom an error blames, as in error(); 1
---@return table
---@return string  8 hex digits
---@return table  files (origin/code.lua)
function Study:resolve(overrides, level)
  for _, arm in ipairs(self.arms) do
    self.recipe:resolve(combined(overrides, arm), (level or 1) + 1)
  end
  return self.recipe:resolve(overrides, (level or 1) + 1)
end

--- Tries the choices that any arm names.
---@param overrides table|nil  nested or flat
function Study:check(overrides)
  self.recipe:check(overrides)
  for _, arm in ipairs(self.arms) do self.recipe:check(combined(overrides, arm)) end
end

--- All runs, seed by seed: list of { arm =, seed =, overrides = }.
---@param overrides table|nil  nested or flat
---@param seeds integer[]|nil  the study's own
---@return table[]
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

-- "2 failed, 1 diverged; the first: seed 1 of 'a' (the loss is inf)".
local function about(missing)
  local count, parts = {}, {}
  for _, task in ipairs(missing) do count[task.state.word] = (count[task.state.word] or 0) + 1 end
  for _, word in ipairs(words.keys(count)) do parts[#parts + 1] = ("%d %s"):format(count[word], word) end
  local first = missing[1]
  return ("%s; the first: seed %d of '%s' (%s)"):format(table.concat(parts, ", "), first.seed, first.arm.label,
    first.state.sentence or "-")
end

-- Has every run settled: by this process, its workers, or others.
local function settle(queue, overrides, seeds, o, view)
  local _ <close> = setmetatable({}, { __close = interruption.release })
  interruption.hold()
  local again = queue:unsettle()
  if again > 0 and not o.quiet then terminal.say(("%d runs that failed are tried again"):format(again)) end
  queue:begin()
  if o.jobs > 1 then workers.run(queue, overrides, seeds, o, view) else queue:finish() end
  view:clear()
end

-- The table and page of a study whose runs are settled.
local function conclude(self, queue, seeds, o, dir)
  local tasks = queue.tasks
  local asked = runs.new { name = self.name, tasks = tasks, seeds = seeds, dir = dir, grid = self.grid,
    one_at_a_time = self.kind == "one_at_a_time", study = self }
  local missing = asked:missing()
  if #missing == #tasks then error(("no run of '%s' finished: %s"):format(self.name, about(missing)), 0) end
  record.finish(self, tasks, o.root, dir)
  local result = self.body(asked) or {}
  for _, remark in ipairs(asked:remarks()) do terminal.say("note: " .. remark) end
  assert(literal.write(dir .. "/result.lua", config.plain(result)))
  result.dir = dir
  if #missing > 0 then
    terminal.note(("%d of %d runs have no result: %s (--retry failed tries again)"):format(#missing, #tasks,
      about(missing)))
  end
  return result, missing
end

--- Returns what the body made of the runs, and the list of the runs that have no result.
function Study:__call(overrides, options)
  local o = config.options("a study's options", M.options, options, nil, 2)
  self:resolve(overrides, 2)
  if not o.worker then self:check(overrides) end
  local seeds = (o.seeds or o.seed) and M.seeds(o.seeds or o.seed) or self.seeds
  local tasks = self:tasks(overrides, seeds)
  if o.worker then
    study_queue.new(self, tasks, o):work()
    return { dir = o.root, worker = true }
  end
  local dir, fault = record.begin(self, tasks, o.root)
  if fault and not o.quiet then terminal.say("note: " .. fault) end
  local view = live.new(self.name, #tasks, o.quiet)
  local queue = study_queue.new(self, tasks, o, view)
  settle(queue, overrides, seeds, o, view)
  return conclude(self, queue, seeds, o, dir)
end

function Study:__tostring()
  return ("study '%s': %d arms, %d seeds"):format(self.name, #self.arms, #self.seeds)
end

return setmetatable(M, { __call = function(_, ...)
  return M.new(...)
end })
