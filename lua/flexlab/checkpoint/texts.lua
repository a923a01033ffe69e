--[[
texts - the texts of a checkpoint, read as what they must be: a file may come from anywhere.

  local texts = require("flexlab.checkpoint.texts").of(path, file.text)
  texts.model, texts.data, texts.normalisation, texts.config, texts.seed
Each text is JSON of a known form (init.lua). Settings are judged by their declarations (flexlab.settings), so
that a height of "x" is refused here, with the file and the text, and not by the arithmetic that meets it. What the
file says beside known keys is left to whoever reads it: it may be of a later version.
--]]
local core = require "flexlab.core"
local settings = require "flexlab.settings"
local words = require "flexlab.words"

local M = {}

local function fail(path, key, said, ...)
  error(("%s: its text '%s' %s"):format(path, key, said:format(...)), 0)
end

-- The table that a text holds; nil where there is no such text.
local function table_of(path, text, key)
  if text[key] == nil then return nil end
  local ok, value, message = pcall(core.json.decode, text[key])
  if not ok or value == nil and message then fail(path, key, "is no JSON (%s)", tostring(message or value)) end
  if type(value) ~= "table" then fail(path, key, "is %s, a table was expected", words.show(value)) end
  return value
end

-- Checks known keys against a declared table.
local function check(path, key, value, declared)
  for _, name in ipairs(words.keys(value)) do
    local entry = declared.entry[name]
    if entry and settings.check(entry, value[name]) == nil then
      fail(path, key, "does not fit: %s", settings.sentence(name, entry, value[name]))
    end
  end
end

-- Judges the fields of a network by the version of their list: one that the version has must be there, and one that is
-- younger cannot be. Files of before there were versions may have fields of the second.
local function judge_fields(path, network, version)
  for _, field in ipairs(core.flex_fields) do
    local there = network[field.name] ~= nil
    if network.version and there and field.since > version then
      fail(path, "network", "is described as of version %d, which had no '%s'", version, field.name)
    elseif not there and field.since <= version then
      fail(path, "network", "does not fit: %s is missing", field.name)
    end
  end
end

--- The text `network`, and the version of FLEX's fields (core.flex_fields) that its writer knew; files that do not say
--- it are of the first. Nil where the file has no network that is described in them.
---@param path string  of the checkpoint, for messages
---@param text table   texts by key
---@return table|nil
---@return integer|nil
function M.network(path, text)
  local network = table_of(path, text, "network")
  if not network then return nil end
  local version = network.version or 1
  if math.type(version) ~= "integer" or version < 1 or version > core.flex_version then
    fail(path, "network", "is described as of version %s, this FlexLab knows versions 1 to %d: a newer one wrote it",
      words.show(version), core.flex_version)
  end
  judge_fields(path, network, version)
  return network, version
end

-- What the writer must have said is there: only a field that is younger than the file has its default.
local function demand_fields(path, model, version)
  for _, field in ipairs(version and core.flex_fields or {}) do
    if field.own and field.since <= version and model[field.name] == nil then
      fail(path, "model", "does not fit: %s is missing", field.name)
    end
  end
end

local function whole(v) return math.type(v) == "integer" and v >= 1 end

local function model_of(path, text)
  local model = table_of(path, text, "model")
  if not model then return nil end
  for _, name in ipairs { "height", "width", "in_channels", "cond_channels" } do
    if not whole(model[name]) then
      fail(path, "model", "does not fit: %s must be a whole number from 1 on, got %s", name, words.show(model[name]))
    end
  end
  check(path, "model", model, settings.of "model")
  local _, version = M.network(path, text)
  demand_fields(path, model, version)
  if model.tasks ~= nil then
    if type(model.tasks) ~= "table" then fail(path, "model", "does not fit: tasks must be a table") end
    for name, channels in pairs(model.tasks) do
      if not whole(channels) then
        fail(path, "model", "does not fit: task '%s' must have a whole number of channels, got %s", tostring(name),
          words.show(channels))
      end
    end
  end
  return model
end

local known_tasks = { "superres", "forecast", "multitask" }

local function check_data(path, data, model)
  if not words.has(known_tasks, data.task) then
    fail(path, "data", "does not fit: task must be %s, got %s", words.list(known_tasks, "or"),
      words.show(data.task))
  end
  if data.task ~= "multitask" then check(path, "data", data, settings.of(data.task)) end
  local factor = data.task == "superres" and model and data.factor
  if factor and (model.height % factor > 0 or model.width % factor > 0) then
    fail(path, "data", "does not fit: factor %d does not divide the network's fields of %dx%d", factor,
      model.height, model.width)
  end
  if data.task ~= "multitask" then return end
  if type(data.tasks) ~= "table" then fail(path, "data", "does not fit: tasks must be a table") end
  for _, one in pairs(data.tasks) do
    if type(one) ~= "table" then fail(path, "data", "does not fit: a task is %s", words.show(one)) end
    check_data(path, one, model)
  end
end

local function normalisation_of(path, text)
  local scale = table_of(path, text, "normalisation")
  for _, part in ipairs(scale and { "mean", "std" } or {}) do
    local list = scale[part]
    local fits = type(list) == "table" and #list > 0 and #list == #(type(scale.mean) == "table" and scale.mean or {})
    for _, v in ipairs(fits and list or {}) do
      fits = fits and type(v) == "number" and v == v and math.abs(v) < math.huge and (part == "mean" or v > 0)
    end
    if not fits then
      fail(path, "normalisation", "does not fit: %s must be a list of %s, one per channel", part,
        part == "std" and "positive numbers" or "numbers")
    end
  end
  return scale
end

--- A text that is a whole number from 0 on; `otherwise` where there is none.
---@param path string        of the checkpoint, for messages
---@param text table         texts by key
---@param key string         name of the text
---@param otherwise integer  where there is none
---@return integer
function M.number(path, text, key, otherwise)
  if text[key] == nil then return otherwise end
  local n = math.tointeger(tonumber(text[key]))
  if not n or n < 0 then fail(path, key, "is '%s', a whole number from 0 on was expected", tostring(text[key])) end
  return n
end

--- All that describes the network and its data; raises one sentence for what does not fit.
---@param path string  of the checkpoint, for messages
---@param text table   texts by key
---@return table  model, data, normalisation, config, seed
function M.of(path, text)
  local texts = { model = model_of(path, text), data = table_of(path, text, "data"),
    normalisation = normalisation_of(path, text), config = table_of(path, text, "config") or {},
    seed = M.number(path, text, "seed", 1) }
  if texts.data then check_data(path, texts.data, texts.model) end
  if texts.data and not texts.normalisation then
    fail(path, "normalisation", "is missing: mean and std of the channels, without which its answers have no scale")
  end
  local channels = texts.model and texts.model.in_channels
  if channels and texts.normalisation and #texts.normalisation.mean ~= channels then
    fail(path, "normalisation", "has %d channels, its network %d", #texts.normalisation.mean, channels)
  end
  return texts
end

return M
