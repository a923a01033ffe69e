-- flexlab report - a page for one finished run, or for all below a folder.
local flex = require "flexlab"

return {
  name = "report",
  doc = "write report.html for a run, or for the runs below a folder",
  arguments = { { name = "run", doc = "the folder of a run (runs/sr/1a2b3c4d/1), or one above several" } },
  options = { { name = "metric", value = "NAME", doc = "the result to compare where there are several runs" } },
  run = function(values)
    local dir = values.run:gsub("/+$", "")
    if flex.runs.is_run(dir) then return print((flex.report(dir))) end
    local runs = flex.runs(dir)
    if #runs == 1 then return print((flex.report(runs.tasks[1].dir))) end
    print(runs:report { metric = values.metric or false, dir = dir })
  end,
}
