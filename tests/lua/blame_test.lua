-- Whose line an error names: the user's, whoever raised it (lua/flexlab/blame.lua).
local lu = require "luaunit"
local support = require "tests.lua.support"
local flex = require "flexlab"
local blame = require "flexlab.blame"
local core = flex.core

local suite = {}
rawset(_G, "TestBlame", suite)

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")
local folder, at = support.folder()

local function shell(command) return support.shell(folder, command) end

local head = [[
local flex = require "flexlab"
local x = flex.zeros { 1, 4, 4, 1 }
]]

-- The mistake stands on line 5 of its file; what is said of it.
local mistakes = {
  forgotten_return = { "local function twice(t) local y = t * 2 end", "local a = 1",
    "print(twice(x) + x)", "a + b: both must be tensors or numbers, a is nil" },
  wrong_shape = { "local y = flex.zeros { 1, 3, 3, 1 }", "local a = 1", "print(x + y)", "(1,3,3,1)" },
  typo = { "", "", "flex.recpie('a', {}, print)", "the nearest is 'recipe'" },
  nothing = { "local t = {}", "", "print(t.model.size)", "attempt to index a nil value (field 'model')" },
  function_for_a_number = { "", "", "print(flex.mean_pool(x, { factor = print }))", "factor" },
  function_for_a_setting = { "", "", "return flex.recipe('a', { train = { steps = print } }, function() end)",
    "recipe 'a': the default of 'train.steps' is a function" },
  arithmetic_on_nil = { "local b", "", "print(x - b)", "a - b: both must be tensors or numbers, b is nil" },
  wrong_option = { "", "", "print(flex.mean_pool(x, { factr = 2 }))", "factr" },
  missing_method = { "", "", "print(x:mean_pol { factor = 2 })", "the nearest is 'mean_pool'" },
  syntax = { "", "", "local y = = 3", "unexpected symbol near '='" },
  table_raised = { "", "", "error({ code = 7 })", "an error that is a table: { code = 7 }" },
  object_raised = { "local class = { __tostring = function() return 'too wet' end }", "",
    "error(setmetatable({}, class))", "object_raised.lua:5: too wet" },
  inside_the_library = { "local m = flex.models.flex { size = 'nano', height = 16, width = 16, in_channels = 1 }", "",
    "flex.multitask.loss(m, { parts = {} })",
    "attempt to call a nil value (method 'task') (in flexlab/diffusion/multitask.lua:" },
  words_of_the_library = { "", "", "print(flex.literal.encode(print))", "" },
  missing_module = { "", "", "require 'nowhere_at_all'", "module 'nowhere_at_all' not found" },
}

for name, mistake in pairs(mistakes) do
  suite["test_" .. name] = function()
    local file = name .. ".lua"
    core.sys.write(at(file), head .. table.concat(mistake, "\n", 1, 3) .. "\n")
    local code, said = shell(("%s script %s"):format(program, file))
    lu.assertEquals(code, 1, said)
    lu.assertStrContains(said:match("^[^\n]*"), ("flexlab: %s:5: "):format(file))
    lu.assertStrContains(said, mistake[4])
    lu.assertNotStrContains(said, "stack traceback")
    local _, whole = shell(("%s script --traceback %s"):format(program, file))
    lu.assertStrContains(whole, ("flexlab: %s:5: "):format(file))
    if name ~= "syntax" then lu.assertStrContains(whole, ("stack traceback:"):format(file)) end
  end
end

function suite.test_a_recipe_a_choice_and_what_they_require()
  core.sys.mkdirs(at "helpers")
  core.sys.write(at "helpers/sums.lua", "return { of = function(a)\n  return a.b.c\nend }\n")
  core.sys.write(at "mine.lua", [[
local flex = require "flexlab"
local sums = require "helpers.sums"
return flex.recipe("mine", { how = "nil" }, function(cfg)
  if cfg.how == "nil" then return { x = flex.zeros { 2 } - nil } end
  if cfg.how == "helper" then return { x = sums.of({}) } end
  local model = flex.models.flex { size = "nano", height = 16, width = 16, in_channels = 1 }
  model:use(function() error("of the averages") end)
end)
]])
  for how, said in pairs { ["nil"] = "mine.lua:4: a - b: both", helper = "helpers/sums.lua:2: attempt to index",
    averages = "mine.lua:7: of the averages" } do
    local code, text = shell(("%s run mine.lua --set how=%s"):format(program, how))
    lu.assertEquals(code, 1, text)
    lu.assertStrContains(text, said)
  end
  local own = flex.recipe("stock", { a = 1 }, function() return { x = flex.zeros { 2 } - nil } end)
  local line = debug.getinfo(1, "l").currentline - 1
  local ok, message = pcall(own, {}, { root = at "runs", quiet = true })
  lu.assertFalse(ok)
  lu.assertStrContains(message, ("blame_test.lua:%d: a - b: both must be"):format(line))
  lu.assertStrContains(blame.trace(message), "stack traceback:")
end

function suite.test_the_prompt()
  local lines = "flex.zeros { 2 } - nil\\nerror { 5 }\\nflex.literal.encode(print)\\n"
  local _, said = shell(("printf '%s' | %s repl"):format(lines, program))
  for _, text in ipairs { "line:1: a - b: both", "line:1: an error that is a table", "line:1: " } do
    lu.assertStrContains(said, text)
  end
  lu.assertNotStrContains(said, "stack traceback")
  _, said = shell(("printf 'flex.zeros { 2 } - nil\\n' | %s repl --traceback"):format(program))
  lu.assertStrContains(said, "stack traceback")
end

-- A path that Lua would cut stands whole.
function suite.test_long_paths_are_whole()
  for _, long in ipairs { ("deeply/"):rep(12), "with spaces/", "it's quoted \"so\"/" } do
    core.sys.mkdirs(at(long))
    core.sys.write(at(long .. "a.lua"), "local x = nil\nreturn x.y\n")
    local code, said = shell(("%s script '%sa.lua'"):format(program, (long:gsub("'", "'\\''"))))
    local wanted = "flexlab: %sa.lua:2: attempt to index a nil value (local 'x')\n"
    lu.assertEquals({ code, said }, { 1, wanted:format(long) })
  end
end

-- Ours is known where Lua cuts it: a sentence has no position in the library, wherever that is installed.
function suite.test_our_own_long_paths_stay_unsaid()
  local here = assert(io.popen "pwd"):read "l"
  local long = at(("installed/"):rep(8))
  core.sys.mkdirs(long)
  assert(core.sys.symlink(here .. "/lua", long .. "lua"))
  local code, said = shell(("FLEXLAB_LUA='%slua' %s data --format nope '%s/tests/fixtures/data/era5.h5'"):format(long,
    program, here))
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "flexlab: formats: no 'nope' (known: fields, flexlab,")
end

function suite.test_what_a_pcall_caught_keeps_a_users_line()
  local _, own = pcall(flex.models.flex.resolve, {})
  local _, mine = pcall(error, "mine.lua:3: no")
  lu.assertEquals(blame.bare(select(2, pcall(flex.literal.read, nil))):find("flexlab/", 1, true), nil)
  lu.assertStrContains(own, "the size of the field is not known")
  lu.assertEquals(blame.bare(mine), "mine.lua:3: no")
  lu.assertEquals(blame.bare("no position"), "no position")
end

-- What FlexLab wraps names the line that called it, under lua5.4 too, where nobody else puts it right.
function suite.test_what_is_wrapped_names_the_caller()
  core.sys.write(at "sick.lua", "local x = nil\nreturn x.y\n")
  for _, call in ipairs { function() require "nowhere_at_all" end, function() for _ in io.lines(at "none") do end end,
    function() dofile(at "none.lua") end } do
    local line = debug.getinfo(call, "S").linedefined
    local ok, message = pcall(call)
    lu.assertFalse(ok)
    lu.assertStrContains(message, ("blame_test.lua:%d: "):format(line))
  end
  lu.assertStrContains(select(2, pcall(dofile, at "sick.lua")), "sick.lua:2: attempt to index")
end

function suite.test_objects_pass_through_unchanged()
  local object = setmetatable({}, { __tostring = function() return "stopped by hand" end })
  local ok, e = xpcall(function() blame.call(error, object) end, blame.handler)
  lu.assertFalse(ok)
  lu.assertIs(e, object)
  lu.assertStrMatches(blame.sentence(e), ".*blame_test.lua:%d+: stopped by hand")
  lu.assertEquals(table.pack(blame.call(function(...) return ... end, 1, nil, 3)), { n = 3, 1, nil, 3 })
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. folder)
os.exit(code)
