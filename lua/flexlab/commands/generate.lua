--[[
generate - simulated data (flexlab/flow/generate.lua). Its options are the declared settings of a flow
(settings/flow.lua).
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local generate = require "flexlab.flow.generate"
local settings = require "flexlab.settings"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local declared = settings.of "flow"

-- What stands for a setting's value on the help page.
local values_of = { re = "RE,...", time = "T", spacing = "T", k0 = "K", rms_velocity = "U", boundary = "NAME",
  wall = "L", radius = "R", discs = "X,Y,R,...", mean_velocity = "U", sponge = "L", forcing = "NAME",
  forcing_wavenumber = "K", forcing_amplitude = "A", forcing_width = "K", forcing_rate = "E", drag = "R", cfl = "C",
  precision = "WORD", initial = "FILE", members = "M", member_factor = "F", fields = "LIST", schmidt = "S",
  scalar = "WORD", scalar_k0 = "K", unresolved = "WORD", out = "FILE", fresh = false, quiet = false }

local options = {}
for i, entry in ipairs(declared.list) do
  local value = values_of[entry.name]
  options[i] = arguments.setting(entry, value == nil and "N" or value or nil)
end
options[#options + 1] = commands.threads

return {
  name = "generate",
  doc = "simulate data: two-dimensional turbulence",
  arguments = { { name = "kind", words = words.keys(generate.kinds), doc = "kind of data: turbulence" } },
  options = options,
  notes = "A file holds the vorticity w (frames, size, size), or the channels of --fields; with solids also the\n"
    .. "dataset solid; and Re, nu, precision, seed, times, k0, forcing, drag, boundary, kmax_eta, solver,\n"
    .. "version. A file that is complete and matches is kept; one that differs is an error that names the first\n"
    .. "difference, unless --fresh is given. After an interruption the same command continues, bit for bit.",
  run = function(values)
    if not generate.kinds[values.kind] then
      arguments.wrong("generate does not know '%s'; %s", values.kind,
        words.hint(values.kind, words.keys(generate.kinds)))
    end
    commands.setup(values)
    local given = {}
    for key in pairs(declared.entry) do given[key] = values[key:gsub("_", "-")] end
    for _, path in ipairs(generate.make(values.kind, given)) do terminal.say(path) end
  end,
}
