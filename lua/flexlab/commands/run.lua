--[[
run - a recipe or a study, with overrides, over seeds, in one or several processes.
--]]
local arguments = require "flexlab.commands.arguments"
local budget = require "flexlab.study.budget"
local commands = require "flexlab.commands"
local config = require "flexlab.config"
local copies = require "flexlab.origin.copies"
local core = require "flexlab.core"
local commands_overrides = require "flexlab.commands.overrides"
local latest = require "flexlab.store.latest"
local plan = require "flexlab.study.plan"
local rehearsal = require "flexlab.run.rehearsal"
local store_state = require "flexlab.store.state"
local study = require "flexlab.study"
local tabulate = require "flexlab.tabulate"
local why = require "flexlab.run.why"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

-- "a,'b,c',{1,2}" -> values; commas inside quotes and brackets do not divide.
local function split(text)
  local parts, depth, quote, start = {}, 0, nil, 1
  for i = 1, #text do
    local c = text:sub(i, i)
    if quote then
      if c == quote then quote = nil end
    elseif c == "'" or c == '"' then
      quote = c
    elseif c:find("[%[{(]") then
      depth = depth + 1
    elseif c:find("[%]})]") then
      depth = depth - 1
    elseif c == "," and depth == 0 then
      parts[#parts + 1], start = text:sub(start, i - 1), i + 1
    end
  end
  parts[#parts + 1] = text:sub(start)
  return parts
end

local function grid_of(list)
  local grid = {}
  for _, sweep in ipairs(list or {}) do
    local key, values = sweep:match("^%s*([%w_.]+)%s*=(.+)$")
    if not key then arguments.wrong("run: --sweep wants KEY=A,B,..., got '%s'", sweep) end
    if grid[key] then arguments.wrong("run: --sweep %s is given twice", key) end
    grid[key] = {}
    for i, word in ipairs(split(values)) do grid[key][i] = latest.fixed(config.literal(word)) end
  end
  return grid
end

local function seeds_of(text)
  if not text then return nil end
  local ok, seeds = pcall(study.seeds, text)
  if not ok then arguments.wrong("run: --%s", seeds) end
  return seeds
end

-- --from RUN: the recipe that a run kept, its settings, its seed unless others are given.
local function repeated(values)
  if values.sweep or values.zip then arguments.wrong("run: --from repeats a run as it is; --sweep is for a recipe") end
  if values.jobs > 1 then arguments.wrong("run: --from repeats in one process; --jobs is for a recipe") end
  local run = copies.recipe(latest.resolve(values.from))
  local seeds = seeds_of(values.seeds) or { run.seed }
  if #seeds > 1 then return study.sweep(run.recipe, {}, seeds), seeds, run.settings end
  return run.recipe, seeds, run.settings
end

-- A study whose arms are all different.
local function once(subject)
  local fault = plan.twice(subject.arms)
  if fault then arguments.wrong("run: --sweep: %s; a value is wanted once", fault) end
  return subject
end

-- What to run: a study (its grid changed by a sweep), a recipe as it is, or a recipe as the study that a sweep means.
local function subject_of(values)
  if (values.recipe == nil) == (values.from == nil) then
    arguments.wrong("run: either a recipe is wanted or --from RUN%s", values.from and ", not both" or "")
  elseif values.from then
    return repeated(values)
  end
  local recipe, path = commands.recipe(values.recipe)
  local seeds, grid = seeds_of(values.seeds), grid_of(values.sweep)
  if values.zip and (study.is_study(recipe) or not next(grid)) then
    arguments.wrong("run: --zip joins the values of several --sweep of a recipe; %s", study.is_study(recipe)
      and "a study has its own plan (zip = { ... } in its file)" or "there is none")
  end
  local unequal = values.zip and plan.unequal(grid)
  if unequal then arguments.wrong("run: --zip: %s", unequal) end
  if study.is_study(recipe) then
    recipe.source = recipe.source or path
    return once(next(grid) and recipe:with(grid) or recipe), seeds or recipe.seeds
  end
  if next(grid) or seeds and #seeds > 1 then
    return once(study.sweep(recipe, grid, seeds or { 1 }, path, values.zip and "zip" or nil)), seeds or { 1 }
  end
  return recipe, seeds or { 1 }
end

-- What the runs of a study will cost; code 1 where they cannot fit.
local function show_cost(recipe, tasks, values)
  commands.setup(values)
  if values.jobs > 1 and not values.threads then core.threads(math.max(1, core.info().cores // values.jobs)) end
  local cost = budget.of(recipe, tasks)
  if cost.runs == 0 then return 0 end
  terminal.say()
  budget.table(cost):print()
  local text, refusal = budget.verdict(cost, values.jobs, values.out)
  terminal.say(text)
  if not refusal then return 0 end
  terminal.fail(refusal)
  return 1
end

-- Raises what one run would be refused for before its first step, unless nothing is left to do of it.
local function rehearse(recipe, task, values)
  local word = store_state.of(task.dir).word
  if word == "done" or word == "running" or word == "diverged" then return end
  commands.setup(values)
  local refusal = rehearsal.refusal(recipe, task.overrides, task.seed)
  if refusal then error(refusal, 0) end
end

local function dry_run(subject, overrides, seeds, values)
  local out = values.out
  local t, recipe, memory = tabulate { "run", "seed", "folder", "state" }, subject.recipe or subject, {}
  local tasks = subject.tasks and subject:tasks(overrides, seeds)
    or { { arm = { label = subject.name }, seed = seeds[1], overrides = overrides } }
  for _, task in ipairs(tasks) do
    local folder, state = why.state(recipe, task.overrides, { seed = task.seed, root = out }, memory)
    local label = task.arm.label ~= "" and task.arm.label or recipe.name
    t:row { label, task.seed, folder, state }
    task.dir = folder
  end
  t:print()
  if subject.arms then return show_cost(recipe, tasks, values) end
  rehearse(recipe, tasks[1], values)
  return 0
end

local function print_result(result, prefix)
  for _, key in ipairs(words.keys(result)) do
    local value = result[key]
    if type(value) == "table" then
      print_result(value, prefix .. tostring(key) .. ".")
    elseif key ~= "dir" then
      terminal.say(("%-18s %s"):format(prefix .. tostring(key),
        math.type(value) == "float" and words.number(value, "%.6g") or tostring(value)))
    end
  end
end

local function execute(values)
  local subject, seeds, overrides = subject_of(values)
  overrides = overrides or {}
  for key, value in pairs(commands_overrides.read("run", values.set)) do overrides[key] = value end
  commands_overrides.taken(subject.resolve, subject, overrides)
  if not values.worker then subject:check(overrides) end
  if values["dry-run"] then return dry_run(subject, overrides, seeds, values) end
  commands.setup(values)
  local options = { root = values.out, fresh = values.fresh, quiet = values.quiet, retry = values.retry or false }
  if subject.arms then
    options.seeds, options.jobs, options.worker = seeds, values.jobs, values.worker or false
    options.threads, options.device = values.threads, values.device
    options.parts = values.parts or false
  else
    options.seed, options.wait = seeds[1], values.wait
  end
  local result, missing = subject(overrides, options)
  if result.worker then return end
  if not (values.quiet or subject.sweep_table) then print_result(result, "") end      -- the table has said it
  terminal.say(("%-18s %s"):format("folder", result.dir))
  return missing and #missing > 0 and 1 or 0
end

return {
  name = "run",
  doc = "run a recipe or a study",
  arguments = { { name = "recipe", optional = true, takes = { "recipe" },
    doc = "file of a recipe or study, or its name in recipes/" } },
  options = {
    { name = "from", value = "RUN", doc = "repeat a run from the code, settings and seed that its folder keeps" },
    { name = "set", value = "KEY=VALUE", many = true, doc = "value of one setting, in place of the recipe's" },
    { name = "sweep", value = "KEY=A,B,...", many = true, doc = "values of a setting, each in a run of its own" },
    { name = "zip",
      doc = "combine the first values of all sweeps, then the second, ...; without it: all combinations" },
    { name = "seeds", value = "LIST", doc = "seeds: 3, or 1..4, or 1,3,5 [1; a study: its own]" },
    { name = "jobs", value = "N", kind = "integer", least = 1, default = 1,
      doc = "number of processes that share the runs" },
    commands.parts, commands.device, commands.threads,
    { name = "out", value = "DIR", default = "runs", doc = "folder of all runs" },
    { name = "dry-run",
      doc = "print what would run and where, and refuse what a run would refuse; for a study also the cost" },
    { name = "fresh", doc = "repeat runs from their start, also finished ones" },
    { name = "quiet", doc = "do not print progress" },
    { name = "retry", value = "WORD", kind = "words", words = { "failed" },
      doc = "which runs to repeat besides the stopped ones: failed, those that failed or diverged" },
    { name = "wait", doc = "wait while another process writes the run (a study continues with its next run)" },
    { name = "worker", hidden = true, doc = "take free runs until there is none" },
  },
  notes = "A finished run is not repeated; an unfinished one continues where it stopped. --dry-run executes the\n"
    .. "recipe up to its first step and simulates nothing. A run has one writer: a second command on it names the\n"
    .. "first and ends with exit code 1, or waits with --wait. Several commands on one study share its runs, also on\n"
    .. "other hosts with the same --out. If a run fails or diverges, the others continue; the exit code is then\n"
    .. "1, and --retry failed repeats that run. Ctrl-C and SIGTERM end a run within two seconds (exit codes 130\n"
    .. "and 143); the same command continues it.",
  run = execute,
}
