-- spectrum.lua - the slope of the energy spectrum of decaying turbulence between the energy's peak and dissipation.
--   flexlab script tests/oracle/spectrum.lua [--size 1024] [--re 10000] [--time 3] [--from 15] [--to 60]
local flex = require "flexlab"
local core = flex.core

local o = { size = 1024, re = 10000, time = 3, from = 15, to = 60, seed = 1, k0 = 6, threads = 0 }
for i = 1, #arg, 2 do o[arg[i]:sub(3)] = tonumber(arg[i + 1]) end
if o.threads > 0 then core.threads(o.threads) end

local flow = core.flow { height = o.size, width = o.size, re = o.re, seed = o.seed, k0 = o.k0 }
flow:advance(o.time)
local energy, n, x, y, xx, xy = flow:spectrum():totable(), 0, 0, 0, 0, 0
for k = o.from, o.to do                                     -- least squares of log E against log k
  local a, b = math.log(k), math.log(energy[k + 1])
  n, x, y, xx, xy = n + 1, x + a, y + b, xx + a * a, xy + a * b
end
local d = flow:diagnostics()
print(("%d^2, Re %g, t = %g: E ~ k^%.2f from k = %d to %d; kmax eta %.2f, energy %.3f, %d steps"):format(o.size, o.re,
  o.time, (n * xy - x * y) / (n * xx - x * x), o.from, o.to, d.kmax_eta, d.energy, d.steps))
