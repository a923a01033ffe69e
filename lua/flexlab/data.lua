--[[
data - training batches and test batches of a task.

  data = flex.data.superres { file = "a.h5", factor = 4, crop = 128, batch = 8 }
  data = flex.data.forecast { file = "a.h5", past = 2, crop = 128, batch = 8 }
  data.train:batch(step)            random frames and corners, addressed by (seed, step, sample)
  for batch in data.test:batches()  tiles that do not overlap, always the same

A batch: target, estimate, lowres (the network's condition), all (N,H,W,C) and normalised; re (N,1) =
Re / 40000; truth (and low, for super-resolution) in physical units; ids, one number a sample.
The residual that is diffused is target - estimate. Normalisation is fitted on training frames only.
--]]
local batches = require "flexlab.batches"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local frames = require "flexlab.frames"
local Run = require "flexlab.run"
local tasks = require "flexlab.tasks"

local M = {}

M.re_scale = batches.re_scale

M.defaults = {
  file = "", test = false, split = 0.8, memory = 1 << 30, observable = false,
  crop = 64, batch = 8, test_tiles = 64, test_batch = false, mean = false, std = false, seed = false,
  dataset = false, format = false, channels = false,   -- which variables, of what format (flexlab.source)
}

local last

--- The data of the current run, else the data made last.
function M.current()
  local run = Run.current()
  return run and run.data or last
end

--- t (N,H,W,C) in the units of training; scale = { mean = {by channel}, std = {} }.
function M.normalise(t, scale)
  return (t - core.tensor(scale.mean)) / core.tensor(scale.std)
end

--- Back to physical units; `residual` leaves the mean out.
function M.physical(t, scale, residual)
  local scaled = t * core.tensor(scale.std)
  return residual and scaled or scaled + core.tensor(scale.mean)
end

local function per_channel(v, channels, name)
  if type(v) == "number" then
    local list = {}
    for c = 1, channels do list[c] = v end
    return list
  elseif type(v) == "table" and #v == channels then
    return v
  end
  error(("data: %s must be a number or %d of them, one a channel"):format(name, channels), 0)
end

local function scale_of(cfg, source, entries)
  local mean, std
  if cfg.mean == false or cfg.std == false then mean, std = source:statistics(entries) end
  if cfg.mean ~= false then mean = per_channel(cfg.mean, source.channels, "mean") end
  if cfg.std ~= false then std = per_channel(cfg.std, source.channels, "std") end
  return { mean = mean, std = std }
end

local function size_of(cfg)
  local crop = cfg.crop
  if type(crop) == "number" then crop = { crop, crop } end
  local h, w = math.tointeger(crop[1]), math.tointeger(crop[2])
  if not (h and w and h > 0 and w > 0) then error("data: crop must be a size or two sizes {height, width}", 0) end
  return h, w
end

local function check(set, source)
  for _, file in ipairs(source.files) do
    if file.height < set.height or file.width < set.width then
      error(("data: crop %dx%d does not fit the %dx%d frames of '%s'"):format(set.height, set.width,
        file.height, file.width, file.path), 0)
    end
  end
end

-- Drops entries that lack the neighbours in time that a task asks for.
local function usable(source, entries, before, after, part)
  local present, kept = {}, {}
  for _, e in ipairs(entries) do present[e.run .. ":" .. e.frame] = true end
  for _, e in ipairs(entries) do
    local ok = true
    for offset = -before, after do
      ok = ok and present[e.run .. ":" .. e.frame + offset]
    end
    if ok then kept[#kept + 1] = e end
  end
  if #kept == 0 then
    error(("data: the %s part of '%s' has %d of %d frames; a sample needs %d in sequence: "
      .. "longer files, another split or a test file would do"):format(part, source.files[1].path,
      #entries, source.total, before + after + 1), 0)
  end
  return kept
end

-- Opens files; the run notes which.
local function open_files(cfg, names)
  local source, run = frames.open(names, cfg), Run.current()
  if run then run:saw(source) end
  return source
end

-- Reads sources into memory if they fit together, and makes of them what is observed (observables/), which
-- needs whole frames.
local function load_all(cfg, sources)
  local bytes = 0
  for _, source in ipairs(sources) do bytes = bytes + source.bytes end
  local fits = bytes <= cfg.memory
  local choice = cfg.observable and choices.get("observables", cfg.observable)
  if choice and not fits then
    error(("data: observable '%s' needs the frames in memory, %d bytes; memory is %d"):format(cfg.observable,
      bytes, cfg.memory), 0)
  end
  for _, source in ipairs(sources) do
    if fits then source:load() end
    if choice then source:observe(choice.of) end
  end
end

local function open(cfg)
  local source = open_files(cfg, cfg.file)
  local test = cfg.test and open_files(cfg, cfg.test) or source
  if test.channels ~= source.channels then
    error(("data: training files have %d channels, test files %d"):format(source.channels, test.channels), 0)
  end
  load_all(cfg, { source, test ~= source and test or nil })
  return { train = source, test = test }
end

-- Leaves data.txt in the folder of the run: which files, and their hashes.
local function record(run, source, test)
  local lines = {}
  for _, set in ipairs { { "train", source }, test ~= source and { "test", test } or nil } do
    for _, fact in ipairs(set[2]:provenance()) do
      lines[#lines + 1] = ("%s %s\t%s\n"):format(set[1], fact[1], fact[2])
    end
  end
  assert(core.sys.write(run.dir .. "/data.txt", table.concat(lines)))
end

-- The coarse files that belong to `fine`, frame by frame; nil when none are named.
local function open_low(cfg, names, fine, name)
  if not names then return nil end
  local low = open_files(cfg, names)
  load_all(cfg, { low })
  for i, file in ipairs(fine.files) do
    local other = low.files[i]
    if #low.files ~= #fine.files or other.frames ~= file.frames or low.channels ~= fine.channels
      or other.height * cfg.factor ~= file.height or other.width * cfg.factor ~= file.width then
      error(("data.superres: %s must hold what '%s' does, %d times coarser: %d frames of %dx%dx%d%s"):format(
        name, file.path, cfg.factor, file.frames, file.height // cfg.factor, file.width // cfg.factor,
        fine.channels, other and ("; '%s' has %d of %dx%dx%d"):format(other.path, other.frames, other.height,
        other.width, low.channels) or ""), 0)
    end
  end
  return low
end

-- The coarse sources of a set: { train =, test = }, empty when the fields are made coarse here.
local function lows(cfg, opened)
  local low = { train = open_low(cfg, cfg.low, opened.train, "low") }
  if not cfg.low then return low end
  if cfg.test and not cfg.test_low then
    error("data.superres: low is given for training, so test_low must be given too", 0)
  end
  low.test = cfg.test and open_low(cfg, cfg.test_low, opened.test, "test_low") or low.train
  return low
end

--- A set for a task (tasks.lua). `opened` are the sources of another set that this one shares.
function M.build(task, given, opened, level)
  local defaults = config.merge(M.defaults, nil)
  for k, v in pairs(task.defaults) do defaults[k] = v end
  local cfg = config.options("data." .. task.name, defaults, given, nil, level or 2)
  if cfg.file == "" then error(("data.%s: no file is named (file = ...)"):format(task.name), level or 2) end
  local run = Run.current()
  local set = { task = task, cfg = cfg, seed = cfg.seed or run and run.seed or 1 }
  set.height, set.width = size_of(cfg)
  local span = task.check(cfg, set)
  opened = opened or open(cfg)
  local source, test = opened.train, opened.test
  local low = lows(cfg, opened)
  set.opened, set.channels = opened, source.channels
  set.cond_channels = task.cond_channels(cfg, source.channels)
  set.boundary, set.names = source.boundary, source.names
  check(set, source)
  check(set, test)
  local split = cfg.test and 1 or cfg.split
  local entries = usable(source, source:list(0, split), span.before, span.after, "training")
  local held_out = usable(test, test:list(cfg.test and 0 or split, 1), span.before, span.horizon, "test")
  set.scale = scale_of(cfg, source, entries)
  set.description = task.describe(cfg)
  for _, key in ipairs { "dataset", "format", "channels", "observable" } do
    if cfg[key] then set.description[key] = cfg[key] end   -- what `flexlab sample` must read alike
  end
  set.train = batches.train(set, source, entries, low.train)
  set.test = batches.test(set, test, held_out, low.test)
  return M.announce(set)
end

--- Makes a set the current one: models take their shape from it, checkpoints its description.
function M.announce(set)
  local run = Run.current()
  last = set
  if run and not run.data then
    run.data = set
    record(run, set.opened.train, set.opened.test)
  end
  return set
end

--- Super-resolution: the field from every factor-th sample of it.
function M.superres(cfg) return M.build(tasks.superres, cfg, nil, 3) end

--- Forecasting: the next frame from the last ones.
function M.forecast(cfg) return M.build(tasks.forecast, cfg, nil, 3) end

--- Both from the same patches, for one model of several tasks (multitask.lua).
function M.multitask(cfg) return require("flexlab.multitask").data(cfg) end

--- The data that a model was trained on as its checkpoint describes them, from other files.
---@param model table  what flex.load_model returned
---@param more table   file, test, batch, ...: further settings, which win
function M.as_trained(model, more)
  local about = model.data
  local task = tasks[about.task]
  if not task then
    error(("data: a model of the task '%s' cannot be given data by its checkpoint alone"):format(
      tostring(about.task)), 2)
  end
  local cfg = { crop = about.crop, mean = model.scale.mean, std = model.scale.std }
  for _, key in ipairs { "dataset", "format", "channels", "observable" } do cfg[key] = about[key] end
  for key in pairs(task.defaults) do cfg[key] = about[key] end
  for key, value in pairs(more) do cfg[key] = value end
  return M.build(task, cfg, nil, 3)
end

--- Makes the sample simulations that the recipes name when they are not there yet; returns cfg.
function M.ensure(cfg) return require("flexlab.samples").ensure(cfg) end

return M
