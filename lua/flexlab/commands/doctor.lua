--[[
doctor - looks for the mistakes that make a result wrong without an error.
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local flex = require "flexlab"
local settings = require "flexlab.settings"
local variables = require "flexlab.commands.variables"
local terminal = require "flexlab.terminal"

local fine = settings.of("superres").entry

return {
  name = "doctor",
  doc = "check a run or data for leakage, shifts, wrong normalisation and the like",
  arguments = { { name = "what", takes = { "file" }, doc = "folder of a run, or files of data, HDF5 or a pattern" } },
  options = variables.with({
    { name = "test", value = "FILE", doc = "for data: files to test on [the last fifth of the time of each run]" },
    arguments.setting(fine.factor, "N", { doc = "for data: ratio of fine to coarse grid" }),
    arguments.setting(fine.degradation, "WORD",
      { doc = "for data: how the coarse field is made (flexlab list choices)" }),
    arguments.setting(fine.crop, "N", { doc = "for data: side of the patches in pixels" }),
    { name = "low", value = "FILE", doc = "for data: files of the coarse fields [made from the fine ones]" },
    { name = "test-low", value = "FILE", doc = "for data: files of the coarse test fields" },
    { name = "json", doc = "print one line of JSON instead of the table" },
    commands.device, commands.threads,
  }, 4),
  notes = "The exit code is 1 if there is a fault.",
  run = function(values)
    commands.setup(values)
    local what = values.what:gsub("/+$", "")
    local data = variables.of(values)
    data.file, data.test, data.factor, data.degradation = what, values.test, values.factor, values.degradation
    data.crop, data.low, data.test_low = values.crop, values.low, values["test-low"]
    local findings = flex.doctor(flex.core.sys.exists(what) == "folder" and what or data)
    local faults = 0
    for _, f in ipairs(findings) do faults = faults + (f.state == "fault" and 1 or 0) end
    if values.json then
      terminal.json(findings)
    else
      for _, f in ipairs(findings) do terminal.say(("%-6s %-14s %s"):format(f.state, f.check, f.text)) end
    end
    return faults > 0 and 1 or 0
  end,
}
