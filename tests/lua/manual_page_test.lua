-- flexlab(1): every command and option, and every variable of the environment that the program reads.
local lu = require "luaunit"
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local page = require "tools.manual_page"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestManualPage", suite)

support.foldered(suite)

local function roff(text) return (text:gsub("\\", "\\e"):gsub("%-", "\\-")) end

function suite.test_every_command_and_option_is_there()
  local made, from = page.make(), 1
  for _, name in ipairs(commands.names) do
    local command = commands.find(name)
    local place = made:find(".SS flexlab " .. roff(name) .. "\n", from, true)
    lu.assertNotNil(place, name)
    local part = made:sub(place, (made:find("\n.S[SH] ", place) or #made))
    for _, rows in ipairs { arguments.rows(command) } do
      for _, row in ipairs(rows) do lu.assertStrContains(part, "\\fB" .. roff(row[1]) .. "\\fR\n") end
    end
    from = place
  end
  lu.assertStrContains(made, ('"FlexLab %s"'):format(core.info().version))
end

-- FLEXLAB_... that C or Lua reads. The page may name others that somebody else reads.
function suite.test_every_variable_of_the_environment_is_there()
  local known, found = {}, 0
  for _, row in ipairs(page.environment) do known[row[1]] = true end
  local pipe = assert(io.popen "grep -rhoE '\"FLEXLAB_[A-Z]+\"' csrc lua --include=*.c --include=*.lua")
  for name in pipe:read("a"):gmatch '"(FLEXLAB_%u+)"' do
    local internal = name == "FLEXLAB_VERSION"
    lu.assertTrue(known[name] or internal, name .. " is not in tools/manual_page.lua")
    found = found + 1
  end
  pipe:close()
  lu.assertTrue(found > 3)
end

-- As the build writes it: roff has nothing to say, where it is installed.
function suite.test_roff_reads_it()
  local path = suite.folder .. "/flexlab.1"
  assert(core.sys.write(path, page.make()))
  local has = support.shell(suite.folder, "command -v groff") == 0
  lu.skipIf(not has, "SKIPPED: there is no groff")
  -- Without the sanitizer that stock lua5.4 has been given: groff is not ours.
  local code, out = support.shell(suite.folder, "env -u LD_PRELOAD groff -man -Tutf8 -ww -z flexlab.1")
  lu.assertEquals(code, 0, out)
  lu.assertEquals(out, "")
end

os.exit(lu.LuaUnit.run())
