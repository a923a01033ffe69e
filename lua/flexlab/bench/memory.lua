--[[
memory - what the peak of the allocator is made of.

The kinds are those of csrc/base/alloc.h, as they were at the moment of the peak. The process needs more than that: the
program, libraries, and blocks that the allocator keeps for reuse; its peak is the last line.
--]]
local clock = require "flexlab.bench.clock"
local core = require "flexlab.core"
local flex = require "flexlab"
local whole = require "flexlab.bench.whole"
local terminal = require "flexlab.terminal"

local M = {}

local order = { "weights", "optimiser", "gradients", "activations", "workspace" }

--- Runs the work and prints the peak by kind.
---@param work function  of whole.work
---@param values table   repeats, json, what
function M.run(work, values)
  core.reset_peak()
  clock.timed(values.repeats, work)
  local m, resident = core.memory(), core.sys.peak_rss()
  if values.json then
    terminal.json { peak = m.peak, peak_by_kind = m.peak_by_kind, cached = m.cached, resident = resident }
    return
  end
  local t = flex.table { "kind", "MiB at the peak", "share" }
  for _, kind in ipairs(order) do
    local bytes = m.peak_by_kind[kind]
    t:row { kind, bytes / 2 ^ 20, ("%.1f %%"):format(100 * bytes / m.peak) }
  end
  t:row { "all", m.peak / 2 ^ 20, "100 %" }
  terminal.say(("%s %s, batch %d of %dx%d\n"):format(values.what, whole.name(values), values.batch, values.size,
    values.size))
  t:print()
  terminal.say(("\nkept for reuse: %.0f MiB; peak of resident memory: %.0f MiB"):format(m.cached / 2 ^ 20,
    resident / 2 ^ 20))
end

return M
