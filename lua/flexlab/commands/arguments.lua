--[[
arguments - a command's words: parsed, explained and refused from one declaration.

A command is { name, doc, arguments = { {name, doc, optional =, many =, rest =} }, options = { option }, ... };
an option is { name, doc, value = "N" (absent: a flag), kind = "text|number|integer|numbers|words",
words = {...}, short = "i", many =, required =, default =, stated =, hidden =, least =, most =, entry = }.
`takes`, of an argument or option, says what its word is, for completion (complete.lua): a list of "file", "folder",
"recipe", "command", "op", "setting" (KEY=VALUE), "key", or the name of a kind of choice; beside it, `words` are
words that an argument may be. Of an option it need not be given where `value` or `entry` tells it.
`stated` is a default that the page shows and somebody else fills in. An option that is a declared
setting (flexlab.settings) is made by M.setting, and takes meaning, default and range from its `entry`.
`rest`: the words from that argument on are taken as they are, options too.
Wrong use raises a Wrong object, which ends the program with code 2.
--]]

local blame = require "flexlab.blame"
local declare = require "flexlab.settings.declare"
local words = require "flexlab.words"

local M = {}

local MOST = 2 ^ 31 - 1 | 0

local Wrong = { __name = "flexlab.Wrong" }
function Wrong.__tostring(e) return e.message end

-- Raises "wrong use".
function M.wrong(text, ...)
  error(setmetatable({ message = select("#", ...) > 0 and text:format(...) or text }, Wrong), 0)
end

function M.is_wrong(e) return getmetatable(e) == Wrong end

local readers = {}

function readers.text(word) return word end

function readers.number(word)
  local number = tonumber(word)
  return number and number == number and math.abs(number) < math.huge and number or nil, "a number"
end

function readers.integer(word)
  return math.tointeger(tonumber(word)), "a whole number"
end

function readers.numbers(word)
  local list = {}
  for part in (word .. ","):gmatch("([^,]*),") do
    local number = readers.number(part)
    if not number then return nil, "numbers such as 1000,4000" end
    list[#list + 1] = number
  end
  return list
end

function readers.words(word, option)
  for _, known in ipairs(option.words) do
    if word == known then return word end
  end
  return nil, words.list(option.words, "or"), words.meant(word, option.words)
end

-- The least and the largest value of an option: its own, or those of the C integers that counts end in, where its entry
-- has none.
local function bounds_of(option)
  local counts, entry = option.kind == "integer", option.entry or {}
  return option.least or counts and not entry.least and -MOST or nil,
    option.most or counts and not entry.most and MOST or nil
end

local function read(command, option, word)
  if word == nil then M.wrong("--%s needs a value (%s)", option.name, option.value) end
  local value, wanted, meant = readers[option.kind or "text"](word, option)
  if value == nil then
    M.wrong("%s: --%s wants %s, got '%s'%s", command.name, option.name, wanted, word, meant or "")
  end
  if option.entry then
    local one = option.kind == "numbers" and #value == 1 and words.has(option.entry.types, "number")
    if one then value = value[1] end
    if declare.check(option.entry, value) == nil then
      M.wrong("%s: %s", command.name, declare.sentence("--" .. option.name, option.entry, value))
    end
  end
  local least, most = bounds_of(option)
  if least and value < least then
    M.wrong("%s: --%s must be at least %s, got %s", command.name, option.name, least, word)
  elseif most and value > most then
    M.wrong("%s: --%s must be at most %s, got %s", command.name, option.name, most, word)
  end
  return value
end

-- How a setting of each type is read; the first of its types that is here counts.
local kinds = { "numbers", "integer", "number", "word", "text" }

--- An option that is a declared setting: "rms_velocity" is --rms-velocity.
---@param entry table       of settings.of("flow").entry and its like
---@param value string|nil  what stands for the value on the help page; absent for a flag
---@param more table|nil    fields of the option that differ: default, doc, short; `stated`: only show the default
function M.setting(entry, value, more)
  local option = { name = entry.name:gsub("_", "-"), value = value, doc = entry.doc, entry = entry,
    words = entry.words }
  for i = #kinds, 1, -1 do
    if words.has(entry.types, kinds[i]) then option.kind = kinds[i] end
  end
  if option.kind == "word" then option.kind = entry.words and "words" or "text" end
  if value and entry.default ~= false then option.default = entry.default end
  for k, v in pairs(more or {}) do option[k] = v end
  if option.stated == true then option.default, option.stated = nil, option.default end
  if option.kind == "integer" or option.kind == "number" then      -- a command line has no lists here, and no `false`
    option.entry = setmetatable({ types = { option.kind } }, { __index = entry })
  end
  return option
end

local function find(command, name, short)
  local known = {}
  for _, option in ipairs(command.options or {}) do
    if short and option.short == name or not short and option.name == name then return option end
    if not option.hidden then known[#known + 1] = "--" .. option.name end
  end
  known[#known + 1] = "--traceback"
  local typed = (short and "-" or "--") .. name
  M.wrong("%s has no option %s; %s", command.name, typed, words.hint("--" .. name, known))
end

-- Stores one option; returns how many further words it took.
local function take(command, values, word, following)
  local name, attached = word:match("^%-%-([^=]+)=(.*)$")
  local short = word:match("^%-([^-].*)$")
  local option = find(command, name or short or word:sub(3), short ~= nil)
  if not option.value then
    if attached then M.wrong("%s: --%s takes no value", command.name, option.name) end
    values[option.name] = true
    return 0
  end
  local value = read(command, option, attached or following)
  if option.many then
    values[option.name] = values[option.name] or {}
    table.insert(values[option.name], value)
  elseif values[option.name] ~= nil then
    M.wrong("%s: --%s is given twice", command.name, option.name)
  else
    values[option.name] = value
  end
  return attached and 0 or 1
end

local function place(command, values, list)
  for _, argument in ipairs(command.arguments or {}) do
    if argument.many then
      values[argument.name] = list
      list = {}
    else
      values[argument.name] = table.remove(list, 1)
    end
    local given = values[argument.name]
    if not argument.optional and (given == nil or argument.many and #given == 0) then
      M.wrong("%s needs %s (%s)", command.name, argument.name:upper(), argument.doc)
    end
  end
  if #list > 0 then M.wrong("%s does not know what to do with '%s'", command.name, list[1]) end
end

-- Words -> { option or argument = value }; `help` is set by --help or -h wherever it stands.
function M.parse(command, argv)
  local values, list, i = {}, {}, 1
  while i <= #argv do
    local word = argv[i]
    local argument = (command.arguments or {})[#list + 1]
    if word == "--" or argument and argument.rest then
      table.move(argv, word == "--" and i + 1 or i, #argv, #list + 1, list)
      break
    elseif word == "--help" or word == "-h" then
      return { help = true }
    elseif word == "--traceback" then
      blame.show(true)
    elseif word:match("^%-%D") then
      i = i + take(command, values, word, argv[i + 1])
    else
      list[#list + 1] = word
    end
    i = i + 1
  end
  place(command, values, list)
  for _, option in ipairs(command.options or {}) do
    if values[option.name] == nil then values[option.name] = option.default end
    if option.required and values[option.name] == nil then
      M.wrong("%s needs --%s %s (%s)", command.name, option.name, option.value, option.doc)
    end
  end
  return values
end

--- The line that shows how a command is typed.
function M.usage(command)
  local parts = { "flexlab " .. command.name }
  for _, argument in ipairs(command.arguments or {}) do
    local word = argument.name:upper() .. (argument.many and "..." or "")
    parts[#parts + 1] = argument.optional and "[" .. word .. "]" or word
  end
  for _, option in ipairs(command.options or {}) do
    if option.required then parts[#parts + 1] = "--" .. option.name .. " " .. option.value end
  end
  return table.concat(parts, " ") .. (#(command.options or {}) > 0 and " [options]" or "")
end

local function default_of(option)
  local value, range = option.default or option.stated, option.entry and declare.short_range(option.entry) or ""
  if value == nil then
    return option.many and " (may be repeated)" or range ~= "" and (" [%s]"):format(range) or ""
  end
  return (" [%s%s]"):format(type(value) == "table" and table.concat(value, ",") or tostring(value),
    range ~= "" and "; " .. range or "")
end

-- What the word of an option is, by what stands for it on the help page.
local taken = { FILE = { "file" }, DIR = { "folder" }, RUN = { "folder" }, KEY = { "key" },
  ["KEY=VALUE"] = { "setting" }, ["KEY=A,B,..."] = { "setting" } }

--- What the word of an argument or option is (`takes`), and the words that it may be.
function M.takes(declared)
  local entry = declared.entry or {}
  return declared.takes or entry.kind and { entry.kind } or taken[declared.value] or {}, declared.words or {}
end

--- What a command takes: rows { as it is typed, meaning } of its arguments and of its options.
function M.rows(command)
  local arguments, options = {}, {}
  for _, argument in ipairs(command.arguments or {}) do
    arguments[#arguments + 1] = { argument.name:upper(), argument.doc }
  end
  for _, option in ipairs(command.options or {}) do
    if not option.hidden then
      options[#options + 1] = { (option.short and "-" .. option.short .. ", " or "") .. "--" .. option.name
        .. (option.value and " " .. option.value or ""), option.doc .. default_of(option) }
    end
  end
  options[#options + 1] = { "--traceback", "after an error, also print the call stack" }
  options[#options + 1] = { "-h, --help", "this page" }
  return arguments, options
end

local COLUMNS = 100     -- of a help page

--- The page that --help prints.
function M.help(command)
  local rows, options = M.rows(command)
  if #rows > 0 then rows[#rows + 1] = { "", "" } end
  table.move(options, 1, #options, #rows + 1, rows)
  local width, lines = 0, { M.usage(command), "  " .. command.doc, "" }
  for _, row in ipairs(rows) do width = math.max(width, #row[1]) end
  for _, row in ipairs(rows) do
    for i, part in ipairs(words.wrapped(row[2], COLUMNS - width - 4)) do
      lines[#lines + 1] = (("  %-" .. width .. "s  %s"):format(i == 1 and row[1] or "", part):gsub("%s+$", ""))
    end
  end
  if command.notes then lines[#lines + 1] = "\n" .. table.concat(words.wrapped(command.notes, COLUMNS), "\n") end
  return table.concat(lines, "\n") .. "\n"
end

return M
