--[[
flow - the settings of a simulation (flex.generate "turbulence"; `flexlab generate turbulence`).
Bounds: 16384 points a side are 2 GiB for one field in double precision, and the solver holds a dozen; a million
frames of 256 x 256 are 260 GB; 65535 members as for ensembles of a network. Defaults, words and meanings of what the
solver has, too, are its own: csrc/sim/flow_options.def, also where there is no line here.
--]]
local core = require "flexlab.core"

local rows = require("flexlab.settings._rows").of(core.flow_options)

local list = {
  doc = "simulated data: flex.generate \"turbulence\"",
  rows.entry("re", { default = 1000, types = "number|numbers", above = 0, most = 1e12,
    doc = "Reynolds numbers; of several, each has a file OUT_reRE.h5" }),
  rows.entry("seed", { default = 1, least = 0, most = 1 << 53 }),
  { "size", rows.entry("height")[2], "integer", least = 4, most = 16384,
    doc = "grid points along each side (factors 2, 3, 5)" },
  { "frames", 20, "integer", least = 1, most = 1000000, doc = "snapshots of the flow, evenly spaced in time" },
  { "time", 0.5, "number", least = 0, most = 1e9,
    doc = "time of the first snapshot, in box length / (2 pi u_rms)" },
  { "spacing", 0.1, "number", above = 0, most = 1e9, doc = "time between snapshots" },
  rows.entry("k0", { above = 0, most = 16384 }),
  rows.entry("rms_velocity", { least = 0, most = 1e9, note = "; 0: at rest" }),
  { "boundary", "periodic", "word", words = { "box", "channel", "cylinder", "cylinders", "free_slip", "periodic" },
    doc = "boundary: periodic, channel, box, cylinder, cylinders (in a stream) or free_slip" },
  rows.entry("wall", { above = 0, below = math.pi }),
  { "cylinders", 4, "integer", least = 1, most = 10000, doc = "cylinders: number of them, placed by the seed" },
  { "radius", 0.4, "number", above = 0, below = math.pi, doc = "radius of each cylinder" },
  { "discs", false, "false|numbers", least = -1e9, most = 1e9,
    doc = "explicit list of cylinders x,y,radius,x,y,radius,..." },
  rows.entry("mean_velocity", { default = false, types = "false|number", least = -1e9, most = 1e9,
    doc = "velocity of the stream along x; cylinder, cylinders: 1, else 0" }),
  rows.entry("sponge", { default = false, types = "false|number", least = 0, most = 2 * math.pi,
    doc = "width of the strip at the end of x that restores the stream; cylinder: 1, else 0" }),
  rows.entry "forcing",
  rows.entry("forcing_wavenumber", { least = 1, most = 16384 }),
  rows.entry("forcing_amplitude", { least = -1e9, most = 1e9 }),
  rows.entry("forcing_width", { least = 0.5, most = 16384 }),
  rows.entry("forcing_rate", { above = 0, most = 1e9 }),
  rows.entry("drag", { default = false, types = "false|number", least = 0, most = 1e9,
    doc = "rate of linear friction, 1 / time; forced: 0.1, else 0" }),
  rows.entry("cfl", { above = 0, most = 1.3 }),
  rows.entry "precision",
  { "initial", false, "false|text", doc = "file whose vorticity w is the initial field; without it: random phases" },
  { "initial_frame", -1, "integer", doc = "frame of the initial file to start from; -1 is the last" },
  { "members", 0, "integer", least = 0, most = 65535,
    doc = "number of further flows whose small scales differ at the first snapshot" },
  { "member_factor", 4, "integer", least = 2, most = 16384,
    doc = "factor F: members differ only in scales that subsampling by F cannot resolve" },
  { "fields", "w", "text", doc = "channels, any of w,u,v,p,c,solid: vorticity, velocity, pressure, scalar, solids" },
  rows.entry("schmidt", { above = 0, most = 1e9, doc = "Schmidt number of the scalar c: viscosity / diffusivity" }),
  { "scalar", "random", "word", words = { "random", "initial" },
    doc = "scalar c at the start: random (mean square 1), or initial (c of the initial file)" },
  { "scalar_k0", 3.0, "number", above = 0, most = 16384,
    doc = "wavenumber at which the random scalar's spectrum peaks" },
  { "unresolved", "warn", "word", words = { "warn", "refuse", "allow" },
    doc = "what to do if kmax eta falls below 1: warn, refuse or allow" },
  { "out", "data/turbulence.h5", "text", doc = "HDF5 file to write; {hash} stands for a hash of the settings" },
  { "fresh", false, "boolean", doc = "replace files that differ" },
  { "quiet", false, "boolean", doc = "do not print progress" },
}

for _, entry in ipairs(rows.rest()) do list[#list + 1] = entry end
return list
