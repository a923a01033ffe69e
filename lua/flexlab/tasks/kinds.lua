--[[
kinds - what is known and what is asked: super-resolution and forecasting.

A task says how a batch is filled. `fill(batch, set, at)`, where
  at.frame(offset)   patches (N,H,W,C) of the frames `offset` after the batch's, in physical units;
                     offset is a number or a list of N numbers
  at.low()           patches (N,H/f,W/f,C) of the coarse files, nil where none are given
  at.key(i)          an address of random numbers for sample i
sets target, estimate and lowres (normalised), truth and, for super-resolution, low (physical).
`offsets(batch, set, at)` lists the offsets that fill will ask for, so that they can be read ahead; only n is
known of the batch.
`check(cfg, set)` gives { before =, after =, horizon = } : the neighbours in time that a batch asks for, and
those that a test batch asks for (evaluation/rollout.lua).
--]]
local choices = require "flexlab.choices"
local context = require "flexlab.context"
local core = require "flexlab.core"
local geometry = require "flexlab.data.geometry"
local notes = require "flexlab.context.notes"
local rng = require "flexlab.rng"
local scales = require "flexlab.data.scales"
local settings = require "flexlab.settings"

local M = {}

local function normalise(t, scale)
  return scales.normalise(t, scale)
end

M.superres = {
  name = "superres",
  defaults = settings.of("superres").added,
}

function M.superres.check(cfg, set)
  local choice = choices.get("degradations", cfg.degradation)
  if context.run() and cfg.noise ~= M.superres.defaults.noise and choice.own and choice.name ~= "noisy" then
    notes.add(("data.noise = %g changes nothing: degradation '%s' has none"):format(cfg.noise, cfg.degradation))
  end
  if set.height % cfg.factor ~= 0 or set.width % cfg.factor ~= 0 then
    error(("data.superres: crop %dx%d is not divisible by factor %d"):format(set.height, set.width,
      cfg.factor), 0)
  end
  return { before = 0, after = 0, horizon = 0 }
end

function M.superres.cond_channels(_, channels) return channels end

function M.superres.describe(cfg)
  return { task = "superres", factor = cfg.factor, degradation = cfg.degradation, noise = cfg.noise,
    crop = cfg.crop, circular = cfg.circular }
end

--- What the network is given of low (N,h,w,C), physical: batch.low, estimate and lowres; and where its samples lie.
--- Also used where there is no truth (flexlab sample).
function M.superres.condition(batch, description, height, width)
  local degradation = choices.get("degradations", description.degradation)
  local estimate = degradation.up(batch.low, height, width, description)
  batch.estimate = normalise(estimate, batch.scale)
  batch.lowres = batch.estimate
  batch.geometry = geometry.of(description)
  return batch
end

function M.superres.offsets() return { 0 } end

function M.superres.fill(batch, set, at)
  local degradation = choices.get("degradations", set.cfg.degradation)
  batch.truth = at.frame(0)
  batch.low = at.low() or degradation.low(batch.truth, set.cfg.factor, set.cfg, at.key)
  M.superres.condition(batch, set.cfg, set.height, set.width)
  batch.target = normalise(batch.truth, batch.scale)
end

M.forecast = {
  name = "forecast",
  -- of a list of leads each sample is given one, drawn at random, and told it by a channel lead/largest
  -- [as SuperDiffusion's --num-pred-steps]
  defaults = settings.of("forecast").added,
}

--- The leads of a configuration as a list.
function M.forecast.leads(cfg)
  return type(cfg.lead) == "table" and cfg.lead or { cfg.lead }
end

function M.forecast.check(cfg)
  local leads = M.forecast.leads(cfg)
  local largest = math.max(table.unpack(leads))
  return { before = cfg.past - 1, after = largest, horizon = math.max(largest, leads[1] * cfg.horizon) }
end

function M.forecast.cond_channels(cfg, channels)
  return cfg.past * channels + (#M.forecast.leads(cfg) > 1 and 1 or 0)
end

function M.forecast.describe(cfg)
  return { task = "forecast", past = cfg.past, lead = cfg.lead, crop = cfg.crop }
end

--- What the network is given of a list of past frames (N,H,W,C), normalised, the oldest first; lead[i] is
--- that of sample i. Also used by rollouts.
function M.forecast.condition(batch, cfg, past, lead)
  local leads = M.forecast.leads(cfg)
  batch.estimate, batch.lowres, batch.past, batch.last = past[#past], past[1], past, past[#past]
  for i = 2, #past do batch.lowres = core.concat(batch.lowres, past[i], { axis = -1 }) end
  if #leads > 1 then
    local n, h, w = table.unpack(batch.estimate.shape)
    local value = core.tensor(lead):reshape { n, 1, 1, 1 } * (1 / math.max(table.unpack(leads)))
    batch.lowres = core.concat(batch.lowres, core.zeros { n, h, w, 1 } + value, { axis = -1 })
  end
  return batch
end

-- The lead of each sample: the only one, that of `at`, or one drawn at the sample's address.
local function leads_of(batch, cfg, at)
  local leads, list = M.forecast.leads(cfg), {}
  for i = 1, batch.n do
    list[i] = at.lead or #leads == 1 and leads[1] or leads[rng.integers(at.key(i), 1, #leads)[1]]
  end
  return list
end

--- The leads first, then the past from the oldest frame on.
function M.forecast.offsets(batch, set, at)
  local offsets = { leads_of(batch, set.cfg, at) }
  for offset = 1 - set.cfg.past, 0 do offsets[#offsets + 1] = offset end
  return offsets
end

-- The batch's frame is the last past one; channels of lowres run from the oldest frame to it.
function M.forecast.fill(batch, set, at)
  local offsets, past = M.forecast.offsets(batch, set, at), {}
  batch.lead = offsets[1]
  batch.truth = at.frame(batch.lead)
  batch.target = normalise(batch.truth, batch.scale)
  for i = 2, #offsets do past[i - 1] = normalise(at.frame(offsets[i]), batch.scale) end
  M.forecast.condition(batch, set.cfg, past, batch.lead)
  -- The truth `frames` after the last past one, while the batch's scope is open.
  batch.after = at.frame
end

return M
