--[[
tasks - what `flex.data` is: training batches and test batches of a task.

  data = flex.data.superres { file = "a.h5", factor = 4, crop = 128, batch = 8 }
  data = flex.data.forecast { file = "a.h5", past = 2, crop = 128, batch = 8 }
  data.train:batch(step)            random frames and corners, addressed by (seed, step, sample)
  for batch in data.test:batches()  tiles that cover whole fields, always the same

A batch: target, estimate, lowres (the network's condition), all (N,H,W,C) and normalised; re (N,1) =
Re / 40000; truth (and low, for super-resolution) in physical units; ids, one number per sample.
The residual that is diffused is target - estimate. Normalisation is fitted on training frames only.
--]]
local batches = require "flexlab.tasks.batches"
local choices = require "flexlab.choices"
local coarse = require "flexlab.data.coarse"
local context = require "flexlab.context"
local core = require "flexlab.core"
local draws = require "flexlab.data.draws"
local expected = require "flexlab.expected"
local frames = require "flexlab.data.frames"
local geometry = require "flexlab.data.geometry"
local multitask = require "flexlab.tasks.multitask"
local notes = require "flexlab.context.notes"
local provenance = require "flexlab.origin.provenance"
local quantities = require "flexlab.data.quantities"
local samples = require "flexlab.flow.samples"
local scales = require "flexlab.data.scales"
local settings = require "flexlab.settings"
local split = require "flexlab.data.split"
local stretches = require "flexlab.data.stretches"
local symmetry = require "flexlab.data.symmetry"
local kinds = require "flexlab.tasks.kinds"

local M = {}

M.re_scale = batches.re_scale

--- Defaults of every task's settings; those of the task itself are in tasks.lua.
M.defaults = settings.of("data").defaults

--- The data of the current run, else the data made last.
M.current = context.data

M.normalise, M.physical = scales.normalise, scales.physical

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

-- What to say of the first file whose times have gaps, or else repeat; nil where none do.
local function gaps_of(source)
  for _, file in ipairs(source.files) do
    local sentence = stretches.sentence(file.reader, file.stretches) or stretches.repeats(file.reader)
    if sentence then return ("data: '%s': %s"):format(file.path, sentence) end
  end
end

-- Drops entries that lack the neighbours in time that a task asks for.
local function usable(source, entries, before, after, part)
  local present, kept, gaps = {}, {}, before + after > 0 and gaps_of(source) or nil
  for _, e in ipairs(entries) do present[e.stretch .. ":" .. e.frame] = true end
  for _, e in ipairs(entries) do
    local ok = true
    for offset = -before, after do
      ok = ok and present[e.stretch .. ":" .. e.frame + offset]
    end
    if ok then kept[#kept + 1] = e end
  end
  if #kept == 0 then
    error(("data: the %s part of '%s' has %d of %d frames; a sample needs %d in sequence: "
      .. "longer files, another split or a test file would do%s"):format(part, source.files[1].path,
      #entries, source.total, before + after + 1, gaps and "; " .. gaps or ""), 0)
  end
  notes.add(gaps)
  return kept
end

-- Opens files, and in them a dataset in place of the settings' own.
local function open_files(cfg, names, dataset)
  local what = { dataset = dataset or cfg.dataset, axes = cfg.axes, format = not dataset and cfg.format,
    channels = cfg.channels }
  return frames.open(names, what)
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
    if choice then source:observe(choice.of, choice.names) end
  end
end

local function open(cfg)
  local source = open_files(cfg, cfg.file)
  local test = cfg.test and open_files(cfg, cfg.test) or source
  if test.channels ~= source.channels then
    error(("data: training files have %d channels, test files %d"):format(source.channels, test.channels), 0)
  end
  frames.agree(source.files[1], test.files[1], cfg)
  load_all(cfg, { source, test ~= source and test or nil })
  return { train = source, test = test }
end

-- Leaves data.txt in the folder of the run: which files, and their hashes; and how a set was split.
local function record(run, set)
  local source, test, lines = set.opened.train, set.opened.test, {}
  for _, part in ipairs { { "train", source }, test ~= source and { "test", test } or nil } do
    for _, fact in ipairs(part[2]:provenance()) do
      lines[#lines + 1] = ("%s %s\t%s\n"):format(part[1], fact[1], fact[2])
    end
  end
  if set.published then
    lines[#lines + 1] = ("mean and std %s\thash %s\n"):format(set.published,
      assert(provenance.fingerprint(set.published)).hash)
  end
  run.lock:check()
  assert(core.sys.write(run.dir .. "/data.txt", table.concat(lines)))
  if set.split then run:keep_value("split", set.split) end
end

-- The entries of each part (split.lua) that have the neighbours in time that the task asks for.
local function divide(set, cfg, span)
  local source, test = set.opened.train, set.opened.test
  if cfg.test and type(cfg.split) == "table" then
    error("data: test files are given; split is for one set of files: leave one of them out", 0)
  end
  if context.run() and cfg.test and cfg.split ~= settings.of("data").defaults.split then
    notes.add(("data.split = %s changes nothing: test files are given"):format(tostring(cfg.split)))
  end
  local parts = { train = source:list(), test = test:list() }
  if not cfg.test then parts, set.split = split.parts(source, cfg.split) end
  return {
    train = usable(source, parts.train, span.before, span.after, "training"),
    validation = parts.validation and usable(source, parts.validation, span.before, span.horizon, "validation"),
    test = usable(test, parts.test, span.before, span.horizon, "test"),
  }
end

-- The parts of a set as batches (batches.lua).
local function fill(set, parts, low, span)
  local source, test = set.opened.train, set.opened.test
  local frames_of_a_draw = span.before + math.max(span.after, span.horizon) + 1
  for _, one in ipairs { source, test ~= source and test or nil } do
    one:expect(set.height, set.width, frames_of_a_draw)
  end
  for _, one in pairs(low) do one:expect(set.height // set.cfg.factor, set.width // set.cfg.factor, 1) end
  set.train = batches.train(set, source, parts.train, low.train)
  set.train.on_points = low.train and not geometry.of(set.cfg).cells
  set.test = batches.test(set, test, parts.test, low.test)
  set.validation = parts.validation and batches.test(set, source, parts.validation, low.train)
end

-- Symmetries of patches; with coarse samples on points of the grid, about a point: the patch then begins one
-- sample later, which only fields that go on at the other side have always.
local function symmetry_of(set, low)
  local found = symmetry.of(set.cfg, set.opened.train, set.height == set.width)
  if found and found.moves and low.train and not geometry.of(set.cfg).cells and set.boundary ~= "periodic" then
    error("data: augment: coarse files whose samples lie on every factor-th point can be turned or reflected only "
      .. "where fields are periodic", 0)
  end
  return found
end

--- A set for a task (tasks.lua). `opened` are the sources of another set that this one shares; prepare(source) is
--- called with each source that is opened.
---@param task table            of kinds.lua
---@param given table           its settings
---@param opened table|nil      sources of another set that this one shares
---@param level integer|nil     whom an error blames, as in error(); 2
---@param prepare function|nil  called with each source that is opened
---@return table  train, test, scale, height, width, channels, ...
function M.build(task, given, opened, level, prepare)
  expected.entries("data.build", "task", task, { "name", "check", "describe" }, level or 2)
  local cfg = settings.options("data." .. task.name, settings.of(task.name), given, nil, level or 2)
  if cfg.file == "" then error(("data.%s: no file is named (file = ...)"):format(task.name), level or 2) end
  local run = context.run()
  local set = { task = task, cfg = cfg, seed = cfg.seed or run and run.seed or 1 }
  set.height, set.width = size_of(cfg)
  local span = task.check(cfg, set)
  set.span = span
  draws.check(cfg)
  set.opened = opened or open(cfg)
  local source, test = set.opened.train, set.opened.test
  for _, one in ipairs(prepare and { source, test ~= source and test or nil } or {}) do prepare(one) end
  local low = coarse.open(cfg, set.opened, function(names, dataset)
    local opened_low = open_files(cfg, names, dataset)
    load_all(cfg, { opened_low })
    return opened_low
  end)
  set.channels, set.cond_channels = source.channels, task.cond_channels(cfg, source.channels)
  set.boundary, set.names = source.boundary, source.names
  check(set, source)
  check(set, test)
  set.symmetry = symmetry_of(set, low)
  if cfg.degradation and not low.train then
    notes.add(geometry.check(cfg, set.height, set.width, source.channels))
  end
  local parts = divide(set, cfg, span)
  set.scale, set.published = scales.of(cfg, source, parts.train)
  set.description = task.describe(cfg)
  for _, key in ipairs { "dataset", "axes", "format", "channels", "observable" } do
    if cfg[key] then set.description[key] = cfg[key] end   -- what `flexlab sample` must read alike
  end
  set.description.names = not cfg.observable and #source.names > 0 and source.names or nil   -- as they are in files
  set.description.quantities = not cfg.observable and source.files[1].quantities or nil   -- units, names
  fill(set, parts, low, span)
  return M.announce(set)
end

--- Makes a set the current one: models take their shape from it, checkpoints its description.
---@param set table  of M.build
---@return table  the set
function M.announce(set)
  local run = context.announce(set)
  if run then record(run, set) end
  return set
end

-- The calls below stand in brackets: a tail call would leave no line of the user's for an error to name.

--- Super-resolution: the field from every factor-th sample of it.
---@param cfg table  settings.superres
---@return table  train, test, scale, height, width, channels, ...
function M.superres(cfg) return (M.build(kinds.superres, cfg, nil, 3)) end

--- Forecasting: the next frame from the last ones.
---@param cfg table  settings.forecast
---@return table  train, test, scale, height, width, channels, ...
function M.forecast(cfg) return (M.build(kinds.forecast, cfg, nil, 3)) end

--- Both from the same patches, for one model of several tasks (multitask.lua).
---@param cfg table  settings.multitask
---@return table  train, tests, sets, scale, ...
function M.multitask(cfg) return (multitask.data(cfg, M.build, M.announce)) end

--- The data that a model was trained on as its checkpoint describes them, from other files.
---@param model table           what flex.load_model returned
---@param more table            file, test, batch, ...: further settings, which win
---@param prepare function|nil  called with each source that is opened, before patches are taken of it
---@return table  as of superres or forecast
function M.as_trained(model, more, prepare)
  expected.entries("data.as_trained", "model", model, { "data", "scale" }, 2)
  expected.options("data.as_trained", more, 2)
  local about = model.data
  local task = kinds[about.task]
  if not task then
    error(("data: a model of the task '%s' cannot be given data by its checkpoint alone"):format(
      tostring(about.task)), 2)
  end
  local cfg = { crop = about.crop, mean = model.scale.mean, std = model.scale.std }
  for _, key in ipairs { "dataset", "axes", "format", "channels", "observable" } do cfg[key] = about[key] end
  for key in pairs(task.defaults) do cfg[key] = about[key] end
  for key, value in pairs(more or {}) do cfg[key] = value end
  return (M.build(task, cfg, nil, 3, function(source)
    quantities.judge_trained(about, source, cfg)
    if prepare then prepare(source) end
  end))
end

--- Makes the sample simulations that the recipes name when they are not there yet; returns cfg.
---@param cfg table  settings of data: file, test
---@return table
function M.ensure(cfg) return samples.ensure(cfg) end

return M
