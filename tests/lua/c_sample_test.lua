-- C without Lua: docs/sample.c loads the checkpoint of a run and samples to the same bits as the command.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local workers = require "flexlab.study.workers"

local suite = {}
rawset(_G, "TestSampleInC", suite)

local folder = os.tmpname()
local program = assert(os.getenv "FLEXLAB_SAMPLE", "FLEXLAB_SAMPLE must name the compiled docs/sample.c")

-- Runs a line in the folder; returns exit code and stderr.
local function shell(line)
  local err = folder .. "/stderr"
  local _, _, code = os.execute(("{ %s; } >/dev/null 2>%s"):format(line, err))
  return code, core.sys.read(err)
end

local function flexlab(line)
  local code, err = shell(workers.program() .. " " .. line)
  lu.assertEquals(code, 0, err)
end

local function frames(path)
  local field = flex.fields.open(path)
  local list = {}
  for i = 1, field.frames do list[i] = assert(field:read { frame = i }) end
  field:close()
  return list
end

-- Every fourth pixel of a corner of each frame: what a network of 32x32 with factor 4 takes.
local function write_low(from, to)
  local fine = frames(from)
  local writer = assert(core.io.field_writer(to, { frames = #fine, height = 8, width = 8 }))
  for _, frame in ipairs(fine) do
    local corner = frame:narrow { axis = 2, start = 1, length = 32 }:narrow { axis = 3, start = 1, length = 32 }
    assert(writer:append(flex.degradations.bicubic.low(corner, 4)))
  end
  assert(writer:number("Re", 1000))
  assert(writer:finish())
end

local settings = " --set data.crop=32 --set data.batch=2 --set train.steps=3 --set train.warmup=1"
  .. " --set eval.members=1 --set train.ema=0.5 --quiet"

local data, low, checkpoint

function suite.setUp()
  if checkpoint then return end
  os.remove(folder)
  assert(core.sys.mkdirs(folder))
  data, low = folder .. "/w.h5", folder .. "/low.h5"
  flexlab("generate turbulence --re 1000 --size 64 --frames 3 --time 0.2 --spacing 0.1 --quiet --out " .. data)
  write_low(data, low)
  flexlab(("run recipes/sr.lua --set data.file=%s --set data.test=%s --out %s/runs%s"):format(data, data,
    folder, settings))
  local find = io.popen("find " .. folder .. "/runs -name last.h5")
  checkpoint = find:read "l"
  find:close()
  lu.assertNotNil(checkpoint)
end

function suite.test_the_same_bits_as_the_command()
  flexlab(("sample --low --checkpoint %s --data %s --out %s/lua.h5"):format(checkpoint, low, folder))
  local code, err = shell(("%s %s %s %s/c.h5"):format(program, checkpoint, low, folder))
  lu.assertEquals(code, 0, err)
  local ours, theirs = frames(folder .. "/lua.h5"), frames(folder .. "/c.h5")
  lu.assertEquals(#theirs, 3)
  local rest = 0
  for i = 1, 3 do
    lu.assertEquals(theirs[i].shape, { 1, 32, 32, 1 })
    lu.assertEquals((theirs[i] - ours[i]):abs():summary().max, 0)   -- (lists would be compared at length)
    rest = rest + (ours[i] - frames(low)[i]:resize { size = { 32, 32 }, method = "bicubic" }):abs():mean():item()
  end
  lu.assertTrue(rest > 1e-3, "the network must have changed the estimate")
end

-- A copy of the checkpoint with other texts; what else is refused: tests/unit/load_checkpoint_test.c.
local function changed(change)
  local file = assert(core.io.load(checkpoint))
  change(file)
  for name in pairs(file.tensors) do   -- a sample needs no state of the optimiser
    if name:find "^optim/" then file.tensors[name] = nil end
  end
  file.names = nil
  local path = folder .. "/changed.h5"
  assert(core.io.save(path, file))
  return path
end

local function refused(path, sentence, fields)
  local out = folder .. "/none.h5"
  local code, err = shell(("%s %s %s %s"):format(program, path, fields or low, out))
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, sentence)
  lu.assertEquals(#err - #err:gsub("\n", ""), 1, "one sentence")
  lu.assertNil(core.sys.exists(out))
end

-- The schedule is the checkpoint's: another shift gives another sample, as with the command.
function suite.test_the_schedule_of_the_checkpoint_is_used()
  local path = changed(function(f)
    f.text.model = f.text.model:gsub('"shift":1', '"shift":0.5'):gsub('"limit":false', '"limit":12')
  end)
  flexlab(("sample --low --checkpoint %s --data %s --out %s/shifted.h5"):format(path, low, folder))
  lu.assertEquals(shell(("%s %s %s %s/c.h5"):format(program, path, low, folder)), 0)
  local ours, theirs = frames(folder .. "/shifted.h5")[1], frames(folder .. "/c.h5")[1]
  lu.assertEquals((theirs - ours):abs():summary().max, 0)
  lu.assertEquals(shell(("%s %s %s %s/plain.h5"):format(program, checkpoint, low, folder)), 0)
  lu.assertTrue((theirs - frames(folder .. "/plain.h5")[1]):abs():summary().max > 1e-4)
end

function suite.test_other_files_are_refused_with_a_sentence()
  refused(folder .. "/absent.h5", "absent.h5")
  refused(data, "the text 'network' is missing")
  refused(checkpoint, "divided by its factor", data)
  refused(changed(function(f) f.text.model = f.text.model:gsub('"predict":"v"', '"predict":"x"') end), "knows v")
end

-- What of a network is Lua, C refuses by its name; rotary positions, an even depth and the
-- precision it has itself.
function suite.test_what_is_built_in_lua_is_refused_by_name()
  local function described(model)
    local cfg = { size = "nano", height = 32, width = 32, in_channels = 1, cond_channels = 1 }
    for k, v in pairs(model) do cfg[k] = v end
    return changed(function(f) flex.checkpoint.describe(f.text, flex.models.flex(cfg).config) end)
  end
  refused(described { backbone = "unet" }, "its backbone 'unet' is written in Lua; C knows FLEX's own")
  refused(described { backbone = "uvit" }, "backbone 'uvit'")
  refused(described { conditioning = "cross_attention" }, "conditioning 'cross_attention'")
  refused(described { encoder = "pyramid" }, "condition encoder 'pyramid'")
  local answers = {}
  for i, model in ipairs { { positions = "rotary" }, { depth = 2 }, { precision = "bf16" } } do
    local path = described(model)
    flexlab(("sample --low --checkpoint %s --data %s --out %s/lua.h5"):format(path, low, folder))
    lu.assertEquals(shell(("%s %s %s %s/c.h5"):format(program, path, low, folder)), 0)
    answers[i] = frames(folder .. "/c.h5")[1]
    lu.assertEquals((answers[i] - frames(folder .. "/lua.h5")[1]):abs():summary().max, 0)
  end
  for i, other in ipairs { { 1, 2 }, { 2, 3 } } do     -- positions and precision are not passed over
    lu.assertTrue((answers[other[1]] - answers[other[2]]):abs():summary().max > 0, i)
  end
end

function suite.test_a_converted_checkpoint_of_the_authors_describes_its_network()
  local path = folder .. "/official.h5"
  flexlab(("convert tests/fixtures/checkpoint_official.pt %s"):format(path))
  local text = assert(core.io.load(path)).text
  local network = core.json.decode(text.network)
  lu.assertTrue(network.condition_encoder and network.weak_skips and network.strong_bottleneck)
  lu.assertEquals(core.json.decode(text.model).schedule, "cosine")
end

local code = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(code)
