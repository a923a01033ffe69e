--[[
runs - finished runs as something to ask: what a study's body gets, and what flex.runs finds in folders.

  runs:where { ["model.predict"] = "v" }        those runs          runs:where { seed = 3 }
  runs:pivot("model.conditioning", "rfne")      columns paired by seed (pivot.lua)
  for value, some in runs:group "model.size" do ... end
  runs:table { "rfne", "gain" }                 one row per run: :print() :save "runs.csv" (.md .tex .html)
  runs:summary("rfne", { against = "..." })     one row per arm: effect, intervals, p
A run here is a task { arm = { settings, label }, seed =, result =, dir =, state = }. One that failed or diverged
has no result: it stands in tables, and what is computed leaves it out and says so (runs:remarks()).
--]]
local config = require "flexlab.config"
local judging = require "flexlab.run.judging"
local literal = require "flexlab.literal"
local machines = require "flexlab.study.machines"
local notes = require "flexlab.context.notes"
local pivot = require "flexlab.study.pivot"
local plan = require "flexlab.study.plan"
local report = require "flexlab.study.report"
local setting = require "flexlab.study.setting"
local stats = require "flexlab.stats"
local tables = require "flexlab.study.tables"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

local Runs = {}
Runs.__index = Runs
Runs.__name = "flexlab.Runs"

local function equal(a, b)
  if type(a) == "number" and type(b) == "number" then return a == b end      -- 1 and 1.0
  return literal.encode(a) == literal.encode(b)
end

--- The runs that fit all of these settings. A key that no run has raises.
---@param settings table  by flat keys; `seed` too
---@return table  of runs
function Runs:where(settings)
  local kept, has = {}, {}
  for _, task in ipairs(self.tasks) do
    local fits = true
    for key, value in pairs(settings) do
      local own = setting.of(task, key)
      has[key] = has[key] or own ~= nil
      fits = fits and own ~= nil and equal(own, value)
    end
    if fits then kept[#kept + 1] = task end
  end
  for key in pairs(settings) do
    if not has[key] then error("where: " .. words.unknown(key, words.keys(self.grid)), 2) end
  end
  return M.new { name = self.name, tasks = kept, dir = self.dir, one_at_a_time = self.one_at_a_time,
    said = self.said }
end

--- Notes, once, what a reader of the numbers must know: what was left out, what was averaged.
---@param text string|nil  a sentence
function Runs:remark(text)
  if text and not self.said[text] then self.said[text], self.said[#self.said + 1] = true, text end
end

-- Notes where the runs were computed with different arithmetic.
local function about_machines(self)
  if self.said.machines == nil then
    self.said.machines = machines.remark(self.tasks) or false
    if self.said.machines then self:remark(self.said.machines) end
  end
end

-- Notes what the runs have said of themselves (context/notes.lua), each sentence once, with how many of them say it.
local function about_notes(self)
  local count, order, finished = {}, {}, 0
  for _, task in ipairs(self.tasks) do
    finished = finished + (task.result and 1 or 0)
    for _, sentence in ipairs(task.result and task.dir and notes.of(task.dir) or {}) do
      if not count[sentence] then count[sentence], order[#order + 1] = 0, sentence end
      count[sentence] = count[sentence] + 1
    end
  end
  for _, sentence in ipairs(order) do
    if not self.said.notes[sentence] then
      self.said.notes[sentence] = true
      self:remark(count[sentence] == finished and sentence
        or ("%s (%d of %d runs say so)"):format(sentence, count[sentence], finished))
    end
  end
end

--- What has been noted so far, in sentences: of these runs and of those taken from them by where and group, and what
--- the runs said of themselves.
---@return string[]
function Runs:remarks()
  about_notes(self)
  return table.move(self.said, 1, #self.said, 1, {})
end

--- The runs that have no result: tasks, each with its state (store/state.lua).
---@return table[]
function Runs:missing()
  local list = {}
  for _, task in ipairs(self.tasks) do
    if not task.result then list[#list + 1] = task end
  end
  return list
end

--- Iterates over (value, runs with that value of `key`), in the order of the runs.
---@param key string  of a setting, or "seed"; one that no run has raises
---@return function  iterator of a for loop
function Runs:group(key)
  local values, seen, i = {}, {}, 0
  for _, task in ipairs(self.tasks) do
    local value = setting.of(task, key)
    if value == nil then error("group: " .. words.unknown(key, words.keys(self.grid)), 2) end
    local name = literal.line(value)
    if not seen[name] then seen[name], values[#values + 1] = true, value end
  end
  return function()
    i = i + 1
    if values[i] ~= nil then return values[i], self:where { [key] = values[i] } end
  end
end

--- Columns by the values of `key` (nil: by whole arms), paired by seed: see pivot.lua.
---@param key string|nil  of a setting; nil: whole arms
---@param metric string   "rfne", "bicubic.rfne"
---@return table
function Runs:pivot(key, metric) return pivot.new(self, key, metric, 3) end

--- Names of the numbers that every finished run returned.
---@return string[]
function Runs:metrics()
  local names, count, finished = {}, {}, 0
  for _, task in ipairs(self.tasks) do
    if task.result then finished = finished + 1 end
    for name, value in pairs(task.result or {}) do
      if type(value) == "number" then count[name] = (count[name] or 0) + 1 end
    end
  end
  for _, name in ipairs(words.keys(count)) do
    if count[name] == finished then names[#names + 1] = name end
  end
  return names
end

--- What the runs are judged by: { name, better = "lower" ..., why = a phrase } of judging.lua; nil without numbers.
--- `better` is nil where nobody knows it.
---@param name string|nil    another metric than theirs
---@param better string|nil  another direction
---@return table|nil
function Runs:main(name, better)
  local results, declared = {}, {}
  for _, task in ipairs(self.tasks) do
    if task.result then results[#results + 1] = task.result end
    local own = self.study and self.study.recipe.metric or task.dir and judging.of(task.dir)
    declared[#declared + 1] = own or nil
  end
  if not name then
    local main = judging.choose(self:metrics(), results, declared)
    if main and better then main.better, main.why = better, "as asked" end
    return main
  end
  if better then return { name = name, better = better, why = "as asked" } end
  for _, own in ipairs(declared) do
    if own.name == name then return { name = name, better = own.better, why = "declared by the recipe" } end
  end
  return { name = name, better = judging.direction(name), why = "by its name" }
end

--- One row per run: settings that differ, seed, state where one is not done, metrics (all by default, the main one
--- first), cost.
---@param metrics string[]|nil  names of numbers of a result
---@param options table|nil     { cost = true }: seconds and bytes, which differ between two runs of one thing
---@return table  of flex.table
function Runs:table(metrics, options)
  about_machines(self)
  return tables.runs(self, metrics, options, 2)
end

--- What an arm costs: parameters, GFLOP of a forward pass of one sample, seconds of a run, MiB at its peak.
---@param options table|nil  { times = true }: seconds and bytes, which differ between two runs of one thing
---@return table  of flex.table
function Runs:costs(options) return (tables.costs(self, options, 2)) end

--- One row per run: when it began, on what host, how long it took, its peak. All that holds a time, in one place.
---@return table  of flex.table
function Runs:times() return tables.times(self) end

--- One row per arm: mean, sd, number of seeds, the paired difference from `against` (the first arm that has a
--- number) with Student's interval and the bootstrap's, exact p with Holm's correction. Returns the table, the
--- tests and the pivot.
---@param metric string|nil  the main one
---@param options table|nil  { key = nil (whole arms), against = the first arm }
---@return table  of flex.table
---@return table  of stats.paired
---@return table  of pivot.lua
function Runs:summary(metric, options)
  metric = metric or self:main() and self:main().name or error("summary: the runs have no number in common", 2)
  local o = config.options("summary", { key = false, against = false }, options, nil, 2)
  about_machines(self)
  local p = pivot.new(self, o.key or nil, metric, 3)
  local against = o.against
  if against == false then against = p:first() end
  local tests = stats.paired(p, { against = against })
  local t = tabulate { "arm", metric, "sd", "n", "difference", "95 % CI", "95 % bootstrap", "p (Holm)" }
  for arm, column in p:rows() do
    local test = tests[arm]
    local boot = arm == against and "" or test.n > 1
      and tostring(stats.bootstrap(stats.differences(column, p[against]))) or "-"
    t:row { tostring(arm), column:mean(), column:std(), #column, test.diff, test.ci, boot, test.p_text }
  end
  return t, tests, p
end

--- Writes the page of a study: see study/report.lua. Returns its path.
---@param options table|nil  metric, key, against, better, dir
---@return string  path of the page
function Runs:report(options) return report.write(self, options) end

function Runs:__tostring()
  return ("%d runs of '%s'\n%s"):format(#self.tasks, self.name, self.tasks[1] and self:table():text() or "")
end

function Runs:__len() return #self.tasks end

--- Runs from { name, tasks, seeds, dir, grid } ; grid (what differs) is found when it is not given.
---@param entries table  name, tasks, seeds, dir; grid (what differs) is found when it is not given
---@return table
function M.new(entries)
  if not entries.grid then
    local arms = {}
    for i, task in ipairs(entries.tasks) do arms[i] = task.arm end
    entries.grid = plan.factors(arms)
  end
  entries.said = entries.said or { notes = {} }
  return setmetatable(entries, Runs)
end

return M
