-- flexlab generate - simulated data (flexlab/generate.lua).
local arguments = require "flexlab.arguments"
local commands = require "flexlab.commands"
local generate = require "flexlab.generate"
local words = require "flexlab.text"

local defaults = generate.kinds.turbulence.defaults

return {
  name = "generate",
  doc = "simulate data: two-dimensional turbulence",
  arguments = { { name = "kind", doc = "turbulence" } },
  options = {
    { name = "re", value = "RE,...", kind = "numbers", default = { defaults.re },
      doc = "Reynolds numbers; several make one file each, named OUT_reRE.h5" },
    { name = "seed", value = "N", kind = "integer", least = 0, default = defaults.seed,
      doc = "of the random initial field" },
    { name = "size", value = "N", kind = "integer", default = defaults.size,
      doc = "grid points a side (factors 2, 3, 5)" },
    { name = "frames", value = "N", kind = "integer", default = defaults.frames, doc = "snapshots" },
    { name = "time", value = "T", kind = "number", default = defaults.time,
      doc = "time of the first snapshot, in box length / (2 pi u_rms)" },
    { name = "spacing", value = "T", kind = "number", default = defaults.spacing,
      doc = "time between snapshots" },
    { name = "k0", value = "K", kind = "number", default = defaults.k0,
      doc = "wavenumber at which the initial energy peaks" },
    { name = "forcing", value = "NAME", kind = "words", words = { "none", "kolmogorov" },
      default = defaults.forcing, doc = "none (decaying) or kolmogorov" },
    { name = "out", value = "FILE", default = defaults.out, doc = "HDF5 file to write" },
    { name = "fresh", doc = "replace files that hold something else" },
    { name = "quiet", doc = "no progress line" },
    commands.threads,
  },
  notes = "A file holds the vorticity w (frames, size, size) and Re, nu, seed, times, k0, forcing, solver, "
    .. "version.\nOne that already holds what is asked for is left alone.",
  run = function(values)
    if not generate.kinds[values.kind] then
      arguments.wrong("generate does not know '%s'; %s", values.kind,
        words.hint(values.kind, words.keys(generate.kinds)))
    end
    commands.setup(values)
    local options = {}
    for key in pairs(defaults) do options[key] = values[key] end
    for _, path in ipairs(generate.make(values.kind, options)) do print(path) end
  end,
}
