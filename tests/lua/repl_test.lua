-- Laws of the prompt (csrc/cli/repl.c), with lines from a pipe. Needs the program: FLEXLAB_PROGRAM.
local lu = require "luaunit"
local program = os.getenv("FLEXLAB_PROGRAM")

local TestRepl = {}
rawset(_G, "TestRepl", TestRepl)

-- What the prompt prints, stdout and stderr together, and whether it ended well.
local function repl(lines, options)
  lu.skipIf(not program, "FLEXLAB_PROGRAM is not set")
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(lines)
  file:close()
  local pipe = assert(io.popen(("'%s' repl %s < %s 2>&1"):format(program, options or "", name)))
  local out = pipe:read("a")
  local ok = pipe:close()
  os.remove(name)
  return out, ok
end

function TestRepl.test_expressions_are_printed_and_a_semicolon_mutes()
  lu.assertEquals(repl("1 + 1\nx = 3\nx;\nx\n'a', nil\n"), "2\n3\na\tnil\n")
end

function TestRepl.test_blocks_run_when_they_are_complete()
  lu.assertEquals(repl("for i = 1, 2 do\nprint(i)\nend\nf = function(a)\nreturn a\nend\nf(5)\n"), "1\n2\n5\n")
end

function TestRepl.test_errors_do_not_end_the_session()
  local out, ok = repl("error('no', 0)\nx = = 1\ns = \"abc\n1\n")
  lu.assertStrContains(out, "no\n")
  lu.assertStrContains(out, "unexpected symbol near '='")
  lu.assertStrContains(out, "unfinished string")
  lu.assertEquals(out:sub(-2), "1\n")
  lu.assertNil(ok, "the exit code tells a pipe that a line failed")
  lu.assertTrue(select(2, repl("1\n")))
end

function TestRepl.test_an_unfinished_block_at_the_end_is_reported()
  lu.assertStrContains(repl("if true then\n"), "'end' expected")
end

function TestRepl.test_tables_are_shown_one_level_deep_and_sorted()
  lu.assertEquals(repl("{ b = 1, a = 'x', c = {}, 7, print }\n{}\n"),
    '{ a = "x", b = 1, c = {...}, 7, function }\n{}\n')
  lu.assertStrContains(repl("t = {} for i = 1, 30 do t[i] = i end\nt\n"), "24, ... (6 more) }")
end

function TestRepl.test_tensors_show_themselves_and_the_library_is_there()
  lu.assertStrContains(repl("require('flexlab.core').full({2}, 0.5)\n"), "Tensor (2) f32")
  lu.assertEquals(repl("type(flex)\n"), "table\n")
end

function TestRepl.test_a_file_is_run_first_and_gives_its_name_to_its_result()
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  local file = assert(io.open(folder .. "/recipe_of_mine.lua", "w"))
  file:write("print('loaded')\nreturn { 5 }\n")
  file:close()
  lu.assertEquals(repl("recipe_of_mine[1]\n", "-i " .. folder .. "/recipe_of_mine.lua"), "loaded\n5\n")
  os.execute("rm -r " .. folder)
end

function TestRepl.test_help_knows_ops_kinds_and_choices()
  local out = repl("help(flex.conv2d)\n")
  lu.assertStrContains(out, "Cross-correlation")
  lu.assertStrContains(out, "(O,kH,kW,I)")
  lu.assertEquals(repl("help 'conv2d'\n"), out)
  lu.assertEquals(repl("help(flex.losses)\n"), repl("help 'losses'\n"))
  lu.assertStrContains(repl("help 'losses'\n"), "huber")
  lu.assertStrContains(repl("help(flex.encoders.pyramid)\n"), "width = 32")
  lu.assertStrContains(repl("help()\n"), "flexlab ops")
  lu.assertStrContains(repl("help 'hubber'\n"), "there is no op or choice 'hubber'; the nearest is 'huber'")
  lu.assertStrContains(repl("help(flex.zeros { 2 })\n"), "Tensor (2) f32")
end

function TestRepl.test_the_last_three_results_are_kept()
  lu.assertEquals(repl("1;\n10\n20\n30\n40\n_1, _2, _3\n_4\n"), "10\n20\n30\n40\n40\t30\t20\nnil\n")
end

-- A press of Ctrl-C while `line` runs, which would never end: the session goes on.
local function interrupted(line)
  local press = "io.popen('(sleep 0.3; kill -INT ' .. flex.core.sys.pid() .. ') &'):close(); "
  local tensors = "x = flex.zeros { 4, 64, 64, 32 }; w = flex.zeros { 32, 3, 3, 32 };\n"
  local out = repl(tensors .. press .. line .. "\n1 + 1\n")
  lu.assertStrMatches(out, "[^\n]*interrupted!\n2\n")
end

function TestRepl.test_ctrl_c_ends_loops_of_lua_and_of_c()
  interrupted "while true do end"
  interrupted "while true do x:conv2d(w) end"
  interrupted "flex.core.flow { height = 64, width = 64, re = 100, forcing = 'kolmogorov' }:advance(1e6)"
end

-- A coroutine has hooks of its own and does not listen: the fourth press ends the program.
function TestRepl.test_the_fourth_press_ends_what_does_not_listen()
  local presses = "(for i in 1 2 3 4; do sleep 0.3; kill -INT ' .. flex.core.sys.pid() .. '; done) &"
  local out, ok = repl("io.popen('" .. presses .. "'):close(); "
    .. "coroutine.wrap(function() while true do end end)()\n1 + 1\n")
  lu.assertStrContains(out, "once more ends the program")
  lu.assertNil(ok)
  lu.assertNotStrContains(out, "2\n")
end

os.exit(lu.LuaUnit.run())
