-- The version stands in CMakeLists.txt, and what must repeat it (LuaRocks, Debian, the changes) says the same.
local lu = require "luaunit"
local core = require "flexlab.core"

local suite = {}
rawset(_G, "TestVersion", suite)

local version = core.info().version

local function first(path, pattern)
  return (assert(core.sys.read(path), path):match(pattern))
end

function suite.test_every_file_says_the_version_of_the_program()
  lu.assertEquals(first("CMakeLists.txt", "project%(flexlab VERSION (%S+)"), version)
  lu.assertEquals(first("CHANGELOG.md", "\n## (%d%S*) %(%d%d%d%d%-%d%d%-%d%d%)\n"), version)
  lu.assertEquals(first("debian/changelog", "^flexlab %(([^)]+)%)"), version)
  local rockspecs = {}
  for _, name in ipairs(core.sys.list ".") do
    if name:find "%.rockspec$" then rockspecs[#rockspecs + 1] = name end
  end
  local name = ("flexlab-%s-1.rockspec"):format(version)
  lu.assertEquals(rockspecs, { name })
  local rockspec = {}
  assert(loadfile(name, "t", rockspec))()
  lu.assertEquals({ rockspec.package, rockspec.version }, { "flexlab", version .. "-1" })
end

-- Versions of the changes fall from the first to the last, with their dates.
function suite.test_changes_stand_newest_first()
  local last
  for major, minor, patch, date in assert(core.sys.read "CHANGELOG.md")
    :gmatch "\n## (%d+)%.(%d+)%.(%d+) %((%d%d%d%d%-%d%d%-%d%d)%)\n" do
    local this = { tonumber(major) * 1e6 + tonumber(minor) * 1e3 + tonumber(patch), date }
    lu.assertTrue(not last or this[1] < last[1] and this[2] <= last[2], date)
    last = this
  end
  lu.assertNotNil(last)
end

os.exit(lu.LuaUnit.run())
