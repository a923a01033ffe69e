--[[
compare - the arms of finished runs, paired by seed: differences, intervals, p.
--]]
local destination = require "flexlab.store.destination"
local flex = require "flexlab"
local ranking = require "flexlab.study.ranking"
local samples = require "flexlab.study.samples"
local selection = require "flexlab.commands.selection"
local terminal = require "flexlab.terminal"

-- The table, the runs whose remarks belong to it, and the pivot.
local function compared(runs, main, options, values)
  if values.per == "sample" then
    options.method = values.method
    return samples.compare(runs, main, options)
  end
  local t, _, pivot = runs:summary(main.name, options)
  return t, runs, pivot
end

return {
  name = "compare",
  doc = "compare finished runs, paired by seed",
  arguments = { selection.argument },
  options = {
    selection.metric, selection.better, selection.where,
    { name = "by", value = "KEY", doc = "setting whose values are the arms [all that differ, together]" },
    { name = "against", value = "NAME", doc = "arm with which the others are compared [the first]" },
    { name = "per", value = "WORD", kind = "words", words = { "seed", "sample" }, default = "seed",
      doc = "unit of the table: seed; or sample, which also shows each test sample (samples.csv)" },
    { name = "method", value = "NAME", default = "model",
      doc = "with --per sample: method in samples.csv whose scores are compared" },
    { name = "report", value = "DIR", doc = "folder to write report.html, runs.csv, runs.tex and summary.csv to" },
  },
  notes = "n is the number of seeds: runs of one seed under other settings are averaged first. Runs that failed or\n"
    .. "have no partner are left out; a note below the table names them.",
  run = function(values)
    if values.report then destination.folder("--report", values.report) end
    local runs = selection.runs("compare", values)
    local main = runs:main(values.metric, values.better)
    if not main then error("compare: these runs have no number in common", 0) end
    local against = values.against and flex.config.literal(values.against)
    selection.check("compare", runs, { by = values.by, against = against, numbers = { main.name } })
    local options = { key = values.by or false, against = against or false }
    local t, from, pivot = compared(runs, main, options, values)
    t:print()
    local best, about = ranking.best(pivot, main.better)
    terminal.say(best ~= nil and ("best: %s"):format(best) or ("best: none is named, since %s"):format(about.why))
    from:remark(about.note)
    selection.remarks(from, main)
    if values.report then
      assert(flex.core.sys.mkdirs(values.report))
      terminal.say(runs:report { metric = values.metric or false, better = values.better or false, key = options.key,
        against = options.against, dir = values.report })
    end
  end,
}
