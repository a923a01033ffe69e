--[[
seams - whether one can see where the tiles of a field were put together (tiling.lua).

  local s = flex.seams.measure(field, plan)     s.ratio = 1.006, s.noise = 0.009, s.lines = 170
A step is the absolute difference of neighbouring pixels. For each line between two rows or columns of pixels
the mean step across it is taken, relative to the mean of all lines of that direction that are no tile's edge.
`ratio` is the mean over the lines where the weight of a tile begins or ends: 1 where there is no seam. `noise` is
its standard error were these lines like the others: the lines' standard deviation over the root of their
number. So |ratio - 1| below noise is a seam below the field's own gradient noise.
--]]
local core = require "flexlab.core"
local tabulate = require "flexlab.table"

local M = {}

-- The mean step across the line before each row (along = 2) or column (3) of (N,H,W,C), the first one being
-- the line between the last and the first.
local function steps(field, along)
  local _ <close> = core.scope()
  local size = field.shape[along]
  local last = field:narrow { axis = along, start = size, length = 1 }
  local before = last:concat(field:narrow { axis = along, start = 1, length = size - 1 }, { axis = along })
  return (field - before):abs():mean({ 1, along == 2 and 3 or 2, 4 }):totable()
end

-- Adds the relative steps of one direction to the lists `on` (edges) and `off` (the others).
local function sort(field, along, axis, periodic, on, off)
  local list, edges, others, sum = steps(field, along), {}, {}, 0
  for p = periodic and 0 or 1, axis.size - 1 do
    local to = axis.edges[p] and edges or others
    to[#to + 1] = list[p + 1]
  end
  for _, v in ipairs(others) do sum = sum + v end
  local mean = sum / #others
  if #others < 2 or mean == 0 then return end
  for _, v in ipairs(edges) do on[#on + 1] = v / mean end
  for _, v in ipairs(others) do off[#off + 1] = v / mean end
end

--- { ratio, noise, lines } of a field (N,H,W,C) made with a plan of tiles (flex.tiling.plan); nil where no
--- line can be judged: no edges, nothing but edges, or a field that is constant.
function M.measure(field, plan)
  local on, off, periodic = {}, {}, plan.options.periodic
  sort(field, 2, plan.rows, periodic, on, off)
  sort(field, 3, plan.columns, periodic, on, off)
  if #on == 0 then return nil end
  local sum, square = 0, 0
  for _, v in ipairs(on) do sum = sum + v end
  for _, v in ipairs(off) do square = square + (v - 1) ^ 2 end
  return { ratio = sum / #on, noise = math.sqrt(square / (#off - 1) / #on), lines = #on }
end

--- What sampling by tiles says of its answer: measure() of the mean, of the first member, and of the truth
--- on the same lines where the batch has it; the number of tiles.
function M.judge(plan, batch, mean, members)
  local scope <close> = core.scope()
  local result = { tiles = plan.count, mean = M.measure(mean, plan), member = M.measure(members[1], plan),
    truth = batch.truth and M.measure(batch.truth, plan) or nil }
  scope:close()
  return result
end

--- Adds what judge() said to the record of a run, from which its report makes a part.
function M.note(run, judged)
  run.seams = run.seams or {}
  table.insert(run.seams, judged)
  run:record("seams", run.seams)
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

local NOTE = "The mean step between neighbouring pixels across the lines where a tile's weight begins or ends, "
  .. "relative to that across all other lines of the field; and the standard error it has for that number of "
  .. "lines. 1 within the noise: the tiles do not show."

--- The part of a report (report.lua) for what judge() said, batch by batch; nil if nothing could be judged.
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
