--[[
tiling - fields larger than the patch that a network was trained on: overlapping tiles, fused at every step.

  mean, members, about = flex.diffusion.sample(model, batch, { tiling = { overlap = 24, border = 4 } })
The batch holds whole fields (N,H,W,C), the network takes tiles of h x w. Whenever a sampler asks for x0 and
eps, the field x_t is cut into tiles, the network answers for each, and its answers are put together with
weights that sum to one before x0 and eps are made of them [Bar-Tal et al. 2023, MultiDiffusion]. So samplers,
grids, guidance and noise know nothing of tiles: there is one noise field for the domain, addressed by (seed,
sample, member, step) as ever, and a tile's noise is a cut of it. One tile as large as the domain gives the
bits of no tiling.

Along an axis tile i begins at floor(i n / count), in units of `align` (the factor of super-resolution, so that
coarse samples lie in a tile as they did in training), and next to each other at most tile - overlap apart. A
weight is 0 on the outer `border` pixels, where the network saw its own padding instead of the field, rises
over the rest of the overlap as sin^2, is 1 between, and is divided by the sum of all tiles' there. A
periodic axis is a ring: tiles reach over its end. Else the first and last tile lie flush with it, and keep
weight 1 up to it. A domain may be a ring along one axis alone: with periodic = "x", longitudes around the globe.
Tokens have the positions of a training patch: their place in the tile, not in the domain.

Tiles pass the network `batch` at a time, each a function of its own cut alone, and are added in reading
order: bits do not depend on `batch`, and memory is that of `batch` tiles and a few fields.
--]]
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local settings = require "flexlab.settings"

local M = {}

local declared = settings.of "tiling"
M.defaults = declared.defaults

--- Options with defaults; raises on what no tiles can be.
---@param given table|boolean|nil  settings.tiling; true: the defaults
---@param level integer|nil        whom an error blames, as error's: 1 (absent) is the caller
---@return table
function M.options(given, level)
  level = (level or 1) + 1
  local o = settings.options("tiling", declared, given ~= true and given or nil, nil, level)
  if 2 * o.border > o.overlap then
    error(("tiling: a border of %d at both sides of a tile does not fit into an overlap of %d; give an overlap of "
      .. "%d or more"):format(o.border, o.overlap, 2 * o.border), level)
  end
  return o
end

-- Where tiles begin along an axis, from 0.
local function starts(axis, o, name)
  local size, tile, align = axis.size, axis.tile, axis.align
  if tile > size then
    error(("tiling: tiles %d %s are larger than the domain, %d; a field of at least one tile is needed")
      :format(tile, name, size), 0)
  elseif size % align ~= 0 or tile % align ~= 0 then
    error(("tiling: a domain %d %s and tiles of %d must both be divisible by the factor %d"):format(size, name,
      tile, align), 0)
  end
  if tile == size then return { 0 } end
  local step = (tile - o.overlap) // align
  if step < 1 then
    error(("tiling: an overlap of %d leaves tiles %d %s no step; give one of at most %d"):format(o.overlap, tile,
      name, tile - align), 0)
  end
  local list, range = {}, (axis.periodic and size or size - tile) // align
  local count = -(-range // step)
  for i = 0, axis.periodic and count - 1 or count do list[i + 1] = i * range // count * align end
  return list
end

-- 0 on the border, rising over the rest of the overlap; j counts from 0 at the edge.
local function ramp(j, o)
  if j < o.border then return 0 end
  local length = o.overlap - 2 * o.border
  if j >= o.border + length then return 1 end
  return math.sin(math.pi / 2 * (j - o.border + 0.5) / length) ^ 2
end

-- Weights by tile along an axis, which sum to one at every pixel.
local function weights(axis, o)
  local raw, total, last = {}, {}, #axis.starts
  for i, start in ipairs(axis.starts) do
    raw[i] = {}
    for j = 0, axis.tile - 1 do
      local at = (start + j) % axis.size
      local left = last == 1 or not axis.periodic and i == 1
      local right = last == 1 or not axis.periodic and i == last
      local w = (left and 1 or ramp(j, o)) * (right and 1 or ramp(axis.tile - 1 - j, o))
      raw[i][j + 1], total[at] = w, (total[at] or 0) + w
    end
  end
  for i, start in ipairs(axis.starts) do
    for j = 0, axis.tile - 1 do raw[i][j + 1] = raw[i][j + 1] / total[(start + j) % axis.size] end
  end
  return raw
end

-- The lines between pixels p - 1 and p where the field passes from one tile to the next: the middles of what
-- neighbours share. A set of p, from 0.
local function edges(axis)
  local set, last = {}, #axis.starts
  for i, start in ipairs(axis.starts) do
    local before = i > 1 and axis.starts[i - 1] or axis.periodic and axis.starts[last] - axis.size
    if before then set[(start + before + axis.tile) // 2 % axis.size] = true end
  end
  return set
end

-- `letter` is the axis as `periodic` names it.
local function axis(size, tile, o, align, letter)
  local a = { size = size, tile = tile, align = align, periodic = o.periodic == true or o.periodic == letter }
  a.starts = starts(a, o, letter == "y" and "high" or "wide")
  a.weights, a.edges = weights(a, o), edges(a)
  return a
end

--- Where tiles lie and what they weigh: { rows, columns, options, count }, an axis being { size, tile, periodic, starts
--- (from 0), weights = {by tile {by pixel}}, edges = {[p] = true} }.
---@param domain integer[]   { height, width } in pixels
---@param tile integer[]     { height, width } of the network
---@param given table|nil    { overlap = 24, border = 4, batch = 8, periodic = true }; periodic: true, false, "y" or "x"
---@param align integer|nil  tiles begin at multiples of it; 1
---@return table
function M.plan(domain, tile, given, align)
  expected.sizes("tiling.plan", "domain", domain, 2)
  expected.sizes("tiling.plan", "tile", tile, 2)
  if align then expected.whole("tiling.plan", "align", align, 1, 2) end
  local o = M.options(given, 2)
  local plan = { options = o, rows = axis(domain[1], tile[1], o, align or 1, "y"),
    columns = axis(domain[2], tile[2], o, align or 1, "x") }
  plan.count = #plan.rows.starts * #plan.columns.starts
  return plan
end

--- `length` entries along an axis from `start` (from 0), over the end to the beginning.
---@param t flexlab.Tensor  of any shape
---@param along integer     axis, from 1
---@param start integer     first entry, from 0
---@param length integer    at most the axis' size
---@return flexlab.Tensor
function M.cut(t, along, start, length)
  expected.tensor("tiling.cut", "field", t, nil, 2)
  local size = t.shape[along]
  local first = math.min(length, size - start)
  local part = t:narrow { axis = along, start = start + 1, length = first }
  if first == length then return part end
  return part:concat(t:narrow { axis = along, start = 1, length = length - first }, { axis = along })
end

-- Adds `part` to `sum` along the first axis from `start` (from 0), over the end to the beginning.
local function add(sum, part, start)
  local length, size = part.shape[1], sum.shape[1]
  local first = math.min(length, size - start)
  sum:narrow({ axis = 1, start = start + 1, length = first })
    :add_(part:narrow { axis = 1, start = 1, length = first }, 1)
  if first < length then
    sum:narrow({ axis = 1, start = 1, length = length - first })
      :add_(part:narrow { axis = 1, start = first + 1, length = length - first }, 1)
  end
end

-- The tiles first..last of a row of tiles as a batch (n,h,w,C), cut from a band (h,W,C).
local function stack(band, columns, first, last)
  local h, _, c = table.unpack(band.shape)
  local all = core.zeros { last - first + 1, h, columns.tile, c }
  for i = first, last do all[i - first + 1]:copy_(M.cut(band, 2, columns.starts[i], columns.tile)) end
  return all
end

-- What the network is to know, cut at a row of tiles: fields of sample n as bands (h,W,C).
local function bands(fields, n, start, rows)
  local cut = {}
  for name, field in pairs(fields) do cut[name] = M.cut(field[n], 1, start, rows.tile) end
  return cut
end

-- The network's answers for one row of tiles of sample n, put together: (W,h,C), not yet weighed by row.
local function ask_row(t, n, start, x, answer)
  local columns, rows, at_once = t.plan.columns, t.plan.rows, t.plan.options.batch
  local cut, band = bands(t.fields, n, start, rows), M.cut(x[n], 1, start, rows.tile)
  local re = t.re and t.re:narrow { axis = 1, start = n, length = 1 }
  local sum = core.zeros { columns.size, rows.tile, x.shape[4] }
  for first = 1, #columns.starts, at_once do
    local _ <close> = core.scope()
    local last = math.min(first + at_once - 1, #columns.starts)
    local part = { n = last - first + 1, scale = t.scale, task = t.task }
    for name, field in pairs(cut) do part[name] = stack(field, columns, first, last) end
    part.re = re and core.zeros { part.n, 1 } + re
    local p = answer(part, stack(band, columns, first, last))
    for i = 1, part.n do
      local w = core.tensor(columns.weights[first + i - 1]):reshape { 1, columns.tile, 1 }
      add(sum, (p[i] * w):permute { 2, 1, 3 }, columns.starts[first + i - 1])
    end
  end
  return sum
end

--- A function from x_t (N,H,W,C) to the network's answers of all tiles put together (N,H,W,C).
---@param plan table               of M.plan
---@param batch table              of whole fields: estimate, lowres (N,H,W,C), re
---@param base flexlab.Tensor|nil  what the sampled x0 is added to
---@param answer function          (batch of tiles, with their `base`, x_t of tiles) -> (n,h,w,C)
---@return function
function M.fused(plan, batch, base, answer)
  expected.entries("tiling.fused", "plan", plan, { "rows", "columns" }, 2)
  expected.entries("tiling.fused", "batch", batch, { "estimate" }, 2)
  local rows = plan.rows
  local t = { plan = plan, re = batch.re, scale = batch.scale, task = batch.task,
    fields = { estimate = batch.estimate, lowres = batch.lowres, base = base } }
  return function(x)
    local scope <close> = core.scope()
    local all = scope:keep(core.zeros(x.shape))
    for n = 1, x.shape[1] do
      for i, start in ipairs(rows.starts) do
        local _ <close> = core.scope()
        local w = core.tensor(rows.weights[i]):reshape { 1, rows.tile, 1 }
        add(all[n], (ask_row(t, n, start, x, answer) * w):permute { 2, 1, 3 }, start)
      end
    end
    return all
  end
end

return M
