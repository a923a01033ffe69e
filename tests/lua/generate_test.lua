-- flexlab generate: forcings, initial files, members, channels; films that are killed and go on.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local workers = require "flexlab.study.workers"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestGenerate", suite)

support.foldered(suite)

local function made(options)
  local o = { re = 100, size = 32, frames = 4, k0 = 4.0, seed = 3, quiet = true, out = suite.folder .. "/t.h5" }
  for k, v in pairs(options or {}) do o[k] = v end
  return flex.generate("turbulence", o)
end

-- With {hash} a film has a file for its settings: shortened and then whole, neither meets the other.
function suite.test_a_hash_in_the_name_keeps_films_apart()
  local out = suite.folder .. "/{hash}.h5"
  local function path(options)
    options.out, options.frames = out, options.frames or 2
    return made(options)[1]
  end
  local short, long = path {}, path { frames = 3 }
  lu.assertStrMatches(short, ".*/%x%x%x%x%x%x%x%x%.h5")
  lu.assertNotEquals(short, long)
  lu.assertEquals({ path {}, path { quiet = true, unresolved = "allow" } }, { short, short })
  lu.assertNotEquals(path { re = 50 }, short)
  lu.assertNotEquals(path { seed = 4 }, short)
  local several = made { out = out, re = { 50, 100 }, frames = 2, members = 1 }
  lu.assertEquals(#several, 4)
  for i, name in ipairs { "_re50", "_re50_member1", "_re100", "_re100_member1" } do
    lu.assertStrMatches(several[i], ".*/%x+" .. name .. "%.h5")
  end
end

-- Two frames of one time would be one frame under two names.
function suite.test_frames_have_times_of_their_own()
  for spacing, time in pairs { [1e-300] = 0.5, [1e-17] = 1, [1.2e-16] = 1 } do
    local o = { spacing = spacing, time = time, frames = 9 }
    support.raises("is below the last digit of the time: frames", made, o)
  end
  lu.assertNil(core.sys.exists(suite.folder .. "/t.h5"))
  lu.assertNotNil(made { spacing = 1e-9, frames = 2 })
end

local function read(path, frame, channel)
  local reader <close> = flex.fields.open(path, { dataset = "w", channels = channel or 1 })
  return assert(reader:read { frame = frame })
end

local function distance(a, b) return (a - b):abs():max():item() end

local function attributes(path)
  local file = core.io.container(path)
  local all = file:attributes ""
  file:close()
  return all
end

-- A film is what its options and the solver make it, whichever version of FlexLab wrote it.
function suite.test_a_film_of_another_version_is_kept()
  local path = made()[1]
  local before = core.sys.read(path)
  local real = core.info
  core.info = function()
    local info = real()
    info.version = "0.0.1"
    return info
  end
  local ok, kept = pcall(made)
  local also, other = pcall(made, { out = suite.folder .. "/other.h5" })
  core.info = real
  lu.assertEquals({ ok, also, kept[1] }, { true, true, path })
  lu.assertEquals(core.sys.read(path), before)
  lu.assertEquals({ attributes(path).version, attributes(other[1]).version }, { core.info().version, "0.0.1" })
  local film_flow = require "flexlab.flow.film_flow"
  lu.assertNil(film_flow.difference({ Re = 5, version = "0.1.0" }, { Re = 5 }))
  lu.assertEquals(film_flow.difference({ Re = 5, version = "0.1.0" }, { Re = 6 }), "Re is 5, not 6")
end

-- The program that makes a film and is killed (-9) when it has saved `frames` frames.
local function killed(options, frames)
  local script = suite.folder .. "/killed.lua"
  assert(core.sys.write(script, ([[
    local flex = require "flexlab"
    local save, count = flex.core.io.save, 0
    flex.core.io.save = function(...)
      local ok, message = save(...)
      count = count + 1
      if count == %d then os.execute("kill -9 " .. flex.core.sys.pid()) end
      return ok, message
    end
    flex.generate("turbulence", %s)
  ]]):format(frames, options)))
  local _, how, code = os.execute(("{ %s script %s; } >/dev/null 2>&1"):format(workers.program(), script))
  return how == "signal" and code or code - 128
end

local function a_killed_film_goes_on_with_the_same_bytes(precision)
  local options = ('{ re = 100, size = 32, frames = 5, k0 = 4.0, seed = 3, quiet = true, forcing = "ring", '
    .. 'forcing_rate = 0.5, fields = "w,p", precision = "%s", out = "%s/b.h5" }'):format(precision, suite.folder)
  lu.assertEquals(killed(options, 2), 9)
  lu.assertNil(core.sys.exists(suite.folder .. "/b.h5"))
  local part = read(suite.folder .. "/b.h5.part", 2)               -- frames that are done can be read
  lu.assertEquals(killed(options, 1), 9)                     -- goes on, and is killed behind the third
  local o = load("return " .. options)()
  local b = flex.generate("turbulence", o)[1]
  o.out = suite.folder .. "/a.h5"
  local a = flex.generate("turbulence", o)[1]
  lu.assertTrue(core.sys.read(a) == core.sys.read(b))
  lu.assertEquals(part:totable(), read(a, 2):totable())
  for _, rest in ipairs { ".part", ".part.safetensors", ".lock" } do lu.assertNil(core.sys.exists(b .. rest)) end
  os.remove(a)
  os.remove(b)
end

function suite.test_a_killed_film_goes_on_with_the_same_bytes()
  a_killed_film_goes_on_with_the_same_bytes "double"
  a_killed_film_goes_on_with_the_same_bytes "single"
end

function suite.test_single_precision_is_an_attribute_and_other_bits_of_the_same_flow()
  local double = made { out = suite.folder .. "/double.h5" }[1]
  local single = made { precision = "single", out = suite.folder .. "/single.h5" }[1]
  lu.assertEquals({ attributes(double).precision, attributes(single).precision }, { "double", "single" })
  local apart = distance(read(double, 4), read(single, 4)) / read(double, 4):abs():max():item()
  lu.assertTrue(apart > 0 and apart < 1e-5, tostring(apart))
  lu.assertErrorMsgContains("double.h5' holds something else (its precision is double, not single); give another name",
    made, { precision = "single", out = double })
  lu.assertErrorMsgContains("precision must be 'single' or 'double', got 'sinlge'; the nearest is 'single'", made,
    { precision = "sinlge" })
end

function suite.test_what_was_begun_in_one_precision_does_not_go_on_in_the_other()
  local interrupts = core.sys.interrupts
  core.sys.interrupts = function() return 1 end
  pcall(made, { precision = "single" })
  core.sys.interrupts = interrupts
  lu.assertErrorMsgContains("t.h5.part' is the beginning of another film (its precision is single, not double); give "
    .. "another name", made)
  lu.assertEquals(attributes(made { precision = "single" }[1]).precision, "single")
end

function suite.test_walls_members_and_scalars_are_there_in_single_precision()
  local function both(options)
    local last = {}
    for _, precision in ipairs { "double", "single" } do
      options.precision, options.out = precision, ("%s/%s.h5"):format(suite.folder, precision)
      options.unresolved, options.fresh = "allow", true
      for i, path in ipairs(made(options)) do last[i] = last[i] or {}; table.insert(last[i], path) end
    end
    for _, pair in ipairs(last) do
      local reader = flex.fields.open(pair[1], { dataset = "w" })
      for channel = 1, reader.channels do
        local a, b = read(pair[1], 4, channel), read(pair[2], 4, channel)
        lu.assertTrue(distance(a, b) < 1e-4 * a:abs():max():item(), pair[2])
      end
      reader:close()
    end
  end
  both { boundary = "free_slip", fields = "w,c", members = 1 }
  both { boundary = "cylinder", fields = "w,u,v,p,c,solid", rms_velocity = 0.1, radius = 0.6 }
end

function suite.test_an_interrupted_film_says_how_to_go_on_and_is_not_mixed_with_another()
  local interrupts, path = core.sys.interrupts, suite.folder .. "/t.h5"
  core.sys.interrupts = function() return 1 end
  local ok, message = pcall(made)
  core.sys.interrupts = interrupts
  lu.assertFalse(ok)
  lu.assertTrue(message.interrupted)
  lu.assertEquals(tostring(message), ("stopped; 1 of 4 frames are in '%s.part'; the same command goes on"):format(path))
  lu.assertErrorMsgContains("is the beginning of another film", made, { seed = 4 })
  lu.assertNil(core.sys.exists(path))
  made { seed = 4, fresh = true }
  local other = core.sys.read(path)
  os.remove(path)
  made { seed = 4 }
  lu.assertTrue(core.sys.read(path) == other)
end

function suite.test_a_damaged_beginning_is_refused()
  local interrupts = core.sys.interrupts
  core.sys.interrupts = function() return 1 end
  pcall(made)
  core.sys.interrupts = interrupts
  assert(core.sys.write(suite.folder .. "/t.h5.part", "not HDF5"))
  lu.assertErrorMsgContains("t.h5.part", made)
  made { fresh = true }
end

function suite.test_attributes_say_what_the_film_is()
  local path = made { forcing = "ring", forcing_wavenumber = 5, forcing_rate = 0.3, time = 0.25 }[1]
  local a = attributes(path)
  lu.assertEquals({ a.Re, a.nu, a.seed, a.drag, a.forcing, a.forcing_wavenumber, a.forcing_rate, a.start },
    { 100, 0.01, 3, 0.1, "ring", 5, 0.3, 0.25 })
  lu.assertTrue(a.kmax_eta > 0.1 and a.kmax_eta < 10)
  lu.assertEquals(a.version, core.info().version)
  lu.assertNil(a.forcing_amplitude)
  a = attributes(made { forcing = "kolmogorov", drag = 0.5, out = suite.folder .. "/k.h5" }[1])
  lu.assertEquals({ a.drag, a.forcing_amplitude, a.forcing_rate }, { 0.5, 1, nil })
  lu.assertEquals(a.precision, "double")
  lu.assertErrorMsgContains("k.h5' holds something else (its drag is 0.5, not 0.7); give another name", made,
    { forcing = "kolmogorov", drag = 0.7, out = suite.folder .. "/k.h5" })
  lu.assertErrorMsgContains("holds something else (its drag is 0.1, not 0.5)", made,
    { forcing = "ring", forcing_wavenumber = 5, forcing_rate = 0.3, time = 0.25, drag = 0.5, out = path })
end

function suite.test_channels_are_vorticity_velocity_and_pressure()
  local path = made { fields = "w,v,u,p" }[1]
  lu.assertEquals(attributes(path).channels, "w,v,u,p")
  local flow = core.flow { height = 32, width = 32, re = 100, k0 = 4, seed = 3 }
  flow:advance(0.5)                                          -- steps divide the way between frames
  flow:advance(0.6)
  local velocity = flow:velocity():to "f32"
  lu.assertEquals(distance(read(path, 2, 1), flow:vorticity():to "f32"), 0)
  lu.assertEquals(distance(read(path, 2, 3), velocity:narrow { axis = 4, start = 1, length = 1 }), 0)
  lu.assertEquals(distance(read(path, 2, 2), velocity:narrow { axis = 4, start = 2, length = 1 }), 0)
  lu.assertEquals(distance(read(path, 2, 4), flow:pressure():to "f32"), 0)
  lu.assertErrorMsgContains("fields", made, { fields = "w,temperature", out = suite.folder .. "/x.h5" })
  lu.assertErrorMsgContains("given twice", made, { fields = "w,w", out = suite.folder .. "/x.h5" })
end

function suite.test_an_initial_file_is_the_start()
  local first = made()[1]
  local next = made { initial = first, time = 0, frames = 2, out = suite.folder .. "/n.h5" }[1]
  lu.assertTrue(distance(read(first, 4), read(next, 1)) < 1e-4)
  next = made { initial = first, initial_frame = 1, time = 0, frames = 2, out = suite.folder .. "/m.h5" }[1]
  lu.assertTrue(distance(read(first, 1), read(next, 1)) < 1e-4)
  lu.assertTrue(distance(read(first, 2), read(next, 2)) < 1e-3)   -- and it goes the same way
  lu.assertErrorMsgContains("give --size 32", made, { initial = first, size = 64, out = suite.folder .. "/x.h5" })
  lu.assertErrorMsgContains("has frames 1 to 4", made, { initial = first, initial_frame = 9,
    out = suite.folder .. "/x.h5" })
  for name, sentence in pairs { w = "holds NaN or infinity at frame 1, channel 1", u = "has no dataset 'w'" } do
    local bad = ("%s/bad_%s.h5"):format(suite.folder, name)
    local writer = assert(core.io.field_writer(bad, { dataset = name, frames = 1, height = 32, width = 32 }))
    assert(writer:append(core.full({ 1, 32, 32, 1 }, 0 / 0)) and writer:finish())
    lu.assertErrorMsgContains(sentence, made, { initial = bad, size = 32, out = suite.folder .. "/x.h5" })
  end
  lu.assertErrorMsgContains("nowhere.h5", made, { initial = suite.folder .. "/nowhere.h5",
    out = suite.folder .. "/x.h5" })
  lu.assertNil(core.sys.exists(suite.folder .. "/x.h5.part"))
end

function suite.test_members_look_alike_to_a_coarse_observer_and_part()
  local paths = made { re = 500, size = 64, members = 2, forcing = "ring", k0 = 5.0 }
  lu.assertEquals(paths, { suite.folder .. "/t.h5", suite.folder .. "/t_member1.h5", suite.folder .. "/t_member2.h5" })
  local truth, one, two = read(paths[1], 1):totable(), read(paths[2], 1):totable(), read(paths[3], 1):totable()
  local worst, between = 0, 0
  for i = 1, #truth do
    local x, y = (i - 1) % 64, (i - 1) // 64
    if x % 4 == 0 and y % 4 == 0 then worst = math.max(worst, math.abs(truth[i] - one[i])) end
    between = math.max(between, math.abs(two[i] - one[i]))
  end
  lu.assertTrue(worst < 1e-4, tostring(worst))
  lu.assertTrue(between > 0.01, tostring(between))
  lu.assertEquals(made { re = 500, size = 64, members = 2, forcing = "ring", k0 = 5.0 }, paths)  -- all are there
  lu.assertEquals(attributes(paths[3]).member, 2)
end

function suite.test_what_is_not_resolved_is_refused_if_asked()
  lu.assertErrorMsgContains("is not resolved at 32x32", made, { re = 1e5, unresolved = "refuse", time = 2 })
  lu.assertNil(core.sys.exists(suite.folder .. "/t.h5"))
  made { re = 1e5, unresolved = "allow", frames = 1 }
  lu.assertErrorMsgContains("nearest is 'allow'", made, { unresolved = "alow" })
  lu.assertErrorMsgContains("nearest is 'ring'", made, { forcing = "rung" })
  lu.assertErrorMsgContains("drag must be a number from 0", made, { drag = -1 })
end

function suite.test_two_processes_make_one_film_once()
  local line = ("%s generate turbulence --re 100 --size 32 --frames 3 --k0 4 --quiet --out %s/two.h5")
    :format(workers.program(), suite.folder)
  local _, _, code = os.execute(("{ %s & %s; a=$?; wait $! && exit $a; } >/dev/null 2>&1"):format(line, line))
  lu.assertEquals(code, 0)
  lu.assertEquals(core.sys.list(suite.folder), { "two.h5" })
end

os.exit(lu.LuaUnit.run())
