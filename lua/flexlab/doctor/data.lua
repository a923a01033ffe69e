--[[
data - leakage, normalisation, registration. A check takes the subject { set =, ... } and returns a state
and a sentence, or nothing where it does not apply.
--]]
local choices = require "flexlab.choices"
local geometry = require "flexlab.data.geometry"
local fields = require "flexlab.data.fields"
local overlap = require "flexlab.data.overlap"
local placement = require "flexlab.data.placement"
local quantities = require "flexlab.data.quantities"
local scales = require "flexlab.data.scales"
local words = require "flexlab.words"

local M = {}

--- Test frames that are training frames too, whatever files they are in.
---@param subject table  set, model, why_no_data
---@return string|nil  state
---@return string|nil  sentence
function M.leakage(subject)
  local set = subject.set
  if not set then return subject.model and "note", subject.why_no_data end
  local found = overlap.of(set, true)
  local sentence = overlap.sentence(found)
  if sentence then return "fault", sentence end
  return "ok", ("none of %d test frames is among the training frames"):format(found.tests)
end

-- The quantities of a file as a run read it: { list, path }; nil where it cannot be read.
local function quantities_of(path, options)
  local ok, reader = pcall(fields.open, path, options)
  if not ok then return nil end
  local list = quantities.of(reader)
  reader:close()
  return { list, path }
end

--- Files of a run whose channels have other units or names than those of the first. They are opened here: a run of an
--- earlier version may have read what is refused now, and its set cannot be made then.
---@param subject table  files = { train =, test = }, config
---@return string|nil  state
---@return string|nil  sentence
function M.quantities(subject)
  local files = subject.files
  if not files then return nil end
  local section = type(subject.config.data) == "table" and subject.config.data or {}
  local options, first, worst, why = {}, nil, nil, nil
  for _, key in ipairs { "dataset", "axes", "format", "channels" } do options[key] = section[key] or nil end
  for _, list in ipairs { files.train, files.test } do
    for _, path in ipairs(list) do
      local own = quantities_of(path, options)
      first = first or own
      local state, sentence = nil, nil
      if own then state, sentence = quantities.compare(first, own, options) end
      if state and worst ~= "refuse" then worst, why = state, sentence end
    end
  end
  if worst then return worst == "refuse" and "fault" or "note", why end
  return first and "ok" or nil, first and ("%d files hold the same quantities"):format(#files.train + #files.test)
end

-- Names of the channels that are the same number in all frames of a part.
local function still(source, entries, most)
  local _, _, varies = scales.fit(source, entries, most)
  local list = {}
  for c = 1, source.channels do
    if not varies[c] then list[#list + 1] = ("'%s'"):format(source.names[c] or "channel " .. c) end
  end
  return list
end

--- Channels without variance: nothing is learned of them, and their scores are perfect or without meaning.
---@param subject table  set
---@return string|nil  state
---@return string|nil  sentence
function M.variance(subject)
  local set = subject.set
  if not set then return nil end
  local sentences = {}
  local parts = { { "training", set.train.source, set.train.entries },
    { "test", set.test.source, overlap.frames(set.test, 0, 0) } }
  for _, part in ipairs(parts) do
    local list = still(part[2], part[3], set.cfg.fit)
    if #list > 0 then
      sentences[#sentences + 1] = ("%s: no variance in the %s frames"):format(words.list(list), part[1])
    end
  end
  if #sentences == 0 then return "ok", "every channel varies in the training and in the test frames" end
  return "note", table.concat(sentences, "; ") .. "; scores of such channels say nothing"
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
---@param subject table  set, model
---@return string|nil  state
---@return string|nil  sentence
function M.normalisation(subject)
  local set, model = subject.set, subject.model
  if not (set and model and model.scale) then return nil end
  local source, test = set.train.source, set.test.source
  local mean, std = scales.fit(source, set.train.entries, set.cfg.fit)
  local own = distance(model.scale, mean, std)
  if own < M.tolerance then return "ok", "mean and std are those of the training frames" end
  local tests = overlap.frames(set.test, 0, 0)
  local away = distance(model.scale, scales.fit(test, tests, set.cfg.fit))
  local both = source == test and distance(model.scale, scales.fit(source, source:list(), set.cfg.fit)) or math.huge
  local text = ("mean %.4g, std %.4g differ from the training frames' (%.4g, %.4g)"):format(model.scale.mean[1],
    model.scale.std[1], mean[1], std[1])
  if away < M.tolerance then return "fault", text .. ": they are those of the test frames" end
  if both < M.tolerance then return "fault", text .. ": they are those of training and test frames together" end
  return "note", text .. ": they were given, or the files have changed"
end

--- How far the estimate lies from where the truth is, as the degradation itself makes it, and whether coarse files are
--- what it says of them.
---@param subject table  set
---@return string|nil  state
---@return string|nil  sentence
function M.registration(subject)
  local set = subject.set
  if not set or set.task.name ~= "superres" then return nil end
  local wrong = placement.sentence(set)
  if wrong then return "fault", wrong end
  local cfg, size = set.cfg, 12 * set.cfg.factor
  local shift = geometry.measure(choices.get("degradations", cfg.degradation), cfg, size, size, set.channels).shift
  local text = ("the estimate lies (%.2f, %.2f) pixels from the truth (y, x)"):format(shift.y, shift.x)
  local function near(place) return math.max(math.abs(shift.y - place), math.abs(shift.x - place)) <= 0.25 end
  if near(0) then return "ok", text end
  if near((cfg.factor - 1) / 2) then
    return "note", text .. (": degradation '%s' resizes field[::f] with align_corners false, as FLEX's authors do, and "
      .. "the network must undo it; compare with baseline registered, or take degradation registered, which has no "
      .. "shift"):format(cfg.degradation)
  end
  return "fault", text .. "; the network must undo it"
end

return M
