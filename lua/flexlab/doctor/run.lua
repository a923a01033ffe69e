--[[
run - weights, pull, feedback: what only a run can have wrong (see init.lua).
--]]
local compare = require "flexlab.evaluation.compare"
local core = require "flexlab.core"
local diffusion = require "flexlab.diffusion"
local notes = require "flexlab.context.notes"

local M = {}

M.members, M.steps = 8, 2

-- The first parameter with a value that is not finite: a sentence, or nil.
local function bad_weight(model)
  local count, first = 0, nil
  for _, p in ipairs(model:parameters()) do
    local s = p.tensor:summary()
    if s.nonfinite > 0 then
      count = count + 1
      first = first or ("'%s' has %d of %d"):format(p.name, s.nonfinite, p.tensor:count())
    end
  end
  if not first then return nil end
  return ("%d tensors hold values that are not finite; the first, in the network's order: %s"):format(count, first)
end

local function broken(t) return t:summary().nonfinite > 0 end

-- The first place of a pass whose output is not finite, by whichever paths the condition enters: the model shows what
-- its blocks hand over, condition encoder, base encoder, attention to the condition, the decoder as a whole.
local function bad_pass(model, batch)
  local place
  local function seen(where, t)
    if not place and broken(t) then place = where end
  end
  local features = model:condition(batch, seen)
  local x = core.normal(batch.target.shape, { seed = 1, stream = "sample" })
  model:predict(x, core.full({ batch.target.shape[1] }, 0.5), batch, features, seen)
  return place
end

--- Weights that are not finite, else the first block whose output is not.
---@param subject table  model, set, why
---@return string|nil  state
---@return string|nil  sentence
function M.weights(subject)
  local model = subject.model
  if not model then return subject.why and "note" or nil, subject.why end
  local text = bad_weight(model)
  if text then return "fault", text end
  if not (subject.set and model.net) then return "ok", "all weights are finite" end
  local batch = subject.set.test:batches()()
  local place = core.no_grad(function() return model:use(bad_pass, model, batch) end)
  if place then
    return "fault", ("all weights are finite, but the output of %s is not, on a test batch"):format(place)
  end
  return "ok", "all weights, and the outputs of all blocks on a test batch, are finite"
end

--- What the run has noted of an optimiser that moved nothing: its weights are those that it began with.
---@param subject table  dir
---@return string|nil  state
---@return string|nil  sentence
function M.training(subject)
  if not subject.dir then return nil end
  for _, sentence in ipairs(notes.of(subject.dir)) do
    if sentence:find "^the optimiser " then return "fault", sentence end
  end
end

--- Error of the ensemble's mean against its spread, with the (M + 1) / M of a finite ensemble [Fortin et al. 2014].
--- sigma is the width of the pull; the authors' rule is |mu| <= 0.05 and 0.9 <= sigma <= 1.1. Breaking it is a note:
--- how good an ensemble is, its scores say (spread_skill, pull_sd), and a short training leaves most too narrow.
---@param subject table  set, model
---@return string|nil  state
---@return string|nil  sentence
function M.pull(subject)
  local set, model = subject.set, subject.model
  if not (set and model) then return nil end
  local count, bias, errors, spreads = 0, 0, 0, 0
  for batch in set.test:batches() do
    local scope <close> = core.scope()
    local mean, members = diffusion.sample(model, batch, { members = M.members, steps = M.steps })
    local difference = mean - batch.truth
    bias, errors = bias + difference:mean():item(), errors + difference:square():mean():item()
    spreads = spreads + compare.spread(mean, members):square():mean():item()
    count = count + 1
    scope:close()
  end
  local spread = math.sqrt(spreads / count * (M.members + 1) / M.members)
  local mu, sigma = bias / count / spread, math.sqrt(errors / count) / spread
  local text = ("pull of %d members: mu %.2f, sigma %.2f"):format(M.members, mu, sigma)
  if sigma > 1.1 then return "note", text .. ": the ensemble is over-confident, its error exceeds its spread" end
  if sigma < 0.9 then return "note", text .. ": the ensemble is under-confident, wider than its error" end
  if math.abs(mu) > 0.05 then return "note", text .. ": the ensemble is biased" end
  if sigma ~= sigma then return "fault", text .. ": its members or the truth hold values that are not finite" end
  return "ok", text
end

-- The path of a key `feedback` whose value is "mean", in nested settings.
local function find_feedback(t, path)
  for k, v in pairs(t) do
    if k == "feedback" and v == "mean" then return path .. k end
    local found = type(v) == "table" and find_feedback(v, path .. tostring(k) .. ".")
    if found then return found end
  end
end

--- Rollouts that feed the mean back: by the settings, else by the text of the recipe.
---@param subject table  config, recipe (its text)
---@return string|nil  state
---@return string|nil  sentence
function M.feedback(subject)
  if not subject.config then return nil end
  local place = find_feedback(subject.config, "")
  if not place and subject.recipe:match("feedback%s*=%s*[\"']mean[\"']")
    and not subject.recipe:match("feedback%s*=%s*cfg") then
    place = "its recipe"
  end
  if place then
    return "fault", ("%s feeds the mean of the ensemble back: the mean of flows is no flow, its small scales fade; "
      .. "feedback = \"member\" lets each member go on from itself"):format(place)
  end
  if subject.model and subject.model.data and subject.model.data.task == "forecast" then
    return "ok", "no setting feeds the mean of an ensemble back"
  end
end

return M
