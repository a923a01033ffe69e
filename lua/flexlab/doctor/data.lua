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

-- How far each of `methods` (batch -> field) lies from the truth on the test batches, in pixels: list of { y, x }.
local function shifts_of(set, methods, reach)
  local sums, list = {}, {}
  for i = 1, #methods do sums[i] = { {}, {} } end
  for batch in set.test:batches() do
    local scope <close> = core.scope()
    for i, method in ipairs(methods) do
      local field = method(batch)
      correlate(sums[i][1], batch.truth, field, 2, reach)
      correlate(sums[i][2], batch.truth, field, 3, reach)
    end
    scope:close()
  end
  for i, s in ipairs(sums) do list[i] = { peak_of(s[1], reach), peak_of(s[2], reach) } end
  return list
end

local NEAR = 0.25   -- pixels

local function near(shift, y, x, most)
  return math.abs(shift[1] - y) <= (most or NEAR) and math.abs(shift[2] - x) <= (most or NEAR)
end

-- Whether the degradation itself is made to shift its estimate as far (bicubic, bilinear, nearest: FLEX's).
local function is_own(set, shift)
  local cfg = set.cfg
  local own = geometry.measure(choices.get("degradations", cfg.degradation), cfg, 12 * cfg.factor, 12 * cfg.factor)
  return near(shift, own.shift.y, own.shift.x, 2 * NEAR)   -- between two pixels the peak is found less well
end

--- How far the estimate lies from where the truth is, by cross-correlation, and whether the baseline `registered`
--- lies there: of coarse files nothing else tells whether their samples are points or cells.
function M.registration(subject)
  local set = subject.set
  if not set or set.task.name ~= "superres" then return nil end
  local reach = math.min(set.cfg.factor, (math.min(set.height, set.width) - 4) // 2)
  if reach < 1 then return "note", "the patches are too small to look for a shift" end
  local baselines = require "flexlab.evaluation.baselines"
  local shift, registered = table.unpack(shifts_of(set, { baselines.persistence, baselines.registered }, reach))
  local text = ("the estimate lies (%.2f, %.2f) pixels from the truth (y, x)"):format(table.unpack(shift))
  if not near(registered, 0, 0) then
    return "fault", text .. (", and the baseline 'registered' (%.2f, %.2f): the coarse samples do not lie where "
      .. "degradation '%s' has them; every comparison with it is unfair"):format(registered[1], registered[2],
      set.cfg.degradation)
  end
  if near(shift, 0, 0) then return "ok", text end
  if is_own(set, shift) then
    return "note", text .. (", as degradation '%s' of FLEX's authors has it; the network must undo it, so compare with "
      .. "baseline registered, or take degradation registered, which has no shift"):format(set.cfg.degradation)
  end
  return "fault", text .. "; the network must undo it"
end

return M
