--[[
hostile_test - files made to do harm, each of which did: hang, crash, read the heap's bytes as numbers, or take memory
without end. Whatever looks at one says so in one sentence that names it, ends with 1, and is quick and small.
--]]
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")
local sanitized = os.getenv("LD_PRELOAD") ~= nil   -- its memory is another, and its address space endless
local FIXTURES = "tests/fixtures/hostile/"

TestHostile = {}
support.foldered(TestHostile)

-- Ended after a minute, with 1.5 GB of address space at most.
local function flexlab(arguments)
  local limit = sanitized and "" or "ulimit -v 1572864; "
  local pipe = assert(io.popen(("%stimeout 60 %s %s 2>&1; printf '\\n%%d' $?"):format(limit, program, arguments)))
  local said, code = pipe:read("a"):match("^(.*)\n(%d+)$")
  pipe:close()
  return tonumber(code), said
end

local function refused(arguments, path, sentence)
  local code, said = flexlab(arguments)
  lu.assertEquals(code, 1, arguments .. "\n" .. said)
  lu.assertStrContains(said, path)
  lu.assertStrContains(said, sentence)
  lu.assertNotStrContains(said, "Sanitizer")
  lu.assertNotStrContains(said, "traceback")
  local _, lines = said:gsub("[^\n]+", "")
  lu.assertEquals(lines, 1, said)
end

-- Each as a checkpoint, and as a file of fields ("" is any sentence): another release of HDF5 may notice the damage
-- where 1.10 crashes, or read what 1.10 cannot.
local old = core.info().hdf5:find("^1%.10%.") ~= nil
local CASES = {
  { "H1_hang_attr.h5", "did not come to an end", nil }, -- through the same door; waiting once is enough
  { "H3_segv_attr.h5", "", "" },
  { "H4_overread.h5", "no checkpoint uses", nil },
  { "H5_overread_attr.h5", "is damaged", "is damaged" },
  { "H7_bus_data.hdf5", "", old and "is damaged" or nil },
  { "D_vlen.h5", "is not a FlexLab checkpoint", sanitized and "is damaged" or "unfold to more than" },
  { "E_crc.npz", "not a checkpoint of PyTorch", nil },
  { "N1_nc_overflow.nc", "neither HDF5 nor safetensors", "ends behind the file's 676 bytes" },
}

function TestHostile.test_every_file_is_refused()
  for _, case in ipairs(CASES) do
    local path = FIXTURES .. case[1]
    refused("info " .. path, path, case[2])
    if case[3] then refused("data " .. path, path, case[3]) end
  end
end

-- Of a file in which one array is damaged the others are of use: it is named, and has no numbers.
function TestHostile.test_a_damaged_array_is_named()
  local code, said = flexlab("data " .. FIXTURES .. "E_crc.npz")
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "'w.npy' is damaged (its checksum differs)")
  lu.assertNotStrContains(said, "e+18")
  code, said = flexlab("data " .. FIXTURES .. "H4_overread.h5")
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "'r' has a chunk that is not as large as its chunk shape says: damaged")
end

-- OpenBLAS asks for its buffers until it gets them, before the program begins (cli/load_watch.c).
function TestHostile.test_an_address_space_too_small_to_begin_ends()
  if sanitized then return end
  for _, kilobytes in ipairs { 100000, 200000 } do
    local line = ("ulimit -v %d; timeout 60 %s version 2>&1; printf '\\n%%d' $?"):format(kilobytes, program)
    local pipe = assert(io.popen(line))
    local said, code = pipe:read("a"):match "^(.*)\n(%d+)$"
    pipe:close()
    if code ~= "0" then   -- a library that needs less may begin
      lu.assertEquals(code, "1", said)
      lu.assertStrContains(said, "cannot allocate")
    end
  end
end

-- What could not be opened is not of an unknown form.
function TestHostile.test_a_file_that_cannot_be_opened_fails()
  if sanitized then return end
  local path = TestHostile.folder .. "/open.h5"
  assert(core.io.save(path, { tensors = { a = core.full({ 2, 3 }, 1.5) } }))
  for limit = 4, 24 do   -- as many as the test's own surroundings leave
    local line = ("ulimit -n %d; %s data %s 2>&1; printf '\\n%%d' $?"):format(limit, program, path)
    local pipe = assert(io.popen(line))
    local said, code = pipe:read("a"):match "^(.*)\n(%d+)$"
    pipe:close()
    lu.assertTrue(code ~= nil and (code ~= "0" or not said:find "cannot open"), said)
    lu.assertFalse(said:find "unknown" ~= nil and said:find "Too many open files" ~= nil, said)
  end
end

-- What a library reads of them is refused in the process itself, which goes on.
function TestHostile.test_the_library_goes_on()
  for i = 2, #CASES do
    local case, path = CASES[i], FIXTURES .. CASES[i][1]
    local file, message = core.io.load(path)
    lu.assertTrue(file ~= nil or message:find(path, 1, true) ~= nil, path)
    if case[2] == "" and not path:find "H7" then lu.assertNil(file, path) end
  end
  local path = TestHostile.folder .. "/good.h5"
  assert(core.io.save(path, { tensors = { a = core.full({ 2, 3 }, 1.5) }, text = { kind = "x" } }))
  local good = assert(core.io.load(path))
  lu.assertEquals(good.text.kind, "x")
  lu.assertEquals(good.tensors.a:summary().min, 1.5)
end

-- A pipe in the place of a file of a run would be waited on for ever.
function TestHostile.test_pipes()
  local folder = TestHostile.folder
  assert(os.execute(("mkfifo %s/last.h5"):format(folder)))
  refused("info " .. folder .. "/last.h5", folder .. "/last.h5", "it is a device or a pipe, not a file")
  refused("data " .. folder .. "/last.h5", folder .. "/last.h5", "it is a device or a pipe, not a file")
  for _, name in ipairs { "read", "size" } do
    local value, message = core.sys[name](folder .. "/last.h5")
    lu.assertNil(value)
    lu.assertStrContains(message, "a device or a pipe")
  end
  lu.assertNil((core.sys.append(folder .. "/last.h5", "x")))
end


os.exit(lu.LuaUnit.run())
