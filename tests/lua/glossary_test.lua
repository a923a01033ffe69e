-- An abbreviation in use is in docs/glossary.md. Looked at: pages and recipes whole; of Lua files
-- comments and texts; of C files comments and messages.
local lu = require "luaunit"
local core = require "flexlab.core"

local suite = {}
rawset(_G, "TestGlossary", suite)

local glossary = core.sys.read "docs/glossary.md"

-- Words of two or more capitals and digits, also with a small plural s: "CRPS", "FFTs", "RK4".
local function capitals(text, f)
  for word in text:gmatch("%f[%w_]%u[%u%d]+%f[^%w_]") do f(word) end
end

-- What stands in the place of a value: --out DIR, PREFIX=, NAME.lua, and what the reader is to put in.
local placeholders = { A = true, COMMAND = true, DIR = true, FILE = true, KEY = true, LINE = true, LIST = true,
  NAME = true, OP = true, OUT = true, RE = true, REASON = true,
  RECIPE = true, SIZE = true, VALUE = true, WORD = true, PREFIX = true, FROM = true, TO = true,
  RUN = true, RUNS = true, KIND = true, SECURITY = true }   -- SECURITY.md is a page

-- Comments and texts of Lua: lines after --, long comments, quoted words; without declared constants.
local function words_of_lua(text)
  local declared, parts = {}, {}
  for names in text:gmatch("local ([%u%d_, ]+)=") do
    for name in names:gmatch("[%u%d_]+") do declared[name] = true end
  end
  for comment in text:gmatch("%-%-%[%[.-%-%-%]%]") do parts[#parts + 1] = comment end
  for comment in text:gmatch("%-%-([^\n]*)") do parts[#parts + 1] = comment end
  for word in text:gmatch('"[^"\n]*"') do parts[#parts + 1] = word end
  return table.concat(parts, "\n"), declared
end

-- Comments and texts of C, and all names in its code, which are nobody's abbreviations.
local function words_of_c(text)
  local declared, parts = {}, {}
  local function keep(part)
    parts[#parts + 1] = part
    return " "
  end
  local code = text:gsub("/%*.-%*/", keep):gsub('"[^"\n]*"', keep)
  capitals(code, function(word) declared[word] = true end)
  -- Longer words in capitals are names of constants and macros; a letter with a number is a variable.
  local text_of_all = table.concat(parts, "\n")
  capitals(text_of_all, function(word)
    declared[word] = declared[word] or #word > 5 or word:match("^%u%d$") ~= nil and word ~= "L1" and word ~= "L2"
  end)
  return text_of_all, declared
end

local function whole(text) return text, {} end

-- The files that git knows below a place.
local function files(pattern)
  local pipe = assert(io.popen("find " .. pattern))
  local list = {}
  for name in pipe:lines() do list[#list + 1] = name end
  pipe:close()
  table.sort(list)
  return list
end

local function missing(list, read, except)
  local lacking, seen, declared_anywhere, texts = {}, {}, {}, {}
  for i, path in ipairs(list) do
    local declared
    texts[i], declared = read(core.sys.read(path))
    for word, yes in pairs(declared) do declared_anywhere[word] = declared_anywhere[word] or yes end
  end
  for i, path in ipairs(list) do
    capitals(texts[i], function(word)
      local known = placeholders[word] or except[word] or declared_anywhere[word]
      if known or seen[word] or glossary:find("%f[%w]" .. word .. "%f[^%w]") then return end
      seen[word], lacking[#lacking + 1] = true, path .. ": " .. word
    end)
  end
  return lacking
end

function suite.test_pages_and_recipes()
  -- The reference is made from texts that the other tests look at.
  local pages = files ("README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md docs recipes -name reference.md -prune "
    .. "-o -name '*.md' -print -o -name '*.lua' -print")
  lu.assertTrue(#pages > 5)
  lu.assertEquals(missing(pages, whole, { README = true, PATH = true, PWD = true, CHANGELOG = true,
    CONTRIBUTING = true, HOME = true, MAJOR = true, MINOR = true, PATCH = true }), {})
end

function suite.test_lua()
  -- EXCEEDED, IN and PATH are words, set large; SZ comes from a format of dates, UI from a font's name.
  lu.assertEquals(missing(files "lua -name '*.lua'", words_of_lua, { EXCEEDED = true, SZ = true, UI = true,
    IN = true, PATH = true }), {})
end

function suite.test_c()
  local list = files "csrc -name '*.[ch]' -o -name '*.def'"
  -- ORDER marks lists that must agree; CLASS is netCDF's; the rest are words set large, environment
  -- variables, and the opcodes and states of pickles.
  local except = {}
  for word in ("ORDER CLASS IN NONE HOME PATH BUILD DICT DUP EXT EXT1 EXT2 EXT4 FLOAT FRAME INST LONG1 LONG4 OBJ "
      .. "POP TEXT TUPLE"):gmatch("%w+") do except[word] = true end
  lu.assertEquals(missing(list, words_of_c, except), {})
end

os.exit(lu.LuaUnit.run())
