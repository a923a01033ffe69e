--[[
rollout - a forecast fed with its own answers, as far as one likes.

  local steps = flex.rollout(model, batch, { length = 20, steps = 2, members = 8 })
  steps[k].mean (N,H,W,C), steps[k].members       k leads after the batch's frame, physical units
  local r = flex.rollout.evaluate(model, data.test, { length = 20 })     by lead: rollout_scores.lua
  r.table:print()

Each member is fed its own past, so a member is one possible course of the flow. The authors feed the mean of
all members back to all (feedback = "mean"): the mean of an ensemble is smoother than any flow, so small
scales are lost step by step (evaluate.py of their code); that is here to be compared, not to be used.
Noise is addressed by (seed, sample, member, step of the rollout): a longer rollout begins with the same
bits as a shorter one, and member 3 is the same whether 3 or 30 are asked for (with their own past).
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local diffusion = require "flexlab.diffusion"
local expected = require "flexlab.expected"
local samples = require "flexlab.evaluation.samples"
local scales = require "flexlab.data.scales"
local rollout_scores = require "flexlab.evaluation.rollout_scores"
local settings = require "flexlab.settings"
local kinds = require "flexlab.tasks.kinds"

local M = {}

local declared = settings.of "rollout"
M.defaults = declared.defaults

-- Members of rollout step k are numbered from here: members of all steps differ (fewer than 65536 each).
local STRIDE = 1 << 16

local function checked(options, level)
  return settings.options("rollout", declared, options, { "batches", "name" }, level + 1)
end

-- What sampling needs of a batch whose past is `past`, a list of normalised frames, oldest first.
local function following(model, batch, past, cfg)
  local lead, leads = {}, kinds.forecast.leads(cfg)
  for i = 1, batch.estimate.shape[1] do lead[i] = leads[1] end
  local next_batch = { n = batch.n, re = batch.re, scale = batch.scale, ids = batch.ids, task = "forecast" }
  kinds.forecast.condition(next_batch, cfg, past, lead)
  return next_batch, model
end

-- Drops the oldest frame, appends the newest.
local function shifted(past, frame)
  local longer = table.move(past, 2, #past, 1, {})
  longer[#longer + 1] = frame
  return longer
end

local function mean_of(list)
  local sum = list[1]
  for i = 2, #list do sum = sum + list[i] end
  return #list > 1 and sum * (1 / #list) or sum
end

-- One step of all members: answers (physical) by member.
local function advance(model, batch, pasts, o, k, cfg)
  local answers = {}
  for m = 1, o.members do
    local now = following(model, batch, pasts[m], cfg)
    answers[m] = diffusion.sample(model, now, { steps = o.steps, sampler = o.sampler, seed = o.seed,
      first_member = (k - 1) * STRIDE + m })
  end
  return answers
end

-- The past in leads: with lead 2 the network was shown frames 1 apart and asked for the second after them,
-- which cannot be fed back; a rollout therefore needs past = 1 or a lead of 1.
local function described(model, batch)
  local cfg = model.data or context.data() and context.data().description or {}
  if batch.task ~= "forecast" or not batch.past or cfg.task and cfg.task ~= "forecast" then
    error("rollout: wanted a batch and a model of forecasting", 3)
  end
  local about = { past = #batch.past, lead = cfg.lead or 1 }
  if about.past > 1 and kinds.forecast.leads(about)[1] ~= 1 then
    error(("rollout: with %d past frames the (first) lead must be 1, it is %d"):format(about.past,
      kinds.forecast.leads(about)[1]), 3)
  end
  return about
end

--- Rolls a batch out: list of { mean =, members = } by step, (N,H,W,C) in physical units. flex.rollout(model, batch,
--- options) is the same.
---@param model table        a model of forecasting
---@param batch table        of flex.data.forecast
---@param options table|nil  length, members, steps, sampler, feedback ("member", "mean"), seed
---@return table[]
function M.sample(model, batch, options)
  local o, cfg = checked(options, 2), described(model, batch)
  local run = context.run()
  o.seed = o.seed or run and run.seed or model.seed or 1
  local pasts, result = {}, {}
  for m = 1, o.members do pasts[m] = batch.past end
  for k = 1, o.length do
    local scope <close> = core.scope()
    local answers = advance(model, batch, pasts, o, k, cfg)
    local mean = mean_of(answers)
    local shared = o.feedback == "mean" and scales.normalise(mean, batch.scale)
    for m = 1, o.members do
      pasts[m] = shifted(pasts[m], shared or scales.normalise(answers[m], batch.scale))
      scope:keep(pasts[m][#pasts[m]])
    end
    scope:keep(mean, table.unpack(answers))
    result[k] = { mean = mean, members = answers }
    if run then run:poll() end
  end
  return result
end

--- RFNE, Pearson's r and spectra by lead, beside the last frame again (persistence), over test batches
--- (rollout_scores.lua). The data must hold the frames: flex.data.forecast { horizon = length }.
---@param model table        a model of forecasting
---@param test table         data.test
---@param options table|nil  as flex.rollout's, and batches: the first so many
---@return table  lists by lead, tables, :save(folder), :parts() of a report: rollout_scores.lua has them
function M.evaluate(model, test, options)
  expected.methods("rollout.evaluate", "model", model, { "condition" }, 2)
  expected.methods("rollout.evaluate", "data", test, { "batches" }, 2)
  expected.entries("rollout.evaluate", "data", test, { "set" }, 2)
  expected.options("rollout.evaluate", options, 2)
  local o = checked(options, 2)
  if (test.set.cfg.horizon or 1) < o.length then
    error(("rollout.evaluate: a length of %d needs data with horizon = %d"):format(o.length, o.length), 2)
  end
  local lead, count, sums = kinds.forecast.leads(test.set.cfg)[1], 0, rollout_scores.new(o.length, test.set)
  local run, places = context.run(), {}
  for batch in test:batches() do
    local scope <close> = core.scope()
    local persistence = scales.physical(batch.estimate, batch.scale)
    for k, step in ipairs(M.sample(model, batch, o)) do
      sums:add(k, batch.ids, step, batch.after(k * lead), persistence)
    end
    for _, place in ipairs(run and samples.places(test, batch) or {}) do places[#places + 1] = place end
    scope:close()
    count = count + 1
    if o.batches and count >= o.batches then break end
  end
  if run then samples.keep_leads(run, o.name, sums, places) end
  return sums:result()
end

return setmetatable(M, { __call = function(_, ...) return M.sample(...) end })
