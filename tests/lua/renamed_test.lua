-- Laws of modules that were called otherwise once (lua/flexlab/renamed.lua).
local lu = require "luaunit"
local core = require "flexlab.core"
local renamed = require("flexlab.renamed").modules
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestRenamed", suite)

local function file_of(name)
  return package.searchpath("flexlab." .. name, package.path)
end

function suite.test_every_old_name_is_gone_and_every_new_one_is_there()
  for old, now in pairs(renamed) do
    lu.assertNil(file_of(old), old .. " is a module still")
    lu.assertNotNil(file_of(now), old .. " leads to nothing: " .. now)
  end
end

function suite.test_an_old_name_gives_the_module_of_today_and_says_so_once()
  local folder = support.folder()
  assert(core.sys.write(folder .. "/old.lua", [[
require "flexlab"
local old = require "flexlab.run.state"
print(rawequal(old, require "flexlab.store.state"), rawequal(old, require "flexlab.run.state"))
]]))
  local code, out = support.flexlab("script " .. folder .. "/old.lua", folder .. "/out")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "true\ttrue")
  local _, notes = out:gsub("note: the module 'flexlab.run.state' is called 'flexlab.store.state' now\n", "")
  lu.assertEquals(notes, 1)
  os.execute("rm -r '" .. folder .. "'")
end

-- Runs a Lua file that holds `text`; returns what it printed.
local function said(text)
  local folder = support.folder()
  assert(core.sys.write(folder .. "/old.lua", text))
  local code, out = support.flexlab("script " .. folder .. "/old.lua", folder .. "/out")
  os.execute("rm -r '" .. folder .. "'")
  lu.assertEquals(code, 0, out)
  return out
end

function suite.test_an_old_part_of_flex_is_the_one_of_today()
  local out = said [=[
local flex = require "flexlab"
print(rawequal(flex.text, flex.words), rawequal(flex.text, require "flexlab.words"), flex.table { "a" } ~= nil)
]=]
  lu.assertStrContains(out, "true\ttrue\ttrue")
  local _, notes = out:gsub("note: flex.text is called flex.words now\n", "")
  lu.assertEquals(notes, 1)
end

function suite.test_an_old_word_is_stored_as_the_present_one_and_is_said_once()
  local out = said [[
local flex = require "flexlab"
local recipe = flex.recipe("old", { model = flex.settings.model { size = "nano" } }, function() return { a = 1 } end)
local cfg, hash = recipe:resolve { model = { schedule = "flow", predict = "flow" } }
local _, same = recipe:resolve { ["model.schedule"] = "rectified_flow", ["model.predict"] = "rectified_flow" }
print(cfg.model.schedule, cfg.model.predict, hash == same)
print(flex.schedules.flow.name, flex.choices.has("parametrisations", "flow"), #flex.schedules())
]]
  lu.assertStrContains(out, "rectified_flow\trectified_flow\ttrue")
  lu.assertStrContains(out, "rectified_flow\ttrue\t7")
  for _, kind in ipairs { "schedules", "parametrisations" } do
    local _, notes = out:gsub(("note: the word 'flow' of %s is called 'rectified_flow' now\n"):format(kind), "")
    lu.assertEquals(notes, 1, kind)
  end
end

function suite.test_methods_of_runs_are_known_by_their_old_names()
  local out = said [[
local flex, root = require "flexlab", os.tmpname()
os.remove(root)
local recipe = flex.recipe("old", { a = 1 }, function(_, run)
  local model = {}
  run:watch(model)
  run:watch(model, "optimiser")
  assert(run.watched[1].model == model and run.watched[1].optim == "optimiser" and #run.watched == 1)
  run:unwatch(model)
  return { a = #run.watched }
end)
print("watched", recipe(nil, { root = root, quiet = true }).a)
os.execute("rm -r '" .. root .. "'")
]]
  lu.assertStrContains(out, "watched\t0")
  local _, notes = out:gsub("note: run:watch is called run:add_to_checkpoint now\n", "")
  lu.assertEquals(notes, 1)
end

function suite.test_a_run_that_was_finished_under_an_old_word_is_found()
  local out = said [[
local flex, calls, root = require "flexlab", 0, os.tmpname()
os.remove(root)
local recipe = flex.recipe("old", { model = flex.settings.model { size = "nano" }, eval = { steps = 2 } }, function(cfg)
  calls = calls + cfg.eval.steps / 2
  return { a = calls, size = cfg.model.size, schedule = cfg.model.schedule }
end)
local given, quiet = { model = { schedule = "rectified_flow" } }, { root = root, quiet = true }
local first = recipe(given, quiet)
local cfg, hash, set = recipe:resolve(given)
local plain = flex.config.plain(cfg)
plain.model.schedule = "flow"
local former = require("flexlab.origin.code").hash(set, plain)
assert(os.rename(root .. "/old/" .. hash, root .. "/old/" .. former))
local found = recipe({ model = { schedule = "flow" } }, quiet)
print(former ~= hash, calls == 1, found.dir == ("%s/old/%s/1"):format(root, former), found.a == first.a)
os.execute("rm -r '" .. root .. "'")
]]
  lu.assertStrContains(out, "true\ttrue\ttrue\ttrue")
end

-- What core.io.field did is what flex.fields.open does, but for what former_field.lua lists.
function suite.test_the_former_reader_of_fields_reads_and_is_said_once()
  local out = said [[
local flex, path = require "flexlab", os.tmpname()
local core = flex.core
os.remove(path)
local writer = assert(core.io.field_writer(path, { dataset = "fields", frames = 2, height = 3, width = 4,
  channels = 2 }))
local first, second = core.normal({ 1, 3, 4, 2 }, { seed = 1 }), core.normal({ 1, 3, 4, 2 }, { seed = 2 })
local gap = core.tensor { 0 / 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
assert(writer:append(first) and writer:append(second + gap:reshape { 1, 3, 4, 2 }))
assert(writer:text("solver", "none") and writer:array("times", { 0, 0.5 }) and writer:finish())
local reader <close> = assert(core.io.field(path))
print("shape", reader.frames, reader.channels, reader.height, reader.width, reader.dataset)
local part = reader:read { frame = 1, y = 2, x = -2, height = 2, width = 1, channel = 2 }
print("part", part.shape[2], part.shape[4], part:get(1, 1, 1, 1) == first:get(1, 2, 3, 2))
print("last", (reader:read { frame = -1, channel = 2 }):get(1, 1, 1, 1) == second:get(1, 1, 1, 2))
print("gap", reader:read { frame = 2 })
print("gap", reader:read { frame = 2, channel = 1, channels = 1 })
print("kept", reader:read({ frame = 2, check = false }):summary().nonfinite)
print("told", reader:text "solver", reader:array "times"[2], reader:number "Re", reader:text "nothing")
print("absent", core.io.field(path, "u"))
print("missing", core.io.field(path .. ".no"))
local named = path:gsub("[^/]*$", "1000_%0")
assert(os.rename(path, named))
local again <close> = assert(core.io.field(named, "/fields"))
print("name", again:number "Re")
os.remove(named)
]]
  for _, line in ipairs { "shape\t2\t2\t3\t4\tfields", "part\t2\t1\ttrue", "last\ttrue", "kept\t1",
    "told\tnone\t0.5\tnil\tnil", "name\t1000", "channel 'fields.1' holds NaN at frame 2, row 1, column 1",
    "dataset 'fields' holds NaN or infinity at frame 2", "has no dataset 'u'; it has 'fields' (2,2,3,4)",
    "No such file" } do
    lu.assertStrContains(out, line)
  end
  local _, notes = out:gsub("note: core.io.field%(path, dataset%) is flex.fields.open%(path, { dataset = dataset }%) "
    .. "now\n", "")
  lu.assertEquals(notes, 1)
end

function suite.test_a_name_that_never_was_is_not_found()
  support.raises("module 'flexlab.run.nothing' not found", require, "flexlab.run.nothing")
end

os.exit(lu.LuaUnit.run())
