-- core.flow against an independent solver (tests/oracle/flow.py): other variables, other rule against aliasing, another
-- scheme in time, other transforms, the same modes. solver_test.c holds it against exact solutions and laws.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestFlow", suite)

local recorded = assert(core.io.load "tests/fixtures/flow.safetensors")

local function norm(t) return math.sqrt(t:square():mean():item()) end

-- Relative distance of the flow from the record at its time, both started from one field.
local function difference(case, options)
  local start = recorded.tensors.start
  local o = { height = 64, width = 64, re = tonumber(recorded.text.re), initial = "rest" }
  for k, v in pairs(options) do o[k] = v end
  local flow <close> = core.flow(o)
  flow:set_vorticity(start:reshape { 1, 64, 64, 1 })
  flow:advance(tonumber(recorded.text.time))
  local wanted = recorded.tensors[case]:reshape { 1, 64, 64, 1 }
  return norm(flow:vorticity() - wanted) / norm(wanted)
end

-- What is left is the error of the solver's own steps, which are long on so coarse a grid: it falls with the fourth
-- power of their length.
local function check(case, options)
  options.cfl = 0.4
  local first = difference(case, options)
  options.cfl = 0.2
  local half = difference(case, options)
  lu.assertTrue(half < 1e-5 and first < 1e-4, ("%s: %g and, with half the step, %g"):format(case, first, half))
  lu.assertTrue(first / half > 12 and first / half < 20, ("%s: %g, then %g"):format(case, first, half))
end

function suite.test_a_decaying_flow_is_that_of_the_oracle() check("decaying", {}) end

function suite.test_a_forced_flow_is_that_of_the_oracle()
  check("kolmogorov", { forcing = "kolmogorov", forcing_wavenumber = 4, forcing_amplitude = 2, drag = 0.1 })
end

os.exit(lu.LuaUnit.run())
