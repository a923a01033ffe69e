-- Laws of flexlab.core's files, JSON, system calls, simulation and metrics.
local lu = require "luaunit"
local core = require "flexlab.core"
local support = require "tests.lua.support"

local raises, close, normal = support.raises, support.close, support.normal
local t, positive = support.t, support.positive

-- A folder of our own, removed at the end.
local folder = os.tmpname()
os.remove(folder)
assert(core.sys.mkdirs(folder .. "/a/b"))
local function path(name) return folder .. "/" .. name end

--------------------------------------------------------------------------------------------------
local TestFiles = {}
rawset(_G, "TestFiles", TestFiles)

function TestFiles.test_archives_come_back()
  local a, b = t(2, 3), core.tensor({ 1, 2 }, { dtype = "f64" })
  for _, name in ipairs { "x.h5", "x.safetensors" } do
    lu.assertTrue(core.io.save(path(name), { names = { "z", "net/w" }, tensors = { z = b, ["net/w"] = a },
      text = { config = "{}", step = 12, rate = 0.1 } }))
    local back = assert(core.io.load(path(name)))
    lu.assertEquals(back.tensors["net/w"]:totable(), a:totable())
    lu.assertEquals(back.tensors.z.dtype, "f64")
    lu.assertEquals(#back.names, 2)
    lu.assertEquals(back.text, { config = "{}", step = "12", rate = "0.1" })
  end
end

function TestFiles.test_refused_files_are_nil_and_a_message()
  local back, message = core.io.load(path("none.h5"))
  lu.assertNil(back)
  lu.assertStrContains(message, "none.h5")
  core.sys.write(path("junk.h5"), "junk")
  lu.assertNil((core.io.load(path("junk.h5"))))
  lu.assertNil((core.io.save(path("no/such/folder/x.h5"), { tensors = { a = t(1) } })))
  raises("save: tensors['a'] must be a tensor, got 3", core.io.save, path("y.h5"), { tensors = { a = 3 } })
  raises("save: 'names' must list each of the 1 tensors once", core.io.save, path("y.h5"),
    { tensors = { a = t(1) }, names = {} })
end

function TestFiles.test_fields()
  local w = assert(core.io.field_writer(path("f.h5"), { frames = 2, height = 3, width = 4, channels = 2 }))
  local frames = { t(1, 3, 4, 2), normal({ 1, 3, 4, 2 }, 1) }
  for _, f in ipairs(frames) do lu.assertTrue(w:append(f)) end
  lu.assertTrue(w:number("re", 1000))
  lu.assertTrue(w:text("solver", "none"))
  lu.assertTrue(w:array("times", { 0, 0.5 }))
  lu.assertTrue(w:finish())
  raises("finished or abandoned already", w.append, w, frames[1])
  local c = assert(core.io.container(path("f.h5")))
  lu.assertEquals(c:read("w", { start = { 2, 1, 1, 1 }, count = { 1, 2, 3, 4 } }):permute({ 1, 3, 4, 2 }):totable(),
    frames[2]:totable())
  lu.assertEquals(c:attributes(), { re = 1000, solver = "none" })
  lu.assertEquals(c:read("times"):totable(), { 0, 0.5 })
  raises("axis 1 of 'w' has 2 entries; entry 3 does not exist",
    c.read, c, "w", { start = { 3, 1, 1, 1 }, count = { 1, 2, 3, 4 } })
  c:close()
  raises("container: the file is closed already", c.read, c, "w")
end

function TestFiles.test_abandoned_files_leave_nothing()
  local w = assert(core.io.field_writer(path("gone.h5"), { frames = 1, height = 2, width = 2 }))
  w:abandon()
  w:abandon()
  lu.assertNil(core.sys.exists(path("gone.h5")))
end

function TestFiles.test_png()
  local bytes = core.io.png_encode(positive(4, 6, 3))
  lu.assertEquals(bytes:sub(1, 8), "\137PNG\r\n\26\n")
  lu.assertTrue(core.io.png(path("p.png"), positive(4, 6, 3)))
  lu.assertEquals(core.sys.read(path("p.png")):sub(2, 4), "PNG")
  raises("a picture must be (H,W,3), not (4,6)", core.io.png_encode, positive(4, 6))
end

--------------------------------------------------------------------------------------------------
local TestJson = {}
rawset(_G, "TestJson", TestJson)

function TestJson.test_keys_are_sorted_and_lists_are_lists()
  lu.assertEquals(core.json.encode { b = 1, a = { 1, 2.5, "x" }, c = { d = true }, e = {} },
    '{"a":[1,2.5,"x"],"b":1,"c":{"d":true},"e":{}}')
  lu.assertEquals(core.json.encode("a\"\n"), '"a\\"\\n"')
  lu.assertEquals(core.json.encode { 0 / 0, 1 / 0 }, "[null,null]")
end

function TestJson.test_round_trip()
  local v = { a = { 1, 2, { x = "y" } }, big = 2 ^ 53 | 0, tiny = 1e-300, third = 1 / 3, no = false }
  local back = core.json.decode(core.json.encode(v))
  lu.assertEquals(back, v)
  lu.assertEquals(math.type(back.big), "integer")
  lu.assertEquals(core.json.decode("[1.0, 2.5]"), { 1, 2.5 })
  lu.assertNil(core.json.decode('{"a":null}').a)
end

function TestJson.test_errors()
  raises("the integer 9007199254740993 is beyond 2^53", core.json.encode, (1 << 53) + 1)
  raises("json: a table is either a list or has names", core.json.encode, { 1, x = 2 })
  raises("json: keys must be strings, got true", core.json.encode, { [true] = 1 })
  raises("json: a function cannot be written", core.json.encode, { f = print })
  raises("json: a string holds the byte 0", core.json.encode, "a\0b")
  local cycle = {}
  cycle[1] = cycle
  raises("nested deeper than 100", core.json.encode, cycle)
  local value, message = core.json.decode("{\"a\": }")
  lu.assertNil(value)
  lu.assertStrContains(message, "not JSON at byte")
  lu.assertNil((core.json.decode("1 2")))
  lu.assertNil((core.json.decode("")))
end

--------------------------------------------------------------------------------------------------
local TestSys = {}
rawset(_G, "TestSys", TestSys)

function TestSys.test_files()
  local sys = core.sys
  lu.assertEquals(sys.exists(path("a/b")), "folder")
  lu.assertNil(sys.exists(path("none")))
  lu.assertTrue(sys.write(path("a/one"), "x\0y"))
  lu.assertEquals(sys.exists(path("a/one")), "file")
  lu.assertEquals(sys.read(path("a/one")), "x\0y")
  lu.assertTrue(sys.append(path("a/two"), "1\n"))
  lu.assertTrue(sys.append(path("a/two"), "2\n"))
  lu.assertEquals(sys.read(path("a/two")), "1\n2\n")
  lu.assertTrue(sys.sync(path("a/two")))
  lu.assertTrue(sys.rename(path("a/two"), path("a/three")))
  lu.assertEquals(sys.list(path("a")), { "b", "one", "three" })
  lu.assertTrue(sys.remove(path("a/three")))
  local ok, message = sys.remove(path("a/three"))
  lu.assertNil(ok)
  lu.assertStrContains(message, "three: No such file")
  lu.assertTrue(sys.symlink("one", path("a/link")))
  lu.assertTrue(sys.symlink("three", path("a/link")))             -- replaced at once
  lu.assertEquals(sys.readlink(path("a/link")), "three")
  lu.assertNil(sys.readlink(path("a/one")))
  lu.assertNil(sys.readlink(path("none")))
  lu.assertNil((sys.symlink("one", path("a/b"))))                 -- a folder is no link, and stays
  lu.assertEquals(sys.exists(path("a/b")), "folder")
  lu.assertEquals(sys.list(path("a")), { "b", "link", "one" })    -- nothing is left of the attempt
  lu.assertTrue(sys.remove(path("a/link")))
  for _, f in ipairs { sys.read, sys.list, sys.sync } do lu.assertNil((f(path("none")))) end
  lu.assertNil((sys.mkdirs(path("a/one/below"))))
  raises("string expected", sys.read, {})
end

function TestSys.test_the_rest()
  local sys = core.sys
  lu.assertTrue(sys.time() > 0 and sys.now() > 1.6e9)
  lu.assertEquals(sys.hash(""), "cbf29ce484222325")
  lu.assertEquals(#sys.hash("abc"), 16)
  lu.assertTrue(sys.pid() > 0 and #sys.host() > 0 and sys.columns() > 0)
  lu.assertTrue(sys.rss() > 1 << 20 and sys.peak_rss() >= 1 << 20)
  lu.assertEquals(type(sys.isatty(1)), "boolean")
end

function TestSys.test_interrupts()
  local function press() io.popen("kill -INT " .. core.sys.pid()):close() end
  core.sys.catch_interrupts(true)
  local flow = core.flow { height = 16, width = 16, re = 100, k0 = 2 }
  press()
  lu.assertEquals(core.sys.interrupts(), 1)
  press()
  raises("interrupted!", flow.advance, flow, 100)
  raises("it would take", flow.advance, flow, 1e12)
  lu.assertEquals(core.sys.interrupts(), 0, "who tells the user clears the count")
  core.sys.catch_interrupts(false)

  local net = core.flex { size = "nano", height = 8, width = 8, in_channels = 1, cond_channels = 1 }
  local x, one = core.zeros { 1, 8, 8, 1 }, core.zeros { 1, 1 }
  local function predict() return net:predict(x, one:reshape { 1 }, one, nil) end
  for _, work in ipairs { predict, function() return x + x end } do
    core.sys.catch_interrupts(true)
    press()
    lu.assertTrue(core.is_tensor(work()), "the first press lets the work end")
    press()
    raises("interrupted!", work)
    core.sys.catch_interrupts(false)
    lu.assertTrue(core.is_tensor(work()))
  end
  core.sys.catch_interrupts(false)
  lu.assertEquals(core.sys.interrupts(), 0)
  raises("must be true or false, got 1", core.sys.catch_interrupts, 1)
end

function TestSys.test_info_threads_backend()
  local info = core.info()
  for _, name in ipairs { "version", "isa", "isas", "blas", "hdf5", "compiler" } do
    lu.assertEquals(type(info[name]), "string", name)
  end
  local n = core.threads()
  lu.assertEquals(core.threads(1), 1)
  lu.assertEquals(core.threads(n), n)
  raises("threads: n must lie in 1..256, got 0", core.threads, 0)
  local backend = core.backend()
  core.backend(backend)
  raises("no backend 'gpu' (there is: cpu ref)", core.backend, "gpu")
  raises("no instruction set 'mmx'", core.isa, "mmx")
  local before = core.isa()
  if core.info().isas:find("avx2", 1, true) then   -- the psABI's names, where there are sets to choose from
    lu.assertEquals(core.isa "x86-64-v2", "baseline")
    lu.assertEquals(core.isa "x86-64-v3", "avx2")
  end
  lu.assertEquals(core.isa(before), before)
  lu.assertEquals(core._VERSION, info.version)
end

--------------------------------------------------------------------------------------------------
local TestScience = {}
rawset(_G, "TestScience", TestScience)

function TestScience.test_flow()
  local f = core.flow { height = 16, width = 16, re = 100, seed = 1, k0 = 3 }
  local start = f:diagnostics()
  close(start.energy, 0.5, 0.2)
  f:advance(0.2)
  local now = f:diagnostics()
  close(now.time, 0.2, 1e-12)
  close(f:time(), 0.2, 1e-12)
  lu.assertTrue(now.energy < start.energy and now.steps > 0)
  local w = f:vorticity()
  lu.assertEquals({ w.shape, w.dtype, f:velocity().shape }, { { 1, 16, 16, 1 }, "f64", { 1, 16, 16, 2 } })
  local g = core.flow { height = 16, width = 16, re = 100, initial = "rest" }
  g:set_vorticity(w)
  close(g:diagnostics().energy, now.energy, 1e-12)
  close(f:spectrum():sum():item(), now.energy, 1e-12)
  raises("flow: no option 'forceing'; the nearest is 'forcing'", core.flow, { forceing = "none" })
  raises("'forcing' must be one of none kolmogorov", core.flow, { forcing = "wind" })
  raises("flow: ", core.flow, { re = -1 })
  f:close()
  raises("flow: it is closed already", f.advance, f, 1)
end

function TestScience.test_metrics()
  local p, y = t(2, 16, 16, 1), normal({ 2, 16, 16, 1 }, 1)
  for _, m in ipairs(core.metrics.list) do
    if m.takes == "pair" then
      lu.assertEquals(core.metrics[m.name](p, y).shape, { 2 }, m.name)
      lu.assertTrue(m.better == "lower" or m.better == "higher")
    else
      lu.assertEquals(core.metrics[m.name](p, y:narrow { axis = 1, start = 1, length = 1 }).shape, { 1 })
    end
  end
  close(core.metrics.rfne(p, p):get(1), 0)
  close(core.metrics.pearson(p, p):get(1), 1)
  local e = core.metrics.ensemble(normal { 5, 4, 4, 1 }, normal({ 1, 4, 4, 1 }, 9))
  lu.assertEquals({ e.mean.shape, e.spread.shape }, { { 1, 4, 4, 1 }, { 1, 4, 4, 1 } })
  lu.assertTrue(e.crps:item() > 0)
  local s = core.metrics.spectrum(p)
  lu.assertEquals(s.ndim, 2)
  close(s[1]:sum():item(), p[1]:square():mean():item(), 1e-5)
  core.metrics.spectrum(p, { window = true })
  raises("rfne: argument 2 (truth) is missing", core.metrics.rfne, p)
  raises("rfne: ", core.metrics.rfne, p, t(1, 16, 16, 1))
end

--------------------------------------------------------------------------------------------------
local code = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(code)
