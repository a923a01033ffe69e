--[[
wrong_uses_test - what a user gets for a mistake: one clear sentence on stderr that names the file, option
or value at fault, exit code 1 (the work failed) or 2 (wrong use), no traceback, nothing half-written.
--]]
local lu = require "luaunit"
local core = require "flexlab.core"

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")
local root = io.popen("pwd"):read("l")   -- the checkout: tests start there
local folder = os.tmpname()
os.remove(folder)
assert(core.sys.mkdirs(folder))

local function shell(command)
  local pipe = assert(io.popen(command .. "; printf '\\n%d' $?"))
  local text = pipe:read("a")
  pipe:close()
  local body, code = text:match("^(.*)\n(%d+)$")
  return tonumber(code), body
end

-- Runs flexlab with `arguments` in the test's folder; returns its exit code and what it said on stderr.
local function flexlab(arguments, prefix)
  return shell(("cd %s && %s %s %s 2>&1 >/dev/null"):format(folder, prefix or "", program, arguments))
end

-- The files below the test's folder, one per line: what a failed command may not add to.
local function files()
  local _, list = shell(("cd %s && find . -type f ! -path './runs/*' | sort"):format(folder))
  return list
end

local function wrong(arguments, code, sentence, prefix)
  local before = files()
  local got, said = flexlab(arguments, prefix)
  lu.assertEquals(got, code, arguments .. "\n" .. said)
  lu.assertStrContains(said, sentence)
  lu.assertStrContains(said, "flexlab: ")
  lu.assertNotStrContains(said, "traceback")
  lu.assertNotStrContains(said, "Sanitizer")
  lu.assertEquals(files(), before, arguments .. " left files behind")
end

local function field(name, change)
  local path = folder .. "/" .. name
  local w = assert(core.io.field_writer(path, { frames = 4, height = 32, width = 32 }))
  for t = 1, 4 do
    local frame = core.normal({ 1, 32, 32, 1 }, { seed = t, stream = "user" })
    if change then change(frame, t) end
    assert(w:append(frame))
  end
  assert(w:number("Re", 1000))
  assert(w:finish())
  return path
end

-- recipes/sr.lua with a network and patches that fit the files above.
local recipe = assert(core.sys.read("recipes/sr.lua"))
recipe = recipe:gsub('size = "nano"', 'channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 1')
recipe = recipe:gsub("crop = 64, batch = 8", "crop = 16, batch = 1"):gsub("steps = 300", "steps = 1")

local function run(data, options)
  return ("run sr.lua --set data.file=%s --set data.test=good.h5 %s"):format(data, options or "")
end

TestWrongUses = {}

function TestWrongUses:setUp()
  if not core.sys.exists(folder .. "/sr.lua") then
    assert(core.sys.write(folder .. "/sr.lua", recipe))
    field("good.h5")
    field("nan.h5", function(frame, t) if t == 2 then frame:set(1, 5, 6, 1, 0 / 0) end end)
    local bytes = assert(core.sys.read(folder .. "/good.h5"))
    assert(core.sys.write(folder .. "/cut.h5", bytes:sub(1, #bytes // 2)))
    assert(core.sys.write(folder .. "/text.h5", "this is not a file of numbers\n"))
    local pt = assert(core.sys.read("tests/fixtures/checkpoint_official.pt"))
    assert(core.sys.write(folder .. "/cut.pt", pt:sub(1, 100000)))
    local st = assert(core.sys.read("tests/fixtures/sr_v.safetensors"))
    assert(core.sys.write(folder .. "/good.safetensors", st))
    assert(core.sys.write(folder .. "/cut.safetensors", st:sub(1, #st - 1000)))
  end
end

function TestWrongUses:test_unknown_command() wrong("frobnicate", 2, "no command 'frobnicate'") end
function TestWrongUses:test_unknown_option() wrong("run sr.lua --stes 3", 2, "the nearest is --set") end
function TestWrongUses:test_missing_argument() wrong("run", 2, "either a recipe is wanted or --from RUN") end
function TestWrongUses:test_missing_recipe() wrong("run nowhere.lua", 1, "no recipe 'nowhere.lua'") end
function TestWrongUses:test_wrong_key()
  wrong("run sr.lua --set model.schedul=cosine", 2, "the nearest is 'schedule'")
end
-- Numbers that are none of this world, or that would never end: refused before anything is read, with the range.
function TestWrongUses:test_numbers_out_of_range()
  for setting, range in pairs { ["data.batch=0"] = "from 1 to 65536, got 0", ["data.batch=-3"] = "from 1 to 65536",
    ["train.steps=1e18"] = "from 0 to 1e9", ["train.warmup=-5"] = "from 0 to 1e9", ["train.clip=-1"] = "from 0 to 1e30",
    ["eval.members=1e12"] = "from 1 to 65535, got 1000000000000", ["eval.steps=1e12"] = "from 1 to 100000",
    ["train.lr=0/0"] = "must be a number", ["eval.eta=2"] = "eta must be a number from 0 to 1",
    ["model.schedule_options={limit=-1}"] = "limit must be a number above 0" } do
    wrong(("run sr --set '%s'"):format(setting), 2, range)
    wrong(("run sr --dry-run --sweep '%s,1'"):format(setting), 2, range)
  end
  wrong("generate turbulence --frames 1e12 --out many.h5", 2, "--frames must be a whole number from 1 to 1e6")
  wrong("evaluate --checkpoint a.h5 --data b.h5 --members 1e9", 2, "--members must be a whole number from 1 to 65535")
  wrong("bench sample --steps 1e9", 2, "--steps must be a whole number from 1 to 100000, got 1000000000")
  wrong("predict-ablation good.h5 --crop 0", 2, "--crop must be a whole number from 1 to 65536, got 0")
  wrong("convert good.safetensors x.h5 --raw --ema", 2, "give one of them")
  wrong("sample --checkpoint a.h5 --low b.h5 --steps 1e9", 2, "--steps must be a whole number from 1 to 100000")
end

function TestWrongUses:test_wrong_type()
  wrong("run sr.lua --set train.steps=abc", 2, "'train.steps' must be a whole number")
end
function TestWrongUses:test_wrong_seeds() wrong("run sr.lua --seeds 4..1", 2, "'4..1' is not a seed") end
function TestWrongUses:test_wrong_device() wrong("run sr.lua --device tpu", 2, "cpu or ref, got 'tpu'") end

function TestWrongUses:test_unknown_instruction_set()
  wrong("info", 1, "FLEXLAB_ISA: no instruction set 'mmx' here (there is:", "FLEXLAB_ISA=mmx")
end

function TestWrongUses:test_missing_data()
  wrong(run("none.h5"), 1, "no file 'none.h5'")
end

function TestWrongUses:test_nan_in_data()
  wrong(run("nan.h5"), 1, "nan.h5")
end

function TestWrongUses:test_truncated_data()
  wrong(run("cut.h5"), 1, "cut.h5")
end

function TestWrongUses:test_data_that_is_text()
  wrong(run("text.h5"), 1, "text.h5")
end

function TestWrongUses:test_crop_larger_than_the_field()
  wrong(run("good.h5", "--set data.crop=64"), 1, "crop")
end

function TestWrongUses:test_shape_mismatch()
  wrong(run("good.h5", "--set data.crop=10"), 1, "10")
end

function TestWrongUses:test_unknown_choice()
  wrong(run("good.h5", "--set model.schedule=cosin"), 2,
    "model.schedule: schedules has no 'cosin'; the nearest is 'cosine'")
end

function TestWrongUses:test_odd_grid()
  wrong("generate turbulence --size 65 --out odd.h5", 1, "even")
end

function TestWrongUses:test_negative_reynolds_number()
  wrong("generate turbulence --size 32 --re -3 --out negative.h5", 2, "--re must be a number above 0")
end

function TestWrongUses:test_output_in_a_missing_place()
  wrong("generate turbulence --size 32 --frames 2 --time 0.1 --out /proc/nowhere/x.h5", 1, "/proc/nowhere")
end

-- A full disk: the process may not write more than 8 KiB to a file.
function TestWrongUses:test_full_disk()
  wrong("generate turbulence --size 64 --frames 4 --time 0.1 --out full.h5", 1, "full.h5", "ulimit -f 8;")
end

-- Also where a checkpoint is written, and after HDF5 was asked for its version (which once installed an exit
-- handler that crashed): the code is 1, not a signal's.
function TestWrongUses:test_full_disk_for_a_checkpoint()
  local pt = ("%s/tests/fixtures/checkpoint_official.pt"):format(root)
  wrong(("convert %s full.h5"):format(pt), 1, "is the disk full? (HDF5: File too large)", "ulimit -f 800;")
  wrong(("convert %s full.safetensors"):format(pt), 1, "full.safetensors", "ulimit -f 800;")
  wrong(run("good.h5", "--seeds 9"), 1, "the checkpoint could not be written", "ulimit -f 100;")
end

function TestWrongUses:test_full_standard_output()
  local code, said = shell(("%s version 2>&1 >/dev/full"):format(program))
  lu.assertEquals({ code, said }, { 1, "flexlab: standard output could not be written\n" })
  lu.assertEquals(shell(("%s list 2>&1 >/dev/full"):format(program)), 1)
end

-- Root may write everywhere, so it becomes somebody else first.
function TestWrongUses:test_read_only_folder()
  local _, user = shell("id -u")
  local become = ""
  if tonumber(user) == 0 then
    become = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    local code = shell(("%s %s version >/dev/null 2>&1"):format(become, program))
    if code ~= 0 then lu.skip("nobody else may run the program") end
  end
  shell(("mkdir -p %s/locked && chmod 555 %s/locked"):format(folder, folder))
  wrong("generate turbulence --size 32 --frames 2 --time 0.1 --out locked/x.h5", 1,
    "locked/x.h5", become)
  wrong(run("good.h5", "--out locked/runs"), 1, "cannot create the folder locked/runs: Permission denied", become)
  wrong("convert good.safetensors locked/x.h5", 1, "Permission denied", become)
end

function TestWrongUses:test_truncated_checkpoint()
  wrong("convert cut.pt x.h5", 1, "cut.pt")
  wrong("convert cut.safetensors x.h5", 1, "cut.safetensors")
  wrong("parity cut.safetensors", 1, "cut.safetensors")
end
function TestWrongUses:test_checkpoint_that_is_a_field()
  wrong("sample --checkpoint good.h5 --data good.h5 --out x.h5", 1, "good.h5")
end
function TestWrongUses:test_unknown_format() wrong("convert good.h5 x.xyz", 1, "must end in .h5 or .safetensors") end
function TestWrongUses:test_parity_of_text() wrong("parity text.h5", 1, "text.h5") end

-- A pickle that would call os.system is refused by that name, and not called.
function TestWrongUses:test_pickle_that_calls_os_system()
  local pickle = "\128\2cposix\nsystem\nX\16\0\0\0touch " .. "poisoned  \133R."
  local name = "x/data.pkl"
  local crc = 0
  local header = string.pack("<I4I2I2I2I2I2I4I4I4I2I2", 0x04034b50, 20, 0, 0, 0, 0, crc, #pickle, #pickle, #name, 0)
  local entry = string.pack("<I4I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", 0x02014b50, 20, 20, 0, 0, 0, 0, crc, #pickle,
    #pickle, #name, 0, 0, 0, 0, 0, 0)
  local start = #header + #name + #pickle
  local tail = string.pack("<I4I2I2I2I2I4I4I2", 0x06054b50, 0, 0, 1, 1, #entry + #name, start, 0)
  local path = folder .. "/bad.pt"
  assert(core.sys.write(path, header .. name .. pickle .. entry .. name .. tail))
  wrong("convert bad.pt x.h5", 1, "posix system")
  lu.assertNil(core.sys.exists(folder .. "/poisoned"))
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. folder)
os.exit(code)
