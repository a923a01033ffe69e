--[[
scaling - how the time of a step grows with the batch, the field and the threads.

Three series, each varying one thing around the given values, and a power fitted to each by least squares of the
logarithms: 1 is linear in batch or pixels; -1 is perfect use of threads.
--]]
local clock = require "flexlab.bench.clock"
local core = require "flexlab.core"
local flex = require "flexlab"
local whole = require "flexlab.bench.whole"
local terminal = require "flexlab.terminal"

local M = {}

--- The power p of y ~ x^p, or nil for fewer than two different x.
---@param x number[]  above 0
---@param y number[]  above 0, as many
---@return number|nil
function M.power(x, y)
  local n, mx, my, xx, xy = #x, 0, 0, 0, 0
  for i = 1, n do mx, my = mx + math.log(x[i]) / n, my + math.log(y[i]) / n end
  for i = 1, n do
    local dx = math.log(x[i]) - mx
    xx, xy = xx + dx * dx, xy + dx * (math.log(y[i]) - my)
  end
  return xx > 0 and xy / xx or nil
end

local function seconds_of(values, changes)
  local scope <close> = core.scope()
  local all, before = setmetatable(changes, { __index = values }), core.threads()
  core.threads(all.threads)
  local seconds = clock.least(clock.timed(values.repeats, whole.work(values.work, all)))
  core.threads(before)
  scope:close()
  collectgarbage()
  return seconds
end

local function series(name, list, values, change, units)
  local s = { name = name, value = {}, units = {}, seconds = {} }
  for i, value in ipairs(list) do
    s.value[i], s.units[i] = value, units(value)
    s.seconds[i] = seconds_of(values, change(value))
  end
  s.power = M.power(s.units, s.seconds)
  return s
end

local function same(value) return value end

local function show(all)
  local t = flex.table { "varied", "value", "s", "s a unit", "to the first" }
  for _, s in ipairs(all) do
    for i, value in ipairs(s.value) do
      local unit = s.name == "threads" and s.seconds[i] * s.units[i] or s.seconds[i] / s.units[i]
      local first = s.name == "threads" and s.seconds[1] * s.units[1] or s.seconds[1] / s.units[1]
      t:row { s.name, value, s.seconds[i], unit, unit / first }
    end
    t:gap()
  end
  t:print()
  terminal.say()
  for _, s in ipairs(all) do
    if s.power then terminal.say(("s ~ (%s)^%.2f"):format(s.name == "size" and "pixels" or s.name, s.power)) end
  end
end

--- Measures and prints the three series.
---@param values table  model, size, batch, steps, repeats, threads, batches, sizes, thread_counts, work, json
function M.run(values)
  values.threads = values.threads or core.threads()
  local all = {
    series("batch", values.batches, values, function(n) return { batch = n } end, same),
    series("size", values.sizes, values, function(n) return { size = n } end, function(n) return n * n end),
    series("threads", values.thread_counts, values, function(n) return { threads = n } end, same),
  }
  if values.json then terminal.json(all) else show(all) end
end

return M
