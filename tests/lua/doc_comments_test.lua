-- The heads of lua/flexlab and the comments of its public functions, and laws of tests/doc_comments.lua on texts made
-- for it.
local lu = require "luaunit"
local core = require "flexlab.core"
local check = require "tests.doc_comments"

local suite = {}
rawset(_G, "TestDocComments", suite)

-- Calls look(path, text) for every file of the library.
local function each(look)
  local pipe, count = assert(io.popen "find lua/flexlab -name '*.lua' | sort"), 0
  for path in pipe:lines() do
    count = count + 1
    look(path, assert(core.sys.read(path)))
  end
  pipe:close()
  lu.assertTrue(count > 200)
end

-- Collects faults as lines.
local function collector()
  local list = {}
  return list, function(...) list[#list + 1] = string.format(...) end
end

local function none(list, rule)
  if #list > 0 then
    lu.fail(("%d faults, of which CONTRIBUTING.md ('%s') has the rule:\n%s"):format(#list, rule,
      table.concat(list, "\n", 1, math.min(#list, 40))))
  end
end

function suite.test_every_file_has_the_same_kind_of_head()
  local list, fault = collector()
  each(function(path, text) check.head(path, text, fault) end)
  none(list, "Rules")
end

function suite.test_every_public_function_says_what_it_takes_and_gives()
  local list, fault = collector()
  each(function(path, text)
    if not path:find "/commands/" then check.check(path, text, fault) end
  end)
  none(list, "Rules")
end

local function head_faults(path, text)
  local list, fault = collector()
  check.head(path, text, fault)
  return table.concat(list, "\n")
end

function suite.test_another_head_is_a_fault()
  lu.assertEquals(head_faults("lua/flexlab/run/log.lua", "--[[\nlog - lines.\n--]]\nreturn {}\n"), "")
  lu.assertEquals(head_faults("lua/flexlab/run/init.lua", "--[[\nrun - one call.\n\nMore.\n--]]\nreturn {}\n"), "")
  lu.assertStrContains(head_faults("lua/flexlab/run/log.lua", "-- log - lines.\n"), "begins with a line --[[")
  lu.assertStrContains(head_faults("lua/flexlab/run/log.lua", "--[[\nlog.lua - lines.\n--]]\n"), "not with 'log - '")
  lu.assertStrContains(head_faults("lua/flexlab/run/log.lua", "--[[\nlog - lines. ]]\n"), "ends with a line --]]")
end

local function faults(text)
  local list, fault = collector()
  check.check("f.lua", text, fault)
  return table.concat(list, "\n")
end

local DOCUMENTED = [[
--- Mean of a list.
---@param x number[]  values, at least one
---@param options table|nil  weights: a list as long,
---  none of which is negative
---@param ... any  handed on
---@return number  NaN for an empty list
function M.mean(x, options, ...)
  if x then return 1 end
end
]]

function suite.test_a_documented_function_is_right()
  lu.assertEquals(faults(DOCUMENTED), "")
  lu.assertEquals(faults "--- Says it.\nfunction Run:say()\n  local f = function() return 1 end\n  f()\nend\n", "")
  lu.assertEquals(faults "--- Nothing.\n---@param a any  unused\nfunction M.f(a) if a then return end end\n", "")
  lu.assertEquals(faults "function readers.x(a) return a end\nfunction Run.__close(self) return self end\n", "")
end

function suite.test_what_is_not_documented_is_a_fault()
  lu.assertStrContains(faults "function M.f() end\n", "f.lua:1: M.f lacks a sentence")
  lu.assertStrContains(faults "--- F.\nfunction M.f(a) end\n", "f.lua:2: M.f lacks ---@param a")
  lu.assertStrContains(faults "--- F.\nfunction Run:f(...) end\n", "Run:f lacks ---@param ...")
  lu.assertStrContains(faults "--- F.\nfunction M.f() return 1 end\n", "returns a value and lacks ---@return")
  lu.assertStrContains(faults "--- F.\nM.f = function(a) end\n", "M.f lacks ---@param a")
  lu.assertStrContains(faults "return function(a)\n  return a\nend\n", "the function lacks ---@param a")
  lu.assertStrContains(faults "--- F.\n\nfunction M.f() end\n", "lacks a sentence")
end

function suite.test_what_the_function_does_not_have_is_a_fault()
  lu.assertStrContains(faults(DOCUMENTED:gsub("@param x", "@param y") .. ""), "has ---@param y where x comes")
  lu.assertStrContains(faults(DOCUMENTED:gsub("mean%(x, options, %.%.%.%)", "mean(x, options)") .. ""),
    "has ---@param ..., but takes no such thing")
  lu.assertStrContains(faults(DOCUMENTED:gsub("  values, at least one", "") .. ""), "does not say what x means")
  lu.assertStrContains(faults(DOCUMENTED:gsub("return 1", "x()") .. ""), "has ---@return and returns nothing")
  lu.assertStrContains(faults "--- F.\n-- More.\nfunction M.f() end\n", "has the line '-- More.' where none")
  lu.assertStrContains(faults "--- F.\n---@return any\n---@param a any  b\nfunction M.f(a) return a end\n",
    "has the line '---@param a any  b' where none")
end

os.exit(lu.LuaUnit.run())
