-- core.flow against an independent solver (tests/oracle/flow.py): other variables, other rule against aliasing, another
-- scheme in time, other transforms, the same modes. solver_test.c holds it against exact solutions and laws.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestFlow", suite)

local recorded = assert(core.io.load "tests/fixtures/flow.safetensors")

local function norm(t) return math.sqrt(t:square():mean():item()) end

-- Relative distance of the flow from the record at its time, both started from one field; and of its scalar.
local function difference(case, options)
  local start = recorded.tensors.start:reshape { 1, 64, 64, 1 }
  local o = { height = 64, width = 64, re = tonumber(recorded.text.re), initial = "rest" }
  for k, v in pairs(options) do o[k] = v end
  local flow <close> = core.flow(o)
  flow:set_vorticity(start)
  if o.scalar then flow:set_scalar(start * 0.1 + 1) end
  flow:advance(tonumber(recorded.text.time))
  local function from(field, name)
    local wanted = recorded.tensors[name]:reshape { 1, 64, 64, 1 }
    return norm(field - wanted) / norm(wanted)
  end
  return from(flow:vorticity(), case), o.scalar and from(flow:scalar(), "scalar")
end

-- What is left is the error of the solver's own steps, which are long on so coarse a grid: it falls with the fourth
-- power of their length.
local function check(case, options)
  options.cfl = 0.4
  local first, carried = difference(case, options)
  options.cfl = 0.2
  local half, carried_half = difference(case, options)
  local function falls(what, a, b)
    lu.assertTrue(a < 1e-4 and b < 1e-5, ("%s: %g and, with half the step, %g"):format(what, a, b))
    lu.assertTrue(a / b > 12 and a / b < 20, ("%s: %g, then %g"):format(what, a, b))
  end
  falls(case, first, half)
  if carried then falls("scalar", carried, carried_half) end
end

function suite.test_a_decaying_flow_is_that_of_the_oracle() check("decaying", {}) end

function suite.test_a_forced_flow_and_its_scalar_are_those_of_the_oracle()
  check("kolmogorov", { forcing = "kolmogorov", forcing_wavenumber = 4, forcing_amplitude = 2, drag = 0.1,
    scalar = true, schmidt = 0.7 })
end

os.exit(lu.LuaUnit.run())
