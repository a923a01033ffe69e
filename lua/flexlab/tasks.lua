--[[
tasks - what is known and what is asked: super-resolution and forecasting.

A task says how a batch is filled. `fill(batch, set, n, frame)`: frame(offset) gives the patches
(N,H,W,C) of the frames `offset` after the batch's, in physical units; it sets target, estimate and
lowres (normalised), truth and, for super-resolution, low (physical).
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"

local M = {}

local function normalise(t, scale)
  return require("flexlab.data").normalise(t, scale)
end

M.superres = {
  name = "superres",
  defaults = { factor = 4, degradation = "bicubic" },
}

function M.superres.check(cfg, set)
  choices.get("degradations", cfg.degradation)
  if math.type(cfg.factor) ~= "integer" or cfg.factor < 1 then
    error("data.superres: factor must be a whole number, got " .. tostring(cfg.factor), 0)
  elseif set.height % cfg.factor ~= 0 or set.width % cfg.factor ~= 0 then
    error(("data.superres: crop %dx%d is not divisible by factor %d"):format(set.height, set.width,
      cfg.factor), 0)
  end
  return { before = 0, after = 0 }
end

function M.superres.cond_channels(_, channels) return channels end

function M.superres.describe(cfg)
  return { task = "superres", factor = cfg.factor, degradation = cfg.degradation, crop = cfg.crop }
end

--- What the network is given of low (N,h,w,C), physical: batch.low, estimate and lowres.
--- Also used where there is no truth (flexlab sample).
function M.superres.condition(batch, description, height, width)
  local degradation = choices.get("degradations", description.degradation)
  local estimate = degradation.up(batch.low, height, width, description)
  batch.estimate = normalise(estimate, batch.scale)
  batch.lowres = batch.estimate
  return batch
end

function M.superres.fill(batch, set, _, frame)
  local degradation = choices.get("degradations", set.cfg.degradation)
  batch.truth = frame(0)
  batch.low = degradation.low(batch.truth, set.cfg.factor)
  M.superres.condition(batch, set.cfg, set.height, set.width)
  batch.target = normalise(batch.truth, batch.scale)
end

M.forecast = {
  name = "forecast",
  defaults = { past = 2, lead = 1 },
}

function M.forecast.check(cfg)
  if math.type(cfg.past) ~= "integer" or cfg.past < 1 or math.type(cfg.lead) ~= "integer" or cfg.lead < 1 then
    error("data.forecast: past and lead must be whole numbers from 1 on", 0)
  end
  return { before = cfg.past - 1, after = cfg.lead }
end

function M.forecast.cond_channels(cfg, channels) return cfg.past * channels end

function M.forecast.describe(cfg)
  return { task = "forecast", past = cfg.past, lead = cfg.lead, crop = cfg.crop }
end

-- The batch's frame is the last past one; channels of lowres run from the oldest frame to it.
function M.forecast.fill(batch, set, _, frame)
  batch.truth = frame(set.cfg.lead)
  batch.target = normalise(batch.truth, batch.scale)
  local past
  for offset = 1 - set.cfg.past, 0 do
    batch.estimate = normalise(frame(offset), batch.scale)
    past = past and core.concat(past, batch.estimate, { axis = -1 }) or batch.estimate
  end
  batch.lowres = past
end

return M
