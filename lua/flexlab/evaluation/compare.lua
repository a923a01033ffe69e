--[[
compare - a sampler beside the methods it must beat: table, spectrum, picture.

  local c = flex.report.compare(sample, data.test)
  c.table:print()       c.scores.bicubic.rfne       c.gain_percent (RFNE below bicubic's)
  flex.report(run, c.parts)
All numbers are means over samples in physical units (init.lua). The mean of an ensemble has
the least RFNE and too little power at small scales; one of its members has the power and more
error. Both are scored: scores.FLEX is the mean, scores.member the first member (of one: the same).
`registered` puts every sample where the degradation took it (data/geometry.lua), which is the fair rival.
`bicubic` takes all for means of blocks, as FLEX's authors do: field[::f, ::f] is shifted by (f-1)/2 pixels by it.
An interpolation is an ensemble of one, so its CRPS is its mean absolute error [Gneiting & Raftery
2007, eq. 21].
--]]

local baselines = require "flexlab.evaluation.baselines"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local evaluation = require "flexlab.evaluation"
local geometry = require "flexlab.data.geometry"
local picture = require "flexlab.picture"
local plot = require "flexlab.plot"
local quantities = require "flexlab.data.quantities"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

-- start: the degradation whose interpolation the picture shows. zoom: of fields too large
-- to be seen at once the picture shows the whole and so many pixels of its middle. label: what its first channel is
-- called beside the colours, where it is not as the files say.
M.options = { name = "FLEX", against = "bicubic", start = "bicubic", methods = false, zoom = false,
  label = false }

local labels = { registered = "registered bicubic" }

local function alone(baseline)
  return function(batch)
    local field = baseline(batch)
    return field, { field }
  end
end

local INTERPOLATIONS = { "nearest", "bilinear", "bicubic", "registered" }

-- The field that the picture shows: an interpolation, or the estimate where another degradation made it.
local function start_of(word)
  return words.has(INTERPOLATIONS, word) and baselines[word] or baselines.persistence
end

-- The usual rivals: of super-resolution the interpolations, of a forecast the last frame.
local function rivals(test)
  if test.set and test.set.task.name ~= "superres" then
    return { { "persistence", alone(baselines.persistence) } }
  end
  local list = {}
  for i, name in ipairs(INTERPOLATIONS) do
    list[i] = { name, alone(baselines[name]) }
  end
  return list
end

--- Standard deviation over members, divisor M - 1; nil for fewer than two.
---@param mean flexlab.Tensor           (N,H,W,C)
---@param members flexlab.Tensor[]|nil  each (N,H,W,C)
---@return flexlab.Tensor|nil  (N,H,W,C)
function M.spread(mean, members)
  if not members or #members < 2 then return nil end
  local sum
  for _, member in ipairs(members) do
    local square = (member - mean):square()
    sum = sum and sum + square or square
  end
  return (sum * (1 / (#members - 1))):sqrt()
end

-- What the first channel of a set is called: by its file, its observable, or nothing.
local function label_of(set)
  local known = set and set.description and set.description.quantities
  return known and known[1] and quantities.label(known[1]) or set and set.names and set.names[1] or "field"
end

local function picture_of(batch, mean, members, o)
  if not batch.low then return nil end
  local several = members and #members > 1
  return picture[o.zoom and "domain" or "compare"] { low = batch.low, prediction = mean,
    truth = batch.truth, bicubic = start_of(o.start)(batch), zoom = o.zoom,
    spread = not o.zoom and M.spread(mean, members), member = several and members[1],
    start = labels[o.start] or o.start, members = members and #members, name = o.name, label = o.label }
end

-- "-45.6 %": how far below (or above) the reference's RFNE; nothing for the reference itself, "-" where either is not
-- finite or the reference is 0.
local function change(score, reference)
  if not reference or score == reference then return "" end
  return words.percent(score.rfne / reference.rfne - 1, "%+.1f")
end

local function table_of(methods, scores, o)
  local second = scores.registered and o.against ~= "registered" and "registered"
  local headers = { "method", "RFNE", "vs " .. o.against, "RMSE", "PSNR (dB)", "SSIM", "r", "CRPS" }
  local anomaly = scores[o.name].rfne_anomaly
  if second then table.insert(headers, 4, "vs " .. second) end
  if anomaly then headers[#headers + 1] = "RFNE anomaly" end
  local t, none = tabulate(headers), 0 / 0
  for _, method in ipairs(methods) do
    local s = scores[method[1]]
    local row = { method.label or labels[method[1]] or method[1], s.rfne, change(s, scores[o.against]),
      s.rmse or none, s.psnr or none, s.ssim or none, s.pearson or none, s.crps or none }
    if second then table.insert(row, 4, change(s, scores[second])) end
    if anomaly then row[#row + 1] = s.rfne_anomaly or none end
    t:row(row)
  end
  return t:mark()
end

-- RFNE (and that of the anomaly) of each channel, where there are several: a part of the report, or nil.
local function by_channel(methods, scores)
  local first = scores[methods[1][1]]
  if #first.channels < 2 then return nil end
  local headers, keys = { "method" }, {}
  for _, metric in ipairs(first.rfne_anomaly and { "rfne", "rfne_anomaly" } or { "rfne" }) do
    for _, channel in ipairs(first.channels) do
      keys[#keys + 1] = metric .. "." .. channel
      headers[#headers + 1] = (metric == "rfne" and "RFNE " or "RFNE anomaly ") .. channel
    end
  end
  local t, none = tabulate(headers), 0 / 0
  for _, method in ipairs(methods) do
    local row = { method.label or labels[method[1]] or method[1] }
    for i, key in ipairs(keys) do row[i + 1] = scores[method[1]][key] or none end
    t:row(row)
  end
  return { title = "By channel", table = t:mark(),
    note = "A norm over all channels is that of the largest, so each is scored by itself too." }
end

-- Spectra of the truth, the prediction, one member, the rival compared against, and what was given.
local function chart_of(methods, scores, o)
  local spectra = { { name = "truth", values = scores[o.name].spectrum.truth } }
  for i = #methods, 1, -1 do
    local name = methods[i][1]
    if name == o.name or name == "member" or name == o.against or #methods < 3 then
      spectra[#spectra + 1] = { name = methods[i].label or labels[name] or name,
        values = scores[name].spectrum.prediction }
    end
  end
  if scores[o.name].spectrum.low then
    spectra[#spectra + 1] = { name = "low", values = scores[o.name].spectrum.low }
  end
  return plot.spectrum(spectra)
end

local function verdict(c, o)
  local n = c.scores[o.name].n
  if not c.gain_percent then return ("%s on %d test samples."):format(o.name, n) end
  local function phrase(percent, name)
    if words.percent(percent) == "-" then return ("in no proportion to that of %s (0, or not finite)"):format(name) end
    return ("%.1f %% %s that of %s"):format(math.abs(percent), percent >= 0 and "below" or "above", name)
  end
  local text = ("Over %d test samples the RFNE of %s is %s"):format(n, o.name, phrase(c.gain_percent, o.against))
  local registered = c.scores.registered
  if registered and o.against ~= "registered" then
    text = text .. " and " .. phrase(100 * (1 - c.scores[o.name].rfne / registered.rfne),
      "registered bicubic interpolation")
  end
  return text .. "."
end

local EXPLAIN = "RFNE = ||prediction \u{2212} truth|| / ||truth||, for each sample, then averaged; RMSE "
  .. "and CRPS in units of the field. The mean of an ensemble has the least RFNE and loses small scales; a "
  .. "member keeps them. %s An interpolation's CRPS is its mean absolute error."
local PLACES = {
  points = "Nearest, bilinear and bicubic set the samples as FLEX's authors do, (f\u{2212}1)/2 pixels off; "
    .. "\u{201C}registered\u{201D} leaves each where it was taken.",
  cells = "Samples are means over blocks, and every interpolation sets them in the middle of their blocks, where they "
    .. "belong; \u{201C}registered\u{201D} has the cubic that leaves a linear field linear.",
}

-- What the table's columns mean, for these test data.
local function explain(test)
  local cfg = test.set and test.set.cfg
  if not (cfg and cfg.degradation) then return EXPLAIN:format "" end
  return EXPLAIN:format(geometry.of(cfg).cells and PLACES.cells or PLACES.points)
end
local CAPTION = "The first test sample. The four fields share one colour scale; error (of the ensemble's "
  .. "mean) and spread (standard deviation over members) have their own.%s Equal steps of a field are equal steps of "
  .. "lightness (Oklab)."
local SCALES = " L is the side of the periodic square over 2\u{03C0}, U the initial r.m.s. velocity."
local ALT = "Six panels: the low field, its interpolation, the prediction and the truth in %s; "
  .. "the absolute error and the ensemble's spread from black to yellow."

local ZOOMED = "The first test field on one colour scale: what was given and what was made of it, by block means, and "
  .. "the middle of the latter beside interpolation, one member and the truth."
local ZOOMED_ALT = "Six panels in %s: the low field and the whole prediction, and of its middle "
  .. "interpolation, the prediction, one member and the truth."

local function parts_of(c, o, test)
  local parts = { { title = "Result", text = verdict(c, o), table = c.table, note = explain(test) } }
  local why = c.scores[o.name].note
  if why then parts[1].text = ("%s Note: %s."):format(parts[1].text, why) end
  if c.picture then
    local shades = c.picture.map == "diverging" and "blue and red" or "black to yellow"
    parts[#parts + 1] = { title = "One test sample", picture = c.picture,
      note = o.zoom and ZOOMED or CAPTION:format(o.label:find("U/L", 1, true) and SCALES or ""),
      alt = (o.zoom and ZOOMED_ALT or ALT):format(shades) }
  end
  parts[#parts + 1] = c.channels
  local calibration = c.scores[o.name].calibration
  if calibration then parts[#parts + 1] = calibration:part() end
  parts[#parts + 1] = { title = "Scales and training", charts = { c.chart },
    note = "Spectra are averages over the test samples under a Hann window." }
  return parts
end

-- Scores every method on the test batches, the sampler's members too; keeps the first picture.
local function score_all(c, methods, test, o)
  local member = evaluation.scorer(test.set)
  for _, method in ipairs(methods) do
    local _ <close> = core.scope()
    local each = method[1] == o.name and function(batch, mean, members)
      c.picture = c.picture or picture_of(batch, mean, members, o)
      if members and #members > 1 then member:add(batch, members[1], { members[1] }) end
      method.members = members and #members or 1
    end
    c.scores[method[1]] = evaluation.evaluate(method[2], test, { each = each or false, name = method[1],
      single = method[1] ~= o.name })
  end
  local last = methods[#methods]
  c.scores.member = c.scores[o.name]
  if last.members > 1 then
    c.scores.member = member:result()
    last.label = ("%s, mean of %d"):format(o.name, last.members)
    table.insert(methods, #methods, { "member", label = o.name .. ", one member" })
  end
end

-- The methods and the options. A word that names no method would give another comparison than the one asked for.
local function asked(sampler, test, options)
  local o = config.options("compare", M.options, options, nil, 3)
  local methods, names = {}, {}
  for i, method in ipairs(o.methods or rivals(test)) do methods[i], names[i] = method, method[1] end
  methods[#methods + 1], names[#names + 1] = { o.name, sampler }, o.name
  if options and options.against and not words.has(names, o.against) then
    error("compare: against: " .. words.unknown(o.against, names), 3)
  end
  if not choices.has("degradations", o.start) then
    error("compare: start: " .. words.unknown(o.start, choices.registry("degradations")()), 3)
  end
  return methods, o
end

-- What was called `gain` until version 0.2, a word that recipes have for the ratio of two errors.
local former = { __index = function(c, key)
  if key ~= "gain" then return nil end
  terminal.note_once "the result of flex.report.compare: 'gain' is called 'gain_percent' now"
  return c.gain_percent
end }

--- Scores a sampler and its rivals on the test batches. flex.report.compare(sampler, test, options) is the same.
---@param sampler function   batch -> mean [, members], (N,H,W,C) in physical units
---@param test table         data.test
---@param options table|nil  M.options: name of the sampler, against (a rival), start (of the interpolation), methods =
---  { { name, sampler }, ... } in the place of the usual rivals, zoom (pixels), ...
---@return table  scores by method, table, chart, gain_percent, parts, picture
function M.measure(sampler, test, options)
  local methods, o = asked(sampler, test, options)
  o.label = o.label or label_of(test.set)
  local c = setmetatable({ scores = {} }, former)
  score_all(c, methods, test, o)
  if not c.scores[o.against] then o.against = methods[1][1] end
  c.channels = by_channel(methods, c.scores)
  c.table, c.chart = table_of(methods, c.scores, o), chart_of(methods, c.scores, o)
  if o.against ~= o.name then
    c.gain_percent = 100 * (1 - c.scores[o.name].rfne / c.scores[o.against].rfne)
  end
  c.parts = parts_of(c, o, test)
  return c
end

return setmetatable(M, { __call = function(_, ...) return M.measure(...) end })
