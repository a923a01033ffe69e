-- The finder of circles and of functions without callers (tests/c_functions.lua), on sources that have both.
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestCFunctions", suite)
support.foldered(suite)
local function path(name) return suite.folder .. "/" .. name end

local function write(name, text)
  assert(core.sys.write(path(name), text))
  return path(name)
end

function suite.test_circles_and_functions_without_callers_are_named()
  local a = write("a.c", [[
#include "b.h"
/* fx_lost(1) in a comment is no use */
static int own (int x) { return x + sizeof "fx_lost(2)"; }
int fx_a (int x) { return fx_b(x) + own(x); }
int fx_lost (int x) { return x; }
fx_long_type *
fx_wrapped (int x) { return x; }
]])
  local b = write("b.c", "int fx_b (int x) {\n  return x ? fx_a(x - 1) : 0;\n}\n")
  local c = write("c.c", "static int use (void) { return fx_a(1) + fx_wrapped(2); }\n")
  local h = write("b.h", "int fx_b(int x);\nint fx_lost(int x);\n")
  local said = {}
  require "tests.c_functions".check({ a, b, c, h }, {}, function(...) said[#said + 1] = string.format(...) end)
  local text = table.concat(said, "\n")
  lu.assertStrContains(text, ("a circle of files: %s needs fx_b of %s; %s needs fx_a of %s"):format(a, b, b, a))
  lu.assertStrContains(text, a .. ": no other file uses fx_lost: make it static, or take it out")
  lu.assertNil(text:find("own", 1, true))
  lu.assertNil(text:find("fx_wrapped", 1, true))
  lu.assertNil(text:find(c, 1, true))
end

os.exit(lu.LuaUnit.run())
