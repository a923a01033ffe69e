-- cylinder.lua - the drag of a cylinder in a stream that starts at once, against P. Koumoutsakos & A. Leonard, J. Fluid
-- Mech. 296 (1995), vortex methods, as read from their figures by PetIBM's authors (examples/data of its repository).
--   flexlab script tests/oracle/cylinder.lua [--size 1024] [--re 550] [--radius 0.2]
-- Re by the diameter, 550 or 40; time T = U t / R; Cd = F / (U^2 R). Their fluid has no bounds; here the box is 2 pi
-- wide and periodic, 15.7 diameters of a radius of 0.2.
local flex = require "flexlab"
local core = flex.core

local recorded = {   -- T, Cd
  [550] = { { 0.34298, 0.81955 }, { 0.61327, 0.70691 }, { 0.79399, 0.70274 }, { 1.06549, 0.75258 },
    { 1.55155, 0.92973 }, { 2.01306, 1.11852 }, { 2.44943, 1.24159 }, { 3.09883, 1.28693 }, { 3.95273, 1.21201 },
    { 4.80663, 1.13710 } },
  [40] = { { 0.47815, 2.59335 }, { 0.96443, 2.18373 }, { 1.50839, 2.06692 }, { 1.98725, 2.02742 }, { 3.02018, 1.96071 },
    { 4.06678, 1.90600 }, { 5.20912, 1.86370 } },
}

local o = { size = 1024, re = 550, radius = 0.2, threads = 0 }
for i = 1, #arg, 2 do o[arg[i]:sub(3)] = tonumber(arg[i + 1]) end
if o.threads > 0 then core.threads(o.threads) end

local flow = core.flow { height = o.size, width = o.size, re = o.re / (2 * o.radius), initial = "rest",
  mean_velocity = 1, cylinders = { math.pi, math.pi, o.radius } }
local sum, worst = 0, 0
for _, row in ipairs(recorded[o.re]) do
  flow:advance(row[1] * o.radius)
  local drag = flow:force() / o.radius
  local off = drag / row[2] - 1
  sum, worst = sum + math.abs(off), math.max(worst, math.abs(off))
  print(("T %.3f  Cd %.4f, recorded %.4f: %+.1f %%"):format(row[1], drag, row[2], 100 * off))
end
print(("%d^2, %d steps: off by %.1f %% in the mean, %.1f %% at most"):format(o.size, flow:diagnostics().steps,
  100 * sum / #recorded[o.re], 100 * worst))
