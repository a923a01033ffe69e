-- The prediction of an ablation: against fields whose law is known.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestPrediction", suite)

-- Batches with target = gain * estimate + noise * white; the estimate is white with this variance.
local function part(gain, power, noise)
  return { batch = function(_, step)
    local shape = { 8, 32, 32, 1 }
    local e = core.normal(shape, { seed = 1, stream = "user", step = step }) * math.sqrt(power)
    local n = core.normal(shape, { seed = 2, stream = "user", step = step }) * math.sqrt(noise)
    return { target = e * gain + n, estimate = e }
  end }
end

-- Closed forms for white fields by a sum over t of its own, with a schedule of its own.
local function expected(gain, power, noise, kind)
  local sum, steps = 0, 2000
  for i = 1, steps do
    local t = (i - 0.5) / steps
    local a, s = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
    local m = (kind == "raw" and gain or gain - 1) ^ 2 * power
    local cov = a * s * (1 - noise)                      -- of v and x_t given e
    sum = sum + s * s * m + cov ^ 2 / (a * a * noise + s * s)
  end
  return sum / steps
end

function suite.test_white_fields_have_their_closed_form()
  for _, case in ipairs { { 1, 1, 0.2 }, { 0.5, 2, 0.5 }, { 1, 0.8, 0.05 } } do
    local p = flex.prediction(part(table.unpack(case)), { batches = 20 })
    for _, kind in ipairs { "raw", "residual" } do
      local truth = expected(case[1], case[2], case[3], kind)
      lu.assertAlmostEquals(p[kind].variance / truth, 1, 0.04, kind)
    end
    lu.assertAlmostEquals(p.raw.loss, p.residual.loss, 1e-9)
  end
end

-- Least squares of v on (x_t, e) over many draws: what a perfect linear network reaches.
function suite.test_the_least_loss_is_that_of_least_squares()
  local gain, power, noise = 0.7, 1.5, 0.3
  local p = flex.prediction(part(gain, power, noise), { batches = 20 })
  local n, sums = 20000, 0
  local e = core.normal({ n }, { seed = 3, stream = "user" }):totable()
  local w = core.normal({ n }, { seed = 4, stream = "user" }):totable()
  local eps = core.normal({ n }, { seed = 5, stream = "user" }):totable()
  for k = 1, 20 do
    local t = (k - 0.5) / 20
    local a, s = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
    local xx, xe, ee, xv, ev, vv = 0, 0, 0, 0, 0, 0
    for i = 1, n do
      local c = e[i] * math.sqrt(power)
      local x0 = gain * c + w[i] * math.sqrt(noise) - c
      local x, v = a * x0 + s * eps[i], a * eps[i] - s * x0
      xx, xe, ee, xv, ev, vv = xx + x * x, xe + x * c, ee + c * c, xv + x * v, ev + c * v, vv + v * v
    end
    local det = xx * ee - xe * xe
    local bx, be = (ee * xv - xe * ev) / det, (xx * ev - xe * xv) / det
    sums = sums + (vv - bx * xv - be * ev) / n / 20
  end
  lu.assertAlmostEquals(p.residual.loss, sums, 0.03 * sums)
end

function suite.test_turbulence_prefers_the_residual()
  local file = os.tmpname()
  os.remove(file)
  file = file .. ".h5"
  flex.generate("turbulence", { re = 300, size = 64, frames = 4, seed = 1, out = file, quiet = true, k0 = 5.0 })
  local set = flex.data.superres { file = file, test = file, factor = 4, degradation = "registered", crop = 32,
    batch = 8, seed = 1 }
  local p = flex.prediction(set.train)
  lu.assertTrue(p.residual.variance < p.raw.variance)
  lu.assertTrue(p.residual.removable < p.raw.removable)
  lu.assertStrContains(p.table:text(), "interpolant")
  os.remove(file)
end

os.exit(lu.LuaUnit.run())
