-- Laws of modules that were called otherwise once (lua/flexlab/renamed.lua).
local lu = require "luaunit"
local core = require "flexlab.core"
local renamed = require "flexlab.renamed"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestRenamed", suite)

local function file_of(name)
  return package.searchpath("flexlab." .. name, package.path)
end

function suite.test_every_old_name_is_gone_and_every_new_one_is_there()
  for old, now in pairs(renamed) do
    lu.assertNil(file_of(old), old .. " is a module still")
    lu.assertNotNil(file_of(now), old .. " leads to nothing: " .. now)
  end
end

function suite.test_an_old_name_gives_the_module_of_today_and_says_so_once()
  local folder = support.folder()
  assert(core.sys.write(folder .. "/old.lua", [[
require "flexlab"
local old = require "flexlab.run.state"
print(rawequal(old, require "flexlab.store.state"), rawequal(old, require "flexlab.run.state"))
]]))
  local code, out = support.flexlab("script " .. folder .. "/old.lua", folder .. "/out")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "true\ttrue")
  local _, notes = out:gsub("note: the module 'flexlab.run.state' is called 'flexlab.store.state' now\n", "")
  lu.assertEquals(notes, 1)
  os.execute("rm -r '" .. folder .. "'")
end

function suite.test_a_name_that_never_was_is_not_found()
  support.raises("module 'flexlab.run.nothing' not found", require, "flexlab.run.nothing")
end

os.exit(lu.LuaUnit.run())
