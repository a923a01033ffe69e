--[[
selection - the runs that table, compare and report work on: folders, studies, --where KEY=VALUE; and the
metric that they are judged by. One place, so that the three understand the same words.
--]]
local arguments = require "flexlab.commands.arguments"
local config = require "flexlab.config"
local flex = require "flexlab"
local judging = require "flexlab.run.judging"
local literal = require "flexlab.literal"
local setting_of = require("flexlab.study.setting").of
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

M.argument = { name = "runs", many = true, takes = { "folder" },
  doc = "folders of runs, folders above them (runs/sr), studies (runs/conditioning), or a link `latest`" }

M.where = { name = "where", value = "KEY=VALUE", many = true, doc = "only runs with this setting" }

M.metric = { name = "metric", value = "NAME",
  doc = "result by which runs are judged [the recipe's; else rfne, else the first that differs]" }

M.better = { name = "better", value = "WORD", kind = "words", words = judging.directions,
  doc = "which values are better: lower, higher, or those near 0 or 1 [as declared or known]" }

-- The values that a key has among the runs, as a list for people.
local function values_of(runs, key)
  local list, seen = {}, {}
  for _, task in ipairs(runs.tasks) do
    local value = setting_of(task, key)
    local text = type(value) == "string" and value or literal.line(value)
    if not seen[text] then seen[text], list[#list + 1] = true, text end
  end
  return words.list(list)
end

-- Names of numbers among the results of runs.
local function numbers_of(runs)
  local names = {}
  for _, task in ipairs(runs.tasks) do
    for name in pairs(task.result or {}) do names[name] = true end
  end
  return words.keys(names)
end

--- Wrong use, with the nearest word, where a name that was given is none of these runs': a setting (--by), an arm
--- (--against), numbers (--metric, --metrics; a list).
function M.check(command, runs, given)
  local function wrong(option, name, known)
    arguments.wrong("%s: --%s: %s", command, option, words.unknown(name, known))
  end
  for _, name in ipairs(given.numbers or {}) do
    local found = false
    for _, task in ipairs(runs.tasks) do found = found or task.result and judging.value(task.result, name) ~= nil end
    if not found then wrong(given.option or "metric", name, numbers_of(runs)) end
  end
  if given.by and not runs.grid[given.by] then wrong("by", given.by, words.keys(runs.grid)) end
  if given.against == nil then return end
  local pivot = runs:pivot(given.by, given.numbers[1])
  local arms = pivot:arms()
  if not words.has(arms, given.against) then wrong("against", given.against, arms) end
end

-- One --where after the other, so that the one that leaves nothing can be named.
local function narrowed(command, runs, list)
  for _, setting in ipairs(list or {}) do
    if not setting:match "^%s*[%w_.]+%s*=" then
      arguments.wrong("%s: --where wants KEY=VALUE, got '%s'", command, setting)
    end
    local key, value = config.parse(setting)
    local known = key == "seed"
    for _, task in ipairs(runs.tasks) do known = known or setting_of(task, key) ~= nil end
    if not known then arguments.wrong("%s: --where: %s", command, words.unknown(key, words.keys(runs.grid))) end
    local kept = runs:where { [key] = value }
    if #kept == 0 then
      error(("%s: no run has %s; %s is %s"):format(command, setting, key, values_of(runs, key)), 0)
    end
    runs = kept
  end
  return runs
end

--- The runs that a command's words mean.
function M.runs(command, values)
  return narrowed(command, flex.runs(values.runs), values.where)
end

--- Says what a reader of the numbers must know: the metric they are judged by, what was left out, what the runs have
--- noted; `say`: terminal.say, or terminal.warn where standard output is for a program.
function M.remarks(runs, main, say)
  say = say or terminal.say
  if main then
    say(("main metric: %s (%s; %s)"):format(main.name, judging.phrase(main.better), main.why))
  end
  for _, remark in ipairs(runs:remarks()) do say("note: " .. remark) end
end

return M
