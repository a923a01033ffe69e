-- The pages tell the truth: every block of README.md, CONTRIBUTING.md and docs/*.md runs, and prints what it says
-- (tests/documents.lua has the rules). Needs the program: FLEXLAB_PROGRAM.
local lu = require "luaunit"
local core = require "flexlab.core"
local documents = require "tests.documents"

local suite = {}
rawset(_G, "TestDocs", suite)

local root = core.sys.exists "docs" and io.popen("pwd"):read("l")
local places = { program = os.getenv("FLEXLAB_PROGRAM"), recipes = root .. "/recipes",
  cases = root .. "/tests/fixtures/cases" }

local function in_scratch(f)
  local folder = os.tmpname()
  os.remove(folder)
  assert(core.sys.mkdirs(folder))
  local results = table.pack(pcall(f, folder))
  os.execute("rm -rf '" .. folder .. "'")
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local function run(path)
  return in_scratch(function(folder) return documents.run(path, folder .. "/page", places) end)
end

-- Made from the tables, with a test of its own: its blocks are forms of calls, not sessions.
local generated = { ["reference.md"] = true }

local pages = { "README.md", "CONTRIBUTING.md" }
for _, name in ipairs(core.sys.list "docs") do
  if name:match("%.md$") and not generated[name] then pages[#pages + 1] = "docs/" .. name end
end

for _, path in ipairs(pages) do
  suite["test_blocks_of_" .. path:gsub("%W", "_")] = function()
    lu.skipIf(not places.program, "FLEXLAB_PROGRAM is not set")
    local ok, message = pcall(run, path)
    lu.assertTrue(ok, message)
  end
end

-- Runs a page made of text; returns what is wrong with it, or nil.
local function fault(text)
  lu.skipIf(not places.program, "FLEXLAB_PROGRAM is not set")
  return in_scratch(function(folder)
    assert(core.sys.write(folder .. "/page.md", text))
    local ok, message = pcall(documents.run, folder .. "/page.md", folder .. "/page", places)
    return not ok and message or nil
  end)
end

function suite.test_a_page_that_lies_is_caught()
  lu.assertStrContains(fault "```sh\nfalse\n```\n", "page.md:1: the block failed")
  lu.assertStrContains(fault "```sh\nflexlab run nothing.lua\n```\n", "there is no recipe 'nothing.lua'")
  lu.assertStrContains(fault "\n```sh\necho 1\n```\n```text\n2\n```\n", "page.md:5: the page shows\n2\n")
  lu.assertStrContains(fault "```repl\n> 1 + 1\n3\n```\n", "the program prints\n2\n")
  lu.assertStrContains(fault "```repl\n> 1 + 1\n```\n", "the program prints\n2\n")
  lu.assertStrContains(fault "```lua\nerror 'no'\n```\n", "the block failed")
  lu.assertStrContains(fault "```lua\n-- unused.lua\nreturn 1\n```\n", "no later block uses unused.lua")
  lu.assertStrContains(fault "```\nx\n```\n", "must name its language")
  lu.assertStrContains(fault "```sh\n", "is not closed")
  lu.assertStrContains(fault "<!-- test: a -> b -->\n```sh\ntrue\n```\n", "there is no 'a' to replace")
  lu.assertStrContains(fault "<!-- test: hurry -->\n```sh\ntrue\n```\n", "the marker 'hurry' is not understood")
  lu.assertStrContains(fault "<!-- test: skip: why -->\n\n```sh\ntrue\n```\n", "not followed by a block")
end

function suite.test_a_page_that_is_true_passes()
  lu.assertNil(fault [[
```sh
echo 'x = 3.001  a' > file; cat file
```
```text
x =  3.0  ...
```
<!-- test: skip: it would fail -->
```sh
false
```
```repl
> n = 2
> for i = 1, n do
>> print(i)
>> end
1
2
```
<!-- test: * 5 -> * 6 -->
```repl
> n * 5
10
```
```lua
-- own.lua: writes a file
io.open("made", "w"):close()
```
<!-- test: first: echo here > place -->
```sh
lua5.4 own.lua; test -f made; grep here place
```
]])
end

function suite.test_what_is_shown_is_compared_with_care()
  for _, case in ipairs {
    { "a 1.00 b", "a   1.005 b", true }, { "a 1.00 b", "a 1.02 b", false }, { "3 files", "4 files", false },
    { "a ... z", "a b c z", true }, { "a ... z", "a b c", false }, { "a\n...\nz", "a\nb\nc\nz", true },
    { "----", "---------", true }, { "a\nb", "a", false }, { "a", "a\nb", false }, { "1e-3", "0.001", true },
    { "-1.5", "1.5", false }, { "...", "", true } } do
    lu.assertEquals(documents.same(case[1], case[2]), case[3], case[1] .. " | " .. case[2])
  end
  lu.assertTrue(documents.same("loss 0.5 of 3", "loss 0.9 of 4", true))
  lu.assertFalse(documents.same("loss 0.5", "gain 0.5", true))
end

os.exit(lu.LuaUnit.run())
