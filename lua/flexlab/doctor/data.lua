--[[
doctor/data - leakage, normalisation, registration. A check takes the subject { set =, ... } and returns a state
and a sentence, or nothing where it does not apply.
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local geometry = require "flexlab.data.geometry"
local overlap = require "flexlab.data.overlap"
local scale = require "flexlab.data.scale"

local M = {}

--- Test frames that are training frames too, whatever files they are in.
function M.leakage(subject)
  local set = subject.set
  if not set then return subject.model and "note", subject.why_no_data end
  local found = overlap.of(set, true)
  local sentence = overlap.sentence(found)
  if sentence then return "fault", sentence end
  return "ok", ("none of %d test frames is among the training frames"):format(found.tests)
end

-- Largest difference of two scales, in units of the second's std.
local function distance(a, mean, std)
  local most = 0
  for c = 1, #mean do
    most = math.max(most, math.abs(a.mean[c] - mean[c]) / std[c], math.abs(a.std[c] / std[c] - 1))
  end
  return most
end

M.tolerance = 1e-3   -- relative: rounding of a checkpoint's text is far below, other frames far above

--- Mean and std of the run against those of its training frames, its test frames, and both.
function M.normalisation(subject)
  local set, model = subject.set, subject.model
  if not (set and model and model.scale) then return nil end
  local source, test = set.train.source, set.test.source
  local mean, std = scale.fit(source, set.train.entries, set.cfg.fit)
  local own = distance(model.scale, mean, std)
  if own < M.tolerance then return "ok", "mean and std are those of the training frames" end
  local tests = overlap.frames(set.test, 0, 0)
  local away = distance(model.scale, scale.fit(test, tests, set.cfg.fit))
  local both = source == test and distance(model.scale, scale.fit(source, source:list(), set.cfg.fit)) or math.huge
  local text = ("mean %.4g, std %.4g differ from the training frames' (%.4g, %.4g)"):format(model.scale.mean[1],
    model.scale.std[1], mean[1], std[1])
  if away < M.tolerance then return "fault", text .. ": they are those of the test frames" end
  if both < M.tolerance then return "fault", text .. ": they are those of training and test frames together" end
  return "note", text .. ": they were given, or the files have changed"
end

-- Pearson's r of two fields of equal shape.
local function correlation(a, b)
  a, b = a - a:mean():item(), b - b:mean():item()
  return (a * b):mean():item() / math.sqrt(a:square():mean():item() * b:square():mean():item() + 1e-300)
end

-- Adds the correlations of truth(x) with estimate(x + d) along an axis to sums[d], d = -reach .. reach.
local function correlate(sums, truth, estimate, axis, reach)
  local length = truth.shape[axis]
  local centre = truth:narrow { axis = axis, start = reach + 1, length = length - 2 * reach }
  for d = -reach, reach do
    local moved = estimate:narrow { axis = axis, start = reach + 1 + d, length = length - 2 * reach }
    sums[d] = (sums[d] or 0) + correlation(centre, moved)
  end
end

-- The d of the largest, by the parabola through it and its neighbours.
local function peak_of(r, reach)
  local best = -reach
  for d = -reach, reach do
    if r[d] > r[best] then best = d end
  end
  local low, peak, high = r[best - 1], r[best], r[best + 1]
  if not (low and high) then return best end
  return best + 0.5 * (low - high) / (low - 2 * peak + high)
end

-- How far a method (batch -> field) lies from the truth on the test batches, in pixels: y, x.
local function shift_of(set, method, reach)
  local rows, columns = {}, {}
  for batch in set.test:batches() do
    local scope <close> = core.scope()
    local field = method(batch)
    correlate(rows, batch.truth, field, 2, reach)
    correlate(columns, batch.truth, field, 3, reach)
    scope:close()
  end
  return peak_of(rows, reach), peak_of(columns, reach)
end

-- A sentence where coarse files are not what their degradation says: the baseline `registered` then lies (f-1)/2 pixels
-- off along both axes. Nothing but the fields themselves tells.
local function misplaced(set)
  local middle = (set.cfg.factor - 1) / 2
  local reach = math.min(set.cfg.factor, (math.min(set.height, set.width) - 4) // 2)
  if not set.cfg.low or reach < 1 or middle == 0 then return nil end
  local y, x = shift_of(set, require("flexlab.evaluation.baselines").registered, reach)
  if math.min(y, x) < middle / 2 and math.max(y, x) > -middle / 2 then return nil end
  return ("the baseline 'registered' lies (%.2f, %.2f) pixels from the truth (y, x): the coarse files' samples do not "
    .. "lie where degradation '%s' has them, and every comparison with it is unfair"):format(y, x, set.cfg.degradation)
end

--- How far the estimate lies from where the truth is, as the degradation itself makes it, and whether coarse files are
--- what it says of them.
function M.registration(subject)
  local set = subject.set
  if not set or set.task.name ~= "superres" then return nil end
  local wrong = misplaced(set)
  if wrong then return "fault", wrong end
  local cfg, size = set.cfg, 12 * set.cfg.factor
  local shift = geometry.measure(choices.get("degradations", cfg.degradation), cfg, size, size, set.channels).shift
  local text = ("the estimate lies (%.2f, %.2f) pixels from the truth (y, x)"):format(shift.y, shift.x)
  local function near(place) return math.max(math.abs(shift.y - place), math.abs(shift.x - place)) <= 0.25 end
  if near(0) then return "ok", text end
  if near((cfg.factor - 1) / 2) then
    return "note", text .. (": degradation '%s' resizes field[::f] with align_corners false, as FLEX's authors do, and "
      .. "the network must undo it; compare with baseline registered, or take degradation registered, which has no "
      .. "shift"):format(cfg.degradation)
  end
  return "fault", text .. "; the network must undo it"
end

return M
