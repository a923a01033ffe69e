--[[
apply - a checkpoint applied to a file of fields, frame by frame: patch by patch of the network's own size, each by
itself, or whole fields (domain), by tiles fused at every step or by the network at that size.

  flex.apply { checkpoint = "runs/sr/latest", data = "flow.h5", out = "fine.h5", members = 4, spread = "spread.h5" }
The answer has the sides of the fields that were given. Where these are no multiples of what the network takes, they
are padded behind their last row and column (Frames:pad), and the answer is cut to size. `flexlab sample` is this.
--]]
local baselines = require "flexlab.evaluation.baselines"
local checkpoint = require "flexlab.checkpoint"
local choices = require "flexlab.choices"
local compare = require "flexlab.evaluation.compare"
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local tasks = require "flexlab.tasks"
local destination = require "flexlab.store.destination"
local diffusion = require "flexlab.diffusion"
local frames = require "flexlab.data.frames"
local geometry = require "flexlab.data.geometry"
local labelled = require "flexlab.data.labelled"
local paths = require "flexlab.data.paths"
local picture = require "flexlab.picture"
local quantities = require "flexlab.data.quantities"
local reading = require "flexlab.data.reading"
local settings = require "flexlab.settings"
local kinds = require "flexlab.tasks.kinds"
local weights = require "flexlab.checkpoint.weights"
local whole = require "flexlab.data.whole"

local sampling, tiled = settings.of("eval").defaults, settings.of("tiling").defaults

local all_tiles = math.tointeger(settings.of("data").entry.test_tiles.most)     -- every tile of a file

local M = {}

--- What may be given: the files; what `flexlab sample --help` says of the others; how fields are read, as data's
--- settings say it.
M.defaults = { checkpoint = "", data = "", out = "", low = false, lead = false, steps = sampling.steps,
  members = sampling.members, seed = 1, spread = false, domain = false, overlap = false, border = false,
  batch = tiled.batch, picture = false, raw = false, format = false, dataset = false, axes = false,
  channels = false }

local function sides(crop)
  if type(crop) == "number" then return crop, crop end
  return crop[1], crop[2]
end

-- The file as a source of frames, read as those of training were.
local function open(o, model)
  local how = reading.of_model(o, model, o.data)
  local source = frames.open(o.data, how)
  quantities.judge_trained(model.data, source, how)
  return source
end

local function common_multiple(a, b)
  local x, y = a, b
  while y > 0 do x, y = y, x % y end
  return a // x * b
end

-- What the sides of a whole field must be multiples of.
local function unit_of(o, model)
  local factor = model.data.factor or 1
  local known = o.domain == "network" and model.config.backbone
  return known and common_multiple(factor, (choices.get("backbones", known).divisor(model.config))) or factor
end

-- Whole fields: { height, width, periodic } at full resolution, as the network is given them; periodic is true, "y" or
-- "x" (one axis) or false. A file that does not say what its boundary is counts as periodic; an axis along which a
-- field has to be padded is not.
local function domain_of(o, model)
  local source, scale = open(o, model), o.low and model.data.factor or 1
  local height, width = whole.sides(source)
  local unit = unit_of(o, model)
  local domain = { height = whole.up_to(height * scale, unit), width = whole.up_to(width * scale, unit) }
  local y, x = domain.height == height * scale, domain.width == width * scale
  for _, file in ipairs(source.files) do
    local wraps = file.reader.wraps or "yx"
    y, x = y and wraps:find "y" ~= nil, x and wraps:find "x" ~= nil
    file.reader:close()
  end
  domain.periodic = y and x or y and "y" or x and "x"
  return domain
end

-- The leads of a network that forecasts; nil for another task.
local function leads_of(model) return model.data.task == "forecast" and kinds.forecast.leads(model.data) or nil end

-- The lead that is asked for, or the first; nil for another task.
local function lead_of(model, o)
  local leads = leads_of(model)
  return leads and (o.lead or leads[1]) or nil
end

-- Batches of tiles in reading order from fields at full resolution, which are degraded as in training.
local function from_truth(model, o, domain)
  local more, grid = reading.of_model(o, model, o.data), nil
  local height, width = sides(domain and { domain.height, domain.width } or model.data.crop)
  more.file, more.test, more.test_tiles, more.crop = o.data, o.data, all_tiles, { height, width }
  more.batch = domain and 1 or o.batch
  more.circular = domain and model.data.task == "superres" and domain.periodic or nil
  local set = tasks.as_trained(model, more, function(source)
    grid = whole.cut(source, { height, width }, o.data)
  end)
  local tiles, first = set.test.tiles, {}
  for i = 1, #tiles, grid.rows * grid.columns do first[#first + 1] = tiles[i] end
  grid.frames, grid.names, grid.lead = #first, set.names, lead_of(model, o)
  grid.times = whole.times(set.test.source, first, grid.lead)
  grid.reference = grid.lead and whole.times(set.test.source, first)
  grid.about = labelled.of(set.test.source)
  return (grid.lead and set.test:at(grid.lead) or set.test):batches(), grid
end

-- The same from fields that are coarse already; there is no truth to compare with.
local function from_low(model, o, domain)
  local about, source = config.merge(model.data, nil), open(o, model)
  local height, width = sides(about.crop)
  if domain then height, width, about.circular = domain.height, domain.width, domain.periodic end
  local f = about.factor
  local grid, list = whole.cut(source, { height // f, width // f }, o.data), source:list()
  local entries, first, at_once = whole.tiles(list, grid), 1, domain and 1 or o.batch
  grid.frames, grid.times = #list, whole.times(source, list)
  grid.about = labelled.of(source, f, geometry.of(about).cells)
  local low_h, low_w = grid.tile[1], grid.tile[2]
  grid.tile, grid.field = { height, width }, { grid.field[1] * f, grid.field[2] * f }
  return function()
    if first > #entries then return nil end
    local n = math.min(at_once, #entries - first + 1)
    local batch = { n = n, ids = {}, scale = model.scale,
      low = core.zeros { n, low_h, low_w, source.channels } }
    local re = {}
    for i = 1, n do
      local tile = entries[first + i - 1]
      batch.low[i]:copy_(source:patch(tile.e, tile.y, tile.x, low_h, low_w))
      batch.ids[i], re[i] = first + i - 1, source:re(tile.e) / tasks.re_scale
    end
    batch.re, first = core.tensor(re):reshape { n, 1 }, first + n
    return kinds.superres.condition(batch, about, height, width)
  end, grid
end

-- `method` is what was done with the members.
local function finish(writer, o, grid, method, judged)
  assert(writer:text("channels", table.concat(grid.names, ",")))
  grid.about.times, grid.about.reference = grid.times, grid.reference
  labelled.write(writer, grid.about, method)
  if grid.boundary then assert(writer:text("boundary", grid.boundary)) end
  if o.domain then assert(writer:text("domain", o.domain)) end
  for name, s in pairs(judged and { seam = judged.mean, seam_member = judged.member } or {}) do
    assert(writer:number(name, s.ratio))
    assert(writer:number(name .. "_noise", s.noise))
  end
  assert(writer:text("checkpoint", o.checkpoint))
  assert(writer:text("data", o.data))
  assert(writer:number("steps", o.steps))
  assert(writer:number("members", o.members))
  if grid.lead then assert(writer:number("lead", grid.lead)) end
  assert(writer:text("version", tostring(core.info().version)))
  assert(writer:finish())
end

local function write_picture(path, batch, mean, spread, about)
  picture.compare({ low = batch.low, bicubic = baselines.bicubic(batch), prediction = mean,
    truth = batch.truth, spread = spread, label = quantities.label(about.quantities[1]) }):save(path)
end

-- Samples every batch; on an error the writers are abandoned, so that no half file stays. Returns { judged = of the
-- tiles of the last frame, where there are tiles, broken = elements that are not finite, count = of how many }.
local function sample(model, o, to, batches, grid, tiling)
  local writer, place = whole.assembler(to.out, grid)
  local result = { broken = 0, count = 0 }
  local spread_writer, place_spread
  if to.spread then spread_writer, place_spread = whole.assembler(to.spread, grid) end
  local ok, message = pcall(function()
    local drawn = false
    for batch in batches do
      local mean, members
      mean, members, result.judged = diffusion.sample(model, batch, { steps = o.steps,
        members = o.members, seed = o.seed, tiling = tiling })
      result.broken, result.count = result.broken + mean:summary().nonfinite, result.count + mean:count()
      local spread = compare.spread(mean, members)
      for i = 1, mean.shape[1] do
        place(mean[i])
        if place_spread then place_spread(spread[i]) end
      end
      if to.picture and not drawn then write_picture(to.picture, batch, mean, spread, grid.about) end
      drawn = true
    end
    finish(writer, o, grid, o.members > 1 and "mean" or nil, result.judged)
    if spread_writer then finish(spread_writer, o, grid, "standard_deviation") end
  end)
  if ok then return result end
  writer:abandon()
  if spread_writer then spread_writer:abandon() end
  error(message, 0)
end

-- The options of diffusion/tiling.lua; nil without tiles.
local function tiling_of(o, domain)
  if o.domain ~= "tiles" then return nil end
  return { overlap = o.overlap or nil, border = o.border or nil, batch = o.batch, periodic = domain.periodic }
end

--- Where the files of o are written; raises for one that must not be (store/destination.lua).
---@param o table          options: M.defaults has them
---@param mark string|nil  what stands before a name: "--" on a command line
---@return table           { out =, spread =, picture = }
function M.files(o, mark)
  local named, inputs, run = {}, paths.expand(o.data), context.run()
  inputs[#inputs + 1] = weights.path(o.checkpoint)
  for i, name in ipairs { "out", "spread", "picture" } do named[i] = { (mark or "") .. name, o[name] } end
  local out, spread, drawing = table.unpack(destination.all(named, { inputs = inputs, home = run and run.dir }))
  return { out = out, spread = spread, picture = drawing }
end

--- What is wrong with options before a network is loaded, or with them for this network; nil for nothing.
---@param o table          options: M.defaults has them
---@param model table|nil  of M.load
---@param mark string|nil  what stands before a name: "--" on a command line
---@return string|nil
function M.fault(o, model, mark)
  mark = mark or ""
  if o.spread and o.members < 2 then return ("%sspread needs %smembers 2 or more"):format(mark, mark) end
  for _, name in ipairs { "overlap", "border" } do
    if o[name] and o.domain ~= "tiles" then return ("%s%s is for %sdomain tiles"):format(mark, name, mark) end
  end
  if not model then return nil end
  if o.low and model.data.task ~= "superres" then return mark .. "low is for super-resolution only" end
  local leads = leads_of(model)
  if not o.lead then return nil end
  if not leads then return ("%slead is for forecasts, the network does %s"):format(mark, model.data.task) end
  for _, known in ipairs(leads) do
    if known == o.lead then return nil end
  end
  return ("%slead %d is none of the network's (%s)"):format(mark, o.lead, table.concat(leads, ", "))
end

--- The network of o.checkpoint, for domain "network" at the size of the fields, where one that is periodic along both
--- axes gets circular padding; and the fields' sides (nil without a domain).
---@param o table  options: M.defaults has them
---@return table  model
---@return table|nil  { height =, width =, periodic = }
function M.load(o)
  local model = checkpoint.load_model(o.checkpoint, { ema = not o.raw })
  if not model.data then error(o.checkpoint .. " does not say what data it was trained on", 0) end
  local domain = o.domain and domain_of(o, model) or nil
  if o.domain == "network" then
    model = checkpoint.load_model(o.checkpoint, { ema = not o.raw, height = domain.height, width = domain.width,
      padding = domain.periodic == true and "circular" })
  end
  return model, domain
end

--- Writes the files of o with this network: { judged =, broken =, count = }.
---@param o table           options: M.defaults has them
---@param model table       of M.load
---@param domain table|nil  of M.load
---@param to table          of M.files
---@return table  judged: of the seams of tiles, or nil; broken: numbers that are not finite, of count
function M.write(o, model, domain, to)
  local tiling = tiling_of(o, domain)
  local batches, grid = (o.low and from_low or from_truth)(model, o, domain)
  return sample(model, o, to, batches, grid, tiling)
end

--- All of it: see the head of this file.
---@param given table  M.defaults
---@return table       { judged = of the seams of tiles, or nil; broken = elements that are not finite, of count }
function M.to_file(given)
  local o = config.options("apply", M.defaults, given, nil, 2)
  for _, name in ipairs { "checkpoint", "data", "out" } do
    if o[name] == "" then error(("apply: no file is named (%s = ...)"):format(name), 2) end
  end
  local wrong = M.fault(o)
  if wrong then error("apply: " .. wrong, 2) end
  local to = M.files(o)
  local model, domain = M.load(o)
  wrong = M.fault(o, model)
  if wrong then error("apply: " .. wrong, 2) end
  return M.write(o, model, domain, to)
end

return setmetatable(M, { __call = function(_, ...) return M.to_file(...) end })
