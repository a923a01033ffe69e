--[[
evaluate - a checkpoint on a data set, beside the interpolations it must beat.
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local flex = require "flexlab"
local paths = require "flexlab.data.paths"
local settings = require "flexlab.settings"
local variables = require "flexlab.commands.variables"
local terminal = require "flexlab.terminal"
local weights = require "flexlab.checkpoint.weights"

local sampling, patches = settings.of("eval").entry, settings.of("data").entry

-- The test part of FILE, degraded and normalised as the checkpoint was trained.
local function data_of(model, values)
  if not model.data then error(values.checkpoint .. " does not say what data it was trained on", 0) end
  local more = variables.for_model(values, model, values.data)
  more.file, more.test, more.batch, more.test_tiles = values.data, values.data, values.batch, values.tiles
  return flex.data.as_trained(model, more)
end

-- Where --picture is drawn, or nil.
local function picture_of(values)
  if not values.picture then return nil end
  local inputs = paths.expand(values.data)
  inputs[#inputs + 1] = weights.path(values.checkpoint)
  return destination.of("--picture", values.picture, { inputs = inputs })
end

-- Says where tiles overlap, which they do where fields are no multiple of them: pixels there are scored twice.
local function note_overlap(data)
  for _, file in ipairs(data.test.source.files) do
    if file.height % data.height > 0 or file.width % data.width > 0 then
      terminal.note(("the %dx%d fields of '%s' are no multiple of the %dx%d tiles: the last ones overlap, and "
        .. "count twice there"):format(file.height, file.width, file.path, data.height, data.width))
      return
    end
  end
end

return {
  name = "evaluate",
  writes = true,
  doc = "measure a checkpoint on a data set",
  options = variables.with({
    { name = "checkpoint", value = "FILE", required = true, doc = "folder of a run, or its last.h5" },
    { name = "data", value = "FILE", required = true, doc = "files of fields at full resolution, a path or a pattern" },
    arguments.setting(sampling.steps, "N"), arguments.setting(sampling.members, "N", { default = 8 }),
    arguments.setting(patches.test_tiles, "N", { name = "tiles",
      doc = "number of test patches, evenly spaced over the file" }),
    arguments.setting(patches.batch, "N", { doc = "patches passed to the network at a time" }),
    commands.raw,
    { name = "picture", value = "FILE", doc = "PNG file to draw the first patch to" },
    { name = "json", doc = "print one line of JSON instead of the table" },
    commands.trust, commands.device, commands.threads,
  }, 2),
  run = function(values)
    commands.setup(values)
    local drawing = picture_of(values)
    local model = flex.load_model(values.checkpoint, { ema = not values.raw })
    commands.note_unfinished(values.checkpoint)
    local data = data_of(model, values)
    note_overlap(data)
    commands.note_last(model, values)
    local broken, count = 0, 0
    local function sample(batch)
      local mean, members = flex.diffusion.sample(model, batch, { steps = values.steps, members = values.members })
      broken, count = broken + mean:summary().nonfinite, count + mean:count()
      return mean, members
    end
    local c, all = flex.report.compare(sample, data.test), {}
    commands.note_broken(broken, count)
    for name, s in pairs(c.scores) do
      all[name] = { n = s.n, spread = s.spread, r = s.pearson }
      for _, m in ipairs(core.metrics.list) do all[name][m.name] = s[m.name] end
      for metric in pairs(s.per_sample) do all[name][metric] = s[metric] end     -- of channels, of the anomaly
    end
    if values.json then terminal.json(all) else c.table:print() end
    if drawing and c.picture then c.picture:save(drawing) end
  end,
}
