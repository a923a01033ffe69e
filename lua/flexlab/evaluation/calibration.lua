--[[
calibration - whether an ensemble means what it says: sums over test samples (core.metrics.calibration)
as numbers, curves and charts.

  local c = flex.calibration(sample, data.test)      -- sample(batch) -> mean, members
  print(c.spread_skill, c.pull_sd, c.ideal_pull_sd, c:covered(0.8))
  flex.report(run, { c:part() })
  local wider = flex.calibration.respread(sample, c:factor())
An ensemble is calibrated when the truth could be one more member: flat ranks, as many truths inside an
interval as it promises, a pull with mean 0 and the standard deviation of Student's t.
--]]
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local plot = require "flexlab.plot"
local tabulate = require "flexlab.tabulate"

local M = {}

local REACH, BINS = 8, 64      -- of the histogram of pulls (csrc/metrics/calibration.h)

local Result = {}
Result.__index = Result

-- Central intervals of M exchangeable members and how often they held the truth: lists that begin
-- with the empty interval and end with the whole range of the members.
local function coverage_of(ranks, total)
  local m, nominal, observed = #ranks - 1, { 0 }, { 0 }
  for k = (m + 1) // 2, 1, -1 do
    local inside = 0
    for rank = k, m - k do inside = inside + ranks[rank + 1] end
    local promised = (m + 1 - 2 * k) / (m + 1)
    if promised > 0 then
      nominal[#nominal + 1], observed[#observed + 1] = promised, inside / total
    end
  end
  return { nominal = nominal, observed = observed }
end

-- Centres and densities of the pull's bins.
local function pull_of(counts)
  local x, density, total, width = {}, {}, 0, 2 * REACH / BINS
  for _, count in ipairs(counts) do total = total + count end
  for i = 1, BINS do
    x[i], density[i] = -REACH + (i - 0.5) * width, counts[i + 1] / (total * width)
  end
  return { x = x, density = density, beyond = (counts[1] + counts[BINS + 2]) / total }
end

local function result_of(sums)
  local scope <close> = core.scope()
  local c = setmetatable(sums:scores(), Result)
  local ranks, total = sums:ranks():totable(), 0
  for _, count in ipairs(ranks) do total = total + count end
  c.ranks = {}
  for i, count in ipairs(ranks) do c.ranks[i] = count / total end
  c.outside = c.ranks[1] + c.ranks[#ranks]
  c.coverage, c.pull = coverage_of(ranks, total), pull_of(sums:pulls():totable())
  scope:close()
  return c
end

--- How often the central interval of this level (0 .. 1) held the truth, between the intervals that M
--- members have; NaN for a level above the widest, (M-1)/(M+1).
---@param level number  0..1
---@return number  0..1
function Result:covered(level)
  local nominal, observed = self.coverage.nominal, self.coverage.observed
  for i = 2, #nominal do
    if level <= nominal[i] + 1e-12 then
      local part = (level - nominal[i - 1]) / (nominal[i] - nominal[i - 1])
      return observed[i - 1] + part * (observed[i] - observed[i - 1])
    end
  end
  return 0 / 0
end

--- The factor by which the spread must grow for a spread-skill ratio of 1.
---@return number
function Result:factor() return 1 / self.spread_skill end

--- Charts: rank histogram, coverage, pull.
---@return table[]  drawings
function Result:charts() return plot.calibration(self) end

local function verdict(c)
  if c.spread_skill < 0.9 then return "over-confident: its spread is smaller than its errors" end
  if c.spread_skill > 1.1 then return "under-confident: its spread is larger than its errors" end
  return "about as wide as its errors"
end

--- A part of a report (report/init.lua): table, sentence and charts.
---@return table
function Result:part()
  local t = tabulate { "score", "value", "calibrated" }
  local ideal = { spread_skill = 1, pull_mean = 0, pull_sd = self.ideal_pull_sd, reliability = 0 }
  for _, m in ipairs(core.metrics.list) do
    if m.takes == "ensemble" then t:row { m.name, self[m.name], ideal[m.name] or "" } end
  end
  t:row { "outside the members", self.outside, 2 / (self.members + 1) }
  return { title = "Calibration", table = t, charts = self:charts(),
    text = ("An ensemble of %d members on %d samples; it is %s (spread-skill ratio %.2f)."):format(
      self.members, self.samples, verdict(self), self.spread_skill),
    note = "Pull = (ensemble mean - truth) / standard deviation. A calibrated ensemble has flat ranks and "
      .. "intervals that hold the truth as often as they say." }
end

--- The members (M,H,W,C) of sample i from a list of M batches (N,H,W,C).
---@param members flexlab.Tensor[]  M of (N,H,W,C)
---@param i integer                 sample, from 1
---@return flexlab.Tensor
function M.stack(members, i)
  local list = {}
  for m, member in ipairs(members) do list[m] = member:narrow { axis = 1, start = i, length = 1 } end
  local all = list[1]
  for m = 2, #list do all = core.concat(all, list[m], { axis = 1 }) end
  return all
end

local Sums = {}
Sums.__index = Sums

--- Sums over batches, for those who walk through the data anyway: `sums:add(members, batch)`,
--- `sums:result()` (nil as long as there was no ensemble).
---@return table
function M.sums() return setmetatable({}, Sums) end

--- Adds the members of a batch. Fewer than two members say nothing.
---@param members flexlab.Tensor[]|nil  each (N,H,W,C), physical units
---@param batch table                   truth (N,H,W,C) and ids
function Sums:add(members, batch)
  if not members or #members < 2 then return end
  self.core = self.core or core.metrics.calibration(#members)
  for i = 1, batch.truth.shape[1] do
    local scope <close> = core.scope()
    self.core:add(M.stack(members, i), batch.truth:narrow { axis = 1, start = i, length = 1 },
      { stream = "user", sample = batch.ids and batch.ids[i] or i })
    scope:close()
  end
end

--- What the sums say; nil as long as there was no ensemble.
---@return table|nil
function Sums:result() return self.core and result_of(self.core) end

--- The sampler with members pulled away from their mean by `factor` (below 1: towards it). The mean
--- stays; so does every correlation between pixels.
---@param sampler function  batch -> mean, members
---@param factor number     0 or above
---@return function  batch -> mean, members
function M.respread(sampler, factor)
  return function(batch)
    local mean, members = sampler(batch)
    local spread = {}
    for m, member in ipairs(members) do spread[m] = mean + (member - mean) * factor end
    return mean, spread
  end
end

--- Numbers and curves of `sampler(batch) -> mean, members` over test batches.
---@param sampler function   batch -> mean, members
---@param test table         data.test
---@param options table|nil  { batches = the first so many only }
---@return table  with :covered, :factor, :charts, :part; raises where there was no ensemble
function M.measure(sampler, test, options)
  local o = config.options("calibration", { batches = false }, options, nil, 2)
  local sums, count, run = M.sums(), 0, context.run()
  for batch in test:batches() do
    local scope <close> = core.scope()
    local _, members = sampler(batch)
    sums:add(members, batch)
    scope:close()
    if run then run:poll() end
    count = count + 1
    if o.batches and count >= o.batches then break end
  end
  if count == 0 then error("calibration: there are no test batches", 2) end
  return sums:result() or error("calibration: the sampler gave no list of two members or more as its"
    .. " second result", 2)
end

return setmetatable(M, { __call = function(_, ...) return M.measure(...) end })
