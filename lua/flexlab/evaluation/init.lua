--[[
evaluation - how good a sampler is on test batches. Everything is computed per sample in physical units
and then averaged (the RFNE of a batch as a whole is another number).

  scores = flex.evaluate(function(batch) return flex.diffusion.sample(model, batch) end, data.test)
scores: every metric of pairs in core.metrics.list that the fields allow (rfne ssim spectral_high ...); with
a list of members as second result every one of ensembles (crps spread_skill ...), spread, and calibration
(an object, calibration.lua); n; spectrum = { truth = {}, prediction = {}, low = {} }, power by ring under
a Hann window (tiles are cut out of larger fields); per_sample = { rfne = {}, ... }, id = {}; left_out =
{ ssim = "why" }, the metrics that such fields do not allow; channels = { names }.
Of several channels each is scored too, scores["rfne.u"], since a norm over all of them is that of the largest; and
where a mean is most of a field, scores.rfne_anomaly (anomaly.lua), with a note why. Samples that hold one number
everywhere are left out of the means of scores that they do not allow (constant.lua), and scores.notes says so. Of one
member the CRPS is the MAE, in all that is scored here; what needs two is absent, and a note says that too.
--]]
local anomaly = require "flexlab.evaluation.anomaly"
local calibration = require "flexlab.evaluation.calibration"
local config = require "flexlab.config"
local constant = require "flexlab.evaluation.constant"
local context = require "flexlab.context"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local notes = require "flexlab.context.notes"
local samples = require "flexlab.evaluation.samples"
local words = require "flexlab.words"

local M = {}

--- Names of the metrics of pairs and of ensembles.
M.metrics, M.ensemble_metrics = {}, {}
for _, m in ipairs(core.metrics.list) do
  local list = m.takes == "pair" and M.metrics or M.ensemble_metrics
  list[#list + 1] = m.name
end

local ONE_MEMBER = "evaluate: an ensemble of one member: its crps is the mean absolute error (the fair estimator, "
  .. "spread and calibration need two members or more)"

local function append(list, values)
  for _, v in ipairs(values) do list[#list + 1] = v end
end

-- Adds the rows of a (N,bins) spectrum.
local function add_spectrum(sum, tensor)
  local n, bins, flat = tensor.shape[1], tensor.shape[2], tensor:totable()
  for i = 0, n - 1 do
    for b = 1, bins do sum[b] = (sum[b] or 0) + flat[i * bins + b] end
  end
end

-- Scores of the ensemble that are means over samples.
local function ensemble(scores, members, truth)
  for i = 1, truth.shape[1] do
    local scope <close> = core.scope()
    local result = core.metrics.ensemble(calibration.stack(members, i),
      truth:narrow { axis = 1, start = i, length = 1 })
    append(scores.crps, { result.crps:item() })
    if result.spread then append(scores.spread, { result.spread:mean():item() }) end
    scope:close()
  end
end

--- Collects the scores of one method, batch by batch: add(batch, prediction [, members]), result().
local Scorer = {}
Scorer.__index = Scorer

-- Lists for the values of every metric.
local function lists()
  local scores = { crps = {}, spread = {} }
  for _, name in ipairs(M.metrics) do scores[name] = {} end
  return scores
end

--- Sums of scores over test batches.
---@param set table|nil  the data that the batches are of, for the names of channels and their training means
---@return table
function M.scorer(set)
  return setmetatable({ set = set, scores = lists(), channels = {}, ids = {}, left_out = {}, spectra = {},
    kinds = {}, channel_kinds = {}, sums = calibration.sums(), anomaly = anomaly.new() }, Scorer)
end

-- The values of a metric, or nil where fields like the truth do not allow it (too small for SSIM's window): it
-- then fails for the truth against itself too. Whatever else goes wrong is the prediction's fault, and raised.
local function values_of(name, prediction, truth)
  local ok, values = pcall(core.metrics[name], prediction, truth)
  if ok then return values:totable() end
  if pcall(core.metrics[name], truth, truth) then error(values, 0) end
  return nil, (tostring(values):gsub("^[^:]+:%d+: ", ""))
end

-- The values of every metric, put into `scores`, and what kinds of samples they are of, into `kinds`.
local function score(scores, kinds, left_out, prediction, members, truth)
  local now = constant.kinds(truth)
  append(kinds, now)
  for _, name in ipairs(M.metrics) do
    local values, why = values_of(name, prediction, truth)
    for i in ipairs(values or {}) do
      if constant.undefined(name, now[i]) then values[i] = 0 / 0 end
    end
    if values then append(scores[name], values) else left_out[name] = why end
  end
  if members and #members > 0 then ensemble(scores, members, truth) end
end

-- Each channel by itself; of one alone, what an anomaly asks for.
local function score_channels(self, prediction, members, truth)
  local count = truth.shape[4]
  for c = 1, count do
    local scope <close> = core.scope()
    local function channel(t) return count == 1 and t or t:narrow { axis = 4, start = c, length = 1 } end
    local p, y, own = channel(prediction), channel(truth), {}
    self.anomaly:add(c, p, y)
    if count > 1 then
      for m, member in ipairs(members or {}) do own[m] = channel(member) end
      self.channels[c], self.channel_kinds[c] = self.channels[c] or lists(), self.channel_kinds[c] or {}
      score(self.channels[c], self.channel_kinds[c], self.left_out, p, own, y)
    end
    scope:close()
  end
end

--- Adds the scores of a batch.
---@param batch table                   truth (N,H,W,C), low or none, ids
---@param prediction flexlab.Tensor     (N,H,W,C), physical units
---@param members flexlab.Tensor[]|nil  each (N,H,W,C)
function Scorer:add(batch, prediction, members)
  score(self.scores, self.kinds, self.left_out, prediction, members, batch.truth)
  score_channels(self, prediction, members, batch.truth)
  self.sums:add(members, batch)
  local low = batch.low
  if low and math.min(low.shape[2], low.shape[3]) < 2 then low = nil end
  for name, field in pairs { truth = batch.truth, prediction = prediction, low = low } do
    self.spectra[name] = self.spectra[name] or {}
    add_spectrum(self.spectra[name], core.metrics.spectrum(field, { window = true }))
  end
  append(self.ids, batch.ids)
end

-- Names of channels that are keys of a result: those of the data, letters, digits, _ and -, each once.
local function names_of(set, count)
  local names, seen = {}, {}
  for c = 1, count do
    local name = tostring(set and set.names and set.names[c] or "channel_" .. c):gsub("[^%w_-]", "_")
    names[c] = seen[name] and name .. "_" .. c or name
    seen[names[c]] = true
  end
  return names
end

-- Adds lists of values by sample under names that end with `suffix`.
local function put(result, scores, suffix, kinds)
  for name, list in pairs(scores) do
    if #list > 0 then
      result[name .. suffix], result.per_sample[name .. suffix] = constant.mean(name, list, kinds), list
    end
  end
end

-- The scores of each channel where there are several, and those of the anomaly where there is one.
local function put_channels(result, self)
  result.channels = names_of(self.set, #self.anomaly.channels)
  local found
  found, result.note = self.anomaly:result(result.channels, self.set)
  if found then put(result, { rfne_anomaly = found.all }, "", {}) end
  result.notes = { result.note }
  if #self.scores.crps > 0 and not result.calibration then table.insert(result.notes, ONE_MEMBER) end
  table.insert(result.notes, (constant.sentence(self.kinds, self.ids)))
  for c, name in ipairs(#result.channels > 1 and result.channels or {}) do
    put(result, self.channels[c], "." .. name, self.channel_kinds[c])
    if found then put(result, { rfne_anomaly = found.channels[c] }, "." .. name, {}) end
    table.insert(result.notes, (constant.sentence(self.channel_kinds[c], self.ids, name)))
  end
end

local Scores = {}
Scores.__index = Scores

--- What a recipe returns of its scores: those that are named, each channel's too where there are several (rfne.u), and
--- rfne_anomaly where there is one. Names that these fields do not allow are left out.
---@param names string[]  { "rfne", "crps" }
---@param more table|nil  further results, by name
---@return table
function Scores:summary(names, more)
  local result = {}
  for _, name in ipairs { "rfne_anomaly", table.unpack(names) } do
    result[name] = self[name]
    for _, channel in ipairs(self.channels) do result[name .. "." .. channel] = self[name .. "." .. channel] end
  end
  for name, value in pairs(more or {}) do result[name] = value end
  return result
end

--- The scores of all batches so far, as the head says.
---@return table
function Scorer:result()
  local n = #self.ids
  local result = setmetatable({ n = n, id = self.ids, per_sample = {}, spectrum = {},
    calibration = self.sums:result(), left_out = self.left_out }, Scores)
  put(result, self.scores, "", self.kinds)
  put_channels(result, self)
  for _, name in ipairs(result.calibration and M.ensemble_metrics or {}) do
    result[name] = result[name] or result.calibration[name]
  end
  for name, sum in pairs(self.spectra) do
    result.spectrum[name] = {}
    for b, v in ipairs(sum) do result.spectrum[name][b] = v / n end
  end
  return result
end

--- Scores of `sampler(batch) -> prediction [, members]` over test batches.
---@param sampler function   batch -> prediction [, members]
---@param test table         data.test
---@param options table|nil  { batches = the first so many, each = function(batch, prediction, members), name = of the
---  method in samples.csv, single = true: an ensemble of one by design, of which no note says so }
---@return table  scores, as the head says
function M.evaluate(sampler, test, options)
  if type(sampler) ~= "function" and type((getmetatable(sampler) or {}).__call) ~= "function" then
    error("evaluate: the first argument must be a function that samples a batch, got " .. words.show(sampler), 2)
  end
  expected.methods("evaluate", "data", test, { "batches" }, 2)
  expected.options("evaluate", options, 2)
  local o = config.options("evaluate", { batches = false, each = false, members = false, name = false, single = false },
    options, nil, 2)
  local scorer, run, count, places = M.scorer(test.set), context.run(), 0, {}
  for batch in test:batches() do
    local scope <close> = core.scope()
    local prediction, members = sampler(batch)
    scorer:add(batch, prediction, members)
    for _, place in ipairs(run and samples.places(test, batch) or {}) do places[#places + 1] = place end
    if o.each then o.each(batch, prediction, members) end
    scope:close()
    count = count + 1
    if run then
      run:poll()
      run.progress:note(("scoring %s: %d test samples done"):format(o.name or "", #scorer.ids))
    end
    if o.batches and count >= o.batches then break end
  end
  if run then run.progress:clear() end
  if count == 0 then error("evaluate: there are no test batches", 2) end
  local result = scorer:result()
  for _, sentence in ipairs(result.notes) do
    if not (o.single and sentence == ONE_MEMBER) then notes.add(sentence) end
  end
  if run then samples.keep(run, sampler, o.name or nil, result, places) end
  return result
end

return M
