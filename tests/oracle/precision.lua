-- precision.lua - a flow in single precision beside the same in double: how far they part, what becomes of energy.
--   flexlab script tests/oracle/precision.lua           the table of docs/turbulence.md
--   FLEXLAB_THREADS=1 flexlab script tests/oracle/precision.lua speed      processor time of a step, and memory
local flex = require "flexlab"
local core = flex.core

local function pair(options)
  local flows = {}
  for i, precision in ipairs { "double", "single" } do
    options.precision = precision
    local before = core.memory().live
    flows[i] = core.flow(options)
    flows[precision] = (core.memory().live - before) / 2 ^ 20
  end
  return flows
end

local function norm(t) return math.sqrt(t:square():mean():item()) end

local function part(name, options, times)
  local flows = pair(options)
  for _, t in ipairs(times) do
    local w, d = {}, {}
    for i, flow in ipairs(flows) do
      flow:advance(t)
      w[i], d[i] = flow:vorticity(), flow:diagnostics()
    end
    print(("%-32s t = %-4g %5d and %5d steps: field %.1e, energy %+.1e, enstrophy %+.1e"):format(name, t, d[1].steps,
      d[2].steps, norm(w[1] - w[2]) / norm(w[1]), d[2].energy / d[1].energy - 1, d[2].enstrophy / d[1].enstrophy - 1))
  end
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- In turns, each of the two first as often as the other.
local function speed(size, steps, rounds)
  local dt, ms, ratios = 0.1 / size, { {}, {} }, {}
  local flows = pair { height = size, width = size, re = 1000, k0 = 10, dt = dt }
  for round = 0, rounds do
    for turn = 1, 2 do
      local i = (turn + round) % 2 + 1
      local start = os.clock()
      flows[i]:advance(flows[i]:time() + steps * dt)
      ms[i][round] = (os.clock() - start) / steps * 1e3         -- round 0 warms up
    end
    if round > 0 then ratios[round] = ms[1][round] / ms[2][round] end
  end
  print(("%4d^2: double %.2f ms, single %.2f ms, double / single %.2f; %.1f and %.1f MiB"):format(size, median(ms[1]),
    median(ms[2]), median(ratios), flows.double, flows.single))
end

if arg[1] == "speed" then
  for _, row in ipairs { { 128, 150, 15 }, { 256, 40, 15 }, { 512, 12, 15 }, { 1024, 4, 11 }, { 2048, 1, 7 } } do
    speed(table.unpack(row))
  end
else
  part("decaying, 256^2, Re 1000", { height = 256, width = 256, re = 1000, seed = 1 }, { 0.5, 1, 2.4, 10 })
  part("decaying, 512^2, Re 4000", { height = 512, width = 512, re = 4000, seed = 1 }, { 1, 2.4 })
  part("without viscosity, 256^2", { height = 256, width = 256, re = 1e15, seed = 1 }, { 5 })
  part("Kolmogorov, 128^2, Re 500, k0 = 5", { height = 128, width = 128, re = 500, seed = 1, k0 = 5.0,
    forcing = "kolmogorov" }, { 10, 20 })
end
