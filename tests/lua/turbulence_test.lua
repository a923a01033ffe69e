-- Horizons, Lyapunov exponents and reference ensembles from the solver.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local turbulence = flex.turbulence

local suite = {}
rawset(_G, "TestTurbulence", suite)

function suite.test_the_horizon_is_where_the_curve_crosses()
  local t, crossed = turbulence.horizon({ 0, 1, 2, 3 }, { 1, 0.9, 0.7, 0.9 })
  lu.assertAlmostEquals(t, 1.5, 1e-12)
  lu.assertTrue(crossed)
  lu.assertEquals({ turbulence.horizon({ 0, 1 }, { 1, 0.9 }) }, { 1, false })
  lu.assertEquals({ turbulence.horizon({ 2, 3 }, { 0.5, 0.9 }) }, { 2, true })
  lu.assertEquals({ turbulence.horizon({ 2, 3 }, { 0.9, 0 / 0 }) }, { 3, true })
  lu.assertAlmostEquals((turbulence.horizon({ 0, 2 }, { 1, 0 }, 0.5)), 1, 1e-12)
  lu.assertErrorMsgContains("2 times and 1 values", turbulence.horizon, { 1, 2 }, { 1 })
  lu.assertEquals(turbulence.scaled({ 1, 2, 3 }, 2), { 0, 2, 4 })
end

-- A laminar flow forgets its perturbations at a rate of its own viscosity: r.m.s. vorticity decays as
-- exp(-k^2 t / Re), slowest for k = 1, and nothing grows. A turbulent one is chaotic.
function suite.test_lyapunov_exponents_of_a_laminar_and_a_turbulent_flow()
  local laminar = turbulence.lyapunov { re = 1, size = 32, k0 = 1.0, start = 2, spin_up = 2, time = 1,
    interval = 0.25 }
  lu.assertAlmostEquals(laminar.exponent, -1, 0.02)
  lu.assertEquals(#laminar.rates, 4)
  local turbulent = turbulence.lyapunov { re = 500, size = 64, k0 = 5.0, time = 0.5, interval = 0.1 }
  lu.assertTrue(turbulent.exponent > 0.5, tostring(turbulent.exponent))
  lu.assertTrue(turbulent.error > 0)
  lu.assertErrorMsgContains("interval must be above 0", turbulence.lyapunov, { interval = 0 })
end

local options = { re = 500, size = 64, k0 = 5.0, factor = 4, members = 9, time = 0.3, leads = { 0, 0.3 } }
local ensemble = flex.reference_ensemble(options)

function suite.test_members_agree_on_what_was_seen_and_differ_in_what_was_not()
  local seen = ensemble.observed:totable()
  for m = 1, 9 do
    local w = ensemble.members[m][1]:totable()
    for y = 0, 63, 4 do
      for x = 1, 64, 4 do lu.assertAlmostEquals(w[y * 64 + x], seen[y * 64 + x], 1e-5) end
    end
  end
  local spread = core.metrics.ensemble(ensemble:stack(1)).spread
  lu.assertTrue(spread:mean():item() > 0.01 * ensemble.observed:abs():mean():item())
end

function suite.test_the_unseen_scales_have_the_spectrum_of_the_flow()
  local flow = core.metrics.spectrum(ensemble.observed:to "f32"):totable()
  local member = core.metrics.spectrum(ensemble.members[1][1]):totable()
  for k = 13, 20 do lu.assertAlmostEquals(member[k] / flow[k], 1, 1e-3) end
end

function suite.test_members_do_not_depend_on_how_many_there_are()
  local two = flex.reference_ensemble { re = 500, size = 64, k0 = 5.0, factor = 4, members = 2, time = 0.3 }
  lu.assertEquals(two.members[2][1]:totable(), ensemble.members[2][1]:totable())
end

-- One member in the place of the truth: nothing tells it from the others, so its ranks are flat.
function suite.test_a_member_is_calibrated_among_the_others()
  local sums = core.metrics.calibration(8)
  for odd = 1, 9 do
    local others = {}
    for m = 1, 9 do if m ~= odd then others[#others + 1] = ensemble.members[m][2] end end
    sums:add(require("flexlab.evaluation.calibration").stack(others, 1), ensemble.members[odd][2], { sample = odd })
  end
  local ranks = sums:ranks():totable()
  for _, count in ipairs(ranks) do lu.assertAlmostEquals(count / (9 * 4096), 1 / 9, 1e-12) end
  lu.assertAlmostEquals(sums:scores().spread_skill, 1, 1e-6)
  lu.assertTrue(ensemble:calibration(2).spread_skill > 0.3)
end

function suite.test_distance_between_distributions()
  local other = {}
  local shifted = flex.reference_ensemble { re = 500, size = 64, k0 = 5.0, factor = 4, members = 4, time = 0.3,
    leads = { 0.3 }, ensemble_seed = 2 }
  local alike = {}
  for m = 1, 4 do
    alike[m], other[m] = shifted.members[m][1], shifted.members[m][1] + 4
  end
  lu.assertTrue(math.abs(ensemble:distance(2, alike)) < 0.05)
  lu.assertTrue(ensemble:distance(2, other) > 0.2)
end

function suite.test_ensembles_are_saved_and_read_again()
  local path = os.tmpname() .. ".h5"
  ensemble:save(path, 2)
  local reader = flex.fields.open(path, { dataset = "w" })
  lu.assertEquals({ reader.frames, reader:number "lead", reader:text "coarse" }, { 10, 0.3, "subsample" })
  lu.assertEquals(reader:read { frame = 10 }:totable(), ensemble.truth[2]:totable())
  reader:close()
  os.remove(path)
end

function suite.test_wrong_options()
  lu.assertErrorMsgContains("leads must rise", flex.reference_ensemble, { leads = { 1, 0.5 } })
  lu.assertErrorMsgContains("members must be", flex.reference_ensemble, { members = 0 })
  lu.assertErrorMsgContains("nearest is 'factor'", flex.reference_ensemble, { facto = 2 })
  lu.assertErrorMsgContains("factor must be 2 or more and divide", core.perturb, core.zeros { 1, 16, 16, 1 },
    { factor = 3 })
end

os.exit(lu.LuaUnit.run())
