-- flexlab report - a page for one finished run, or for the runs of a study or below a folder.
local flex = require "flexlab"
local latest = require "flexlab.store.latest"
local selection = require "flexlab.commands.selection"

return {
  name = "report",
  doc = "write report.html for a run, a study, or the runs below a folder",
  arguments = { { name = "run", doc = "the folder of a run (runs/sr/1a2b3c4d/1), of a study, or one above runs" } },
  options = { selection.metric, selection.better, selection.where,
    { name = "by", value = "KEY", doc = "the setting whose values are the arms [all that differ, together]" } },
  run = function(values)
    local dir = latest.resolve(values.run)
    if flex.runs.is_run(dir) then return print((flex.report(dir))) end
    local runs = selection.runs("report", { runs = { dir }, where = values.where })
    if #runs == 1 then return print((flex.report(runs.tasks[1].dir))) end
    selection.check("report", runs, { by = values.by, numbers = { values.metric } })
    print(runs:report { metric = values.metric or false, better = values.better or false, key = values.by or false })
  end,
}
