--[[
terminal_test - no control character that came from a name or a record reaches the terminal.

What FlexLab says passes flexlab.terminal, tables pass flexlab.tabulate, and the C of the program passes
cli/printable.c. So the rule is tried there, in whole commands with hostile names, and no other file of the library
may print.
--]]
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local support = require "tests.lua.support"
local words = require "flexlab.words"

local suite = {}
rawset(_G, "TestTerminal", suite)

support.foldered(suite)

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")

local HOSTILE = "x\27]0;title\7\27[2K\r\127\xC2\x9B31m\u{202E}\x9B\xFF\xE2\x80 \u{3c9}"
local OBEYED = { "[\0-\8\11-\31\127]", "\xC2[\x80-\x9F]", "\u{202E}", "\x9B31m" }

local function harmless(text, what)
  for _, pattern in ipairs(OBEYED) do
    lu.assertNil(text:find(pattern), (what or "") .. ": " .. words.printable(text))
  end
end

function suite.test_printable_shows_what_a_terminal_would_obey()
  lu.assertEquals(words.printable(HOSTILE), [[x\27]0;title\7\27[2K\13\127\194\15531m\226\128\174\155\255\226\128 ]]
    .. "\u{3c9}")
  lu.assertEquals(words.printable "a\n\tb \u{3c9}", "a\n\tb \u{3c9}")
  lu.assertEquals(words.one_line "a\n\tb", [[a\10\9b]])
end

-- Code that prints by itself would need to think of this again.
function suite.test_no_other_file_of_the_library_prints()
  local may = { ["terminal.lua"] = true, ["transcript.lua"] = true, ["rehearsal.lua"] = true }    -- they replace print
  local tokens = require "flexlab.origin.tokens"
  local files, faults = 0, {}
  for path in assert(io.popen "find lua/flexlab -name '*.lua' | sort"):lines() do
    local list = not may[path:match "[^/]*$"] and tokens.of((assert(core.sys.read(path)))) or {}
    files = files + 1
    for i, token in ipairs(list) do
      local before, after, name = list[i - 1], list[i + 1], list[i + 2]
      if token == "print" and before ~= "." and before ~= ":" and (after or ""):find "^[(\"']"
        or token == "io" and after == "." and (name == "write" or name == "stderr" or name == "stdout") then
        faults[#faults + 1] = ("%s: %s %s %s"):format(path, token, after, name)
      end
    end
  end
  lu.assertTrue(files > 200)
  lu.assertEquals(faults, {})
end

function suite.test_every_way_of_the_terminal_is_harmless()
  local path = suite.folder .. "/say.lua"
  assert(core.sys.write(path, ([[
    local terminal, name = require "flexlab.terminal", %q
    terminal.say(name) terminal.write(name .. "\n") terminal.note(name) terminal.warn(name) terminal.fail(name)
    terminal.json { name = name:sub(1, 20) }
    require "flexlab.tabulate" { name }:row { name }:print()
  ]]):format(HOSTILE)))
  local code, out = support.flexlab("script " .. path, suite.folder .. "/out")
  lu.assertEquals(code, 0, out)
  harmless(out)
  lu.assertStrContains(out, "\nnote: x\\27]0;title")
  lu.assertStrContains(out, [[{"name":"x\u001b]0;title\u0007\u001b[2K\r\u007f\u009b3"}]])
end

-- The changing line consists of escape sequences; what it is told is not.
function suite.test_the_changing_line_sends_its_own_sequences_alone()
  local path = suite.folder .. "/draw.lua"
  assert(core.sys.write(path, ("require 'flexlab.terminal'.draw(%q)"):format("arm\27[31m\nseed")))
  local _, out = support.flexlab("script " .. path, suite.folder .. "/out")
  lu.assertEquals(out, "\r\27[Karm\\27[31m\\10seed")
end

-- Before its Lua files are loaded, the program says what is wrong by itself: with the same rule.
function suite.test_the_program_s_own_words_follow_the_same_rule()
  assert(core.sys.mkdirs(suite.folder .. "/flexlab"))
  assert(core.sys.write(suite.folder .. "/flexlab/init.lua", "return {}"))
  assert(core.sys.write(suite.folder .. "/flexlab/commands.lua", ("error(%q, 0)"):format(HOSTILE)))
  local code, out = support.shell(suite.folder, ("FLEXLAB_LUA='%s' %s list"):format(suite.folder, program))
  lu.assertEquals(code, 1)
  lu.assertEquals(out, "flexlab: " .. words.printable(HOSTILE) .. "\n")
end

function suite.test_the_prompt_shows_results_and_errors_so()
  assert(core.sys.write(suite.folder .. "/in", ("%q\nerror(%q, 0)\n"):format("a\27[31m", "b\27[31m")))
  local _, out = support.shell(suite.folder, program .. " repl <in")
  harmless(out)
  lu.assertStrContains(out, [[a\27[31m]])
  lu.assertStrContains(out, [[b\27[31m]])
end

-- Names of files, arms, notes and failures, through the commands that show them.
function suite.test_commands_show_hostile_names()
  local name = suite.folder .. "/a\27[31mb"
  local root = suite.folder .. "/runs"
  local recipe = flex.recipe("toy", { word = "plain" }, function(cfg)
    if cfg.word ~= "plain" then error("failed\27[31m", 0) end
    require("flexlab.context.notes").add "noted\27[31m"
    return { rfne = 1 }
  end)
  local made = flex.study("hostile", recipe, { grid = { word = { "plain", "c\27[31m" } }, seeds = "1" }, function() end)
  pcall(made, nil, { root = root, quiet = true })
  assert(core.sys.write(name, "no field"))
  local lines = { ["list runs " .. root] = "toy", ["table " .. root] = "rfne", ["list " .. root] = "toy",
    [("data '%s'"):format(name)] = "a\\27[31mb", [("info '%s'"):format(name)] = "a\\27[31mb",
    [("report '%s'"):format(name)] = "a\\27[31mb" }
  for line, text in pairs(lines) do
    local _, out = support.flexlab(line, suite.folder .. "/out")
    harmless(out, line)
    lu.assertTrue(out:find(text, 1, true) ~= nil, line .. ": " .. out)
  end
end

os.exit(lu.LuaUnit.run())
