-- flexlab show - what a recipe is and what can be set.
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local study = require "flexlab.study"
local tabulate = require "flexlab.table"
local words = require "flexlab.text"

-- The comment at the head of the file.
local function header(path)
  local lines = {}
  for line in ((core.sys.read(path) or "") .. "\n"):gmatch("(.-)\n") do
    local comment = line:match("^%-%-%s?(.*)$")
    if not comment then break end
    lines[#lines + 1] = comment
  end
  return table.concat(lines, "\n")
end

local function kind_of(default)
  if getmetatable(default) and default.type then return default.type .. " or absent", "absent" end
  if type(default) == "table" then return "list", literal.encode(default) end
  if default == false then return "any, or absent", "false" end
  return math.type(default) or type(default), type(default) == "string" and ("%q"):format(default)
    or tostring(default)
end

local function rows(t, defaults, prefix)
  for _, key in ipairs(words.keys(defaults)) do
    local default = defaults[key]
    local section = type(default) == "table" and #default == 0 and next(default) ~= nil
      and not getmetatable(default)
    if section then
      rows(t, default, prefix .. key .. ".")
    else
      local kind, shown = kind_of(default)
      t:row { prefix .. key, kind, shown }
    end
  end
end

return {
  name = "show",
  doc = "what a recipe does and which settings it has",
  arguments = { { name = "recipe", doc = "a recipe's file, or its name in recipes/" } },
  options = { commands.parts },
  run = function(values)
    local recipe, path = commands.recipe(values.recipe)
    print(("%s (%s)\n%s\n"):format(recipe.name, path, header(path)))
    if study.is_study(recipe) then
      for _, key in ipairs(words.keys(recipe.grid)) do
        print(("arms   %s = %s"):format(key, literal.encode(recipe.grid[key])))
      end
      print(("seeds  %s\n"):format(table.concat(recipe.seeds, ", ")))
    end
    local t = tabulate { "setting", "type", "default" }
    rows(t, recipe.defaults, "")
    t:print()
  end,
}
