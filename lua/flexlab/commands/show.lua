--[[
show - what a recipe is and what can be set: each setting with its default, what it takes and what it means.

First those that the recipe names, with its defaults; then those that its sections accept besides (flexlab.settings).
A setting of a plain section takes the type of its default; what it means is known where the section is called as
the declared table that has a setting of that name.
--]]
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local settings = require "flexlab.settings"
local study = require "flexlab.study"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

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

local function default_of(value)
  if getmetatable(value) and value.type then return "absent" end
  return literal.line(value)
end

local function takes_of(value)
  if getmetatable(value) and value.type then return value.type .. ", or absent" end
  if value == false then return "any, or absent" end
  if type(value) == "table" then return "list or table" end
  return type(value)
end

-- A plain section borrows the meanings of the declared tables that it is called as.
local function meaning_of(section, key)
  for _, name in ipairs(settings.sections[section] or {}) do
    local entry = settings.of(name).entry[key]
    if entry then return entry.doc end
  end
  return ""
end

local function is_section(value)
  return type(value) == "table" and not getmetatable(value)
    and (settings.opened(value) ~= nil or #value == 0 and next(value) ~= nil)
end

-- Rows { setting, default, takes, meaning } of what a recipe names, and of what its sections accept besides.
local function rows_of(defaults, prefix, named, more)
  for _, key in ipairs(words.keys(defaults)) do
    local value, entry, full = defaults[key], settings.entry(defaults, key), prefix .. tostring(key)
    if is_section(value) and not entry then
      rows_of(value, full .. ".", named, more)
    else
      named[#named + 1] = { full, default_of(value), entry and settings.takes(entry) or takes_of(value),
        entry and entry.doc or meaning_of(prefix:match "^[^.]*", key) }
    end
  end
  local opened = settings.opened(defaults)
  for _, entry in ipairs(opened and opened.declared.list or {}) do
    if defaults[entry.name] == nil and not opened.fixed[entry.name] and not entry.internal then
      more[#more + 1] = { prefix .. entry.name, default_of(entry.default), settings.takes(entry), entry.doc }
    end
  end
end

local WIDTHS = { 24, 20, 30, 40 }   -- of the columns: 120 with the gaps

local function print_rows(rows)
  table.insert(rows, 1, { "setting", "default", "takes", "meaning" })
  for n, row in ipairs(rows) do
    local cells, height = {}, 0
    for i, text in ipairs(row) do
      cells[i] = words.wrapped(text, WIDTHS[i])
      height = math.max(height, #cells[i])
    end
    for k = 1, height do
      local line = {}
      for i in ipairs(row) do line[i] = (("%%-%ds"):format(WIDTHS[i])):format(cells[i][k] or "") end
      terminal.say((table.concat(line, "  "):gsub("%s+$", "")))
    end
    if n == 1 then terminal.say(("-"):rep(120)) end
  end
end

-- Which settings name choices whose own settings stand beside them.
local function print_choices(defaults)
  local keys = {}
  for _, key in ipairs(words.keys(defaults)) do
    local opened = settings.opened(defaults[key])
    for _, take in ipairs(opened and opened.declared.takes or {}) do keys[#keys + 1] = key .. "." .. take.key end
  end
  if #keys == 0 then return end
  terminal.say(("\nA choice that is named in %s may have settings\nof its own, given beside it (eval.eta of "
    .. "sampler ddim): docs/reference.md has them, and help \"ddim\" at the prompt."):format(words.list(keys)))
end

return {
  name = "show",
  doc = "show what a recipe does and which settings it has",
  arguments = { { name = "recipe", takes = { "recipe" }, doc = "file of a recipe, or its name in recipes/" } },
  options = { commands.parts },
  run = function(values)
    local recipe, path = commands.recipe(values.recipe)
    terminal.say(("%s (%s)\n%s\n"):format(recipe.name, path, header(path)))
    if study.is_study(recipe) then
      for _, key in ipairs(words.keys(recipe.grid)) do
        terminal.say(("arms   %s = %s"):format(key, literal.line(recipe.grid[key])))
      end
      terminal.say(("seeds  %s\n"):format(table.concat(recipe.seeds, ", ")))
    end
    local named, more = {}, {}
    rows_of(recipe.defaults, "", named, more)
    print_rows(named)
    if #more == 0 then return end
    terminal.say("\nAccepted besides, with the defaults of the functions that read them:\n")
    print_rows(more)
    print_choices(recipe.defaults)
  end,
}
