-- Laws of tests/lua_layers.lua, tests/require_names.lua and tests/c_functions.lua, on trees made for them: what breaks
-- them is named, what keeps them is not.
local lu = require "luaunit"
local core = require "flexlab.core"
local c_functions = require "tests.c_functions"
local layers = require "tests.lua_layers"
local require_names = require "tests.require_names"
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

function suite.test_a_local_has_the_name_of_its_module()
  local function named(text)
    local list = {}
    assert(core.sys.mkdirs(suite.folder .. "/names"))
    assert(core.sys.write(suite.folder .. "/names/x.lua", text))
    local n = require_names.check({ suite.folder .. "/names" }, function(...) list[#list + 1] = string.format(...) end)
    return table.concat(list, "\n"), n
  end
  local text, n = named('local lock, core = require "flexlab.store.locks", require("flexlab.core")  -- two\n')
  lu.assertStrContains(text, "names/x.lua:1: lock holds flexlab.store.locks: call it locks")
  lu.assertEquals({ select(2, text:gsub("holds", "")), n }, { 1, 2 })
  lu.assertStrContains(named 'local rows = require "flexlab.settings._row"', "call it row")
  lu.assertStrContains(named 'local flexlab_words = require "flexlab.words"', "call it words")
  lu.assertEquals(named('local study_runs = require "flexlab.study.runs"\n'
    .. 'local rows = require "flexlab.settings._rows"\nlocal flex = require "flexlab"\n'
    .. 'local Run = require "flexlab.run"\n'
    .. 'local take = require("flexlab.store.locks").take\nlocal t = require "flexlab.tabulate" { "x" }'), "")
end

-- The faults of C files { ["base/a.c"] = text }, but for the exceptions, which these trees lack.
local function faults_of_c(tree)
  local paths, list, texts = {}, {}, {}
  for name, text in pairs(tree) do
    paths[#paths + 1] = "csrc/" .. name
    texts["csrc/" .. name] = text
  end
  c_functions.check(paths, {}, function(...)
    local sentence = string.format(...)
    if not sentence:find "needs no exception" then list[#list + 1] = sentence end
  end, function(path) return texts[path] end)
  return table.concat(list, "\n")
end

local A = '#include "base/a.h"\n\nvoid fx_a (void) {\n  return;\n}\n'
local B = '#include "base/b.h"\n\nvoid fx_b (void) {\n  fx_a();\n}\nstatic int main (void) {\n  fx_b();\n}\n'
local CALLS = "static inline void twice (void) {\n  fx_a();\n}\n"

function suite.test_files_of_c_that_need_each_other_are_a_circle()
  lu.assertStrContains(faults_of_c { ["base/a.c"] = A .. "void fx_c (void) {\n  fx_b();\n}\n", ["base/a.h"] = "",
    ["base/b.c"] = B, ["base/b.h"] = "" }, "a circle of files: csrc/base/a.c needs fx_b of csrc/base/b.c; "
    .. "csrc/base/b.c needs fx_a of csrc/base/a.c")
end

function suite.test_a_header_that_calls_what_includes_it_is_a_circle()
  lu.assertStrContains(faults_of_c { ["base/a.c"] = '#include "base/tasks.h"\n' .. A, ["base/tasks.h"] = CALLS },
    "csrc/base/a.c needs base/tasks.h of csrc/base/tasks.h; csrc/base/tasks.h needs fx_a of csrc/base/a.c")
  lu.assertEquals(faults_of_c { ["base/a.c"] = A, ["base/a.h"] = CALLS,
    ["base/b.h"] = "#define TWICE() (fx_a())\n" }, "")
end

function suite.test_a_c_file_is_not_included_and_what_nobody_uses_is_named()
  lu.assertStrContains(faults_of_c { ["base/a.c"] = '#include "base/b.c"\n', ["base/b.c"] = "" },
    "csrc/base/a.c includes base/b.c: only headers are included")
  lu.assertStrContains(faults_of_c { ["base/a.c"] = A }, "csrc/base/a.c: no other file uses fx_a: make it static")
end

os.exit(lu.LuaUnit.run())
