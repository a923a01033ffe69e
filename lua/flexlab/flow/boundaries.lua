--[[
boundaries - what a simulated flow meets at its edges and inside: words of flexlab.flow.generate, as options of
core.flow and as attributes of a film.

  periodic   nothing: what leaves at one side comes in at the other
  channel    no-slip walls along x, from y = 0 to `wall` and from 2 pi - wall on
  box        the same on all four sides
  cylinder   one disc in a stream that a sponge at the end of x brings back to its mean
  cylinders  several discs, which the seed places; the stream is periodic, so they are an array
  free_slip  walls at y = 0 and pi that hold nothing back; the upper half is the mirror image of the lower
Lengths in box length / 2 pi. Solids act by volume penalisation (csrc/sim/flow_solid.c).
--]]
local rng = require "flexlab.rng"
local settings = require "flexlab.settings"

local M = {}

local walls = { periodic = "none", cylinder = "none", cylinders = "none", channel = "channel", box = "box",
  free_slip = "slip" }
for _, word in ipairs(settings.of("flow").entry.boundary.words) do assert(walls[word], word) end

local TRIES = 1000   -- places looked at for the discs

local function gap(a, b)
  local d = math.abs(a - b) % (2 * math.pi)
  return math.min(d, 2 * math.pi - d)
end

-- Places of o.cylinders discs, in the order in which the seed proposes them: at least a radius between any two, and
-- between a disc and the sponge.
local function placed(o, sponge)
  local u = rng.uniform({ seed = o.seed, stream = "data", sample = 1 }, 2 * TRIES)
  local r, list, last = o.radius, {}, 2 * math.pi - sponge
  for i = 1, 2 * TRIES, 2 do
    local x, y = 2 * math.pi * u[i], 2 * math.pi * u[i + 1]
    local free = sponge == 0 or x >= 2 * r and x <= last - 2 * r
    for d = 1, #list, 3 do free = free and gap(x, list[d]) ^ 2 + gap(y, list[d + 1]) ^ 2 >= (3 * r) ^ 2 end
    if free then table.move({ x, y, r }, 1, 3, #list + 1, list) end
    if #list == 3 * o.cylinders then return list end
  end
  error(("generate: only %d of %d cylinders of radius %g find a place; give fewer, or a smaller radius"):format(
    #list // 3, o.cylinders, r), 0)
end

local function discs(o, sponge)
  if o.boundary ~= "cylinder" and o.boundary ~= "cylinders" then return nil end
  if o.discs then return o.discs end
  return o.boundary == "cylinder" and { math.pi / 2, math.pi, o.radius } or placed(o, sponge)
end

--- Whether a film with these options has solids.
---@param o table  options of flex.generate
---@return boolean
function M.solid(o) return o.boundary ~= "periodic" and o.boundary ~= "free_slip" end

--- The options of core.flow that say it.
---@param o table  options of flex.generate
---@return table  walls, wall, mean_velocity, sponge, cylinders of core.flow
function M.flow(o)
  local around = o.boundary == "cylinder" or o.boundary == "cylinders"
  local mean = o.mean_velocity or (around and 1.0 or 0.0)
  local sponge = o.sponge or (o.boundary == "cylinder" and mean ~= 0 and 1.0 or 0.0)
  return { walls = walls[o.boundary], wall = o.wall, mean_velocity = mean, sponge = sponge,
    cylinders = discs(o, sponge) }
end

--- Adds to the attributes of a film what differs from the empty periodic box; discs as "x,y,radius;...".
---@param o table        options of flex.generate
---@param numbers table  attributes by name, to which it adds
---@param texts table    attributes by name, to which it adds
function M.describe(o, numbers, texts)
  local f = M.flow(o)
  texts.boundary = o.boundary
  if f.walls == "channel" or f.walls == "box" then numbers.wall = f.wall end
  for _, name in ipairs { "mean_velocity", "sponge" } do
    if f[name] ~= 0 then numbers[name] = f[name] end
  end
  if not f.cylinders then return end
  local list = {}
  for i = 1, #f.cylinders, 3 do list[#list + 1] = ("%.17g,%.17g,%.17g"):format(table.unpack(f.cylinders, i, i + 2)) end
  texts.cylinders = table.concat(list, ";")
end

local function fail(...) error("generate: " .. select(1, ...):format(select(2, ...)), 0) end

--- Refuses what no flow could have.
---@param o table  options of flex.generate
function M.check(o)
  if o.discs and #o.discs % 3 ~= 0 then
    fail("discs are x, y, radius of each, got %s", #o.discs .. " numbers")
  end
  if o.discs and o.boundary ~= "cylinder" and o.boundary ~= "cylinders" then
    fail("discs stand in a flow with boundary cylinder or cylinders, not %s", o.boundary)
  end
end

return M
