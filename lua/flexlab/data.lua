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
local config = require "flexlab.config"
local core = require "flexlab.core"
local frames = require "flexlab.frames"
local rng = require "flexlab.rng"
local Run = require "flexlab.run"
local tasks = require "flexlab.tasks"

local M = {}

M.re_scale = 40000   -- Re is divided by it before it enters a network [flex-method section 2]

M.defaults = {
  file = "", test = false, split = 0.8, memory = 1 << 30,
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

-- One batch from entries { source, file, frame, y, x, id }.
local function assemble(set, source, entries)
  local h, w, n = set.height, set.width, #entries
  local batch = { n = n, scale = set.scale, task = set.task.name, ids = {}, index = entries }
  local re = {}
  for i, e in ipairs(entries) do
    re[i] = source:re(e) / M.re_scale
    batch.ids[i] = e.id
  end
  batch.re = core.tensor(re):reshape { n, 1 }
  set.task.fill(batch, set, n, function(offset)
    local stack = core.zeros { n, h, w, source.channels }
    for i, e in ipairs(entries) do
      local at = { file = e.file, frame = e.frame + offset }
      stack[i]:copy_(source:patch(at, e.y, e.x, h, w))
    end
    return stack
  end)
  return batch
end

local Train = {}
Train.__index = Train

--- The batch of a step: a function of (seed, step) alone.
function Train:batch(step)
  local set, n = self.set, self.set.cfg.batch
  local order = rng.integers({ seed = set.seed, stream = "order", step = step }, n, #self.entries)
  local corner = rng.uniform({ seed = set.seed, stream = "crop", step = step }, 2 * n)
  local chosen = {}
  for i = 1, n do
    local e = self.entries[order[i]]
    local y = math.floor(corner[2 * i - 1] * (self.source:height(e) - set.height + 1)) + 1
    local x = math.floor(corner[2 * i] * (self.source:width(e) - set.width + 1)) + 1
    chosen[i] = { file = e.file, frame = e.frame, y = y, x = x, id = order[i] }
  end
  return assemble(set, self.source, chosen)
end

local Test = {}
Test.__index = Test

-- All tiles, or `limit` of them evenly spaced.
local function tiles(set, source, entries, limit)
  local all = {}
  for _, e in ipairs(entries) do
    for ty = 1, source:height(e) // set.height do
      for tx = 1, source:width(e) // set.width do
        all[#all + 1] = { file = e.file, frame = e.frame, y = (ty - 1) * set.height + 1,
          x = (tx - 1) * set.width + 1, id = #all + 1 }
      end
    end
  end
  local chosen, count = {}, math.min(limit, #all)
  for i = 1, count do chosen[i] = all[(2 * i - 1) * #all // (2 * count) + 1] end
  return chosen
end

--- Iterates over the test batches; the tensors belong to the caller's scope.
function Test:batches()
  local set, first = self.set, 1
  local size = set.cfg.test_batch or set.cfg.batch
  return function()
    if first > #self.tiles then return nil end
    local chosen = table.move(self.tiles, first, math.min(first + size - 1, #self.tiles), 1, {})
    first = first + size
    return assemble(set, self.source, chosen)
  end
end

-- Drops entries that lack the neighbours in time that a task asks for.
local function usable(task_cfg, source, entries, part)
  local present, kept = {}, {}
  for _, e in ipairs(entries) do present[e.run .. ":" .. e.frame] = true end
  for _, e in ipairs(entries) do
    local ok = true
    for offset = -task_cfg.before, task_cfg.after do
      ok = ok and present[e.run .. ":" .. e.frame + offset]
    end
    if ok then kept[#kept + 1] = e end
  end
  if #kept == 0 then
    error(("data: the %s part of '%s' has %d of %d frames; a sample needs %d in sequence: "
      .. "longer files, another split or a test file would do"):format(part, source.files[1].path,
      #entries, source.total, task_cfg.before + task_cfg.after + 1), 0)
  end
  return kept
end

local function open(cfg)
  local source = frames.open(cfg.file, cfg)
  local test = cfg.test and frames.open(cfg.test, cfg) or source
  if test.channels ~= source.channels then
    error(("data: training files have %d channels, test files %d"):format(source.channels, test.channels), 0)
  end
  local bytes = source.bytes + (test ~= source and test.bytes or 0)
  if bytes <= cfg.memory then
    source:load()
    if test ~= source then test:load() end
  end
  return source, test
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

local function build(task, given)
  local defaults = config.merge(M.defaults, nil)
  for k, v in pairs(task.defaults) do defaults[k] = v end
  local cfg = config.options("data." .. task.name, defaults, given, nil, 3)
  if cfg.file == "" then error(("data.%s: no file is named (file = ...)"):format(task.name), 3) end
  local run = Run.current()
  local set = { task = task, cfg = cfg, seed = cfg.seed or run and run.seed or 1 }
  set.height, set.width = size_of(cfg)
  local span = task.check(cfg, set)
  local source, test = open(cfg)
  set.channels, set.cond_channels = source.channels, task.cond_channels(cfg, source.channels)
  set.boundary, set.names = source.boundary, source.names
  check(set, source)
  check(set, test)
  local split = cfg.test and 1 or cfg.split
  local entries = usable(span, source, source:list(0, split), "training")
  local held_out = usable(span, test, test:list(cfg.test and 0 or split, 1), "test")
  set.scale = scale_of(cfg, source, entries)
  set.description = task.describe(cfg)
  for _, key in ipairs { "dataset", "format", "channels" } do
    if cfg[key] then set.description[key] = cfg[key] end   -- what `flexlab sample` must read alike
  end
  set.train = setmetatable({ set = set, source = source, entries = entries }, Train)
  set.test = setmetatable({ set = set, source = test,
    tiles = tiles(set, test, held_out, cfg.test_tiles) }, Test)
  last = set
  if run and not run.data then
    run.data = set
    record(run, source, test)
  end
  return set
end

--- Super-resolution: the field from every factor-th sample of it.
function M.superres(cfg) return build(tasks.superres, cfg) end

--- Forecasting: the next frame from the last ones.
function M.forecast(cfg) return build(tasks.forecast, cfg) end

--- Makes the sample simulations that the recipes name when they are not there yet; returns cfg.
function M.ensure(cfg) return require("flexlab.samples").ensure(cfg) end

return M
