-- flexlab table - finished runs as one table: settings that differ, seeds, results, cost.
local arguments = require "flexlab.commands.arguments"
local config = require "flexlab.config"
local flex = require "flexlab"
local words = require "flexlab.text"

local function metrics_of(text)
  local list = words.words(text or "")
  return #list > 0 and list or nil
end

local function narrowed(runs, list)
  local settings = {}
  for _, setting in ipairs(list or {}) do
    if not setting:match("^%s*[%w_.]+%s*=") then
      arguments.wrong("table: --where wants KEY=VALUE, got '%s'", setting)
    end
    local key, value = config.parse(setting)
    settings[key] = value
  end
  return runs:where(settings)
end

local forms = { csv = "csv", md = "markdown", tex = "latex", txt = "text" }

return {
  name = "table",
  doc = "finished runs as a table",
  arguments = { { name = "runs", many = true, doc = "folders of runs, or above them (runs/sr)" } },
  options = {
    { name = "metrics", value = "A,B", doc = "results to show [all that the runs have in common]" },
    { name = "where", value = "KEY=VALUE", many = true, doc = "only runs with this setting" },
    { name = "as", value = "WORD", kind = "words", words = { "txt", "csv", "md", "tex" }, default = "txt",
      doc = "txt, csv, md (Markdown) or tex (LaTeX)" },
    { name = "out", value = "FILE", doc = "write it there; the name's end says the form" },
  },
  run = function(values)
    local t = narrowed(flex.runs(values.runs), values.where):table(metrics_of(values.metrics))
    if values.out then
      t:save(values.out)
      print(values.out)
    else
      io.write(t[forms[values.as]](t))
    end
  end,
}
