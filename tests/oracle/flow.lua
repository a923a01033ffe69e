-- flow.lua - one decaying run of core.flow for tests/oracle/flow.py and bench/flow.py: where it starts and ends.
--   flexlab script tests/oracle/flow.lua OUT.safetensors [--size 256] [--re 1000] [--time 1] [--seed 1] [--dt 0]
--     [--threads N]
local flex = require "flexlab"
local core = flex.core

local out, o = arg[1], { size = 256, re = 1000, time = 1, seed = 1, dt = 0, threads = 0 }
for i = 2, #arg, 2 do o[arg[i]:sub(3)] = tonumber(arg[i + 1]) end

if o.threads > 0 then core.threads(o.threads) end
local flow = core.flow { height = o.size, width = o.size, re = o.re, seed = o.seed, dt = o.dt }
local start, began, worked = flow:vorticity(), core.sys.time(), os.clock()
flow:advance(o.time)
local spent, steps = core.sys.time() - began, flow:diagnostics().steps
worked = os.clock() - worked
assert(core.io.save(out, { tensors = { start = start, ["end"] = flow:vorticity() },
  text = { re = o.re, time = o.time, steps = steps, seconds = spent } }))
print(("%d^2: %d steps, of the processor %.3f ms, in all %.3f ms each"):format(o.size, steps, worked / steps * 1e3,
  spent / steps * 1e3))
