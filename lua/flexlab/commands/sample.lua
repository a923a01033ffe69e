-- flexlab sample - a checkpoint applied to a file of fields, frame by frame: patch by patch of the network's own
-- size, each by itself, or whole fields (--domain), by tiles fused at every step or by the network at that size.
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local flex = require "flexlab"
local frames = require "flexlab.data.frames"
local tasks = require "flexlab.data.tasks"

local function sides(crop)
  if type(crop) == "number" then return crop, crop end
  return crop[1], crop[2]
end

-- The file as a source of frames, read as those of training were.
local function open(values, about)
  if values.low and about.task ~= "superres" then arguments.wrong("sample: --low is for super-resolution only") end
  return frames.open(values.data, { dataset = values.dataset or about.dataset, format = about.format,
    channels = about.channels })
end

-- Whole fields: { height, width, periodic } at full resolution, which all files share. A file that does not say
-- what its boundary is counts as periodic.
local function domain_of(values, about)
  local source = open(values, about)
  local first, scale = source.files[1], values.low and about.factor or 1
  for _, file in ipairs(source.files) do
    if file.height ~= first.height or file.width ~= first.width then
      error(("sample: --domain wants fields of one size, '%s' has %dx%d and '%s' %dx%d"):format(first.path,
        first.height, first.width, file.path, file.height, file.width), 0)
    end
    file.reader:close()
  end
  return { height = first.height * scale, width = first.width * scale,
    periodic = (source.boundary or "periodic") == "periodic" }
end

-- Batches of tiles in reading order from fields at full resolution, which are degraded as in training.
local function from_truth(model, values, domain)
  local data = flex.data.as_trained(model, { file = values.data, test = values.data,
    dataset = values.dataset, batch = domain and 1 or values.batch, test_tiles = math.maxinteger // 4,
    crop = domain and { domain.height, domain.width } or model.data.crop,
    circular = domain and model.data.task == "superres" and domain.periodic or nil })
  local tiles = data.test.tiles
  local file = data.test.source.files[1]
  local rows, columns = file.height // data.height, file.width // data.width
  return data.test:batches(), { rows = rows, columns = columns, height = data.height,
    width = data.width, frames = #tiles // (rows * columns), channels = data.channels }
end

-- The same from fields that are coarse already; there is no truth to compare with.
local function from_low(model, values, domain)
  local about = flex.config.merge(model.data, nil)
  local source = open(values, about)
  local height, width = sides(about.crop)
  if domain then height, width, about.circular = domain.height, domain.width, domain.periodic end
  local low_h, low_w = height // about.factor, width // about.factor
  local list, entries = source:list(), {}
  for _, e in ipairs(list) do
    for y = 1, source:height(e) // low_h do
      for x = 1, source:width(e) // low_w do
        entries[#entries + 1] = { e = e, y = (y - 1) * low_h + 1, x = (x - 1) * low_w + 1 }
      end
    end
  end
  local file, first, at_once = source.files[1], 1, domain and 1 or values.batch
  local grid = { rows = file.height // low_h, columns = file.width // low_w, height = height,
    width = width, frames = #list, channels = source.channels }
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

-- Takes tiles (h,w,C) in reading order; every full grid becomes one frame of the file.
local function assembler(path, grid)
  local writer = assert(core.io.field_writer(path, { dataset = "w", frames = grid.frames,
    height = grid.rows * grid.height, width = grid.columns * grid.width, channels = grid.channels }))
  local whole, row, in_row, in_frame = nil, nil, 0, 0
  local function place(tile)
    row = row and row:concat(tile, { axis = 2 }) or tile
    in_row = in_row + 1
    if in_row < grid.columns then return end
    whole = whole and whole:concat(row, { axis = 1 }) or row
    row, in_row, in_frame = nil, 0, in_frame + 1
    if in_frame < grid.rows then return end
    assert(writer:append(whole:reshape { 1, table.unpack(whole.shape) }))
    whole, in_frame = nil, 0
  end
  return writer, place
end

local function finish(writer, values, members, judged)
  if values.domain then assert(writer:text("domain", values.domain)) end
  for name, s in pairs(judged and { seam = judged.mean, seam_member = judged.member } or {}) do
    assert(writer:number(name, s.ratio))
    assert(writer:number(name .. "_noise", s.noise))
  end
  assert(writer:text("checkpoint", values.checkpoint))
  assert(writer:text("data", values.data))
  assert(writer:number("steps", values.steps))
  assert(writer:number("members", members))
  assert(writer:text("version", tostring(core.info().version)))
  assert(writer:finish())
end

local function picture(path, batch, mean, spread)
  flex.picture.compare({ low = batch.low, bicubic = flex.baselines.bicubic(batch), prediction = mean,
    truth = batch.truth, spread = spread }):save(path)
end

-- Samples every batch; on an error the writers are abandoned, so that no half file stays. Returns what was
-- judged of the tiles of the last frame, with --domain tiles.
local function sample(model, values, batches, grid, tiling)
  local writer, place = assembler(values.out, grid)
  local spread_writer, place_spread, judged
  if values.spread then spread_writer, place_spread = assembler(values.spread, grid) end
  local ok, message = pcall(function()
    local drawn = false
    for batch in batches do
      local mean, members
      mean, members, judged = flex.diffusion.sample(model, batch, { steps = values.steps,
        members = values.members, seed = values.seed, tiling = tiling })
      local spread = flex.report.compare.spread(mean, members)
      for i = 1, mean.shape[1] do
        place(mean[i])
        if place_spread then place_spread(spread[i]) end
      end
      if values.picture and not drawn then picture(values.picture, batch, mean, spread) end
      drawn = true
    end
    finish(writer, values, values.members, judged)
    if spread_writer then finish(spread_writer, values, values.members) end
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

-- The network, for --domain network at the size of the fields, where a periodic one gets circular padding.
local function load(values)
  local model = flex.load_model(values.checkpoint, { ema = not values.raw })
  if not model.data then error(values.checkpoint .. " does not say what data it was trained on", 0) end
  local domain = values.domain and domain_of(values, model.data)
  if values.domain == "network" then
    model = flex.load_model(values.checkpoint, { ema = not values.raw, height = domain.height,
      width = domain.width, padding = domain.periodic and "circular" })
  end
  return model, domain
end

return {
  name = "sample",
  doc = "apply a checkpoint to a file of fields",
  options = {
    { name = "checkpoint", value = "FILE", required = true, doc = "a run's folder or its last.h5" },
    { name = "data", value = "FILE", required = true,
      doc = "fields at full resolution, which are coarsened first (or --low)" },
    { name = "out", value = "FILE", required = true, doc = "HDF5 file to write: w, the ensemble mean" },
    { name = "low", doc = "the fields are coarse already" },
    { name = "dataset", value = "NAME", doc = "the data set in the file [w or fields]" },
    { name = "steps", value = "N", kind = "integer", least = 1, default = 2, doc = "reverse steps" },
    { name = "members", value = "N", kind = "integer", least = 1, default = 1, doc = "ensemble members" },
    { name = "seed", value = "N", kind = "integer", least = 0, default = 1, doc = "of the noise" },
    { name = "spread", value = "FILE", doc = "also write the standard deviation over members" },
    { name = "domain", value = "NAME", kind = "words", words = { "tiles", "network" },
      doc = "whole fields: by tiles fused at every step, or by the network at their size" },
    { name = "overlap", value = "N", kind = "integer", least = 0, doc = "pixels that tiles share [24]" },
    { name = "border", value = "N", kind = "integer", least = 0,
      doc = "outer pixels of a tile that count nothing [4]" },
    { name = "picture", value = "FILE", doc = "a PNG of the first tile" },
    { name = "batch", value = "N", kind = "integer", least = 1, default = 8, doc = "tiles at once" },
    { name = "raw", doc = "the last weights instead of the averaged ones" },
    commands.device, commands.threads,
  },
  run = function(values)
    if values.spread and values.members < 2 then
      arguments.wrong("sample: --spread needs --members 2 or more")
    end
    commands.setup(values)
    local model, domain = load(values)
    local tiling = tiling_of(values, domain)
    local batches, grid = (values.low and from_low or from_truth)(model, values, domain)
    if grid.rows < 1 or grid.columns < 1 then
      error(("the fields of '%s' are smaller than the network's %dx%d"):format(values.data, grid.height,
        grid.width), 0)
    end
    local judged = sample(model, values, batches, grid, tiling)
    print(values.out)
    if judged and judged.mean then
      print(("seams     %.3f of the field's own step, noise %.3f (%d tiles)"):format(judged.mean.ratio,
        judged.mean.noise, judged.tiles))
    end
  end,
}
