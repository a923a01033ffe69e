--[[
judging - by which number of a result a run is judged, and which way is better.

  flex.recipe("sr", defaults, body, { metric = "rfne" })                      smaller is better
  flex.recipe("sr", defaults, body, { metric = "gain", better = "higher" })
`better` is "lower", "higher", or the value that is best: "0" or "1". Without it the metric's own direction holds, if
it is one of core.metrics.list (psnr: higher) or of what the shipped recipes return (gain: higher), else "lower": who
declares a metric means to be ranked by it. A metric that nobody declared and whose name says nothing has no direction:
no run is then called the best.

The declaration is written into the run's env.txt ("metric  rfne (lower)"), not into its configuration: it changes no
number, so it must not change the hash; and finished runs are ranked by it without the recipe's code.
Where nothing is declared M.choose takes rfne if every run has it, else the first number that differs between the
runs, and says which and why: by the alphabet alone `bicubic` would win, which is equal in all runs.
--]]
local core = require "flexlab.core"
local own = require "flexlab.store.own"
local words = require "flexlab.words"

local M = {}

M.directions = { "lower", "higher", "0", "1" }

local known = {}
for _, m in ipairs(core.metrics.list) do known[m.name] = m.better end
for _, name in ipairs { "gain", "gain_percent" } do known[name] = "higher" end     -- RFNE of bicubic over one's own
-- Of the data, not of the method; and a spread is good only beside the error it should equal (spread_skill).
for _, name in ipairs { "bicubic", "spread" } do known[name] = false end

-- The direction of a word or of its beginning: "psnr_last" is a psnr.
local function by_word(word)
  while word do
    if known[word] ~= nil then return known[word] end
    word = word:match "^(.*)_[^_]*$"
  end
end

--- Which way a metric is better by its name alone: "bicubic.rfne" is an rfne, "psnr.u" the psnr of channel u,
--- "pearson_last" a pearson; nil where the name does not say it.
---@param name string  of a number of a result
---@return string|nil
function M.direction(name) return by_word(name:match "[^.]*$") or by_word(name:match "^[^.]*") or nil end

--- What a recipe declares, checked: { name =, better = } or nil; raises at `level`.
---@param recipe string    its name, for messages
---@param about table|nil  { metric =, better = }
---@param level integer    whom an error blames, as error's
---@return table|nil
function M.declared(recipe, about, level)
  if about == nil then return nil end
  local function refuse(text, ...) error(("recipe '%s': %s"):format(recipe, text:format(...)), level + 2) end
  if type(about) ~= "table" then refuse('the fourth argument must be a table such as { metric = "rfne" }') end
  for key in pairs(about) do
    if key ~= "metric" and key ~= "better" then
      refuse("its fourth argument has %s", words.unknown(key, { "metric", "better" }))
    end
  end
  if type(about.metric) ~= "string" or not about.metric:match "^[%w_.-]+$" then
    refuse('metric must be the name of a number of its result, such as "rfne", got %s', words.show(about.metric))
  end
  local better = about.better or M.direction(about.metric) or "lower"
  if not words.has(M.directions, better) then
    refuse("better must be %s, got %s", words.list(M.directions, "or"), words.show(better))
  end
  return { name = about.metric, better = better }
end

--- A declaration as env.txt holds it: "rfne (lower)".
---@param metric table  { name =, better = }
---@return string
function M.text(metric) return ("%s (%s)"):format(metric.name, metric.better) end

--- The declaration in a run's env.txt; nil if nothing is declared.
---@param dir string  the run's folder
---@return table|nil
function M.of(dir)
  local name, better = (own.read(dir, "env.txt") or ""):match "\nmetric%s+(%S+) %((%w+)%)\n"
  return name and words.has(M.directions, better) and { name = name, better = better } or nil
end

--- A number of a result by its name: of a key as it is ("rfne.u", a channel's), or of a table in it ("bicubic.rfne",
--- baselines'); nil if it has none.
---@param result table  of a run
---@param name string   "rfne", "rfne.u", "bicubic.rfne"
---@return number|nil
function M.value(result, name)
  if type(result) == "table" and type(result[name]) == "number" then return result[name] end
  for part in name:gmatch "[^.]+" do result = type(result) == "table" and result[part] or nil end
  return type(result) == "number" and result or nil
end

--- What is wrong with a declaration beside a result, in a sentence; nil if the result has that number.
---@param metric table  { name =, better = }
---@param result table  of a run
---@return string|nil
function M.missing(metric, result)
  if M.value(result, metric.name) then return nil end
  if type(result[metric.name]) == "table" then
    local names = {}
    for i, key in ipairs(words.keys(result[metric.name])) do names[i] = metric.name .. "." .. tostring(key) end
    return ("the metric it declares, '%s', is a table of its result; a number of it is %s"):format(metric.name,
      words.list(names, "or"))
  end
  return ("the metric it declares is no number of its result, which has %s"):format(
    words.unknown(metric.name, words.keys(result)))
end

-- The names of numbers of a result that are not finite, "psnr is inf".
local function odd(result, prefix, list)
  for _, key in ipairs(words.keys(result)) do
    local value = result[key]
    if type(value) == "table" then
      odd(value, prefix .. tostring(key) .. ".", list)
    elseif type(value) == "number" and (value ~= value or math.abs(value) == math.huge) then
      list[#list + 1] = ("%s is %s"):format(prefix .. tostring(key), words.number(value))
    end
  end
  return list
end

--- A sentence that names the numbers of a result that are not finite; nil where all are.
---@param result table  of a run
---@return string|nil
function M.not_finite(result)
  local list, most = odd(result, "", {}), 6
  if #list == 0 then return nil end
  local more = #list > most and (", and %d more"):format(#list - most) or ""
  return "not finite in its result: " .. table.concat(list, ", ", 1, math.min(#list, most)) .. more
end

--- A number by which values are ranked: the smallest is the best one.
---@param value number   of a result
---@param better string  "lower", "higher", or the best number as a text
---@return number
function M.rank(value, better)
  if better == "higher" then return -value end
  if better == "lower" then return value end
  return math.abs(value - tonumber(better))
end

--- "lower is better", "nearest to 1 is best".
---@param better string|nil  as of rank; nil where it is not known
---@return string
function M.phrase(better)
  if not better then return "it is not known which way is better" end
  if better == "lower" or better == "higher" then return better .. " is better" end
  return ("nearest to %s is best"):format(better)
end

-- The declaration that all have who have one; nil, true if they differ.
local function common(declared)
  local first
  for _, metric in ipairs(declared) do
    if first and (first.name ~= metric.name or first.better ~= metric.better) then return nil, true end
    first = metric
  end
  return first
end

-- The first name whose value is not the same in all results; nil if there is none.
local function differing(names, results)
  for _, name in ipairs(names) do
    for _, result in ipairs(results) do
      if M.value(result, name) ~= M.value(results[1], name) then return name end
    end
  end
end

--- The metric that results are judged by: { name =, better =, why = } or nil where they have no number in common.
---@param names string[]    the numbers that all results have
---@param results table[]   of runs
---@param declared table[]  declarations of their recipes (those that have one)
---@return table|nil
function M.choose(names, results, declared)
  local metric, several = common(declared)
  local why = several and "the recipes declare different main metrics" or "no recipe declares a main metric"
  if metric then
    local found = false
    for _, result in ipairs(results) do found = found or M.value(result, metric.name) ~= nil end
    if found then return { name = metric.name, better = metric.better, why = "declared by the recipe" } end
    why = ("the recipe declares '%s', which no result has"):format(metric.name)
  end
  local name = words.has(names, "rfne") and "rfne" or differing(names, results) or names[1]
  if not name then return nil end
  return { name = name, better = M.direction(name), why = ("%s; %s"):format(name == "rfne" and "rfne is there"
    or "the first number that differs", why) }
end

return M
