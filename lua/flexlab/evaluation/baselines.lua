--[[
baselines - what a method must beat: interpolation of the low field, or the last frame again. Each
takes a batch and returns (N,H,W,C) in physical units, so flex.evaluate takes them as samplers.
--]]
local core = require "flexlab.core"
local film_file = require "flexlab.flow.film_file"
local geometry = require "flexlab.data.geometry"
local paths = require "flexlab.data.paths"
local scales = require "flexlab.data.scales"

local M = {}

--- The last known frame (forecast), or the estimate that the network starts from (super-resolution).
---@param batch table  of data.test
---@return flexlab.Tensor
function M.persistence(batch) return scales.physical(batch.estimate, batch.scale) end

-- Where the samples of a batch lie; a batch that does not say so was made by hand, of every f-th sample.
local function geometry_of(batch) return batch.geometry or { cells = false, circular = false } end

-- An interpolation; `cells`: as if the samples lay in the middle of blocks, wherever they do.
local function interpolation(method, cells)
  return function(batch)
    if not batch.low then return M.persistence(batch) end
    local shape, place = batch.estimate.shape, geometry_of(batch)
    return geometry.interpolate(batch.low, shape[2], shape[3], method, { cells = cells or place.cells,
      circular = place.circular })
  end
end

M.nearest = interpolation("nearest", true)
M.bilinear = interpolation("bilinear", true)
M.bicubic = interpolation("bicubic", true)
--- Bicubic with every sample where the degradation took it: those of field[::f, ::f] on their pixels, means over
--- blocks in the middle of their blocks (flexlab.data.geometry); a linear field stays linear [Keys 1981]. The others
--- put all of them in the middle, which shifts field[::f, ::f] by (f-1)/2 pixels, as FLEX's authors do
--- (src/utils/get_data_sr.py of their code).
M.registered = interpolation("keys", false)

-- How solid the points of a batch are (N,H,W,1), from the dataset of a film beside solids.
local function solids(film, batch)
  local n, h, w = table.unpack(batch.truth.shape)
  local all = core.zeros { n, h, w, 1 }
  for i, e in ipairs(batch.index) do
    all[i]:copy_(assert(film:read(1, 1, { y = e.y, x = e.x, height = h, width = w }))[1])
  end
  return all
end

--- The method with the truth where a point is solid, half of it where it is half solid: what is left of its
--- errors is that in the fluid. `file` is the film that the batches are cut from (flexlab.flow.generate); one without
--- solids leaves the method as it is.
---@param method function  batch -> (N,H,W,C) in physical units
---@param file string      the film; one that is not there raises
---@return function  batch -> (N,H,W,C)
function M.in_fluid(method, file)
  local path = paths.expand(file)[1]
  if core.sys.exists(path) ~= "file" then error(paths.missing(path), 2) end
  local film = film_file.open(path, "solid")
  if not film then return method end
  return function(batch)
    local field = method(batch)
    return field + (batch.truth - field) * solids(film, batch)
  end
end

return M
