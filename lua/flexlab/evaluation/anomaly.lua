--[[
anomaly - fields whose mean is most of them. The RFNE of a temperature of 285 +- 12 K is about 0.04 for any method that
knows the mean, so it is also given of the anomaly, the field less the mean of each channel over the training frames
[as anomaly correlations in weather forecasting: Murphy & Epstein 1989]:
  rfne_anomaly = ||p - y|| / ||y - m||, for each sample, then averaged
It is there where the mean of a channel holds more than half of its mean square over the test samples, |mean| > standard
deviation. Only the norm of the truth changes, so errors and moments of each sample are all that is kept of the fields.
--]]
local core = require "flexlab.core"
local scales = require "flexlab.data.scales"

local M = {}

local Sums = {}
Sums.__index = Sums

--- Sums over test batches.
---@return table
function M.new() return setmetatable({ channels = {} }, Sums) end

--- Adds a batch's channel c: prediction and truth (N,H,W,1).
---@param c integer                  channel
---@param prediction flexlab.Tensor  (N,H,W,1), physical units
---@param truth flexlab.Tensor       (N,H,W,1), physical units
function Sums:add(c, prediction, truth)
  self.channels[c] = self.channels[c] or {}
  local errors, moments = core.metrics.rmse(prediction, truth):totable(), core.metrics.moments(truth):totable()
  for i, error in ipairs(errors) do
    table.insert(self.channels[c], { error = error, mean = moments[4 * i - 3], sd = moments[4 * i - 2] })
  end
end

-- Mean, variance and mean square over all samples of a channel.
local function pooled(samples)
  local mean, square, n = 0, 0, #samples
  for _, s in ipairs(samples) do mean, square = mean + s.mean / n, square + (s.mean ^ 2 + s.sd ^ 2) / n end
  local variance = 0
  for _, s in ipairs(samples) do variance = variance + (s.sd ^ 2 + (s.mean - mean) ^ 2) / n end
  return { mean = mean, variance = variance, square = square }
end

-- Mean square of a channel less a number.
local function left(p, number) return p.variance + (p.mean - number) ^ 2 end

-- The mean over training frames of channel c: that in use, unless it is a number that the field is not around.
local function training_mean(c, p, set)
  local own = set and set.scale and set.scale.mean[c]
  if own and left(p, own) < 0.5 * p.square then return own end
  if not (set and set.train) then return p.mean end
  set.fitted_mean = set.fitted_mean or scales.fit(set.train.source, set.train.entries, set.cfg.fit)
  return set.fitted_mean[c]
end

-- Mean over samples of error over anomaly, the channels in `list` together.
local function score(channels, means, list)
  local values = {}
  for i = 1, #channels[1] do
    local error, norm = 0, 0
    for _, c in ipairs(list) do
      local s = channels[c][i]
      error, norm = error + s.error ^ 2, norm + s.sd ^ 2 + (s.mean - means[c]) ^ 2
    end
    values[i] = error == 0 and 0 or math.sqrt(error / norm)
  end
  return values
end

--- { all = values by sample, channels = { values by sample } } and a sentence; nil where no mean is most of a field.
---@param names string[]  of the channels
---@param set table|nil   flexlab.tasks's, whose training frames the means are of
---@return table|nil
---@return string|nil
function Sums:result(names, set)
  local means, worst = {}, nil
  for c, samples in ipairs(self.channels) do
    local p = pooled(samples)
    if p.variance < 0.5 * p.square then
      means[c] = training_mean(c, p, set)
      worst = worst or { c = c, p = p }
    end
  end
  if not worst then return nil end
  local result, all = { channels = {} }, {}
  for c, samples in ipairs(self.channels) do
    means[c], all[c] = means[c] or training_mean(c, pooled(samples), set), c
    result.channels[c] = score(self.channels, means, { c })
  end
  result.all = score(self.channels, means, all)
  return result, ("over the test tiles the mean of '%s' is %.4g and its standard deviation %.3g, so RFNE is small "
    .. "whatever a method does; rfne_anomaly is that of the fields less their training mean"):format(names[worst.c],
    worst.p.mean, math.sqrt(worst.p.variance))
end

return M
