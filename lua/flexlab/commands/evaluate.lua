-- flexlab evaluate - a checkpoint on a data set, beside the interpolations it must beat.
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local flex = require "flexlab"
local variables = require "flexlab.commands.variables"

-- The test part of FILE, degraded and normalised as the checkpoint was trained.
local function data_of(model, values)
  if not model.data then error(values.checkpoint .. " does not say what data it was trained on", 0) end
  local more = variables.for_model(values, model, values.data)
  more.file, more.test, more.batch, more.test_tiles = values.data, values.data, values.batch, values.tiles
  return flex.data.as_trained(model, more)
end

-- What of the fields lies in no tile, which tiles that do not overlap leave at the edges: a sentence, or nil.
local function left_over(data)
  for _, file in ipairs(data.test.source.files) do
    local h, w = file.height - file.height % data.height, file.width - file.width % data.width
    if h < file.height or w < file.width then
      return ("tiles of %dx%d cover %dx%d of the %dx%d fields of '%s': the rows and columns behind them are not scored")
        :format(data.height, data.width, h, w, file.height, file.width, file.path)
    end
  end
end

return {
  name = "evaluate",
  doc = "measure a checkpoint on a data set",
  options = variables.with({
    { name = "checkpoint", value = "FILE", required = true, doc = "a run's folder or its last.h5" },
    { name = "data", value = "FILE", required = true, doc = "fields at full resolution, HDF5 or a pattern" },
    { name = "steps", value = "N", kind = "integer", least = 1, default = 2, doc = "reverse steps" },
    { name = "members", value = "N", kind = "integer", least = 1, default = 8, doc = "ensemble members" },
    { name = "tiles", value = "N", kind = "integer", least = 1, default = 64,
      doc = "patches, evenly spaced over the file" },
    { name = "batch", value = "N", kind = "integer", least = 1, default = 8, doc = "patches at once" },
    { name = "raw", doc = "the last weights instead of the averaged ones" },
    { name = "picture", value = "FILE", doc = "a PNG of the first patch" },
    { name = "json", doc = "one line of JSON instead of the table" },
    commands.trust, commands.device, commands.threads,
  }, 2),
  run = function(values)
    commands.setup(values)
    local model = flex.load_model(values.checkpoint, { ema = not values.raw })
    local data = data_of(model, values)
    local note = left_over(data)
    if note then io.stderr:write("note: " .. note .. "\n") end
    local function sample(batch)
      return flex.diffusion.sample(model, batch, { steps = values.steps, members = values.members })
    end
    local c, all = flex.report.compare(sample, data.test), {}
    for name, s in pairs(c.scores) do
      all[name] = { n = s.n, spread = s.spread, r = s.pearson }
      for _, m in ipairs(core.metrics.list) do all[name][m.name] = s[m.name] end
      for metric in pairs(s.per_sample) do all[name][metric] = s[metric] end     -- of channels, of the anomaly
    end
    if values.json then print(core.json.encode(all)) else c.table:print() end
    if values.picture and c.picture then c.picture:save(values.picture) end
  end,
}
