--[[
table - finished runs as one table: settings that differ, seeds, results, cost.
--]]
local destination = require "flexlab.store.destination"
local selection = require "flexlab.commands.selection"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local function metrics_of(text)
  local list = words.words(text or "")
  return #list > 0 and list or nil
end

local forms = { csv = "csv", md = "markdown", tex = "latex", txt = "text" }

return {
  name = "table",
  doc = "show finished runs as a table",
  arguments = { selection.argument },
  options = {
    { name = "metrics", value = "A,B", doc = "results to show [those that all runs have, the main one first]" },
    selection.where,
    { name = "as", value = "WORD", kind = "words", words = { "txt", "csv", "md", "tex" }, default = "txt",
      doc = "format of the table: txt, csv, md (Markdown) or tex (LaTeX)" },
    { name = "out", value = "FILE", doc = "file to write the table to; its ending names the format" },
  },
  run = function(values)
    local to = values.out and destination.of("--out", values.out)
    local runs = selection.runs("table", values)
    local numbers = metrics_of(values.metrics)
    selection.check("table", runs, { numbers = numbers, option = "metrics" })
    local t = runs:table(numbers)
    if values.out then
      t:save(to)
      terminal.say(values.out)
    else
      terminal.write(t[forms[values.as]](t))
      if values.as == "txt" then return selection.remarks(runs, runs:main()) end
    end
    selection.remarks(runs, nil, terminal.warn)
  end,
}
