--[[
geometry - where the samples of a coarse field lie in the fine one, which an interpolation must know to put them
there again. Sample j of a field that is f times coarser stands for
  points   fine pixel j f (from 0 on): field[::f, ::f], a spectral cut-off taken at those points
  cells    the middle of its block of f pixels, j f + (f - 1)/2: the mean over a block
A degradation says `cells = true` for the second (degradations/*.lua); of coarse files (data.low) it is what the word
of the degradation says, since files do not tell. A wrong word shifts the baseline `registered` by (f - 1)/2 pixels,
and any method wins against a shifted rival: so where `low` is computed here its word is held against what it does to a
wave, and the doctor looks at coarse files (doctor/data.lua).
--]]
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local resample = require "flexlab.data.resample"

local M = {}

--- { factor =, cells =, circular = } of data settings, or of a checkpoint's description of its data.
---@param cfg table  factor, degradation, circular
---@return table
function M.of(cfg)
  return { factor = cfg.factor, cells = choices.get("degradations", cfg.degradation).cells or false,
    circular = cfg.circular or false }
end

--- low (N,h,w,C) -> (N,height,width,C), every sample where it lies in the fine field. With method "keys" a linear field
--- stays linear.
---@param low flexlab.Tensor  (N,h,w,C)
---@param height integer      a multiple of h
---@param width integer       a multiple of w
---@param method string       of core.resize
---@param geometry table      of M.of
---@return flexlab.Tensor
function M.interpolate(low, height, width, method, geometry)
  return resample.interpolate(low, height, width, method, not geometry.cells, geometry.circular)
end

-- A wave that fits once into the height, and one that fits once into the width: (1,H,W,C).
local function wave(height, width, channels)
  local rows, columns = {}, {}
  for y = 1, height do rows[y] = math.cos(2 * math.pi * (y - 1) / height) end
  for x = 1, width do columns[x] = math.cos(2 * math.pi * (x - 1) / width) end
  return core.zeros { 1, height, width, channels } + core.tensor(rows):reshape { 1, height, 1, 1 }
    + core.tensor(columns):reshape { 1, 1, width, 1 }
end

-- How far along an axis a wave of one period has moved against the axis, in its own pixels.
local function phase(field, axis)
  local mean = field:narrow({ axis = 4, start = 1, length = 1 }):mean { axis == 2 and 3 or 2 }
  local n, real, imaginary = field.shape[axis], 0, 0
  for i, v in ipairs(mean:totable()) do
    local turn = 2 * math.pi * (i - 1) / n
    real, imaginary = real + v * math.cos(turn), imaginary + v * math.sin(turn)
  end
  local pixels = math.atan(imaginary, real) * n / (2 * math.pi)
  return math.abs(pixels) < 1e-6 and 0 or pixels
end

--- Where `low` of a degradation puts its first sample, in fine pixels behind the first one, (y, x), and how far `up`
--- shifts the estimate against the truth; nil where fields of this size are too small to tell (three samples).
---@param choice table          a degradation
---@param cfg table             settings of data: factor, and the degradation's own
---@param height integer        of fine fields
---@param width integer         of fine fields
---@param channels integer|nil  1
---@return table|nil  { y =, x =, shift = { y =, x = } }
function M.measure(choice, cfg, height, width, channels)
  local f = cfg.factor
  if math.min(height, width) < 3 * f then return nil end
  local scope <close> = core.scope()
  cfg = config.merge(cfg)
  cfg.noise, cfg.circular = 0, true
  local low = choice.low(wave(height, width, channels or 1), f, cfg)
  if low.shape[2] * f ~= height or low.shape[3] * f ~= width then return nil end
  local up = choice.up(low, height, width, cfg)
  local found = { y = 0 - phase(low, 2) * f, x = 0 - phase(low, 3) * f, shift = { y = phase(up, 2), x = phase(up, 3) } }
  scope:close()
  return found
end

--- What is wrong with where a degradation says that its samples lie: a sentence, and what it should say where that is
--- known; nil where it is right, or cannot be told.
---@param choice table          a degradation
---@param cfg table             settings of data: factor, and the degradation's own
---@param height integer        of fine fields
---@param width integer         of fine fields
---@param channels integer|nil  1
---@return string|nil
---@return string|nil
function M.fault(choice, cfg, height, width, channels)
  local found = cfg.factor > 1 and M.measure(choice, cfg, height, width, channels)
  if not found then return nil end
  local middle = (cfg.factor - 1) / 2
  local function at(place) return math.max(math.abs(found.y - place), math.abs(found.x - place)) end
  local said, other = choice.cells and middle or 0, choice.cells and 0 or middle
  if at(said) <= 0.25 * middle then return nil end
  local text = ("with factor %d its first sample lies at pixel (%.2f, %.2f) of its block"):format(cfg.factor, found.y,
    found.x)
  if at(other) > 0.25 * middle then
    return text .. ", neither at its first pixel nor in its middle: baseline 'registered' is off by as much"
  elseif choice.cells then
    return text .. ", and cells = true says in the middle", "no cells"
  end
  return text .. ", in the middle, as of a mean over the block", "cells = true"
end

--- Raises where a degradation says one geometry and computes the other; returns a sentence where it computes neither.
---@param cfg table             settings of data: degradation, factor, and the degradation's own
---@param height integer        of fine fields
---@param width integer         of fine fields
---@param channels integer|nil  1
---@return string|nil
function M.check(cfg, height, width, channels)
  local text, wanted = M.fault(choices.get("degradations", cfg.degradation), cfg, height, width, channels)
  if not text then return nil end
  text = ("degradation '%s': %s"):format(cfg.degradation, text)
  if wanted then error(("%s; %s was expected"):format(text, wanted), 0) end
  return text
end

return M
