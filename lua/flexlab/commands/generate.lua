-- flexlab generate - simulated data (flexlab/flow/generate.lua).
local arguments = require "flexlab.commands.arguments"
local boundaries = require "flexlab.flow.boundaries"
local commands = require "flexlab.commands"
local generate = require "flexlab.flow.generate"
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
    { name = "rms-velocity", value = "U", kind = "number", default = defaults.rms_velocity,
      doc = "of the initial field; 0 begins at rest" },
    { name = "boundary", value = "NAME", kind = "words", words = boundaries.words, default = defaults.boundary,
      doc = "periodic, channel, box, cylinder, cylinders (in a stream), free_slip" },
    { name = "wall", value = "L", kind = "number", default = defaults.wall,
      doc = "channel, box: half the thickness of a wall" },
    { name = "cylinders", value = "N", kind = "integer", least = 1, default = defaults.cylinders,
      doc = "cylinders: how many, placed by the seed" },
    { name = "radius", value = "R", kind = "number", default = defaults.radius, doc = "of each" },
    { name = "discs", value = "X,Y,R,...", kind = "numbers", doc = "their places and radii, instead" },
    { name = "mean-velocity", value = "U", kind = "number",
      doc = "of the stream along x, kept [cylinder, cylinders: 1, else 0]" },
    { name = "sponge", value = "L", kind = "number",
      doc = "width of a strip at the end of x that restores the stream [cylinder: 1, else 0]" },
    { name = "forcing", value = "NAME", kind = "words", words = generate.words.forcing,
      default = defaults.forcing, doc = "none (decaying), kolmogorov (A sin(k y)) or ring (random)" },
    { name = "forcing-wavenumber", value = "K", kind = "integer", default = defaults.forcing_wavenumber,
      doc = "its wavenumber k" },
    { name = "forcing-amplitude", value = "A", kind = "number", default = defaults.forcing_amplitude,
      doc = "kolmogorov: velocity per time" },
    { name = "forcing-width", value = "K", kind = "number", default = defaults.forcing_width,
      doc = "ring: wavenumbers k - width to k + width" },
    { name = "forcing-rate", value = "E", kind = "number", default = defaults.forcing_rate,
      doc = "ring: energy per time that it gives, on average" },
    { name = "drag", value = "R", kind = "number",
      doc = "linear friction, 1 / time [forced: 0.1, else 0]" },
    { name = "cfl", value = "C", kind = "number", default = defaults.cfl, doc = "Courant number, up to 1.3" },
    { name = "precision", value = "WORD", kind = "words", words = generate.words.precision,
      default = defaults.precision, doc = "of the steps and the state: double, or single, faster and smaller" },
    { name = "initial", value = "FILE", doc = "start from the vorticity w of this file, not from random phases" },
    { name = "initial-frame", value = "N", kind = "integer", default = defaults.initial_frame,
      doc = "which of its frames; -1 is the last" },
    { name = "members", value = "M", kind = "integer", least = 0, default = defaults.members,
      doc = "also M flows whose small scales differ at the first snapshot" },
    { name = "member-factor", value = "F", kind = "integer", least = 2, default = defaults.member_factor,
      doc = "small are those that every F-th point does not show" },
    { name = "fields", value = "LIST", default = defaults.fields,
      doc = "channels, of w,u,v,p,c,solid: vorticity, velocity, pressure, scalar, solids" },
    { name = "schmidt", value = "S", kind = "number", default = defaults.schmidt,
      doc = "of the passive scalar c: viscosity over its diffusivity" },
    { name = "scalar", value = "WORD", kind = "words", words = generate.words.scalar, default = defaults.scalar,
      doc = "c begins random, of mean square 1, or as c of the initial file" },
    { name = "scalar-k0", value = "K", kind = "number", default = defaults.scalar_k0,
      doc = "wavenumber of the random c, as k0" },
    { name = "unresolved", value = "WORD", kind = "words", words = generate.words.unresolved,
      default = defaults.unresolved, doc = "when kmax eta falls below 1: warn, refuse, or allow" },
    { name = "out", value = "FILE", default = defaults.out, doc = "HDF5 file to write" },
    { name = "fresh", doc = "replace files that hold something else" },
    { name = "quiet", doc = "no progress line" },
    commands.threads,
  },
  notes = "A file holds the vorticity w (frames, size, size), or the channels of --fields, beside solids the\n"
    .. "dataset solid, and Re, nu, precision, seed, times, k0, forcing, drag, boundary, kmax_eta, solver,\n"
    .. "version. One that already holds what is asked for is left alone. What was stopped or killed goes on when\n"
    .. "the same command is given again, with the same bytes.",
  run = function(values)
    if not generate.kinds[values.kind] then
      arguments.wrong("generate does not know '%s'; %s", values.kind,
        words.hint(values.kind, words.keys(generate.kinds)))
    end
    commands.setup(values)
    local options = {}
    for key in pairs(defaults) do options[key] = values[key:gsub("_", "-")] end
    for _, path in ipairs(generate.make(values.kind, options)) do print(path) end
  end,
}
