--[[
destination_test - a command writes where its user says, and never over what it reads, over a run, or in the place of a
device: each mistake is one sentence, and every file is as it was.
--]]
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local destination = require "flexlab.store.destination"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestDestination", suite)

local folder = support.folder()
local program = assert(os.getenv "FLEXLAB_PROGRAM", "FLEXLAB_PROGRAM names the program under test")
local flow, run = folder .. "/flow.h5", nil

-- The folder of a run of one step, trained on `flow`; its path as the file system has it, without ".".
local function made()
  if run then return run end
  flex.generate("turbulence", { re = 200, size = 32, frames = 3, k0 = 4, quiet = true, unresolved = "allow",
    out = flow })
  run = require "recipes.sr"({ ["data.file"] = flow, ["data.test"] = false, ["data.crop"] = 16, ["data.batch"] = 1,
    ["data.test_tiles"] = 1, ["train.steps"] = 1, ["eval.members"] = 1, ["model.channels"] = { 32 },
    ["model.res_blocks"] = { 1 }, ["model.depth"] = 1, ["model.heads"] = 1 },
    { root = folder .. "/runs", quiet = true }).dir
  return run
end

-- Hashes of all files of a folder and below it, and names of what is none.
local function everything()
  local _, said = support.shell(folder, "find . -type f -exec sha256sum {} + | sort -k2; find . ! -type f | sort")
  return said
end

local function flexlab(line) return support.shell(folder, program .. " " .. line) end

-- A line that is refused in one sentence, which has these words; nothing on the disk is another then.
local function refused(line, ...)
  local before = everything()
  local code, said = flexlab(line)
  lu.assertTrue(code == 1 or code == 2, line .. "\n" .. said)
  for _, words in ipairs { ... } do lu.assertStrContains(said, words) end
  lu.assertNotStrContains(said, "traceback")
  lu.assertEquals(everything(), before, line)
end

local function sample(more) return ("sample --checkpoint %s --data flow.h5 --steps 1 %s"):format(made(), more) end
local function evaluate(more)
  return ("evaluate --checkpoint %s --data flow.h5 --steps 1 --members 1 --tiles 1 %s"):format(made(), more)
end

function suite.test_an_input_is_not_overwritten()
  made()
  assert(support.shell(folder, "mkdir -p sub && ln -sf ../flow.h5 sub/link.h5 && ln -f flow.h5 sub/hard.h5") == 0)
  for _, name in ipairs { "./flow.h5", "sub/../flow.h5", folder .. "/flow.h5", "sub/hard.h5" } do
    refused(sample("--out " .. name), "--out", "which is read; give another name")
  end
  for _, name in ipairs { "flow.h5", "sub/link.h5" } do
    refused(sample("--out " .. name), "--out", "which is read; give another name")
    refused(sample("--out o.h5 --picture " .. name), "--picture: ", "which is read")
    refused(sample("--out o.h5 --members 2 --spread " .. name), "--spread: ", "which is read")
    refused(evaluate("--picture " .. name), "--picture: ", "which is read")
    refused("data repack flow.h5 " .. name, "data repack: ", "which is read")
    refused("generate turbulence --size 32 --k0 4 --frames 2 --fresh --initial flow.h5 --out " .. name, "which is read")
  end
  refused(("sample --checkpoint %s --data 'flo*.h5' --out flow.h5"):format(made()), "which is read")
  assert(support.shell(folder, ("cp %s/last.h5 alone.h5"):format(made())) == 0)
  refused("convert alone.h5 alone.h5", "convert: 'alone.h5' is an input, which is read; give another name")
  refused("convert alone.h5 ./alone.h5", "is the input 'alone.h5'")
  refused("sample --checkpoint alone.h5 --data flow.h5 --out alone.h5", "which is read")
  support.raises("which is read", flex.apply, { checkpoint = made(), data = flow, out = flow })
  support.raises("which is read", flex.convert.file, folder .. "/alone.h5", folder .. "/alone.h5")
end

function suite.test_nothing_is_written_into_a_run()
  made()
  local inside = {}
  for i, name in ipairs { "last.h5", "fine.h5", "code/fine.h5", "code/../fine.h5" } do
    inside[i] = made() .. "/" .. name
  end
  assert(support.shell(folder, ("ln -sfn %s rundir && ln -sf %s/last.h5 weights.h5"):format(made(), made())) == 0)
  for _, name in ipairs { "rundir/last.h5", "rundir/code/x.h5", "weights.h5" } do inside[#inside + 1] = name end
  assert(support.shell(folder, "cp weights.h5 alone.h5") == 0)
  local words = "the folder of a run"
  for _, name in ipairs(inside) do refused("convert alone.h5 " .. name, words) end
  for _, name in ipairs { inside[1], "rundir/code/x.h5" } do
    refused("sample --checkpoint alone.h5 --data flow.h5 --out " .. name, words)
    refused(("export %s --out %s"):format(made(), name), "--out: ", words)
    refused("evaluate --checkpoint alone.h5 --data flow.h5 --picture " .. name, words)
    refused(("table %s --out %s"):format(made(), name), words)
    refused("generate turbulence --size 32 --k0 4 --frames 2 --fresh --out " .. name, words)
  end
  refused("data repack flow.h5 rundir/flow.h5", words)
  refused(("compare %s --report %s"):format(made(), made()), "--report: ",
    "is the folder of a run; give another folder")
  refused("import nothing.tar --out rundir/code", "--out: 'rundir/code' lies in the folder of a run")
  local code, said = support.shell(made(), program .. (" sample --checkpoint . --data %s --out x.h5"):format(flow))
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "--out: 'x.h5' lies in the folder of a run")
  refused(("convert %s %s/last.h5"):format(made() .. "/last.h5", made()), "which is read")
end

function suite.test_two_outputs_are_two_files()
  local words = "--out and --spread name the same file, "
  refused(sample("--members 2 --out a.h5 --spread a.h5"), words .. "'a.h5'")
  refused(sample("--members 2 --out a.h5 --spread ./a.h5"), words)
  assert(support.shell(folder, "ln -sf b.h5 c.h5") == 0)
  refused(sample("--members 2 --out b.h5 --spread c.h5"), words)
  refused(sample("--out b.h5 --picture b.h5"), "--out and --picture name the same file")
  refused("generate turbulence --size 32 --k0 4 --frames 2 --fresh --re 1000000,1000000.1 --out two.h5",
    "name the same file")
end

function suite.test_no_file_takes_the_place_of_a_device()
  made()
  assert(support.shell(folder, "mkdir -p place && mkfifo -m 600 fifo || true; ln -sf /dev/null null.h5") == 0)
  local is = { fifo = "is a device or a pipe, not a file", ["/dev/null"] = "is a device or a pipe, not a file",
    ["null.h5"] = "is a device or a pipe, not a file",
    place = "is a folder, not a file", ["."] = "the name of a folder",
    ["x/"] = "'x/' is the name of a folder", ["nodir/../g.h5"] = "leads through 'nodir', which is no folder" }
  for name, words in pairs(is) do
    refused(sample("--out " .. name), words)
    refused(evaluate("--picture " .. name), words)
    refused(("export %s --out %s"):format(made(), name), words)
    refused("generate turbulence --size 32 --k0 4 --frames 2 --out " .. name, words)
    refused("generate turbulence --size 32 --k0 4 --frames 2 --fresh --out " .. name, words)
    refused("data repack flow.h5 " .. name, words)
  end
  lu.assertEquals(core.sys.exists "/dev/null", "other")
end

-- Below all names there is one place that replaces files, which knows what it must not replace.
function suite.test_writing_replaces_files_alone()
  local fifo = folder .. "/pipe.h5"
  assert(os.execute("mkfifo -m 600 " .. fifo))
  local said = "cannot write " .. fifo .. ": it is a device or a pipe, not a file"
  for _, write in ipairs { function() return core.sys.write(fifo, "x") end,
    function() return core.io.save(fifo, { tensors = { a = core.zeros { 1 } } }) end,
    function() return core.io.field_writer(fifo, { dataset = "w", frames = 1, height = 2, width = 2 }) end } do
    local done, message = write()
    lu.assertNil(done)
    lu.assertStrContains(message, said)
  end
  local done, message = core.sys.write(folder, "x")
  lu.assertNil(done)
  lu.assertStrContains(message, "it is a folder, not a file")
  lu.assertEquals(core.sys.exists(fifo), "other")
end

-- An earlier answer is replaced, and a link leads to the file it names, which is there or is made.
function suite.test_what_may_be_written()
  made()
  assert(support.shell(folder, "mkdir -p far && ln -sf far/answer.h5 near.h5") == 0)
  for _, line in ipairs { sample("--out near.h5"), sample("--out near.h5"), sample("--out far/answer.h5") } do
    local code, said = flexlab(line)
    lu.assertEquals(code, 0, said)
  end
  lu.assertEquals(core.sys.readlink(folder .. "/near.h5"), "far/answer.h5")
  lu.assertEquals(core.sys.exists(folder .. "/far/answer.h5"), "file")
  local code, said = support.shell(made(), program .. " export " .. made())      -- its own name
  lu.assertEquals(code, 0, said)
  assert(support.shell(made(), "rm *.tar") == 0)
  code, said = flexlab "generate turbulence --size 32 --k0 4 --re 200 --frames 2 --unresolved allow --out new/deep/g.h5"
  lu.assertEquals(code, 0, said)
end

function suite.test_a_script_saves_beside_but_not_over_a_run()
  local chart = flex.plot.lines { { x = { 1, 2 }, y = { 1, 2 } } }
  support.raises("is a file of the folder of a run", chart.save, chart, made() .. "/last.h5")
  chart:save(made() .. "/chart.svg")
  lu.assertEquals(core.sys.exists(made() .. "/chart.svg"), "file")
  lu.assertTrue(destination.is_run(made()))
  lu.assertFalse(destination.is_run(folder))
  assert(support.shell(folder, "ln -sfn round.svg back.svg && ln -sfn back.svg round.svg") == 0)
  support.raises("is a link that leads in a circle", chart.save, chart, folder .. "/round.svg")
  support.raises("is empty", destination.of, "--out", "")
end

local result = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(result)
