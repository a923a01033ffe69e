--[[
list - the choices a recipe may name, the recipes there are, the runs there were, what backbones cost.
--]]
local arguments = require "flexlab.commands.arguments"
local operations = require "flexlab.network.operations"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local finished = require "flexlab.study.finished"
local judging = require "flexlab.run.judging"
local latest = require "flexlab.store.latest"
local listing = require "flexlab.study.listing"
local study_runs = require "flexlab.study.runs"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"
local whole = require "flexlab.bench.whole"
local words = require "flexlab.words"

local lists = {}

local WIDTH = 120     -- columns of a row

-- A user's file is named, compiled and not run: what runs a user's code is a command that was given it.
function lists.choices()
  local t, all, widths = tabulate { "kind", "word", "what it is" }, {}, { 0, 0 }
  for _, kind in ipairs(words.keys(choices.kinds)) do
    all[kind] = choices.described(kind)
    for _, choice in ipairs(all[kind]) do
      widths = { math.max(widths[1], #kind), math.max(widths[2], #choice.name) }
    end
  end
  local rest = math.max(WIDTH - widths[1] - widths[2] - 4, 40)      -- 4: two gaps
  for _, kind in ipairs(words.keys(all)) do
    for _, choice in ipairs(all[kind]) do
      for i, line in ipairs(words.wrapped(words.one_line(choice.doc), rest)) do
        t:row { i == 1 and kind or "", i == 1 and choice.name or "", line }
      end
    end
    t:gap()
  end
  t:print()
end

local function sorted(folder)
  local names = core.sys.list(folder) or {}
  table.sort(names)
  return names
end

function lists.recipes()
  local t, seen = tabulate { "recipe", "what it is" }, {}
  for _, folder in ipairs(commands.recipe_folders()) do
    for _, name in ipairs(sorted(folder)) do
      if name:match("%.lua$") and not seen[name] then
        local text = core.sys.read(folder .. "/" .. name) or ""
        seen[name] = true
        t:row { folder .. "/" .. name, text:match("^%-%-%s*([^\n]*)") or "" }
      end
    end
  end
  t:print()
end

-- What each backbone is made of and takes, of the sizes asked for: the networks are built to be counted.
function lists.backbones(values)
  local t = tabulate { "backbone", "size", "parameters", "GFLOP", "what it is" }
  for _, size in ipairs(values.sizes) do
    for _, choice in ipairs(choices.described "backbones") do
      if choice.own then
        local scope <close> = core.scope()
        local model = whole.model { model = size, backbone = choice.name, size = values.side }
        t:row { choice.name, size, model:count(), operations.gflop(model) or "-", choice.doc }
        scope:close()
      else
        t:row { choice.name, size, "-", "-", choice.doc }     -- a user's: not run by a list
      end
    end
    t:gap()
  end
  t:print()
  terminal.say(("GFLOP: one forward pass of a field of %dx%d, condition encoder included."):format(values.side,
    values.side))
end

-- The runs and studies of a folder of runs, of a study, or below any other folder.
local function show_runs(path, empty)
  path = latest.resolve(path)
  local tasks = finished.tasks({ path }, empty)
  local t, mains = listing.runs(tasks)
  t:print()
  for _, entry in ipairs(mains) do
    local main, about = entry.main, entry.about
    if main then
      terminal.say(("%s: main metric %s (%s; %s)%s"):format(entry.recipe, main.name, judging.phrase(main.better),
        main.why, entry.best and ("; * is the best arm (mean %.4g)"):format(about.means[entry.best])
        or about and "; no best is named, since " .. about.why or ""))
    end
    for _, text in ipairs(entry.sentences) do
      local dirs = entry.sentences[text]
      terminal.say(("%s%s: %s"):format(dirs[1], #dirs > 1 and (" and %d more"):format(#dirs - 1) or "", text))
    end
    if entry.remark then terminal.say(("note: %s: %s"):format(entry.recipe, entry.remark)) end
    if about and about.note then terminal.say(("note: %s: %s"):format(entry.recipe, about.note)) end
  end
  for _, remark in ipairs(study_runs.new({ name = path, tasks = tasks }):remarks()) do
    terminal.say("note: " .. remark)
  end
  local studies = listing.study_folders(path)
  if #studies > 0 then
    terminal.say()
    listing.studies(studies):print()
  end
end

function lists.runs(values)
  if values.folder then return show_runs(values.folder) end
  if core.sys.exists(values.out) ~= "folder" then
    return terminal.say(("no runs: there is no folder '%s'"):format(values.out))
  end
  show_runs(values.out, true)
end

return {
  name = "list",
  doc = "list choices, recipes, runs or backbones",
  arguments = { { name = "what", optional = true, takes = { "folder" }, words = words.keys(lists),
    doc = "choices, recipes, runs, or backbones with their cost; or a folder of runs (default: the first three)" },
    { name = "folder", optional = true, takes = { "folder" },
      doc = "for runs: a folder of runs, or of a study [that of --out]" } },
  options = {
    { name = "out", value = "DIR", default = "runs", doc = "folder of all runs" },
    { name = "sizes", value = "LIST", doc = ("for backbones: sizes to list, any of %s [nano]"):format(
      table.concat(core.flex_sizes, ", ")) },
    { name = "side", value = "N", kind = "integer", least = 1, default = 64,
      doc = "for backbones: side of the field in pixels" },
  },
  run = function(values)
    if values.folder and values.what ~= "runs" then
      arguments.wrong("list: '%s' is too much; a folder comes behind `runs`: flexlab list runs %s", values.folder,
        values.folder)
    end
    if values.what and not lists[values.what] and (values.what:find "/" or core.sys.exists(values.what)) then
      return show_runs(values.what)
    elseif values.what and not lists[values.what] then
      arguments.wrong("list does not know '%s'; %s", values.what,
        words.hint(values.what, words.keys(lists)))
    end
    values.sizes = words.words(values.sizes or "nano")
    if values.what then return lists[values.what](values) end
    for _, name in ipairs { "choices", "recipes", "runs" } do
      terminal.say(name:upper())
      lists[name](values)
      if name ~= "runs" then terminal.say() end
    end
  end,
}
