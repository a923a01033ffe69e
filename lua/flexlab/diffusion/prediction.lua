--[[
prediction - which target should be diffused? An answer from the data alone, before anything is trained.

  local p = flex.prediction(data.train, { batches = 8 })
  p.table:print()      p.residual.variance, p.raw.variance, p.interpolant.variance

FLEX argues that the residual y - e between the truth y and a cheap estimate e has an optimal velocity of lower
variance than the raw field y [arXiv 2505.17351]. The optimal velocity is what a perfect network would
answer, v*(x_t, t, e) = E[v | x_t, e]; its variance, over data and noise, is what the network has to make.

Estimator. Fields are taken for Gaussian and stationary, so that wavenumbers are independent, and the truth
for a linear function of the estimate with noise, ring by ring: y_k = H e_k + n_k. H and the noise's power N come from
power spectra alone, C = (P_y + P_e - P_(y-e)) / 2, H = C / P_e, N = P_y - C^2 / P_e (real H: what a shift of the
estimate moves out of phase counts as noise). Then, with unit noise and alpha^2 + sigma^2 = 1,
  raw, residual   x0 = y or y - e, v = alpha eps - sigma x0
                  Var v* = sigma^2 M + alpha^2 sigma^2 (1 - N)^2 / (alpha^2 N + sigma^2),
                  M the power of E[x0 | e]: H^2 P_e for raw, (H - 1)^2 P_e for the residual
  interpolant     x_t = (1 - t) e + t^2 y + (1 - t) sqrt(t) eps, b = -e + 2 t y - sqrt(t) eps
                  [Chen et al., arXiv 2403.13724, alpha = 1 - t, beta = t^2, sigma = 1 - t]
                  Var b* = (2 t H - 1)^2 P_e + (2 t beta N - sigma t)^2 / (beta^2 N + sigma^2 t)
summed over wavenumbers, averaged over t in (0, 1), per pixel and channel, in the units of training. `removable` is the
part of Var v* that comes from the condition alone (M, or (2tH-1)^2 P_e): known from e, to be learned for nothing.
`loss` is the least squared error any network can reach, Var v - Var v*: the same for raw and residual, for the two
have the same law given e. So the residual cannot have a lower floor; what it has is less to learn.

What it is not: turbulence is not Gaussian, so a real network's best is below `loss`; fields that are cut out are
windowed (Hann), which mixes neighbouring rings. It ranks targets; it does not estimate an RFNE.
--]]
local config = require "flexlab.config"
local core = require "flexlab.core"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

local TIMES = 200      -- midpoints of t; the integrands are smooth

local function add(sum, spectrum)
  local bins, flat = spectrum.shape[2], spectrum:totable()
  for i, v in ipairs(flat) do
    local b = (i - 1) % bins + 1
    sum[b] = (sum[b] or 0) + v
  end
end

-- Mean powers by ring of truth, estimate and difference, per channel and sample, in the units of training.
local function powers(part, count)
  local y, e, d = {}, {}, {}
  local n, channels, shape = 0, 1, nil
  for k = 1, count do
    local scope <close> = core.scope()
    local batch = part:batch(k)
    local mean = batch.target:mean()
    shape = batch.target.shape
    channels, n = shape[4], n + shape[1]
    local function spectrum(t) return core.metrics.spectrum(t, { window = true }) end
    add(y, spectrum(batch.target - mean:item()))
    add(e, spectrum(batch.estimate - mean:item()))
    add(d, spectrum(batch.target - batch.estimate))
    scope:close()
  end
  for _, list in ipairs { y, e, d } do
    for b, v in ipairs(list) do list[b] = v / (n * channels) end
  end
  return { y = y, e = e, d = d, height = shape[2], width = shape[3] }
end

-- How many modes of a field (h, w) each ring holds (csrc/metrics/spectrum.h).
local function modes(h, w)
  local count, short = {}, math.min(h, w)
  for ky = -((h - 1) // 2), h // 2 do
    for kx = -((w - 1) // 2), w // 2 do
      local x, y = kx * (short / w), ky * (short / h)
      local b = math.floor(math.sqrt(x * x + y * y) + (0.5 + 1e-9)) + 1
      if b == 1 and (kx ~= 0 or ky ~= 0) then b = 2 end
      count[b] = (count[b] or 0) + 1
    end
  end
  return count
end

-- Per mode and relative to noise of variance 1 (whose modes have power 1/(h w)): H, P_e, N of every ring.
local function rings(p)
  local list, count = {}, modes(p.height, p.width)
  for b = 1, #p.y do
    local share = p.height * p.width / math.max(1, count[b] or 0)
    local y, e, d = p.y[b] * share, p.e[b] * share, p.d[b] * share
    local cross = (y + e - d) / 2
    local h = e > 1e-12 * y and cross / e or 0
    list[b] = { h = h, e = e, n = math.max(0, y - h * cross), weight = (count[b] or 0) / (p.height * p.width) }
  end
  return list
end

local couplings = {}

-- alpha, sigma of the cosine schedule at t, without its clipping: the range that training sees.
local function circle(t) return math.cos(math.pi * t / 2), math.sin(math.pi * t / 2) end

local function gaussian(mean_power)
  return function(r, t)
    local a, s = circle(t)
    local mean, n = s * s * mean_power(r), r.n
    local star = mean + a * a * s * s * (1 - n) ^ 2 / (a * a * n + s * s)
    return star, mean, a * a + s * s * (mean_power(r) + n) - star
  end
end

couplings.raw = gaussian(function(r) return r.h * r.h * r.e end)
couplings.residual = gaussian(function(r) return (r.h - 1) ^ 2 * r.e end)

function couplings.interpolant(r, t)
  local b, s, n = t * t, 1 - t, r.n
  local mean = (2 * t * r.h - 1) ^ 2 * r.e
  local z = b * b * n + s * s * t
  local random = (2 * t * b * n - s * t) ^ 2 / z
  return mean + random, mean, 4 * t * t * n + t - random
end

-- { variance, removable, loss, by_time } of a coupling.
local function integrate(list, coupling)
  local result = { variance = 0, removable = 0, loss = 0, by_time = {} }
  for i = 1, TIMES do
    local t, here = (i - 0.5) / TIMES, 0
    for _, r in ipairs(list) do
      local star, mean, loss = coupling(r, t)
      here = here + star * r.weight
      result.removable = result.removable + mean * r.weight / TIMES
      result.loss = result.loss + loss * r.weight / TIMES
    end
    result.by_time[i] = here
    result.variance = result.variance + here / TIMES
  end
  return result
end

M.names = { "raw", "residual", "interpolant" }

--- Variance of the optimal velocity for each coupling, from the training part of a set.
---@param part table         data.train
---@param options table|nil  { batches = 8 }
---@return table  { raw = { variance, removable, loss, by_time }, residual =, interpolant =, table = }
function M.predict(part, options)
  local o = config.options("prediction", { batches = 8 }, options, nil, 2)
  local list, result = rings(powers(part, o.batches)), {}
  local t = tabulate { "target", "variance", "from the condition", "least loss", "vs raw" }
  for _, name in ipairs(M.names) do
    local r = integrate(list, couplings[name])
    result[name] = r
    t:row { name, r.variance, r.removable, r.loss, words.percent(r.variance / result.raw.variance) }
  end
  result.table = t
  return result
end

return setmetatable(M, { __call = function(_, ...) return M.predict(...) end })
