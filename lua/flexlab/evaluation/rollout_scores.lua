--[[
rollout_scores - a rollout judged lead by lead: errors, correlation, and how much of each scale is there.

  local scores = require("flexlab.evaluation.rollout_scores").new(length)
  scores:add(k, ids, step, truth, persistence)       step of flex.rollout; fields (N,H,W,C), physical
  local r = scores:result()
r has lists by lead: rfne, pearson (of the members' mean), persistence, persistence_pearson (of the last frame
again), fine_scales (power of member 1 above half the resolved wavenumbers relative to the truth's, rings of fields
as they are); and horizon, the first lead whose r is below 0.8 (length + 1: none is).
r["rfne.u"] and its like are lists too where there are several channels, and r.rfne_anomaly where a mean is most of a
field (anomaly.lua); r.others names them.
r.bands.low, .middle, .high hold lists by lead for members, mean and persistence: the error of the power in three
bands of scales (core.metrics.spectral_low and its like), averaged over members and samples; NaN where fields are too
small for bands. r.spectrum[k] holds lists by wavenumber 0, 1, ...: truth, members, mean, persistence, power by ring
under a Hann window (evaluation/init.lua), in units of the field squared. `members` are the members' own errors and
spectra, averaged: a mean of fields has less power than any of them.
r.table and r.spectral are tables of it; r:save(folder) writes rollout.csv (both, and the mean's bands),
rollout_spectra.csv and rollout_spectra.svg; r:parts() is what a report shows.
--]]
local core = require "flexlab.core"
local evaluation = require "flexlab.evaluation"
local notes = require "flexlab.context.notes"
local plot = require "flexlab.plot"
local tabulate = require "flexlab.tabulate"

local M = {}

local Scores, Result = {}, {}
Scores.__index, Result.__index = Scores, Result

local who, bands = { "members", "mean", "persistence" }, { "low", "middle", "high" }

--- Sums for a rollout of so many leads; `set` are the data that the batches are of.
---@param length integer  leads
---@param set table|nil   the data that the batches are of
---@return table
function M.new(length, set)
  local self = setmetatable({}, Scores)
  for k = 1, length do
    self[k] = { fine = 0 }
    for _, name in ipairs(who) do self[k][name] = evaluation.scorer(set) end
  end
  return self
end

-- Energy above half the resolved wavenumbers, of a field relative to the truth's: 1 is right.
local function fine_scales(field, truth)
  local function share(t)
    local rows = core.metrics.spectrum(t)
    local bins, sum = rows.shape[2], 0
    local half, flat = plot.rings(bins), rows:totable()
    for i = 0, rows.shape[1] - 1 do
      for b = half // 2 + 1, half do sum = sum + flat[i * bins + b] end
    end
    return sum
  end
  return share(field) / share(truth)
end

--- Adds lead k of a batch: step = { mean =, members = } of flex.rollout, ids of the samples.
---@param k integer                   lead, from 1
---@param ids integer[]               of the samples
---@param step table                  { mean =, members = } of flex.rollout
---@param truth flexlab.Tensor        (N,H,W,C), physical units
---@param persistence flexlab.Tensor  (N,H,W,C), the last frame
function Scores:add(k, ids, step, truth, persistence)
  local scope <close> = core.scope()
  local sums, batch = self[k], { truth = truth, ids = ids }
  sums.mean:add(batch, step.mean)
  sums.persistence:add(batch, persistence)
  for _, member in ipairs(step.members) do sums.members:add(batch, member) end
  sums.fine = sums.fine + #ids * fine_scales(step.members[1], truth)
  scope:close()
end

local function add_bands(result, k, lead)
  for _, band in ipairs(bands) do
    for _, name in ipairs(who) do
      result.bands[band][name][k] = lead[name]["spectral_" .. band] or 0 / 0
    end
  end
end

-- What evaluation says of channels and of the anomaly: r["rfne.u"], r.rfne_anomaly, lists by lead as r.rfne is; NaN at
-- a lead where no mean is most of a field.
local function add_others(result, k, lead)
  for name, value in pairs(lead) do
    if type(value) == "number" and name:match "^rfne[._]" then
      if not result[name] then
        result[name], result.others[#result.others + 1] = {}, name
        for earlier = 1, k - 1 do result[name][earlier] = 0 / 0 end
      end
      result[name][k] = value
    end
  end
  for _, name in ipairs(result.others) do result[name][k] = result[name][k] or 0 / 0 end
  for _, sentence in ipairs(k == 1 and lead.notes or {}) do notes.add(sentence) end
end

local function add_lead(result, k, sums)
  local lead = {}
  for _, name in ipairs(who) do lead[name] = sums[name]:result() end
  result.rfne[k], result.pearson[k] = lead.mean.rfne, lead.mean.pearson
  result.persistence[k], result.persistence_pearson[k] = lead.persistence.rfne, lead.persistence.pearson
  result.fine_scales[k] = sums.fine / lead.mean.n
  add_others(result, k, lead.mean)
  if result.pearson[k] < 0.8 then result.horizon = math.min(result.horizon, k) end
  result.spectrum[k] = { truth = lead.mean.spectrum.truth }
  for _, name in ipairs(who) do result.spectrum[k][name] = lead[name].spectrum.prediction end
  add_bands(result, k, lead)
end

-- columns: { header, list by lead } each.
local function table_of(length, columns)
  local headers = { "lead" }
  for i, column in ipairs(columns) do headers[i + 1] = column[1] end
  local t = tabulate(headers)
  for k = 1, length do
    local row = { k }
    for i, column in ipairs(columns) do row[i + 1] = column[2][k] end
    t:row(row)
  end
  return t
end

local function score_columns(r)
  local columns = { { "RFNE", r.rfne }, { "persistence", r.persistence }, { "r", r.pearson },
    { "r persistence", r.persistence_pearson }, { "fine scales", r.fine_scales } }
  for _, name in ipairs(r.others) do
    local header = name:gsub("^rfne_anomaly", "RFNE anomaly"):gsub("^rfne", "RFNE"):gsub("%.", " ")
    columns[#columns + 1] = { header, r[name] }
  end
  return columns
end

-- "low" is the members', "low persistence" that of the last frame.
local function band_columns(r, names, columns)
  columns = columns or {}
  for _, band in ipairs(bands) do
    for _, name in ipairs(names) do
      columns[#columns + 1] = { name == "members" and band or band .. " " .. name, r.bands[band][name] }
    end
  end
  return columns
end

--- Means by lead, and the tables of them.
---@return table
function Scores:result()
  local r = setmetatable({ length = #self, horizon = #self + 1, rfne = {}, pearson = {}, persistence = {},
    persistence_pearson = {}, fine_scales = {}, spectrum = {}, bands = {}, others = {} }, Result)
  for _, band in ipairs(bands) do r.bands[band] = { members = {}, mean = {}, persistence = {} } end
  for k = 1, #self do add_lead(r, k, self[k]) end
  table.sort(r.others)
  r.table = table_of(#self, score_columns(r))
  r.spectral = table_of(#self, band_columns(r, { "members", "persistence" }))
  return r
end

--- What a recipe returns: `result` with the scores of channels and of the anomaly, where there are any, at the first
--- lead.
---@param result table  numbers by name, to which it adds
---@return table  result
function Result:summary(result)
  for _, name in ipairs(self.others) do result[name] = self[name][1] end
  return result
end

-- The leads that are shown: the first, a quarter, half, all of the length.
local function shown(length)
  local list = { 1 }
  for _, k in ipairs { length // 4, length // 2, length } do
    if k > list[#list] then list[#list + 1] = k end
  end
  return list
end

-- Least and most of the rings that plot.spectrum draws, over all shown spectra: one axis for all charts.
local function range_of(spectra)
  local low, high = math.huge, 0
  for _, s in ipairs(spectra) do
    for b = 2, plot.rings(#s) + 1 do
      if s[b] > 0 then low, high = math.min(low, s[b]), math.max(high, s[b]) end
    end
  end
  if high > 0 then return { low = low, high = high } end
end

--- Charts: spectra at up to four leads, beside the truth's, on like axes.
---@return table[]  drawings
function Result:spectra()
  local leads, all, charts = shown(self.length), {}, {}
  for _, k in ipairs(leads) do
    for _, values in pairs(self.spectrum[k]) do all[#all + 1] = values end
  end
  local y = range_of(all)
  for i, k in ipairs(leads) do
    local s = self.spectrum[k]
    charts[i] = plot.spectrum({ { name = "truth", values = s.truth }, { name = "members", values = s.members },
      { name = "their mean", values = s.mean }, { name = "persistence", values = s.persistence } },
      { title = ("Power spectrum, lead %d"):format(k), y = y })
  end
  return charts
end

-- Charts of a score by lead, beside persistence.
local function by_lead(r)
  local leads = {}
  for k = 1, r.length do leads[k] = k end
  local function chart(title, label, ours, last)
    return plot.lines({ { name = "mean of the members", x = leads, y = ours },
      { name = "persistence", x = leads, y = last, colour = "currentColor", dash = "6 4" } },
      { title = title, x = { label = "lead (frames)" }, y = { label = label } })
  end
  return { chart("Error by lead", "RFNE", r.rfne, r.persistence),
    chart("Correlation by lead", "Pearson's r", r.pearson, r.persistence_pearson) }
end

local BANDS = "Error of the power in a band of scales, |power / the truth's - 1|, of wavenumbers to K/4 (low), to K/2 "
  .. "(middle) and to K, half the side (high): of the members, averaged, and of persistence. 1: no power at all. "
  .. "Persistence is a flow, so its spectrum is right as long as the flow's changes little."

--- Parts of a report (report.lua).
---@return table[]
function Result:parts()
  local horizon = self.horizon > self.length and ("r stays above 0.8 for all %d leads."):format(self.length)
    or ("r falls below 0.8 at lead %d."):format(self.horizon)
  return { { title = "By lead", text = horizon, table = self.table, charts = by_lead(self) },
    { title = "Spectra by lead", table = self.spectral, charts = self:spectra(), note = BANDS } }
end

local function spectra_table(r)
  local t = tabulate { "lead", "wavenumber", "truth", "members", "mean", "persistence" }
  for k, s in ipairs(r.spectrum) do
    for b, truth in ipairs(s.truth) do t:row { k, b - 1, truth, s.members[b], s.mean[b], s.persistence[b] } end
  end
  return t
end

--- Writes rollout.csv, rollout_spectra.csv and rollout_spectra.svg; raises when a file cannot be written.
---@param folder string  in which the files are written
---@return table  self
function Result:save(folder)
  table_of(self.length, band_columns(self, who, score_columns(self))):save(folder .. "/rollout.csv")
  spectra_table(self):save(folder .. "/rollout_spectra.csv")
  plot.panels(self:spectra(), 2):save(folder .. "/rollout_spectra.svg")
  return self
end

return M
