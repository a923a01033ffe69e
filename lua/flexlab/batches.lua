--[[
batches - patches put together: random ones addressed by (seed, step, sample) for training, tiles that do
not overlap for tests. What is in a batch is said by its task (tasks.lua); data.lua makes the sets.

A set is { task, cfg, seed, height, width, scale, ... }; an entry { file, frame, y, x, id } is the patch whose
first corner is (y, x). With coarse files (cfg.low) corners are multiples of the factor, so that a patch
of the coarse field begins where one of its own samples does.
--]]
local core = require "flexlab.core"
local rng = require "flexlab.rng"

local M = {}

M.re_scale = 40000   -- Re is divided by it before it enters a network [flex-method section 2]

-- Patches of frames `offset` after those of the entries: offset is a number, or one for each entry.
local function stack(source, entries, offset, h, w)
  local all = core.zeros { #entries, h, w, source.channels }
  for i, e in ipairs(entries) do
    local at = { file = e.file, frame = e.frame + (type(offset) == "table" and offset[i] or offset) }
    all[i]:copy_(source:patch(at, e.y, e.x, h, w))
  end
  return all
end

-- The same of the coarse files, whose patches are `factor` times smaller.
local function coarse(set, low, entries)
  local f, shifted = set.cfg.factor, {}
  for i, e in ipairs(entries) do
    shifted[i] = { file = e.file, frame = e.frame, y = (e.y - 1) // f + 1, x = (e.x - 1) // f + 1 }
  end
  return stack(low, shifted, 0, set.height // f, set.width // f)
end

-- One batch of `part` (a Train or Test) from entries; `step` is 0 for tests.
local function assemble(part, entries, step)
  local set, source, n = part.set, part.source, #entries
  local batch = { n = n, scale = set.scale, task = set.task.name, ids = {}, index = entries }
  local re = {}
  for i, e in ipairs(entries) do
    re[i] = source:re(e) / M.re_scale
    batch.ids[i] = e.id
  end
  batch.re = core.tensor(re):reshape { n, 1 }
  set.task.fill(batch, set, {
    lead = part.lead,
    frame = function(offset) return stack(source, entries, offset, set.height, set.width) end,
    low = function() return part.low and coarse(set, part.low, entries) or nil end,
    key = function(i)
      return { seed = set.seed, stream = "data", step = step, sample = step == 0 and batch.ids[i] or i }
    end,
  })
  return batch
end

local Train = {}
Train.__index = Train

--- The random part of a set: entries of `source`, with coarse fields `low` or without.
function M.train(set, source, entries, low)
  return setmetatable({ set = set, source = source, entries = entries, low = low }, Train)
end

--- The batch of a step: a function of (seed, step) alone.
function Train:batch(step)
  local set, n = self.set, self.set.cfg.batch
  local order = rng.integers({ seed = set.seed, stream = "order", step = step }, n, #self.entries)
  local corner = rng.uniform({ seed = set.seed, stream = "crop", step = step }, 2 * n)
  local grid, chosen = self.low and set.cfg.factor or 1, {}
  for i = 1, n do
    local e = self.entries[order[i]]
    local y = math.floor(corner[2 * i - 1] * ((self.source:height(e) - set.height) // grid + 1)) * grid + 1
    local x = math.floor(corner[2 * i] * ((self.source:width(e) - set.width) // grid + 1)) * grid + 1
    chosen[i] = { file = e.file, frame = e.frame, y = y, x = x, id = order[i] }
  end
  return assemble(self, chosen, step)
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

--- The tiled part of a set.
function M.test(set, source, entries, low)
  return setmetatable({ set = set, source = source, entries = entries, low = low,
    tiles = tiles(set, source, entries, set.cfg.test_tiles) }, Test)
end

--- Iterates over the test batches; the tensors belong to the caller's scope.
function Test:batches()
  local set, first = self.set, 1
  local size = set.cfg.test_batch or set.cfg.batch
  return function()
    if first > #self.tiles then return nil end
    local chosen = table.move(self.tiles, first, math.min(first + size - 1, #self.tiles), 1, {})
    first = first + size
    return assemble(self, chosen, 0)
  end
end

--- The same tiles with this lead (forecasts with several): one of data.lead.
function Test:at(lead)
  local leads, known = require("flexlab.tasks").forecast.leads(self.set.cfg), false
  for _, v in ipairs(leads) do known = known or v == lead end
  if not known then
    error(("test:at: lead %s is none of those of these data (%s)"):format(tostring(lead),
      table.concat(leads, ", ")), 2)
  end
  local copy = setmetatable({}, Test)
  for k, v in pairs(self) do copy[k] = v end
  copy.lead = lead
  return copy
end

return M
