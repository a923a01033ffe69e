-- flexlab list - the choices a recipe may name, the recipes there are, the runs there were.
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local tabulate = require "flexlab.table"
local arguments = require "flexlab.arguments"
local words = require "flexlab.text"

local lists = {}

function lists.choices()
  local t = tabulate { "kind", "word", "what it is" }
  for _, kind in ipairs(words.keys(choices.kinds)) do
    local registry = choices.registry(kind)
    for _, name in ipairs(registry()) do t:row { kind, name, registry[name].doc } end
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

local function brief(result)
  local parts = {}
  for _, key in ipairs(words.keys(result)) do
    if type(result[key]) == "number" and #parts < 4 then
      parts[#parts + 1] = ("%s %.4g"):format(key, result[key])
    end
  end
  return table.concat(parts, "  ")
end

-- A run's folder is runs/<name>/<hash8>/<seed>, with config.lua in it.
local function run_row(t, folder)
  if not core.sys.exists(folder .. "/config.lua") then return end
  local result = core.sys.exists(folder .. "/result.lua") and literal.read(folder .. "/result.lua")
  t:row { folder, result and "done" or "unfinished", result and brief(result) or "" }
end

function lists.runs(root)
  local t = tabulate { "run", "state", "result" }
  for _, name in ipairs(sorted(root)) do
    for _, hash in ipairs(sorted(root .. "/" .. name)) do
      for _, seed in ipairs(sorted(root .. "/" .. name .. "/" .. hash)) do
        run_row(t, ("%s/%s/%s/%s"):format(root, name, hash, seed))
      end
    end
  end
  t:print()
end

return {
  name = "list",
  doc = "list choices, recipes or runs",
  arguments = { { name = "what", optional = true, doc = "choices, recipes or runs; all of them without it" } },
  options = { { name = "out", value = "DIR", default = "runs", doc = "where runs are kept" } },
  run = function(values)
    if values.what and not lists[values.what] then
      arguments.wrong("list does not know '%s'; %s", values.what,
        words.hint(values.what, words.keys(lists)))
    end
    for _, name in ipairs { "choices", "recipes", "runs" } do
      if not values.what then print(name:upper()) end
      if not values.what or values.what == name then lists[name](values.out) end
      if not values.what and name ~= "runs" then print() end
    end
  end,
}
