-- tests/fixtures/README.md says of every fixture what it is, and of none that is not there.
local lu = require "luaunit"
local core = require "flexlab.core"

local suite = {}
rawset(_G, "TestFixtures", suite)

local ROOT = "tests/fixtures/"

function suite.test_every_file_stands_in_the_list()
  local named, folder = {}, ""
  for line in io.lines(ROOT .. "README.md") do
    local heading = line:match "^## (%w+):"
    if line:find "^## " then folder = heading and heading .. "/" or "" end
    local first = line:match "^| ([^|]+) |"
    for name in (first or ""):gmatch "`([^`]+)`" do named[folder .. name] = true end
  end
  local function walk(place)
    for _, name in ipairs(core.sys.list(ROOT .. place)) do
      local path = place .. name
      if core.sys.exists(ROOT .. path) == "folder" then
        walk(path .. "/")
      elseif name ~= "README.md" then
        lu.assertTrue(named[path], path .. " is not in tests/fixtures/README.md")
        named[path] = nil
      end
    end
  end
  walk ""
  lu.assertNil(next(named), "tests/fixtures/README.md lists a file that is not there")
end

os.exit(lu.LuaUnit.run())
