--[[
profile - where a training step or a sample spends its time, by op or by call (op and shapes).

Seconds are means over the repeats. "the rest" is wall time outside ops: the program around them, the graph, and
other processes on the machine.
--]]
local clock = require "flexlab.bench.clock"
local core = require "flexlab.core"
local flex = require "flexlab"
local whole = require "flexlab.bench.whole"
local terminal = require "flexlab.terminal"

local M = {}

-- Calls gathered under a name, the largest share first.
local function gather(calls, repeats, by_shape)
  local rows, known = {}, {}
  for _, call in ipairs(calls) do
    local shapes = by_shape and clock.shapes(call) or nil
    local name = call.name .. " " .. (shapes or "")
    local row = known[name]
    if not row then
      row = { op = call.name, shapes = shapes, calls = 0, forward = 0, backward = 0, bytes = 0 }
      known[name] = row
      rows[#rows + 1] = row
    end
    row.calls = row.calls + (call.forward.count + call.backward.count) / repeats
    row.forward = row.forward + call.forward.seconds / repeats
    row.backward = row.backward + call.backward.seconds / repeats
    row.bytes = row.bytes + (call.forward.bytes + call.backward.bytes) / repeats
  end
  table.sort(rows, function(a, b)
    local p, q = a.forward + a.backward, b.forward + b.backward
    if p ~= q then return p > q end
    return a.op < b.op
  end)
  return rows
end

local function show(rows, wall, values)
  local headers = { "op", "calls", "forward ms", "backward ms", "share", "GB", "GB/s" }
  if values.shapes then table.insert(headers, 2, "shapes") end
  local t, ops = flex.table(headers), 0
  local function add(cells, text)
    if values.shapes then table.insert(cells, 2, text) end
    t:row(cells)
  end
  for _, row in ipairs(rows) do
    local seconds = row.forward + row.backward
    ops = ops + seconds
    add({ row.op, math.floor(row.calls + 0.5), row.forward * 1e3, row.backward * 1e3,
      ("%.1f %%"):format(100 * seconds / wall), row.bytes / 1e9, row.bytes / seconds / 1e9 }, row.shapes or "")
  end
  local rest = math.max(0, wall - ops)
  add({ "the rest", "-", rest * 1e3, "-", ("%.1f %%"):format(100 * rest / wall), "-", "-" }, "")
  t:print()
end

--- Runs the work and prints its profile.
---@param work function  of whole.work
---@param values table   repeats, shapes, json, what
function M.run(work, values)
  local wall = 0
  local function counted(i)
    if i == 1 then core.measure.start() end
    work(i)
  end
  local done, seconds = pcall(clock.timed, values.repeats, counted)
  local calls = core.measure.stop()
  if not done then error(seconds, 0) end
  for _, s in ipairs(seconds) do wall = wall + s / #seconds end
  local rows = gather(calls, values.repeats, values.shapes)
  if values.json then
    terminal.json { seconds = seconds, rows = rows }
    return
  end
  terminal.say(("%s %s, batch %d of %dx%d: %.4g s (mean of %d)\n"):format(values.what, whole.name(values), values.batch,
    values.size, values.size, wall, values.repeats))
  show(rows, wall, values)
end

return M
