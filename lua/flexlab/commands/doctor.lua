-- flexlab doctor - looks for the mistakes that make a result wrong without an error.
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local flex = require "flexlab"
local settings = require "flexlab.settings"
local variables = require "flexlab.commands.variables"

return {
  name = "doctor",
  doc = "look for leakage, shifts, wrong normalisation, over-confidence and the like",
  arguments = { { name = "what", doc = "the folder of a run, or data: HDF5 or a pattern" } },
  options = variables.with({
    { name = "test", value = "FILE", doc = "of data: the test files [the last fifth of the time of each run]" },
    arguments.setting(settings.of("superres").entry.factor, "N", { doc = "of data: of the degradation" }),
    { name = "degradation", value = "WORD", default = "bicubic", doc = "of data: a word of flexlab list choices" },
    { name = "crop", value = "N", kind = "integer", least = 8, default = 64, doc = "of data: side of the patches" },
    { name = "low", value = "FILE", doc = "of data: files of the coarse fields [made from the fine ones]" },
    { name = "test-low", value = "FILE", doc = "of data: files of the test files' coarse fields" },
    { name = "json", doc = "one line of JSON instead of the table" },
    commands.device, commands.threads,
  }, 4),
  notes = "It ends with code 1 where there is a fault.",
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
      print(flex.core.json.encode(findings))
    else
      for _, f in ipairs(findings) do print(("%-6s %-14s %s"):format(f.state, f.check, f.text)) end
    end
    return faults > 0 and 1 or 0
  end,
}
