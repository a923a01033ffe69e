-- flexlab list - the choices a recipe may name, the recipes there are, the runs there were, what backbones cost.
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local tabulate = require "flexlab.table"
local arguments = require "flexlab.commands.arguments"
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

-- What each backbone is made of and takes, of the sizes asked for: the networks are built to be counted.
function lists.backbones(values)
  local whole, arithmetic = require "flexlab.bench.whole", require "flexlab.network.arithmetic"
  local t = tabulate { "backbone", "size", "parameters", "GFLOP", "what it is" }
  for _, size in ipairs(values.sizes) do
    for _, name in ipairs(choices.registry "backbones"()) do
      local scope <close> = core.scope()
      local model = whole.model { model = size, backbone = name, size = values.side }
      t:row { name, size, model:count(), arithmetic.gflop(model) or "-", choices.get("backbones", name).doc }
      scope:close()
    end
    t:gap()
  end
  t:print()
  print(("GFLOP: one forward pass of a field of %dx%d, condition encoder included."):format(values.side, values.side))
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

function lists.runs(values)
  local root = values.out
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
  doc = "list choices, recipes, runs or backbones",
  arguments = { { name = "what", optional = true,
    doc = "choices, recipes or runs, all three without it; backbones: what they cost" } },
  options = {
    { name = "out", value = "DIR", default = "runs", doc = "where runs are kept" },
    { name = "sizes", value = "LIST", doc = "of backbones: nano, small, medium, big [nano]" },
    { name = "side", value = "N", kind = "integer", least = 1, default = 64, doc = "of backbones: side of the field" },
  },
  run = function(values)
    if values.what and not lists[values.what] then
      arguments.wrong("list does not know '%s'; %s", values.what,
        words.hint(values.what, words.keys(lists)))
    end
    values.sizes = words.words(values.sizes or "nano")
    if values.what then return lists[values.what](values) end
    for _, name in ipairs { "choices", "recipes", "runs" } do
      print(name:upper())
      lists[name](values)
      if name ~= "runs" then print() end
    end
  end,
}
