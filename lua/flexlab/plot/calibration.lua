--[[
calibration - the three charts of an ensemble's calibration (evaluation/calibration.lua): ranks,
coverage, pull. What a calibrated ensemble would show is a broken line in the page's own colour.
--]]

local axis = require "flexlab.plot.axis"
local frame = require "flexlab.plot.frame"
local lines = require "flexlab.plot.lines"

local IDEAL = { colour = "currentColor", dash = "6 4", width = 1.6 }

local M = {}

-- The outline of bars of equal width between low and high, as points of a curve.
local function steps(heights, low, high)
  local x, y, width = { low }, { 0 }, (high - low) / #heights
  for i, height in ipairs(heights) do
    x[#x + 1], y[#y + 1] = low + (i - 1) * width, height
    x[#x + 1], y[#y + 1] = low + i * width, height
  end
  x[#x + 1], y[#y + 1] = high, 0
  return x, y
end

--- A histogram of the rank of the truth among the members [Hamill 2001]; tips say rank and frequency.
---@param c table  of flex.calibration
---@return table  a drawing
function M.ranks(c)
  local n, colour = #c.ranks, frame.colour(1)
  local drawing, place = frame.new { title = "Rank of the truth among the members",
    legend = { { name = "this ensemble", colour = colour }, { name = "calibrated", colour = IDEAL.colour,
      dash = IDEAL.dash } },
    x = axis.fit { { -0.5, n - 0.5 } }, y = axis.fit({ c.ranks, { 1.2 / n } }, { low = 0 }),
    x_label = "members below the truth", y_label = "frequency" }
  for i, share in ipairs(c.ranks) do
    local left, top = place(i - 1.4, share)
    local right, bottom = place(i - 0.6, 0)
    drawing:element("rect", { x = left, y = top, width = right - left, height = bottom - top,
      fill = colour, ["fill-opacity"] = 0.75 }, ("<title>rank %d: %.3f</title>"):format(i - 1, share))
  end
  local x1, y = place(-0.5, 1 / n)
  local x2 = place(n - 0.5, 1 / n)
  drawing:line(x1, y, x2, y, IDEAL)
  return drawing
end

--- Which share of the truths lies in central intervals of the ensemble, by the share that was promised.
---@param c table  of flex.calibration
---@return table  a drawing
function M.coverage(c)
  return lines({
    { name = "this ensemble", x = c.coverage.nominal, y = c.coverage.observed, width = 2.2 },
    { name = "calibrated", x = { 0, 1 }, y = { 0, 1 }, colour = IDEAL.colour, dash = IDEAL.dash },
  }, { title = "Coverage of central intervals", x = { label = "promised", low = 0, high = 1 },
    y = { label = "truths inside", low = 0, high = 1 } })
end

-- The curve of f over the range of the histogram.
local function curve(f)
  local x, y = {}, {}
  for i = 0, 160 do
    x[i + 1] = -8 + i / 10
    y[i + 1] = f(x[i + 1])
  end
  return x, y
end

-- The density of sqrt(1 + 1/m) t, t Student's with m - 1 degrees of freedom: the pull of m + 1
-- exchangeable Gaussians, one of them the truth.
local function student(m)
  local dof, width = m - 1, math.sqrt(1 + 1 / m)
  local ratio = dof % 2 == 1 and 1 / math.sqrt(math.pi) or math.sqrt(math.pi) / 2
  for k = dof % 2 == 1 and 1 or 2, dof - 2, 2 do ratio = ratio * (k + 1) / k end   -- G((k+1)/2) / G(k/2)
  return function(x)
    return ratio / math.sqrt(dof * math.pi) * (1 + (x / width) ^ 2 / dof) ^ (-(dof + 1) / 2) / width
  end
end

--- The density of (mean - truth) / spread, with its Gaussian fit and what a calibrated ensemble of this size shows.
---@param c table  of flex.calibration
---@return table  a drawing
function M.pull(c)
  local function gaussian(x)
    return math.exp(-0.5 * ((x - c.pull_mean) / c.pull_sd) ^ 2) / (c.pull_sd * math.sqrt(2 * math.pi))
  end
  local x, y = steps(c.pull.density, -8, 8)
  local fit_x, fit_y = curve(gaussian)
  local ideal_x, ideal_y = curve(student(c.members))
  return lines({
    { name = ("Gaussian fit %.2f \u{00B1} %.2f"):format(c.pull_mean, c.pull_sd), x = fit_x, y = fit_y },
    { name = "calibrated", x = ideal_x, y = ideal_y, colour = IDEAL.colour, dash = IDEAL.dash },
    { name = "this ensemble", x = x, y = y, colour = frame.colour(2), width = 1.4 },
  }, { title = "Pull: (mean \u{2212} truth) / spread", x = { label = "pull" }, y = { label = "density" } })
end

-- All three, in a list for a report.
return setmetatable(M, { __call = function(_, c) return { M.ranks(c), M.coverage(c), M.pull(c) } end })
