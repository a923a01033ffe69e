--[[
literal_test - values as Lua source: what is written is read back, and a file of data is never a program: what is no
literal is refused with its file and line, quickly and without memory, whatever it would do if it were run.
--]]
local lu = require "luaunit"
local core = require "flexlab.core"
local config = require "flexlab.config"
local literal = require "flexlab.literal"
local literal_parser = require "flexlab.literal_parser"
local support = require "tests.lua.support"

TestLiteral = {}
support.foldered(TestLiteral)

-- Written as Lua writes them: each must read as load() reads it.
local GOOD = { "1", "-1", "- 5", "0x10",
  "0xffffffffffffffff", "9223372036854775808", "1e5", "0x1p4", "0x.8p1", ".5", "3.",
  "-0.0", "0/0", "-0/0", "1/3", "math.huge", "-math.huge", "true", "false", "nil",
  '""', '"a\\n\\x41\\065\\u{20ac}\\z   b"',
  "'x\\'y'", '"a\\\nb"', "[[a]]", "[==[\na]]b]==]", "{}", "{1,2,3}", "{nil,2}", "{1,nil,3}", "{{},{{}},}",
  '{a=1,["b c"]=2,[3]=4;5}', "{[ [[x]] ]=1}", "{[[x]]}", '{["end"]=1}', "--[[c]]5", "5 --x", "{[1]=2,--c\n[2]=3}",
  "{ f = false, t = true }" }

function TestLiteral.test_reads_what_lua_reads()
  for _, source in ipairs(GOOD) do
    local expected = assert(load("return " .. source, "=x", "t", { math = { huge = math.huge } }))()
    local ok, value = literal_parser.parse(source, "x")
    lu.assertTrue(ok, source)
    if expected ~= expected then
      lu.assertTrue(value ~= value, source)
    else
      lu.assertEquals(value, expected, source)
      lu.assertEquals(math.type(value), math.type(expected), source)
    end
  end
end

-- Each with a part of what is said of it.
local BAD = {
  { "1e", "'1e' is no number" }, { "0x", "no number" }, { "1..2", "'1..2' is no number" },
  { "- -5", "no number" },
  { "truex", "'truex' is no value" }, { "f()", "'f' is no value" }, { "{", "the end is no value" },
  { "{1 2}", "',' or '}' was expected, not '2'" }, { '"abc', "without its closing" },
  { '"a\nb"', "without its closing" },
  { "[[abc", "without an end" }, { '"\\400"', "beyond 255" }, { '"\\q"', "an escape" },
  { '"\\u{80000000}"', "beyond" },
  { "{[nil]=1}", "no entry for nil" }, { "{[0/0]=1}", "no entry for nil" }, { "{=1}", "no value" },
  { "{end=1}", "no value" },
  { "{1,,2}", "no value" }, { "1 1", "the end was expected" }, { "", "the end is no value" }, { "{a==1}", "no value" },
  { "1//2", "the end was expected" }, { "math.hugex", "no value" }, { "#{}", "'#' is no value" },
  { ("{"):rep(200), "more than 100 deep" } }

function TestLiteral.test_refuses_the_rest()
  for _, case in ipairs(BAD) do
    local ok, message = literal_parser.parse(case[1], "x")
    lu.assertFalse(ok, case[1])
    lu.assertStrContains(message, "x:")
    lu.assertStrContains(message, case[2])
  end
end

-- What took 4.6 GB in four seconds, never ended, or took as much memory as it said.
local PROGRAMS = { "local t = { rfne = 1 } t.t = t return t", "while true do end", 'return ("x"):rep(2e8)',
  "return setmetatable({}, {})", "return (function() return 1 end)()", "goto x", "rfne = 0.1", "", "\27Lua" }

function TestLiteral.test_a_program_is_no_data()
  local path = TestLiteral.folder .. "/result.lua"
  for _, source in ipairs(PROGRAMS) do
    assert(core.sys.write(path, source))
    local value, message = literal.read(path)
    lu.assertNil(value, source)
    lu.assertStrContains(message, path .. ":1: ")
  end
  assert(core.sys.write(path, "return {\n  a = 1,\n  b = os.exit(),\n}\n"))
  lu.assertStrContains(select(2, literal.read(path)), path .. ":3: 'os' is no value")
end

function TestLiteral.test_writes_what_it_reads()
  local value = { 1, 2.5, "a\nb\0c\r\"", { nested = { true, false } }, name = "x", ["two words"] = 1, [-3] = 2,
    ["end"] = 3, huge = math.huge, tiny = 5e-324, [2.5] = 4, [true] = 5 }
  local path = TestLiteral.folder .. "/value.lua"
  assert(literal.write(path, value, "a comment"))
  lu.assertEquals(literal.read(path), value)
end

function TestLiteral.test_words_of_the_command_line()
  lu.assertEquals(config.literal "3", 3)
  lu.assertEquals(config.literal "1/4", 0.25)
  lu.assertEquals(config.literal "{ 16, 56 }", { 16, 56 })
  lu.assertEquals(config.literal " data/x.h5 ", "data/x.h5")
  lu.assertEquals(config.literal '("x"):rep(1e9)', '("x"):rep(1e9)')
  lu.assertEquals(config.literal "nil", "nil")
end

-- Random edits of good sources: an answer or a message each time, and never another answer than Lua's.
function TestLiteral.test_mutants()
  local letters = "{}[]()=,;'\"\\-+./0x1e9 \n\tnialtrufhmgb#%_<>"
  math.randomseed(7)
  for _ = 1, 3000 do
    local source = GOOD[math.random(#GOOD)]
    for _ = 1, math.random(3) do
      local at, pick = math.random(0, #source), math.random(#letters)
      source = source:sub(1, at) .. letters:sub(pick, pick) .. source:sub(at + math.random(0, 2))
    end
    local ok, value = literal_parser.parse(source, "x")
    if ok then
      local chunk = load("return " .. source, "=x", "t", { math = { huge = math.huge } })
      lu.assertNotNil(chunk, source)
      if value == value then lu.assertEquals(value, chunk(), source) end
    else
      lu.assertStrMatches(value, "x:%d+: .*")
    end
  end
end

os.exit(lu.LuaUnit.run())
