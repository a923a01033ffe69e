-- The written reference is the one that the tables of the program give, and leaves nothing out.
local lu = require "luaunit"
local core = require "flexlab.core"
local reference = require "tools.reference"
local sources = require "tools.reference.sources"

local suite = {}
rawset(_G, "TestReference", suite)

-- The first line in which two texts differ.
local function difference(a, b)
  local i = 0
  local next_b = b:gmatch "([^\n]*)\n"
  for line in a:gmatch "([^\n]*)\n" do
    i = i + 1
    if line ~= next_b() then return i, line end
  end
  return i + 1, "(more)"
end

function suite.test_the_committed_files_are_up_to_date()
  for path, make in pairs(reference) do
    local committed, made = core.sys.read(path) or "", make()
    if committed ~= made then
      local line, text = difference(made, committed)
      lu.fail(("%s is out of date: run `make docs` and commit it (line %d should be: %s)"):format(path, line, text))
    end
  end
end

-- The functions below a table of the core, or the methods of a class, by name.
local function functions(t)
  local names = {}
  for name, v in pairs(t) do
    if type(v) == "function" then names[name] = true end
  end
  return names
end

local function methods(object)
  local index = debug.getmetatable(object).__index
  if type(index) == "function" then
    local _, upvalue = debug.getupvalue(index, 1)
    index = upvalue
  end
  return functions(index)
end

local made = {}

-- Every holder of the manual -> names that the program has there.
local function names_of()
  local holders, ops = {}, {}
  for _, op in ipairs(core.ops) do ops[op.name] = true end
  for _, m in ipairs(core.metrics.list) do ops["metric " .. m.name] = true end
  local weight = core.zeros({ 2 }):track(true)
  local writer = assert(core.io.field_writer(made.file .. "2", { frames = 1, height = 2, width = 2 }))
  local lock <close> = assert(core.sys.lock(made.file .. ".lock"))
  local heart <close> = assert(core.sys.heartbeat(made.file, 10))
  local printed <close> = assert(core.sys.redirect(made.file .. ".log"))
  printed:close()
  holders["flexlab.core"] = functions(core)
  for _, part in ipairs { "io", "nn", "json", "sys", "metrics", "measure" } do
    holders["flexlab.core." .. part] = functions(core[part])
  end
  local objects = { Tensor = weight, Scope = core.scope(), Module = core.nn.linear(1, 1),
    Container = assert(core.io.container(made.file)), FieldWriter = writer,
    Lock = lock, Heartbeat = heart, Redirection = printed,
    Flow = core.flow { height = 8, width = 8, re = 10, k0 = 1 },
    Calibration = core.metrics.calibration(2),
    Flex = core.flex { size = "nano", height = 8, width = 8, channels = { 32 }, res_blocks = { 1 }, depth = 1 },
    Optimizer = core.optimizer { kind = "adam", parameters = { weight } } }
  for class, object in pairs(objects) do holders["flexlab." .. class] = methods(object) end
  writer:abandon()
  objects.Scope:close()
  return holders, ops
end

function suite.setUp()
  made.file = os.tmpname()
  local writer = assert(core.io.field_writer(made.file, { frames = 1, height = 2, width = 2 }))
  assert(writer:append(core.zeros { 1, 2, 2, 1 }))
  assert(writer:finish())
end

function suite.tearDown() os.remove(made.file) end

function suite.test_the_manual_has_every_function_of_the_core_and_no_other()
  local holders, ops = names_of()
  local documented = {}
  for _, section in ipairs(sources.manual()) do
    local names = assert(holders[section.holder], "the program has no " .. section.holder)
    for _, f in ipairs(section.functions) do
      lu.assertTrue(names[f.name], ("%s has no %s: take it out of lua/flexlab/manual.lua")
        :format(section.holder, f.name))
      lu.assertTrue(#f.doc > 0, f.name)
      documented[section.holder .. " " .. f.name] = true
    end
  end
  for holder, names in pairs(holders) do
    for name in pairs(names) do
      local known = documented[holder .. " " .. name] or ops["metric " .. name]
        or ops[name] and (holder == "flexlab.core" or holder == "flexlab.Tensor")
      lu.assertTrue(known, ("%s.%s needs a line in lua/flexlab/manual.lua"):format(holder, name))
    end
  end
end

function suite.test_every_op_says_what_it_gives()
  for _, op in ipairs(core.ops) do
    lu.assertTrue(#op.result > 0, op.name .. " needs a RESULT in csrc/ops.def")
    lu.assertTrue(#op.doc > 3, op.name)
  end
end

-- Where the table says "as x" or "()" of an op that needs no option, the op must agree.
function suite.test_results_have_the_shape_that_the_table_says()
  local x, checked = core.full({ 2, 4, 4, 32 }, 0.5), 0
  local others = { ["as a"] = x, ["(C)"] = core.full({ 32 }, 1), ["(N,2C), scale first"] = core.zeros { 2, 64 } }
  for _, op in ipairs(core.ops) do
    local operands, callable = {}, op.result == "as x" or op.result == "()"
    for i, a in ipairs(op.args) do
      if a.kind == "tensor" then operands[i] = others[a.text] or x end
      callable = callable and a.kind ~= "key"
    end
    if callable then
      local shape = x[op.name](table.unpack(operands)).shape
      lu.assertEquals(shape, op.result == "()" and {} or x.shape, op.name)
      checked = checked + 1
    end
  end
  lu.assertTrue(checked > 20, "ops whose result is as x, and losses")
end

-- The manual's optional arguments, types of options and results are read; a bad line is refused.
function suite.test_lines_of_the_manual_are_read()
  local f = sources.parse "f(a: integer[], b?: { x: string, y?: number }, ...: any): t? -- does"
  lu.assertEquals(#f.params, 3)
  lu.assertEquals(f.params[2], { name = "b", type = "{ x: string, y?: number }", optional = true })
  lu.assertEquals({ f.result, f.doc }, { "t?", "does" })
  lu.assertErrorMsgContains("cannot read", sources.parse, "f(a) -- no type")
end

-- .luarc.json, by which the Lua language server finds them.
function suite.test_the_language_server_is_told_of_folders_that_are_there()
  local settings = assert(core.json.decode(core.sys.read ".luarc.json"))
  for _, path in ipairs(settings["workspace.library"]) do lu.assertEquals(core.sys.exists(path), "file", path) end
  lu.assertTrue(core.sys.exists(settings["runtime.path"][1]:gsub("%?.*", "flexlab")) == "folder")
end

function suite.test_the_stubs_are_lua_and_run()
  local chunk = assert(loadfile "lua/flexlab.d.lua")
  local flex = chunk()
  lu.assertIsFunction(flex.core.conv2d)
  lu.assertIsFunction(flex.core.io.container)
end

os.exit(lu.LuaUnit.run())
