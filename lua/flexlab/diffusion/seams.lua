--[[
seams - whether one can see where the tiles of a field were put together (tiling.lua).

  local s = flex.seams.measure(field, plan)     s.ratio = 1.006, s.noise = 0.009, s.lines = 170
A step is the absolute difference of neighbouring pixels. For each line between two rows or columns of pixels
the mean step across it is taken, relative to the mean of all lines of that direction that are no tile's edge
and lie alike between the samples of the coarse field: what is interpolated has larger steps at some pixels of a
block than at others, whatever the tiles.
`ratio` is the mean over the middles of what neighbouring tiles share, where the field passes from one to the
next: 1 where there is no seam. `noise` is what the same pattern of lines says elsewhere: how far from 1 its ratio
is, as a standard deviation, when it is moved by every distance up to that of two tiles, lines that are edges left
out. So |ratio - 1| below noise is a seam below the field's own gradient noise.
--]]
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local tabulate = require "flexlab.tabulate"
local tiling = require "flexlab.diffusion.tiling"

local M = {}

-- The mean step across the line before each row (along = 2) or column (3) of (N,H,W,C), the first one being
-- the line between the last and the first.
local function steps(field, along)
  local _ <close> = core.scope()
  local size = field.shape[along]
  local before = tiling.cut(field, along, size - 1, size)   -- each pixel's neighbour, over the end
  return (field - before):abs():mean({ 1, along == 2 and 3 or 2, 4 }):totable()
end

-- The steps of one direction relative to those of the lines that are no edges and lie alike on the coarse grid,
-- by line from 0; nil where these are too few or all 0. Where the axis is no ring, the line over its end (0) is none.
local function relative(field, along, axis)
  local list, sums, counts = steps(field, along), {}, {}
  local lines, first = { axis = axis }, axis.periodic and 0 or 1
  for p = first, axis.size - 1 do
    local phase = p % axis.align
    if not axis.edges[p] then
      sums[phase], counts[phase] = (sums[phase] or 0) + list[p + 1], (counts[phase] or 0) + 1
    end
  end
  for p = first, axis.size - 1 do
    local sum, n = sums[p % axis.align] or 0, counts[p % axis.align] or 0
    if n > 1 and sum > 0 then lines[p] = list[p + 1] * n / sum end
  end
  return lines
end

-- Sum and number of the lines where edges lie once they are moved by `shift`; moved ones that meet edges are
-- left out.
local function moved(lines, shift)
  local axis, sum, n = lines.axis, 0, 0
  for edge in pairs(axis.edges) do
    local p = (edge + shift) % axis.size
    if lines[p] and (shift == 0 or not axis.edges[p]) then sum, n = sum + lines[p], n + 1 end
  end
  return sum, n
end

-- The mean over both directions of the lines at `shift`, and their number.
local function pattern(directions, shift)
  local sum, n = 0, 0
  for _, lines in ipairs(directions) do
    local s, count = moved(lines, shift)
    sum, n = sum + s, n + count
  end
  return sum / n, n
end

-- How far tiles stand apart, at most.
local function distance(directions)
  local most = 2
  for _, lines in ipairs(directions) do
    most = math.max(most, lines.axis.size // #lines.axis.starts)
  end
  return most
end

--- { ratio, noise, lines } of a field (N,H,W,C) made with a plan of tiles (flex.tiling.plan); nil where no
--- line can be judged: no edges, nothing but edges, or a field that is constant.
---@param field flexlab.Tensor  (N,H,W,C)
---@param plan table            of flex.tiling.plan
---@return table|nil
function M.measure(field, plan)
  expected.tensor("seams.measure", "field", field, 4, 2)
  expected.entries("seams.measure", "plan", plan, { "rows", "columns" }, 2)
  local directions = {}
  for i, axis in ipairs { plan.rows, plan.columns } do
    if next(axis.edges) then directions[#directions + 1] = relative(field, i + 1, axis) end
  end
  if #directions == 0 then return nil end
  local ratio, lines = pattern(directions, 0)
  if lines == 0 then return nil end
  local square, count = 0, 0
  for shift = 1, distance(directions) do
    local elsewhere, n = pattern(directions, shift)
    if 2 * n >= lines then square, count = square + (elsewhere - 1) ^ 2, count + 1 end
  end
  if count < 2 then return nil end
  return { ratio = ratio, noise = math.sqrt(square / count), lines = lines }
end

--- What sampling by tiles says of its answer: measure() of the mean, of the first member, and of the truth
--- on the same lines where the batch has it; the number of tiles.
---@param plan table                of flex.tiling.plan
---@param batch table               whose `truth` is measured, too
---@param mean flexlab.Tensor       (N,H,W,C)
---@param members flexlab.Tensor[]  at least one
---@return table  { tiles =, mean =, member =, truth = }
function M.judge(plan, batch, mean, members)
  local scope <close> = core.scope()
  local result = { tiles = plan.count, mean = M.measure(mean, plan), member = M.measure(members[1], plan),
    truth = batch.truth and M.measure(batch.truth, plan) or nil }
  scope:close()
  return result
end

--- Adds what judge() said to the record of a run, from which its report makes a part.
---@param run table     the current one
---@param judged table  of M.judge
function M.note(run, judged)
  run.seams = run.seams or {}
  table.insert(run.seams, judged)
  run:keep_value("seams", run.seams)
end

-- One row of the table: averages over the batches of a run.
local function row_of(list, name)
  local ratio, square, lines, n = 0, 0, 0, 0
  for _, entry in ipairs(list) do
    local s = entry[name]
    if s then
      ratio, square, lines, n = ratio + s.ratio, square + s.noise ^ 2, lines + s.lines, n + 1
    end
  end
  if n > 0 then return { name, ratio / n, math.sqrt(square) / n, lines } end
end

local NOTE = "The mean step between neighbouring pixels across the lines where the field passes from one tile "
  .. "to the next, relative to that across all other lines that lie alike on the coarse grid; and how far from 1 "
  .. "the same pattern of lines is elsewhere, as a standard deviation. 1 within the noise: the tiles do not show."

--- The part of a report (report/init.lua) for what judge() said, batch by batch; nil if nothing could be judged.
---@param list table[]  of M.judge, one per batch
---@return table|nil
function M.part(list)
  local t, tiles = tabulate { "field", "step across edges", "noise", "lines" }, 0
  for _, name in ipairs { "mean", "member", "truth" } do
    local row = row_of(list, name)
    if row then t:row(row) end
  end
  for _, entry in ipairs(list) do tiles = tiles + entry.tiles end
  if #t.rows == 0 then return nil end
  return { title = "Seams", text = ("Sampled by %d tiles, fused at every step."):format(tiles), table = t, note = NOTE }
end

return M
