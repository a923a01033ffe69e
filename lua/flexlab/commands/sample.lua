-- flexlab sample - a checkpoint applied to a file of fields, frame by frame: patch by patch of the network's own
-- size, each by itself, or whole fields (--domain), by tiles fused at every step or by the network at that size.
-- The answer has the sides of the fields that were given. Where these are no multiples of what the network takes, they
-- are padded behind their last row and column (Frames:pad), and the answer is cut to size.
local arguments = require "flexlab.commands.arguments"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local flex = require "flexlab"
local frames = require "flexlab.data.frames"
local geometry = require "flexlab.data.geometry"
local labelled = require "flexlab.data.labelled"
local quantities = require "flexlab.data.quantities"
local settings = require "flexlab.settings"
local tasks = require "flexlab.tasks.kinds"
local terminal = require "flexlab.terminal"
local variables = require "flexlab.commands.variables"
local whole = require "flexlab.data.whole"

local sampling, tiled = settings.of("eval").entry, settings.of("tiling").entry

local function sides(crop)
  if type(crop) == "number" then return crop, crop end
  return crop[1], crop[2]
end

-- The file as a source of frames, read as those of training were.
local function open(values, model)
  local o = variables.for_model(values, model, values.data)
  local source = frames.open(values.data, o)
  quantities.judge_trained(model.data, source, o)
  return source
end

local function common_multiple(a, b)
  local x, y = a, b
  while y > 0 do x, y = y, x % y end
  return a // x * b
end

-- What the sides of a whole field must be multiples of.
local function unit_of(values, model)
  local factor = model.data.factor or 1
  local known = values.domain == "network" and model.config.backbone
  return known and common_multiple(factor, (choices.get("backbones", known).divisor(model.config))) or factor
end

-- Whole fields: { height, width, periodic } at full resolution, as the network is given them; periodic is true, "y" or
-- "x" (one axis) or false. A file that does not say what its boundary is counts as periodic; an axis along which a
-- field has to be padded is not.
local function domain_of(values, model)
  local source, scale = open(values, model), values.low and model.data.factor or 1
  local height, width = whole.sides(source)
  local unit = unit_of(values, model)
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

-- The lead of a forecast: of a network that has several, --lead or the first; nil for another task.
local function lead_of(model, values)
  local leads = model.data.task == "forecast" and tasks.forecast.leads(model.data)
  if not leads then
    if values.lead then arguments.wrong("sample: --lead is for forecasts, the network does %s", model.data.task) end
    return nil
  end
  local lead = values.lead or leads[1]
  for _, known in ipairs(leads) do
    if known == lead then return lead end
  end
  arguments.wrong("sample: --lead %d is none of the network's (%s)", lead, table.concat(leads, ", "))
end

-- Batches of tiles in reading order from fields at full resolution, which are degraded as in training.
local function from_truth(model, values, domain)
  local more, grid = variables.for_model(values, model, values.data), nil
  local height, width = sides(domain and { domain.height, domain.width } or model.data.crop)
  more.file, more.test, more.test_tiles, more.crop = values.data, values.data, math.maxinteger // 4, { height, width }
  more.batch = domain and 1 or values.batch
  more.circular = domain and model.data.task == "superres" and domain.periodic or nil
  local data = flex.data.as_trained(model, more, function(source)
    grid = whole.cut(source, { height, width }, values.data)
  end)
  local tiles, first = data.test.tiles, {}
  for i = 1, #tiles, grid.rows * grid.columns do first[#first + 1] = tiles[i] end
  grid.frames, grid.names, grid.lead = #first, data.names, lead_of(model, values)
  grid.times = whole.times(data.test.source, first, grid.lead)
  grid.reference = grid.lead and whole.times(data.test.source, first)
  grid.about = labelled.of(data.test.source)
  return (grid.lead and data.test:at(grid.lead) or data.test):batches(), grid
end

-- The same from fields that are coarse already; there is no truth to compare with.
local function from_low(model, values, domain)
  if model.data.task ~= "superres" then arguments.wrong("sample: --low is for super-resolution only") end
  local about, source = flex.config.merge(model.data, nil), open(values, model)
  local height, width = sides(about.crop)
  if domain then height, width, about.circular = domain.height, domain.width, domain.periodic end
  local f = about.factor
  local grid, list = whole.cut(source, { height // f, width // f }, values.data), source:list()
  local entries, first, at_once = whole.tiles(list, grid), 1, domain and 1 or values.batch
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
      batch.ids[i], re[i] = first + i - 1, source:re(tile.e) / flex.data.re_scale
    end
    batch.re, first = core.tensor(re):reshape { n, 1 }, first + n
    return tasks.superres.condition(batch, about, height, width)
  end, grid
end

-- `method` is what was done with the members.
local function finish(writer, values, grid, method, judged)
  assert(writer:text("channels", table.concat(grid.names, ",")))
  grid.about.times, grid.about.reference = grid.times, grid.reference
  labelled.write(writer, grid.about, method)
  if grid.boundary then assert(writer:text("boundary", grid.boundary)) end
  if values.domain then assert(writer:text("domain", values.domain)) end
  for name, s in pairs(judged and { seam = judged.mean, seam_member = judged.member } or {}) do
    assert(writer:number(name, s.ratio))
    assert(writer:number(name .. "_noise", s.noise))
  end
  assert(writer:text("checkpoint", values.checkpoint))
  assert(writer:text("data", values.data))
  assert(writer:number("steps", values.steps))
  assert(writer:number("members", values.members))
  if grid.lead then assert(writer:number("lead", grid.lead)) end
  assert(writer:text("version", tostring(core.info().version)))
  assert(writer:finish())
end

local function picture(path, batch, mean, spread, about)
  flex.picture.compare({ low = batch.low, bicubic = flex.baselines.bicubic(batch), prediction = mean,
    truth = batch.truth, spread = spread, label = quantities.label(about.quantities[1]) }):save(path)
end

-- Samples every batch; on an error the writers are abandoned, so that no half file stays. Returns what was
-- judged of the tiles of the last frame, with --domain tiles.
local function sample(model, values, batches, grid, tiling)
  local writer, place = whole.assembler(values.out, grid)
  local spread_writer, place_spread, judged
  if values.spread then spread_writer, place_spread = whole.assembler(values.spread, grid) end
  local ok, message = pcall(function()
    local drawn, broken, count = false, 0, 0
    for batch in batches do
      local mean, members
      mean, members, judged = flex.diffusion.sample(model, batch, { steps = values.steps,
        members = values.members, seed = values.seed, tiling = tiling })
      broken, count = broken + mean:summary().nonfinite, count + mean:count()
      local spread = flex.report.compare.spread(mean, members)
      for i = 1, mean.shape[1] do
        place(mean[i])
        if place_spread then place_spread(spread[i]) end
      end
      if values.picture and not drawn then picture(values.picture, batch, mean, spread, grid.about) end
      drawn = true
    end
    finish(writer, values, grid, values.members > 1 and "mean" or nil, judged)
    if spread_writer then finish(spread_writer, values, grid, "standard_deviation") end
    commands.note_broken(broken, count)
  end)
  if ok then return judged end
  writer:abandon()
  if spread_writer then spread_writer:abandon() end
  error(message, 0)
end

-- The options of diffusion/tiling.lua; nil without --domain tiles.
local function tiling_of(values, domain)
  if values.domain ~= "tiles" then
    for _, name in ipairs { "overlap", "border" } do
      if values[name] then arguments.wrong("sample: --%s is for --domain tiles", name) end
    end
    return nil
  end
  return { overlap = values.overlap, border = values.border, batch = values.batch, periodic = domain.periodic }
end

-- The network, for --domain network at the size of the fields, where one that is periodic
-- along both axes gets circular padding.
local function load(values)
  local model = flex.load_model(values.checkpoint, { ema = not values.raw })
  if not model.data then error(values.checkpoint .. " does not say what data it was trained on", 0) end
  local domain = values.domain and domain_of(values, model)
  if values.domain == "network" then
    model = flex.load_model(values.checkpoint, { ema = not values.raw, height = domain.height,
      width = domain.width, padding = domain.periodic == true and "circular" })
  end
  return model, domain
end

return {
  name = "sample",
  writes = true,
  doc = "apply a checkpoint to a file of fields",
  options = variables.with({
    { name = "checkpoint", value = "FILE", required = true, doc = "folder of a run, or its last.h5" },
    { name = "data", value = "FILE", required = true,
      doc = "file of fields at full resolution, which are coarsened first (with --low: of coarse fields)" },
    { name = "out", value = "FILE", required = true,
      doc = "HDF5 file to write the ensemble mean to, under the name of the field's variable" },
    { name = "low", doc = "take the fields of --data as coarse ones" },
    { name = "lead", value = "N", kind = "integer", least = 1,
      doc = "lead of the forecast in frames, if the network has several [the first]" },
    arguments.setting(sampling.steps, "N"), arguments.setting(sampling.members, "N"),
    arguments.setting(sampling.seed, "N", { default = 1, doc = "seed of the noise" }),
    { name = "spread", value = "FILE", doc = "HDF5 file to write the standard deviation over members to" },
    { name = "domain", value = "NAME", kind = "words", words = { "tiles", "network" },
      doc = "how whole fields are sampled: tiles, joined at every step; or network, run at their full size" },
    arguments.setting(tiled.overlap, "N", { stated = true }), arguments.setting(tiled.border, "N", { stated = true }),
    { name = "picture", value = "FILE", doc = "PNG file to draw the first tile to" },
    arguments.setting(tiled.batch, "N"),
    commands.raw, commands.trust, commands.device, commands.threads,
  }, 3),
  run = function(values)
    if values.spread and values.members < 2 then
      arguments.wrong("sample: --spread needs --members 2 or more")
    end
    commands.setup(values)
    local model, domain = load(values)
    commands.note_last(model, values)
    commands.note_unfinished(values.checkpoint)
    local tiling = tiling_of(values, domain)
    local batches, grid = (values.low and from_low or from_truth)(model, values, domain)
    local judged = sample(model, values, batches, grid, tiling)
    terminal.say(values.out)
    if judged and judged.mean then
      terminal.say(("seams     %.3f of the field's own step, noise %.3f (%d tiles)"):format(judged.mean.ratio,
        judged.mean.noise, judged.tiles))
    end
  end,
}
