--[[
sample - a checkpoint applied to a file of fields (apply.lua).
--]]
local apply = require "flexlab.apply"
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local settings = require "flexlab.settings"
local terminal = require "flexlab.terminal"
local variables = require "flexlab.commands.variables"

local sampling, tiled = settings.of("eval").entry, settings.of("tiling").entry

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
    for name, value in pairs(variables.of(values)) do values[name] = value end
    local function judge(model)
      local wrong = apply.fault(values, model, "--")
      if wrong then arguments.wrong("sample: %s", wrong) end
    end
    judge()
    commands.setup(values)
    local to = apply.files(values, "--")
    local model, domain = apply.load(values)
    commands.note_last(model, values)
    commands.note_unfinished(values.checkpoint)
    judge(model)
    local result = apply.write(values, model, domain, to)
    commands.note_broken(result.broken, result.count)
    terminal.say(values.out)
    local judged = result.judged
    if judged and judged.mean then
      terminal.say(("seams     %.3f of the field's own step, noise %.3f (%d tiles)"):format(judged.mean.ratio,
        judged.mean.noise, judged.tiles))
    end
  end,
}
