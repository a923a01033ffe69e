--[[
placement - whether coarse files are what their degradation says: its samples points or cells of the fine grid
(geometry.lua). Nothing but the fields themselves tells: the coarse ones are interpolated by the degradation's word, and
cross-correlated with the fine ones. A run says so before it trains (batches.lua), the doctor whenever it is asked.
--]]
local core = require "flexlab.core"
local geometry = require "flexlab.data.geometry"

local M = {}

local BATCHES = 8   -- of the test part are looked at

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

-- How far coarse fields, interpolated, lie from the truth on the first test batches, in pixels: y, x.
local function shift_of(set, reach)
  local rows, columns, count = {}, {}, 0
  for batch in set.test:batches() do
    local scope <close> = core.scope()
    local field = geometry.interpolate(batch.low, set.height, set.width, "keys", batch.geometry)
    correlate(rows, batch.truth, field, 2, reach)
    correlate(columns, batch.truth, field, 3, reach)
    scope:close()
    count = count + 1
    if count == BATCHES then break end
  end
  return peak_of(rows, reach), peak_of(columns, reach)
end

--- A sentence where coarse files are not what their degradation says: the baseline `registered` then lies (f-1)/2
--- pixels off along both axes.
---@param set table  of data
---@return string|nil
function M.sentence(set)
  if not set.cfg.low then return nil end
  local middle = (set.cfg.factor - 1) / 2
  local reach = math.min(set.cfg.factor, (math.min(set.height, set.width) - 4) // 2)
  if reach < 1 or middle == 0 then return nil end
  local y, x = shift_of(set, reach)
  if math.min(y, x) < middle / 2 and math.max(y, x) > -middle / 2 then return nil end
  return ("the baseline 'registered' lies (%.2f, %.2f) pixels from the truth (y, x): the coarse files' samples do not "
    .. "lie where degradation '%s' has them, and every comparison with it is unfair"):format(y, x, set.cfg.degradation)
end

return M
