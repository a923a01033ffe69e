--[[
kernels - every distinct call that a network makes, timed by itself and set against the machine.

The calls come from running one training step under core.measure, so there is no list of shapes to keep. Ops that
multiply (PRODUCTS in csrc/ops.def) are measured in GFLOP/s, *effective*: the arithmetic of the definition over the time
taken, so a convolution that needs less (Winograd) can exceed 100 % of the peak. The others move numbers, and are
measured in GB/s (10^9 bytes a second): each operand, result and gradient counted once.
--]]
local clock = require "flexlab.bench.clock"
local core = require "flexlab.core"
local flex = require "flexlab"
local bench_machine = require "flexlab.bench.machine"
local whole = require "flexlab.bench.whole"
local terminal = require "flexlab.terminal"

local M = {}

-- Which parts of backward are measured: an op with weights has two gradients worth telling apart.
local parts = {
  conv2d = { "backward_first", "backward_rest" }, linear = { "backward_first", "backward_rest" },
}

-- The calls of one training step, each with its index.
local function walk(values)
  local scope <close> = core.scope()
  local step = whole.work("train", values)
  core.measure.start()
  local done, message = pcall(step, 0)
  local calls = core.measure.stop()
  scope:close()
  if not done then error(message, 0) end
  for i, call in ipairs(calls) do call.index = i end
  return calls
end

-- Milliseconds, bytes (of all backward, where that has several parts) and rate of one part of a call.
local function measure(call, part, values)
  local seconds = clock.least(core.measure.time(call.index, { part = part, repeats = values.repeats }))
  local backward = part ~= "forward"
  local sum = backward and call.backward or call.forward
  local cell = { ms = seconds * 1e3, bytes = sum.bytes / sum.count }
  if call.products > 0 then
    local products = part == "backward" and call.backward_products or call.products
    cell.gflops = 2 * products / seconds / 1e9
  else
    cell.gbs = cell.bytes / seconds / 1e9
  end
  return cell
end

local function row_of(call, values)
  local row = { op = call.name, shape = clock.shapes(call), count = call.forward.count,
    forward = measure(call, "forward", values) }
  if call.backward.count == 0 then return row end
  for _, part in ipairs(parts[call.name] or { "backward" }) do row[part] = measure(call, part, values) end
  return row
end

-- Rows in the order in which a step meets them.
local function rows_of(calls, values)
  local rows = {}
  for _, call in ipairs(calls) do
    if call.op and call.forward.count > 0 and (not values.op or call.name == values.op) then
      rows[#rows + 1] = row_of(call, values)
      if core.sys.interrupts() > 0 then error("stopped", 0) end
    end
  end
  return rows
end

local function cells(row, part, machine)
  local cell = row[part]
  if not cell then return "-", "-", "-" end
  if cell.gflops then
    return cell.ms, math.floor(cell.gflops + 0.5), ("%.0f %%"):format(100 * cell.gflops * 1e9 / machine.all)
  end
  return cell.ms, cell.gbs, ("%.0f %%"):format(100 * cell.gbs * 1e9 / machine.bandwidth)
end

local function print_products(rows, machine)
  local t = flex.table { "op", "shapes", "times", "forward ms", "GFLOP/s", "of peak",
    "data ms", "GFLOP/s", "of peak", "weights ms", "GFLOP/s", "of peak" }
  for _, row in ipairs(rows) do
    local a, b, c = cells(row, "forward", machine)
    local d, e, f = cells(row, row.backward and "backward" or "backward_first", machine)
    local g, h, i = cells(row, "backward_rest", machine)
    t:row { row.op, row.shape, row.count, a, b, c, d, e, f, g, h, i }
  end
  if #t.rows > 0 then t:print() end
end

local function print_movement(rows, machine)
  local t = flex.table { "op", "shapes", "times", "forward ms", "GB/s", "of memory",
    "backward ms", "GB/s", "of memory" }
  for _, row in ipairs(rows) do
    local a, b, c = cells(row, "forward", machine)
    local d, e, f = cells(row, "backward", machine)
    t:row { row.op, row.shape, row.count, a, b, c, d, e, f }
  end
  if #t.rows > 0 then t:print() end
end

local function sum(rows)
  local ms = 0
  for _, row in ipairs(rows) do
    for _, part in ipairs { "forward", "backward", "backward_first", "backward_rest" } do
      ms = ms + (row[part] and row[part].ms * row.count or 0)
    end
  end
  return ms
end

--- Measures and prints the calls.
---@param values table  model, size, batch, repeats, op (nil: all), json
function M.run(values)
  local machine = bench_machine.measure()
  local rows = rows_of(walk(values), values)
  if #rows == 0 then
    error(("bench kernels: a training step of '%s' does not use %s"):format(whole.name(values), values.op), 0)
  end
  if values.json then
    terminal.json { machine = machine, rows = rows }
    return
  end
  local products, movement = {}, {}
  for _, row in ipairs(rows) do
    table.insert(row.forward.gflops and products or movement, row)
  end
  terminal.say(bench_machine.text(machine))
  terminal.say(("%s, batch %d of %dx%d; least of %d\n"):format(whole.name(values), values.batch, values.size,
    values.size, values.repeats))
  print_products(products, machine)
  if #products > 0 and #movement > 0 then terminal.say() end
  print_movement(movement, machine)
  terminal.say(("\ntimes x ms: arithmetic %.0f ms, movement %.0f ms"):format(sum(products), sum(movement)))
end

return M
