-- flexlab compare - the arms of finished runs, paired by seed: differences, intervals, p.
local flex = require "flexlab"

return {
  name = "compare",
  doc = "compare finished runs, paired by seed",
  arguments = { { name = "runs", many = true, doc = "folders of runs, or above them (runs/sr)" } },
  options = {
    { name = "metric", value = "NAME", doc = "the result to compare [rfne, else the first]" },
    { name = "by", value = "KEY", doc = "the setting whose values are the arms [all that differ, together]" },
    { name = "against", value = "NAME", doc = "the arm that others are compared with [the first]" },
    { name = "report", value = "DIR", doc = "write report.html, runs.csv, runs.tex, summary.csv there too" },
  },
  notes = "n counts seeds: the runs of a seed under other settings are averaged first. Runs that failed or have\n"
    .. "no partner are left out; a note below the table names them.",
  run = function(values)
    local runs = flex.runs(values.runs)
    local metric = values.metric
    if not metric then
      for _, name in ipairs(runs:metrics()) do
        if not metric or name == "rfne" then metric = name end
      end
    end
    if not metric then error("compare: these runs have no number in common", 0) end
    local options = { key = values.by or false, against = values.against and flex.config.literal(values.against)
      or false }
    runs:summary(metric, options):print()
    for _, remark in ipairs(runs:remarks()) do print("note: " .. remark) end
    if values.report then
      assert(flex.core.sys.mkdirs(values.report))
      print(runs:report { metric = metric, key = options.key, against = options.against, dir = values.report })
    end
  end,
}
