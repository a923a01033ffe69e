-- compare.lua - a sampler beside the methods it must beat: table, spectrum, picture.
--
--   local c = flex.report.compare(sample, data.test)
--   c.table:print()       c.scores.bicubic.rfne       c.gain (% of RFNE below bicubic's)
--   flex.report(run, c.parts)
-- All numbers are means over samples in physical units (evaluate.lua). An interpolation is an ensemble
-- of one, so its CRPS is its mean absolute error [Gneiting & Raftery 2007, eq. 21].

local core = require "flexlab.core"
local config = require "flexlab.config"
local plot = require "flexlab.plot"
local tabulate = require "flexlab.table"

local M = {}

M.options = { name = "FLEX", against = "bicubic", methods = false, label = "vorticity" }

local function alone(baseline)
  return function(batch)
    local field = baseline(batch)
    return field, { field }
  end
end

-- The usual rivals: of super-resolution the interpolations, of a forecast the last frame.
local function rivals(test)
  local baselines = require "flexlab.baselines"
  if test.set and test.set.task.name ~= "superres" then
    return { { "persistence", alone(baselines.persistence) } }
  end
  return { { "nearest", alone(baselines.nearest) }, { "bilinear", alone(baselines.bilinear) },
    { "bicubic", alone(baselines.bicubic) } }
end

-- Standard deviation over members, (N,H,W,C); nil for fewer than two.
function M.spread(mean, members)
  if not members or #members < 2 then return nil end
  local sum
  for _, member in ipairs(members) do
    local square = (member - mean):square()
    sum = sum and sum + square or square
  end
  return (sum * (1 / (#members - 1))):sqrt()
end

local function picture_of(batch, mean, members, o)
  if not batch.low then return nil end
  return require("flexlab.picture").compare { low = batch.low, prediction = mean, truth = batch.truth,
    bicubic = require("flexlab.baselines").bicubic(batch), spread = M.spread(mean, members),
    name = o.name, label = o.label }
end

-- "-45.6 %": how far below (or above) the reference's RFNE.
local function change(score, reference)
  if score == reference then return "" end
  return ("%+.1f %%"):format(100 * (score.rfne / reference.rfne - 1))
end

local function table_of(methods, scores, o)
  local t = tabulate { "method", "RFNE", "vs " .. o.against, "RMSE", "PSNR (dB)", "SSIM", "r", "CRPS" }
  local none = 0 / 0
  for _, method in ipairs(methods) do
    local s = scores[method[1]]
    t:row { method[1], s.rfne, change(s, scores[o.against]), s.rmse or none, s.psnr or none,
      s.ssim or none, s.pearson or none, s.crps or none }
  end
  return t:mark()
end

local function chart_of(methods, scores, o)
  local spectra = { { name = "truth", values = scores[o.name].spectrum.truth } }
  for i = #methods, math.max(1, #methods - 1), -1 do
    spectra[#spectra + 1] = { name = methods[i][1], values = scores[methods[i][1]].spectrum.prediction }
  end
  return plot.spectrum(spectra)
end

local function parts_of(c, o)
  local n = c.scores[o.name].n
  local text = ("%s against interpolation on %d test samples."):format(o.name, n)
  if c.gain then
    text = ("%s has an RFNE %.1f %% %s that of %s, over %d test samples."):format(o.name,
      math.abs(c.gain), c.gain >= 0 and "below" or "above", o.against, n)
  end
  local parts = { { title = "Result", text = text, table = c.table,
    note = "RFNE = ||prediction - truth|| / ||truth||, for each sample, then averaged; CRPS and RMSE in "
      .. "units of the field. An interpolation's CRPS is its mean absolute error." } }
  if c.picture then
    parts[2] = { title = "One test sample", picture = c.picture,
      note = "The fields share one colour scale, error and spread (standard deviation of the ensemble) "
        .. "another. Colours are equally spaced in Oklab lightness." }
  end
  parts[#parts + 1] = { title = "Scales", charts = { c.chart } }
  return parts
end

-- Measures `sampler` and its rivals on the test batches.
return setmetatable(M, { __call = function(_, sampler, test, options)
  local o = config.options("compare", M.options, options, nil, 2)
  local evaluate = require("flexlab.evaluate").evaluate
  local methods = table.move(o.methods or rivals(test), 1, 10, 1, {})
  methods[#methods + 1] = { o.name, sampler }
  local c = { scores = {} }
  for _, method in ipairs(methods) do
    local _ <close> = core.scope()
    local each = method[1] == o.name and function(batch, mean, members)
      c.picture = c.picture or picture_of(batch, mean, members, o)
    end
    c.scores[method[1]] = evaluate(method[2], test, { each = each or false })
  end
  if not c.scores[o.against] then o.against = methods[1][1] end
  c.table, c.chart = table_of(methods, c.scores, o), chart_of(methods, c.scores, o)
  if o.against ~= o.name then
    c.gain = 100 * (1 - c.scores[o.name].rfne / c.scores[o.against].rfne)
  end
  c.parts = parts_of(c, o)
  return c
end })
