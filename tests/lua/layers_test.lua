-- Laws of tests/lua_layers.lua, on trees made for it: what breaks the order is named, what keeps it is not.
local lu = require "luaunit"
local core = require "flexlab.core"
local layers = require "tests.lua_layers"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestLayers", suite)
support.foldered(suite)

local PAGE = [[
| files and folders of lua/flexlab | hold |
|---|---|
| base, words | first |
| run | second |
| init | last |

| file | looks up |
|---|---|
| init.lua | a part |
]]

-- The faults of a tree { ["run/init"] = text }, whose other files are empty.
local function faults(tree, page)
  local all = { base = "", words = "", ["run/init"] = "", init = "" }
  for name, text in pairs(tree) do all[name] = text end
  assert(core.sys.mkdirs(suite.folder .. "/run"))
  for name, text in pairs(all) do assert(core.sys.write(("%s/%s.lua"):format(suite.folder, name), text)) end
  local list = {}
  layers.check(suite.folder, page or PAGE, function(...) list[#list + 1] = string.format(...) end)
  return table.concat(list, "\n")
end

function suite.test_what_stands_before_may_be_required()
  lu.assertEquals(faults { ["run/init"] = 'local base = require "flexlab.base"\nlocal core = require "flexlab.core"',
    words = 'local base = require("flexlab.base").keys',
    init = 'return function(n) return require("flexlab." .. n) end' }, "")
end

function suite.test_what_stands_behind_may_not()
  lu.assertStrContains(faults { base = 'local run = require "flexlab.run"' }, "base stands before run and must not")
  lu.assertStrContains(faults { base = 'local flex = require "flexlab"' }, "base stands before init and must not")
end

function suite.test_a_require_stands_at_the_head()
  local want = "requires flexlab.base inside a function"
  lu.assertStrContains(faults { ["run/init"] = 'local function f()\n  return require "flexlab.base"\nend' }, want)
  lu.assertStrContains(faults { ["run/init"] = 'local function f() return require "flexlab.base" end' }, want)
  lu.assertStrContains(faults { ["run/init"] = 'local part = require("flexlab." .. name)' }, "requires a computed name")
  local comments = '--[[\n  local base = require "flexlab.gone"\n--]]\n-- require "flexlab.no"'
  lu.assertEquals(faults { ["run/init"] = comments }, "")
end

function suite.test_circles_and_strangers_are_named()
  lu.assertStrContains(faults { base = 'local w = require "flexlab.words"',
    words = 'local b = require "flexlab.base"' }, "in a circle: base, words, base")
  lu.assertStrContains(faults { other = "" }, "the list of docs/design.md lacks 'other'")
  os.remove(suite.folder .. "/other.lua")
  lu.assertStrContains(faults { base = 'local w = require "flexlab.old"' }, "there is no flexlab.old")
  lu.assertStrContains(faults({}, PAGE:gsub("words", "words, gone") .. ""), "lists 'gone', which is not in")
end

os.exit(lu.LuaUnit.run())
