--[[
machine - what the machine could do at best: the two lines of a roofline.

Peak: multiply-adds in registers on the instruction set in use (a multiply-add counts as two), with one thread and
with all. Bandwidth: y += s x on arrays that no cache of a core holds (a triad in place; it reads two numbers
and writes one, 12 bytes an element, and needs no read for ownership). The best of several runs is taken.
--]]
local clock = require "flexlab.bench.clock"
local core = require "flexlab.core"

local M = {}

local LONG_ENOUGH = 0.02           -- seconds a measurement of the peak takes
local ELEMENTS = 32 * 1024 * 1024  -- 128 MiB an array
local REPEATS = 5

-- Rounds that take long enough on this machine: the first that do, doubling.
local function rounds_of()
  local rounds = 50000
  repeat
    rounds = 2 * rounds
    local began = core.sys.time()
    core.measure.fma(rounds)
  until core.sys.time() - began > LONG_ENOUGH
  return rounds
end

local function flops(threads)
  local before, done = core.threads(), 0
  core.threads(threads)
  local rounds = rounds_of()
  local seconds = clock.least(clock.timed(REPEATS, function() done = core.measure.fma(rounds) end))
  core.threads(before)
  return done / seconds
end

local function bandwidth()
  local scope <close> = core.scope()
  local x, y = core.full({ ELEMENTS }, 1), core.full({ ELEMENTS }, 1)
  local seconds = clock.least(clock.timed(REPEATS, function() y:add_(x, 0.5) end))
  scope:close()
  return 12 * ELEMENTS / seconds
end

--- { isa, threads, one = flop/s of one thread, all = flop/s of all, bandwidth = bytes/s }
---@return table
function M.measure()
  local threads = core.threads()
  local one = flops(1)
  return { isa = core.isa(), threads = threads, one = one, all = threads > 1 and flops(threads) or one,
    bandwidth = bandwidth() }
end

--- The figures in a sentence.
---@param m table  of M.measure
---@return string
function M.text(m)
  return ("peak (%s): %.0f GFLOP/s with one thread, %.0f with %d; memory: %.1f GB/s"):format(m.isa, m.one / 1e9,
    m.all / 1e9, m.threads, m.bandwidth / 1e9)
end

return M
