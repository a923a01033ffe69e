--[[
plot - charts as SVG; each function returns a drawing with :svg() (text) and :save(path).

  flex.plot.lines(series, options)     curves, linear or log axes           (plot/lines.lua)
  flex.plot.slopes(pivot)              arms of a study, one line per seed     (plot/slopes.lua)
  flex.plot.loss(steps, losses)        training loss and its running mean
  flex.plot.spectrum(spectra)          power spectra, log-log
  flex.plot.calibration(c)             ranks, coverage, pull: three   (plot/calibration.lua)
  flex.plot.panels(drawings, columns)  several in one drawing         (plot/panels.lua)
--]]

local calibration = require "flexlab.plot.calibration"
local expected = require "flexlab.expected"
local lines = require "flexlab.plot.lines"
local panels = require "flexlab.plot.panels"
local slopes = require "flexlab.plot.slopes"

local M = { lines = lines, slopes = slopes, calibration = calibration, panels = panels }

--- Mean over a window of 5 % of the curve, centred so that it does not lag; NaNs are left out.
---@param values number[]  one per step; NaN and infinity are left out
---@return number[]  as many
function M.smooth(values)
  local sums, counts, out = { [0] = 0 }, { [0] = 0 }, {}
  for i, v in ipairs(values) do
    local fine = v == v and math.abs(v) < math.huge
    sums[i], counts[i] = sums[i - 1] + (fine and v or 0), counts[i - 1] + (fine and 1 or 0)
  end
  local half = #values // 40
  for i = 1, #values do
    local first, last = math.max(1, i - half), math.min(#values, i + half)
    out[i] = (sums[last] - sums[first - 1]) / (counts[last] - counts[first - 1])
  end
  return out
end

--- The training loss of each step, and its running mean (M.smooth).
---@param steps number[]     one per loss
---@param losses number[]    may hold NaN
---@param options table|nil  { title =, label = (of the loss), log = true, width =, height = }
---@return table  a drawing
function M.loss(steps, losses, options)
  expected.known("plot.loss", options, { "title", "label", "log", "width", "height" }, 2)
  options = options or {}
  local log = options.log
  if log == nil then log = true end
  return lines({
    { name = "running mean", x = steps, y = M.smooth(losses), width = 2.2 },
    { name = "each step", x = steps, y = losses, colour = "#8fb8de", width = 1 },
  }, {
    title = options.title or "Training loss", width = options.width, height = options.height,
    x = { label = "step" }, y = { label = options.label or "loss", log = log },
  })
end

--- The largest wavenumber of which a spectrum of so many bins has the whole ring.
---@param bins integer  bins of a spectrum, from k = 0
---@return integer  wavenumber
function M.rings(bins) return math.min(math.floor((bins - 1) / math.sqrt(2) + 0.5), bins - 1) end

--- Power spectra with logarithmic axes. Left out are k = 0, the mean, and the rings beyond half the shorter side of the
--- field, of which only corners exist. The first is a broken line over the rest: it is the truth that they should meet.
---@param spectra table[]    each { name =, values = {power at k = 0, 1, 2, ...} }
---@param options table|nil  { title =, width =, height =, x_label =, y_label =, y = { low =, high = } (fixed ends) }
---@return table  a drawing
function M.spectrum(spectra, options)
  expected.known("plot.spectrum", options, { "title", "width", "height", "x_label", "y_label", "y" }, 2)
  options = options or {}
  expected.known("plot.spectrum: axis y", options.y, { "low", "high" }, 2)
  local series = {}
  for i, s in ipairs(spectra) do
    local k, power = {}, {}
    for bin = 1, M.rings(#s.values) do k[bin], power[bin] = bin, s.values[bin + 1] end
    series[i] = { name = s.name, x = k, y = power, dash = i == 1 and "6 4" or nil,
                  colour = i == 1 and "currentColor" or nil, width = i == 1 and 2.2 or nil }
  end
  return lines(series, {
    title = options.title or "Power spectrum",
    width = options.width, height = options.height,
    x = { label = options.x_label or "wavenumber (cycles per shorter side of a sample)", log = true },
    y = { label = options.y_label or "power in the ring (field unit squared)", log = true,
          low = options.y and options.y.low, high = options.y and options.y.high },
  })
end

return M
