--[[
complete - what may stand where the cursor is. Shells ask it when TAB is pressed (tools/completion.bash).

  flexlab complete "flexlab run sr --set model.enc"      prints what may stand there, a word per line: model.encoder=
All of it comes from the declarations by which the command line is parsed and explained (arguments.lua), from the
declared settings, and from the folders of recipes and choices. Nothing of the user's is run, since TAB is no consent:
settings are those of the declared tables, not what a recipe calls its own. A line ":file" or ":folder" leaves the word
to the shell, which completes names better.
--]]
local arguments = require "flexlab.commands.arguments"
local terminal = require "flexlab.terminal"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local loading = require "flexlab.loading"
local settings = require "flexlab.settings"
local words = require "flexlab.words"

-- The words of a line; the last is the one at the cursor, "" behind a blank.
local function split(line)
  local list, word, quote, i = {}, "", nil, 1
  while i <= #line do
    local c = line:sub(i, i)
    if c == "\\" and quote ~= "'" then
      i = i + 1
      word = word .. line:sub(i, i)
    elseif quote or c == "'" or c == '"' then
      if quote and c ~= quote then word = word .. c
      else quote = not quote and c or nil end
    elseif c:find "%s" then
      if word ~= "" then list[#list + 1] = word end
      word = ""
    else
      word = word .. c
    end
    i = i + 1
  end
  list[#list + 1] = word
  return list
end

-- The words of a kind of choice, those of the user's files too, which are not loaded.
local function words_of(kind) return loading.unrestricted(choices.registry(kind)) end

-- Every declared setting by its full name -> its entry.
local function entries()
  local known = {}
  for section, tables in pairs(settings.sections) do
    for _, name in ipairs(tables) do
      for _, entry in ipairs(settings.of(name).list) do
        local key = section .. "." .. entry.name
        if not entry.internal then known[key] = known[key] or entry end
      end
    end
  end
  return known
end

-- The values of a setting that are words.
local function values_of(entry)
  if entry.kind then return words_of(entry.kind) end
  local list = table.move(entry.words or {}, 1, #(entry.words or {}), 1, {})
  if words.has(entry.types, "boolean") then table.move({ "true", "false" }, 1, 2, #list + 1, list) end
  return list
end

local sources = {}

function sources.command() return commands.names end
function sources.recipe() return { ":file", table.unpack(commands.recipe_names()) } end
function sources.file() return { ":file" } end
function sources.folder() return { ":folder" } end
function sources.key() return words.keys(entries()) end

function sources.op()
  local list = {}
  for i, op in ipairs(core.ops) do list[i] = op.name end
  return list
end

-- KEY= while the key is typed; behind it the words of that setting: A, A,B and a+b.
function sources.setting(word)
  local key, list = word:match "^%s*([%w_.]+)=", {}
  if not key then
    for i, name in ipairs(sources.key()) do list[i] = name .. "=" end
    return list
  end
  local entry, before = entries()[key], word:match "^.*[=,+]"
  for i, value in ipairs(entry and values_of(entry) or {}) do list[i] = before .. value end
  return list
end

-- What the word of an argument or option may be.
local function of(declared, word)
  local takes, list = arguments.takes(declared)
  list = table.move(list, 1, #list, 1, {})
  for _, name in ipairs(takes) do
    local source = sources[name] and sources[name](word) or words_of(name)
    table.move(source, 1, #source, #list + 1, list)
  end
  return list
end

-- What is offered where an option may begin: those that are not given yet, or may be repeated.
local function options_of(command, given)
  local list = { "--traceback", "--help" }
  for _, option in ipairs(command.options or {}) do
    if not option.hidden and (option.many or not given[option.name]) then list[#list + 1] = "--" .. option.name end
  end
  return list
end

local function find(command, word)
  local name, attached = word:match "^%-%-([^=]+)(=?)"
  for _, option in ipairs(command.options or {}) do
    if name == option.name or option.short and word == "-" .. option.short then return option, attached == "=" end
  end
end

-- Where the words in front of the cursor leave us: the options given, the option whose value comes next, the argument
-- that comes next, and whether options may still come.
local function place_of(command, before)
  local declared, given, count, waiting, open = command.arguments or {}, {}, 0, nil, true
  for _, word in ipairs(before) do
    local next_argument = declared[count + 1]
    if waiting then
      waiting = nil
    elseif open and word == "--" then
      open = false
    elseif open and word:find "^%-%D" then
      local option, attached = find(command, word)
      if option then given[option.name], waiting = true, option.value and not attached and option or nil end
    else
      open = open and not (next_argument and next_argument.rest)
      count = count + 1
    end
  end
  local last = declared[#declared]
  local argument = declared[count + 1] or last and last.many and last or nil
  return given, waiting, argument, open and not (argument and argument.rest)
end

-- What may stand at the cursor.
local function candidates(command, before, word)
  local given, waiting, argument, open = place_of(command, before)
  if waiting then return of(waiting, word) end
  local option, attached = find(command, word)
  if open and attached and option.value then
    local front, value = word:match "^(%-%-[^=]+=)(.*)$"
    local list = {}
    for i, one in ipairs(of(option, value)) do list[i] = one:find "^:" and one or front .. one end
    return list
  end
  if open and word:find "^%-" then return options_of(command, given) end
  return argument and of(argument, word) or {}
end

-- The lines to print: what the word begins, sorted, each once.
local function answer(line)
  local before = split(line)
  local word = table.remove(before)
  table.remove(before, 1)                                            -- the program
  if before[1] == "--traceback" then table.remove(before, 1) end
  local name = table.remove(before, 1)
  local command = name and commands.find(name)
  local list = command and candidates(command, before, word) or not name and commands.names or {}
  if not name and word:find "^%-" then list = { "--help", "--version", "--traceback" } end
  local fits = {}
  for _, one in ipairs(list) do
    if one:find "^:" or one:sub(1, #word) == word then fits[one] = true end
  end
  return words.keys(fits)
end

return {
  name = "complete",
  doc = "print what may stand at the end of a command line",
  arguments = { { name = "line", rest = true, doc = "the line up to the cursor, as one word" } },
  run = function(values)
    for _, one in ipairs(answer(values.line)) do terminal.say(one) end
  end,
}
