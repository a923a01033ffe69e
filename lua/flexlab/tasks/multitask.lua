--[[
multitask - data for super-resolution and forecasting at once [arXiv 2505.17351]; diffusion/multitask.lua has the loss
and the samplers.

  data  = flex.data.multitask { file = "a.h5", crop = 64, batch = 4, superres = { factor = 4 },
            forecast = { past = 2 } }

A batch is { parts = { superres = batch, forecast = batch } }: the same patches of the same frames seen as
two tasks, so only frames that every task can use are drawn.
--]]
local config = require "flexlab.config"
local context = require "flexlab.context"
local expected = require "flexlab.expected"
local kinds = require "flexlab.tasks.kinds"
local words = require "flexlab.words"

local M = {}

local names = { "superres", "forecast" }
M.names = names

local function settings(given)
  expected.options("data.multitask", given, 4)
  local common, own = {}, {}
  for k, v in pairs(config.plain(given or {})) do
    if k == "superres" or k == "forecast" then own[k] = v else common[k] = v end
  end
  for _, name in ipairs(names) do
    expected.options("data.multitask: " .. name, own[name], 4)
    own[name] = own[name] or {}
    for k in pairs(own[name]) do
      if kinds[name].defaults[k] == nil then
        error(("data.multitask: %s has %s"):format(name, words.unknown(k, words.keys(kinds[name].defaults))), 4)
      end
    end
    for k, v in pairs(common) do own[name][k] = v end
  end
  return own
end

local Train = {}
Train.__index = Train

--- The parts of a step, of the same patches: a function of (seed, step); with `first` and `last` those of its samples
--- (flexlab.tasks.batches).
---@param step integer       from 1
---@param first integer|nil  sample, from 1
---@param last integer|nil   sample
---@return table
function Train:batch(step, first, last)
  expected.whole("batch", "step", step, 1, 2)
  local batch = { parts = {} }
  for _, name in ipairs(names) do
    local part = self.sets[name].train:batch(step, first, last)
    batch.parts[name], batch.n, batch.ids = part, part.n, part.ids
    batch.first, batch.whole = part.first, part.whole
  end
  return batch
end

--- One set of two tasks: train, tests = { superres =, forecast = }, sets, scale.
---@param given table        settings.multitask
---@param build function     builds the set of one task, as tasks/init.lua does
---@param announce function  makes a set the current one
---@return table
function M.data(given, build, announce)
  local own = settings(given)
  local forecast = build(kinds.forecast, own.forecast, nil, 4)
  own.superres.mean, own.superres.std = forecast.scale.mean, forecast.scale.std
  local superres = build(kinds.superres, own.superres, forecast.opened, 4)
  superres.train.entries = forecast.train.entries
  local sets = { superres = superres, forecast = forecast }
  local set = { task = { name = "multitask" }, sets = sets, cfg = own.forecast, seed = forecast.seed,
    scale = forecast.scale, height = forecast.height, width = forecast.width, channels = forecast.channels,
    opened = forecast.opened, tests = { superres = superres.test, forecast = forecast.test },
    description = { task = "multitask",
      tasks = { superres = superres.description, forecast = forecast.description } } }
  set.train = setmetatable({ sets = sets, set = set }, Train)
  local run = context.run()
  if run and (run.data == superres or run.data == forecast) then run.data = nil end
  return announce(set)
end

return M
