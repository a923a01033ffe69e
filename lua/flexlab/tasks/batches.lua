--[[
batches - patches put together: drawn ones for training (draws.lua), tiles of whole fields for tests. What
is in a batch is said by its task (tasks.lua); init.lua makes the sets.

A set is { task, cfg, seed, height, width, scale, symmetry, ... }; a draw { file, frame, y, x, id } is the patch
whose first corner is (y, x). With coarse files (cfg.low) corners are multiples of the factor, so that a patch
of the coarse field begins where one of its own samples does.

Where patches come from files, those of the next batches are asked for while this one is computed with
(csrc/io/reading.h): what is read is the same, only earlier. Draw by draw, all frames of one after each other, so
that a chunk of the file is decoded once.
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local draws = require "flexlab.data.draws"
local expected = require "flexlab.expected"
local notes = require "flexlab.context.notes"
local overlap = require "flexlab.data.overlap"
local placement = require "flexlab.data.placement"
local split = require "flexlab.data.split"
local symmetry = require "flexlab.data.symmetry"
local kinds = require "flexlab.tasks.kinds"

local M = {}

M.re_scale = 40000   -- Re is divided by it before it enters a network [src/utils/get_data_sr.py of FLEX's authors]

-- How many batches of a part are read ahead, where it comes from files: `data.prefetch` is true (2), false (0) or
-- a number.
local function ahead_of(part)
  if not (part.source:reads() or part.low and part.low:reads()) then return 0 end
  local prefetch = part.set.cfg.prefetch
  return prefetch == true and 2 or prefetch or 0
end

-- The patch of a draw `offset` frames later, as source:patch and source:ask want it.
local function fine(set, draw, offset)
  return { file = draw.file, frame = draw.frame + offset }, draw.y + (draw.rows or 0), draw.x + (draw.columns or 0),
    set.height, set.width
end

-- The same of the coarse files, whose patches are `factor` times smaller.
local function coarse(set, draw)
  local f = set.cfg.factor
  return { file = draw.file, frame = draw.frame }, (draw.y - 1) // f + 1 + (draw.rows or 0),
    (draw.x - 1) // f + 1 + (draw.columns or 0), set.height // f, set.width // f
end

local function at_sample(offset, i) return type(offset) == "table" and offset[i] or offset end

-- The patches of draws, moved by their symmetries: (N,h,w,C). `offset` is a number or one for each draw.
local function stack(set, source, list, place, offset)
  local all
  for i, draw in ipairs(list) do
    local patch = source:patch(place(set, draw, at_sample(offset, i)))
    if draw.element then patch = symmetry.apply(patch, set.symmetry.kinds, draw.element) end
    all = all or core.zeros { #list, table.unpack(patch.shape) }
    all[i]:copy_(patch)
  end
  return all
end

-- What a task is given of a batch (see tasks.lua); `step` is 0 for tests.
local function address(part, list, step)
  local set = part.set
  return {
    lead = part.lead,
    frame = function(offset) return stack(set, part.source, list, fine, offset) end,
    low = function() return part.low and stack(set, part.low, list, coarse, 0) or nil end,
    key = function(i)
      return { seed = set.seed, stream = "data", step = step, sample = step == 0 and list[i].id or list[i].sample }
    end,
  }
end

-- Has the patches of a batch read meanwhile.
local function ask(part, list, step)
  local set, source = part.set, part.source
  local offsets = set.task.offsets({ n = #list }, set, address(part, list, step))
  for i, draw in ipairs(list) do
    for _, offset in ipairs(offsets) do source:ask(fine(set, draw, at_sample(offset, i))) end
    if part.low then part.low:ask(coarse(set, draw)) end
  end
end

local function forget(part)
  part.source:forget()
  if part.low then part.low:forget() end
end

-- One batch of `part` (a Train or Test) from draws.
local function assemble(part, list, step)
  local set, n = part.set, #list
  local batch = { n = n, scale = set.scale, task = set.task.name, ids = {}, index = list }
  local re = {}
  for i, draw in ipairs(list) do
    re[i] = part.source:re(draw) / M.re_scale
    batch.ids[i] = draw.id
  end
  batch.re = core.tensor(re):reshape { n, 1 }
  set.task.fill(batch, set, address(part, list, step))
  return batch
end

local Train = {}
Train.__index = Train

-- Before the first batch of a run: is it judged on what it is about to learn, and beside rivals in their place?
local function judge(part)
  local run = context.run()
  if part.judged or not run then return end
  part.judged, run.trained_on = true, run.trained_on or {}
  run.trained_on[#run.trained_on + 1] = part
  notes.add(overlap.sentence(overlap.of(part.set)))
  notes.add(placement.sentence(part.set))
end

--- The random part of a set: entries of `source`, with coarse fields `low` or without.
---@param set table        of data
---@param source table     of frames.lua
---@param entries table[]  of Frames:list, the frames that may be drawn
---@param low table|nil    source of coarse fields
---@return table  data.train
function M.train(set, source, entries, low)
  local part = setmetatable({ set = set, source = source, entries = entries, low = low }, Train)
  part.ahead = ahead_of(part)
  return part
end

-- Asks for the steps up to `step` + ahead that have not been asked for; after a jump, anew. Each piece of a step
-- (samples first to last) that the caller takes is looked ahead for by itself.
local function look_ahead(part, step, first, last)
  local piece = first .. ":" .. last
  part.asked = part.asked or {}
  local asked = part.asked[piece] or step - 1
  if step > asked + 1 or step < asked - part.ahead then
    forget(part)
    part.asked, asked = {}, step - 1
  end
  for later = asked + 1, step + part.ahead do
    ask(part, draws.of(part, later, first, last), later)
    asked = later
  end
  part.asked[piece] = asked
end

-- first and last of a piece of a batch of n samples, checked.
local function piece_of(n, first, last)
  first, last = first or 1, last or n
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" or first < 1 or last < first or last > n then
    error(("batch: a step has samples 1 to %d, of which first to last are wanted; got %s to %s"):format(n,
      tostring(first), tostring(last)), 3)
  end
  return first, last
end

--- The batch of a step: a function of (seed, step) alone. With `first` and `last` only those of its samples, the
--- same as in the whole, and `first` and `whole` (samples of the step) say which: flex.diffusion.loss gives them the
--- times, the noise and the masks that they have in the whole. So the loss of a step is the mean of those of its
--- pieces, each weighted by its samples, and gradients likewise: for steps that do not fit into memory at once, and
--- for processes that share one.
---@param step integer       from 1
---@param first integer|nil  sample, from 1
---@param last integer|nil   sample
---@return table  as the head of tasks/init.lua says
function Train:batch(step, first, last)
  expected.whole("batch", "step", step, 1, 2)
  local whole = self.set.cfg.batch
  first, last = piece_of(whole, first, last)
  judge(self)
  if self.ahead > 0 then look_ahead(self, step, first, last) end
  local batch = assemble(self, draws.of(self, step, first, last), step)
  batch.first, batch.whole = first, whole
  return batch
end

local Test = {}
Test.__index = Test

-- Where tiles begin along an axis: side by side, and the last flush with the edge, so that every pixel is in one. Where
-- the size is no multiple of the tile's, the last one overlaps its neighbour. (With coarse files sizes and tiles are
-- multiples of the factor, and so is where tiles begin.)
local function starts(size, tile)
  local list = {}
  for i = 1, size // tile do list[i] = (i - 1) * tile + 1 end
  if size % tile > 0 then list[#list + 1] = size - tile + 1 end
  return list
end

-- All tiles, or `limit` of them evenly spaced.
local function tiles(set, source, entries, limit)
  local all = {}
  for _, e in ipairs(entries) do
    local columns = starts(source:width(e), set.width)
    for _, y in ipairs(starts(source:height(e), set.height)) do
      for _, x in ipairs(columns) do
        all[#all + 1] = { file = e.file, frame = e.frame, y = y, x = x, id = #all + 1 }
      end
    end
  end
  return split.spaced(all, math.min(limit, #all))
end

--- The tiled part of a set.
---@param set table        of data
---@param source table     of frames.lua
---@param entries table[]  of Frames:list, the frames that are cut into tiles
---@param low table|nil    source of coarse fields
---@return table  data.test
function M.test(set, source, entries, low)
  local part = setmetatable({ set = set, source = source, entries = entries, low = low,
    tiles = tiles(set, source, entries, set.cfg.test_tiles) }, Test)
  part.ahead = ahead_of(part)
  return part
end

-- The test part of another set than those that the run has learned from: has it learned these frames? Once each,
-- however often a part is read (copies by lead share their entries).
local function judge_other(part)
  local run = context.run()
  for _, train in ipairs(run and run.trained_on or {}) do
    train.others = train.others or { [train.set.test.entries] = true }
    if not train.others[part.entries] and part.set ~= train.set then
      train.others[part.entries] = true
      notes.add(overlap.sentence(overlap.between(train, part)))
    end
  end
end

--- Iterates over the test batches; the tensors belong to the caller's scope.
---@return function  -> batch or nil
function Test:batches()
  local size, first, asked = self.set.cfg.test_batch or self.set.cfg.batch, 1, 1
  local function batch_at(i) return table.move(self.tiles, i, math.min(i + size - 1, #self.tiles), 1, {}) end
  judge_other(self)
  if self.ahead > 0 then forget(self) end
  return function()
    if first > #self.tiles then return nil end
    while self.ahead > 0 and asked <= math.min(first + self.ahead * size, #self.tiles) do
      ask(self, batch_at(asked), 0)
      asked = asked + size
    end
    first = first + size
    return assemble(self, batch_at(first - size), 0)
  end
end

--- The same tiles with this lead (forecasts with several): one of data.lead.
---@param lead integer  frames ahead
---@return table  a copy of data.test
function Test:at(lead)
  local leads, known = kinds.forecast.leads(self.set.cfg), false
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
