--[[
draws - which patches a training step sees: a function of (seed, step, sample) alone.

A draw is { file, frame, y, x, id, element }: the patch of the frame whose first corner is (y, x), moved by an
element of symmetry.lua. `id` is the number of its entry.
  order    "draws": an entry at random for each sample. "epochs": every entry once before any comes again, in
           an order that is a function of (seed, epoch)
  balance  of draws: "frames" are equally likely, or "files", or Reynolds numbers ("re"), whatever they hold
The first n samples of a step do not depend on how many there are, so a process may draw a part of them.
--]]
local rng = require "flexlab.rng"
local symmetry = require "flexlab.data.symmetry"

local M = {}

local balances = {
  files = function(_, e) return e.file end,
  re = function(source, e) return source:re(e) end,
}

--- Raises unless order and balance fit together.
---@param cfg table  settings of data: balance, order
function M.check(cfg)
  if cfg.balance ~= "frames" and cfg.order == "epochs" then
    error("data: in epochs every frame comes equally often: balance = \"" .. cfg.balance
      .. "\" goes with order = \"draws\"", 0)
  end
end

-- Lists of indices of entries that belong together, in the order in which they first come.
local function groups_of(part)
  local key, groups, of = balances[part.set.cfg.balance], {}, {}
  for i, e in ipairs(part.entries) do
    local name = key(part.source, e)
    if not of[name] then
      of[name] = {}
      groups[#groups + 1] = of[name]
    end
    table.insert(of[name], i)
  end
  return groups
end

-- Entry i for each of n samples; with balance first a group, by numbers of their own.
local function drawn(part, step, n)
  local key = { seed = part.set.seed, stream = "order", step = step }
  if part.set.cfg.balance == "frames" then return rng.integers(key, n, #part.entries) end
  part.groups = part.groups or groups_of(part)
  local within = rng.uniform(key, n)
  key.member = 1
  local which, list = rng.integers(key, n, #part.groups), {}
  for i = 1, n do
    local group = part.groups[which[i]]
    list[i] = group[math.min(math.floor(within[i] * #group) + 1, #group)]
  end
  return list
end

-- All entries in the order of an epoch (from 0 on) [Fisher & Yates 1938].
local function shuffled(part, epoch)
  if part.epoch and part.epoch.number == epoch then return part.epoch.list end
  local list, n = {}, #part.entries
  local u = rng.uniform({ seed = part.set.seed, stream = "order", step = epoch, member = 2 }, n)
  for i = 1, n do list[i] = i end
  for i = n, 2, -1 do
    local j = math.min(math.floor(u[i] * i) + 1, i)
    list[i], list[j] = list[j], list[i]
  end
  part.epoch = { number = epoch, list = list }
  return list
end

local function in_epochs(part, step, n)
  local list = {}
  for i = 1, n do
    local sample = (step - 1) * n + i - 1
    list[i] = shuffled(part, sample // #part.entries)[sample % #part.entries + 1]
  end
  return list
end

-- The corner for two numbers in [0, 1), a multiple of `grid` from the first pixel on.
local function corner(part, e, v, u, grid, anywhere)
  local set = part.set
  local rows, columns = part.source:height(e), part.source:width(e)
  local down = anywhere and rows // grid or (rows - set.height) // grid + 1
  local right = anywhere and columns // grid or (columns - set.width) // grid + 1
  return math.floor(v * down) * grid + 1, math.floor(u * right) * grid + 1
end

-- The elements of n samples; nil where fields are not moved.
local function elements(part, step, n)
  local s = part.set.symmetry
  if not (s and s.moves) then return {} end
  local numbers, list = rng.uniform({ seed = part.set.seed, stream = "crop", step = step, member = 1 }, s.count * n), {}
  for i = 1, n do list[i] = s.element(table.move(numbers, (i - 1) * s.count + 1, i * s.count, 1, {})) end
  return list
end

-- Reversing a patch about its middle moves samples that lie on its first pixels (every f-th, coarse files) to
-- its last ones. About a grid point they stay samples: then the patch begins one sample later.
local function register(part, draw)
  draw.rows, draw.columns = 0, 0
  if not (part.low and draw.element and part.on_points) then return end
  local rows, columns = symmetry.reversed(draw.element)
  draw.rows, draw.columns = rows and 1 or 0, columns and 1 or 0
end

--- The draws of a step: samples `from` to `to` of it, or all.
---@param part table        data.train
---@param step integer      from 1; 0 for tests
---@param from integer|nil  first sample, from 1
---@param to integer|nil    last sample
---@return table[]
function M.of(part, step, from, to)
  local set, n = part.set, part.set.cfg.batch
  local order = (set.cfg.order == "epochs" and in_epochs or drawn)(part, step, n)
  local corners = rng.uniform({ seed = set.seed, stream = "crop", step = step }, 2 * n)
  local moves, list = elements(part, step, n), {}
  for i = from or 1, to or n do
    local e = part.entries[order[i]]
    local y, x = corner(part, e, corners[2 * i - 1], corners[2 * i], part.low and set.cfg.factor or 1,
      set.symmetry and set.symmetry.shift)
    local draw = { file = e.file, frame = e.frame, y = y, x = x, id = order[i], sample = i, element = moves[i] }
    register(part, draw)
    list[#list + 1] = draw
  end
  return list
end

return M
