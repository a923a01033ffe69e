--[[
report - a page for one finished run, or for the runs of a study or below a folder.
--]]
local arguments = require "flexlab.commands.arguments"
local flex = require "flexlab"
local latest = require "flexlab.store.latest"
local selection = require "flexlab.commands.selection"
local terminal = require "flexlab.terminal"

return {
  name = "report",
  doc = "write report.html for a run, a study, or the runs below a folder",
  arguments = { { name = "run", takes = { "folder" },
    doc = "folder of a run (runs/sr/1a2b3c4d/1), of a study, or one above runs" } },
  options = { selection.metric, selection.better, selection.where,
    { name = "by", value = "KEY", doc = "setting whose values are the arms [all that differ, together]" } },
  run = function(values)
    local dir = latest.resolve(values.run)
    local alone = flex.runs.is_run(dir) and not values.where
    local runs = not alone and selection.runs("report", { runs = { dir }, where = values.where })
    local one = alone and dir or #runs == 1 and runs.tasks[1].dir
    if one then
      for _, name in ipairs { "metric", "better", "by" } do
        if values[name] then
          arguments.wrong("report: --%s is for the comparison of runs, and %s is one run; leave it out", name, one)
        end
      end
      return terminal.say((flex.report(one)))
    end
    selection.check("report", runs, { by = values.by, numbers = { values.metric } })
    terminal.say(runs:report { metric = values.metric or false, better = values.better or false,
      key = values.by or false })
  end,
}
