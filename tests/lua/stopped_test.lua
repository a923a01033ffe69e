--[[
stopped_test - commands that write files: what a signal, a kill or a bad answer leaves. A stopped command removes what
is half-written within two seconds; what a killed one left goes when the same file is written again; an answer that
holds NaN is written, and said.
--]]
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local workers = require "flexlab.study.workers"
local core = flex.core

local suite = {}
rawset(_G, "TestStopped", suite)

support.foldered(suite)

local function path(name) return suite.folder .. "/" .. name end
local function flexlab(line) return support.flexlab(line, path "said") end

local function field(name, frames, side)
  local writer = assert(core.io.field_writer(path(name), { frames = frames, height = side, width = side }))
  for i = 1, frames do assert(writer:append(core.normal({ 1, side, side, 1 }, { seed = i }))) end
  assert(writer:finish())
  return path(name)
end

-- The smallest network for patches of 16x16, after one step; `change` of its tensors.
local function checkpoint(change)
  local film = field("field.h5", 3, 16)
  local recipe = flex.recipe("tiny", {}, function(_, run)
    local data = flex.data.superres { file = film, test = film, crop = 16, batch = 1, test_tiles = 1, factor = 4 }
    local model = flex.models.flex(support.smallest(), data)
    local optim = flex.optim.adam(model, {})
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return {}
  end)
  local file = assert(core.io.load(recipe({}, { root = path "runs", quiet = true }).dir .. "/last.h5"))
  for _, t in pairs(change and file.tensors or {}) do change(t) end
  assert(core.io.save(path "c.h5", file))
  return path "c.h5"
end

local function temporaries()
  local list = {}
  for _, name in ipairs(core.sys.list(suite.folder)) do
    if name:find "%.tmp%." then list[#list + 1] = name end
  end
  return list
end

-- Starts a command, waits until it has begun to write, and sends a signal: its exit code, and the seconds it then took.
local function stopped(line, signal)
  local pid = assert(core.sys.start { "/bin/sh", "-c", ("exec env %s %s >%s 2>&1"):format(workers.program(), line,
    path "said") })
  local give_up = core.sys.time() + 60
  while #temporaries() == 0 and core.sys.time() < give_up and not core.sys.ended(pid) do core.sys.sleep(0.02) end
  lu.assertEquals(#temporaries(), 1, core.sys.read(path "said"))
  core.sys.kill(pid, signal)
  local began, how, code = core.sys.time(), core.sys.ended(pid)
  while not how do
    core.sys.sleep(0.02)
    how, code = core.sys.ended(pid)
  end
  return code, core.sys.time() - began, how
end

function suite.test_a_stopped_command_leaves_nothing_half_written()
  local endless = ("sample --checkpoint %s --data %s --steps 100000 --out %s"):format(checkpoint(), path "field.h5",
    path "answer.h5")
  local long = ("data repack %s %s --deflate 9"):format(field("long.h5", 300, 256), path "repacked.h5")
  for line, name in pairs { [endless] = "sample", [long] = "data" } do
    for signal, code in pairs { TERM = 143, INT = 130 } do
      local got, seconds = stopped(line, signal)
      lu.assertEquals(core.sys.read(path "said"), ("flexlab: %s: stopped; nothing half-written stays\n"):format(name))
      lu.assertEquals(got, code)
      lu.assertTrue(seconds < 20)          -- two on a machine with nothing else to do
      lu.assertEquals(temporaries(), {})
      lu.assertNil(core.sys.exists(path "answer.h5") or core.sys.exists(path "repacked.h5"))
    end
  end
end

function suite.test_what_a_killed_command_left_goes_with_the_next()
  local source, to = field("long.h5", 300, 256), path "repacked.h5"
  local _, _, how = stopped(("data repack %s %s --deflate 9"):format(source, to), "KILL")
  lu.assertEquals(how, "signal")
  local ours = core.sys.temporary(to)
  local place = ours:match "%x+$"
  for _, name in ipairs { ours, to .. ".tmp.4194304.0a1b2c3d", to .. ".tmp.7",
    path("other.h5.tmp.4194304." .. place) } do
    assert(core.sys.write(name, "of a living process, of another host, without a host, of another file"))
  end
  lu.assertEquals(#temporaries(), 5)
  lu.assertEquals(flexlab(("data repack %s %s"):format(field("short.h5", 2, 16), to)), 0)
  lu.assertEquals(#temporaries(), 4)
  assert(core.sys.remove(to))
end

-- Each way in which a command writes a file of the user's.
function suite.test_every_writer_clears_what_is_left_of_its_file()
  local place, weights = core.sys.temporary("x"):match "%x+$", checkpoint()
  for target, line in pairs {
    ["a.tar"] = "export " .. path "runs/tiny/latest" .. " --out ",
    ["b.h5"] = ("convert %s "):format(weights),
    ["c2.h5"] = ("sample --checkpoint %s --data %s --steps 1 --out "):format(weights, path "field.h5"),
    ["d.h5"] = ("data repack %s "):format(path "field.h5"),
  } do
    assert(core.sys.write(path(target) .. ".tmp.4194304." .. place, "x"))
    local code, said = flexlab(line .. path(target))
    lu.assertEquals(code, 0, said)
    lu.assertEquals(temporaries(), {}, line)
  end
end

function suite.test_an_answer_that_holds_no_numbers_is_said()
  local line = "sample --checkpoint %s --data %s --steps 1 --out %s"
  local _, said = flexlab(line:format(checkpoint(), path "field.h5", path "good.h5"))
  lu.assertNotStrContains(said, "NaN")
  local broken = checkpoint(function(t) t:fill_(1e30) end)
  local code
  code, said = flexlab(line:format(broken, path "field.h5", path "bad.h5"))
  lu.assertEquals(code, 0, said)
  lu.assertStrContains(said, "note: the answer holds NaN or infinite values (768 of 768 elements)\n")
  lu.assertStrContains(said, path "bad.h5")
  lu.assertEquals(core.sys.exists(path "bad.h5"), "file")
end

os.exit(lu.LuaUnit.run())
