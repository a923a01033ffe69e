--[[
colours - two colour maps that tell no lies: equal steps of the field are steps of equal
lightness in Oklab [Ottosson 2020, bottosson.github.io/posts/oklab].

  diverging   blue - white - red for fields with a sign (vorticity): lightness falls alike to
              both sides of zero, so that neither sign looks stronger [after Moreland 2009]
  sequential  black - violet - orange - pale yellow for what is never negative (error, spread)

A map is 33 colours and straight lines between them; on a tensor it is a sum of clamped ramps.
--]]

local core = require "flexlab.core"

local M = {}

local SEGMENTS = 32

-- Oklab lightness, chroma, hue (degrees) -> linear sRGB, which may lie outside 0..1.
local function linear_rgb(lightness, chroma, hue)
  local a, b = chroma * math.cos(math.rad(hue)), chroma * math.sin(math.rad(hue))
  local l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ^ 3
  local m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ^ 3
  local s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ^ 3
  return 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s
end

local function inside(lightness, chroma, hue)
  local r, g, b = linear_rgb(lightness, chroma, hue)
  return math.min(r, g, b) >= -1e-4 and math.max(r, g, b) <= 1 + 1e-4
end

-- The most chroma, up to `wanted`, that a screen can show, by bisection.
local function shown_chroma(lightness, wanted, hue)
  if inside(lightness, wanted, hue) then return wanted end
  local low, high = 0, wanted
  for _ = 1, 30 do
    local middle = (low + high) / 2
    if inside(lightness, middle, hue) then low = middle else high = middle end
  end
  return low
end

local function gamma(v)
  v = math.min(1, math.max(0, v))
  return v <= 0.0031308 and 12.92 * v or 1.055 * v ^ (1 / 2.4) - 0.055
end

local function srgb(lightness, chroma, hue)
  local r, g, b = linear_rgb(lightness, chroma, hue)
  return { gamma(r), gamma(g), gamma(b) }
end

local BLUE, RED = 258, 27       -- hues

-- u in -1..1. Both sides have the lesser of the two chromas that can be shown.
local function diverging(u)
  local distance = math.abs(u)
  local lightness = 0.975 - 0.635 * distance
  local wanted = 0.18 * math.sin(math.pi * math.min(distance, 1) * 0.72)
  local chroma = math.min(shown_chroma(lightness, wanted, BLUE), shown_chroma(lightness, wanted, RED))
  return srgb(lightness, chroma, u < 0 and BLUE or RED)
end

-- u in 0..1.
local function sequential(u)
  local lightness, hue = 0.14 + 0.83 * u, 295 + 160 * u
  return srgb(lightness, shown_chroma(lightness, 0.05 + 0.14 * math.sin(math.pi * u), hue), hue)
end

local function table_of(colour, low, high)
  local points = {}
  for i = 0, SEGMENTS do points[i] = colour(low + (high - low) * i / SEGMENTS) end
  return points
end

M.maps = {
  diverging = table_of(diverging, -1, 1),
  sequential = table_of(sequential, 0, 1),
}

--- The colour of one number, as {r, g, b} in 0..1.
---@param map string    "diverging", "sequential"
---@param value number  beyond low and high: the end colours
---@param low number    of the scale
---@param high number   of the scale, another than low
---@return number[]
function M.colour(map, value, low, high)
  local points = M.maps[map]
  local u = math.min(1, math.max(0, (value - low) / (high - low))) * SEGMENTS
  local i = math.min(SEGMENTS - 1, math.floor(u))
  local rgb = {}
  for c = 1, 3 do rgb[c] = points[i][c] + (u - i) * (points[i + 1][c] - points[i][c]) end
  return rgb
end

--- A field as colours; values beyond low and high take the end colours.
---@param map string            "diverging", "sequential"
---@param field flexlab.Tensor  (1,H,W,1)
---@param low number            of the scale
---@param high number           of the scale, another than low
---@return flexlab.Tensor  (1,H,W,3), 0..1
function M.apply(map, field, low, high)
  local points = M.maps[map]
  local scale = SEGMENTS / (high - low)
  local u = field:affine { scale = scale, shift = -low * scale }
  local out = core.zeros(u.shape) + core.tensor(points[0])
  for i = 1, SEGMENTS do
    local slope = {}
    for c = 1, 3 do slope[c] = points[i][c] - points[i - 1][c] end
    local ramp = u:affine({ shift = 1 - i }):clamp { low = 0, high = 1 }
    out:add_(ramp * core.tensor(slope))
  end
  return out
end

return M
