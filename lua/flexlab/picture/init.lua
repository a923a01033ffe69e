--[[
picture - fields as pictures; each function returns an object with :save(path) and :png().

  flex.picture.panel(groups)        fields under common colour scales      (picture/panel.lua)
  flex.picture.compare { low =, bicubic =, prediction =, truth =, spread = }
                                    the six pictures of a super-resolved field
  flex.picture.domain({ ... , zoom = 256 })      a field too large to be seen at once, and its middle
--]]

local core = require "flexlab.core"
local expected = require "flexlab.expected"
local panel = require "flexlab.picture.panel"

local M = { panel = panel }

local function titled(name, field, truth)
  if not truth then return { name, field } end
  local rfne = core.metrics.rfne(field, truth):item()
  return { ("%s  RFNE %.3f"):format(name, rfne), field }
end

-- One sample, in single precision.
local function first(field)
  return field and field:narrow({ axis = 1, start = 1, length = 1 }):to("f32") or nil
end

local KNOWN = { "low", "bicubic", "prediction", "truth", "spread", "member", "label", "name", "start",
  "members", "zoom" }

local function check(fields)
  expected.known("picture", fields, KNOWN, 3)
  for _, key in ipairs { "low", "bicubic", "prediction" } do
    if not core.is_tensor(fields[key]) then
      error("picture.compare: '" .. key .. "' must be a tensor (1,H,W,1)", 3)
    end
  end
end

-- A vorticity is shown about 0, other fields as their values want it (panel.lua).
local function map_of(label) return label:lower():find("vorticity", 1, true) and "diverging" or "fitted" end

--- One sample as low, bicubic, prediction, truth, error and spread. The fields share one scale; error and spread, far
--- smaller, have their own.
---@param fields table  low, bicubic, prediction, and truth and spread or none, each (1,H,W,1), low smaller; label (what
---  the field is and its unit in brackets), name (of the prediction), start (of the interpolation), members (how many
---  the prediction is the mean of)
---@return table  a picture
function M.compare(fields)
  check(fields)
  local _ <close> = core.scope()
  local truth, prediction = first(fields.truth), first(fields.prediction)
  local label = fields.label or "field"
  local left = { { "low", first(fields.low) }, titled(fields.name or "FLEX", prediction, truth) }
  local right = { titled(fields.start or "bicubic", first(fields.bicubic), truth) }
  local groups = { { label = label, map = map_of(label), columns = { left, right } } }
  local function deviation(name, field)
    groups[#groups + 1] = { label = label:match "%b()" or "", map = "sequential", below = #groups > 1,
      columns = { { { name, field } } } }
  end
  if truth then
    right[2] = { "truth", truth }
    deviation("absolute error", (prediction - truth):abs())
  end
  if fields.spread then
    local name = fields.members and ("spread of %d members"):format(fields.members) or "spread"
    deviation(name, first(fields.spread))
  end
  return panel(groups)
end

-- The middle of a field: `share` of each side.
local function middle(field, share)
  for axis = 2, 3 do
    local size = field.shape[axis]
    local length = math.max(1, math.floor(size * share + 0.5))
    field = field:narrow { axis = axis, start = (size - length) // 2 + 1, length = length }
  end
  return field
end

--- The whole prediction, by block means, under the low field; beside them the middle of the interpolation, the
--- prediction, one member and the truth.
---@param fields table  those of compare, and zoom (pixels of the shorter side of the middle) and member; truth and
---  member may be absent
---@return table  a picture
function M.domain(fields)
  check(fields)
  local _ <close> = core.scope()
  local prediction = first(fields.prediction)
  local shorter = math.min(prediction.shape[2], prediction.shape[3])
  local share = math.min(1, fields.zoom / shorter)
  local function part(field) return field and middle(first(field), share) end
  local factor = math.max(1, math.floor(1 / share))
  while prediction.shape[2] % factor ~= 0 or prediction.shape[3] % factor ~= 0 do factor = factor - 1 end
  local name, truth = fields.name or "FLEX", part(fields.truth)
  local columns = {
    { { "low, whole", first(fields.low) }, { name .. ", whole", prediction:mean_pool { factor = factor } } },
    { titled(fields.start or "bicubic", part(fields.bicubic), truth), titled(name, part(prediction), truth) },
    {},
  }
  if fields.member then columns[3][1] = titled("member", part(fields.member), truth) end
  if truth then table.insert(columns[3], { "truth", truth }) end
  if #columns[3] == 0 then columns[3] = nil end
  local label = fields.label or "field"
  return panel { { label = label, map = map_of(label), columns = columns } }
end

return M
