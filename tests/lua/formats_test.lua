-- Laws of flexlab.data.fields and the formats: files as public data sets have them (tests/oracle/data_files.py wrote
-- them with h5py, netCDF4 and numpy) hold the numbers of one formula, whatever their type, order and compression.
local lu = require "luaunit"
local flex = require "flexlab"
local fields = require "flexlab.data.fields"
local quantities = require "flexlab.data.quantities"
local inspect = require "flexlab.data.inspect"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestFormats", suite)

local ROOT = "tests/fixtures/data/"
local H, W = 8, 12

-- The formula of data_files.py; everything counts from 0.
local function value(i)
  return (32 * i.c + 8 * (i.n or 0) + 64 * (i.t or 0) + 4 * (i.z or 0) + i.y + 16 * i.x) % 997
end

function suite.test_a_misspelt_option_of_a_reader_is_refused()
  local reader <close> = fields.open(ROOT .. "8000_12_8_seed_2150.h5")
  support.raises("read has no 'chanel'", reader.read, reader, { frame = 1, chanel = 2 })
  support.raises("'frame' must be given", reader.read, reader, { y = 2 })
end

-- Every number of every frame. `o`: t, n, z (their counts), absent (letters along which channel c is
-- constant), first (by channel), modulo.
local function check(name, options, o)
  local reader = fields.open(ROOT .. name, options)
  o.n, o.z = o.n or 1, o.z or 1
  lu.assertEquals({ reader.frames, reader.height, reader.width, reader.channels },
    { o.n * o.z * o.t, o.height or H, W, o.c or 1 }, name)
  for frame = 1, reader.frames do
    local index = { n = (frame - 1) // (o.z * o.t), z = (frame - 1) // o.t % o.z, t = (frame - 1) % o.t }
    local t = assert(reader:read { frame = frame })
    local list, k, wrong = t:totable(), 0, 0
    for y = 0, reader.height - 1 do
      for x = 0, W - 1 do
        for c = 0, reader.channels - 1 do
          local i = { n = index.n, z = index.z, t = index.t, y = y, x = x, c = c + (o.first or 0) }
          for letter in (o.absent and o.absent[c + 1] or ""):gmatch(".") do i[letter] = 0 end
          k = k + 1
          if list[k] ~= value(i) % (o.modulo or 997) then wrong = wrong + 1 end
        end
      end
    end
    lu.assertEquals(wrong, 0, name .. " frame " .. frame)
  end
  reader:close()
  return reader
end

local rows = {
  { "8000_12_8_seed_2150.h5", "nskt", { t = 3 } }, { "nstk_3channels.h5", "nskt", { t = 3, c = 3 } },
  { "minflex.h5", "fields", { t = 3 } }, { "era5.h5", "fields", { t = 3, c = 3 } },
  { "superbench.h5", "fields", { t = 3, c = 3 } },
  { "pdebench_incompressible.h5", "pdebench_incompressible", { n = 2, t = 3, c = 3 } },
  { "pdebench_incompressible_gzip.h5", "pdebench_incompressible", { n = 2, t = 3, c = 3 } },
  { "2D_CFD_periodic_Train.hdf5", "pdebench_compressible", { n = 2, t = 3, c = 4 } },
  { "1D_Burgers.hdf5", "pdebench_tensor", { n = 2, t = 3, height = 1 } },
  { "2D_Darcy.hdf5", "pdebench_tensor", { n = 2, t = 1 } },
  { "2D_diff-react.h5", "pdebench_groups", { n = 2, t = 3, c = 2 } },
  { "NavierStokes2D_train_1.h5", "pdearena", { n = 2, t = 3, c = 3 } },
  { "well.hdf5", "the_well", { n = 2, t = 3, c = 7 } },
  { "well_absent.hdf5", "the_well", { n = 2, t = 3, c = 3, absent = { "y", "n", "n" } } },
  { "packed.nc", "netcdf", { t = 3, c = 2 } }, { "classic.nc", "netcdf", { t = 3, c = 2 } },
  { "offset64_packed.nc", "netcdf", { t = 3, c = 2 } }, { "data64.nc", "netcdf", { t = 3, c = 2 } },
  { "kolmogorov.npy", "numpy", { n = 2, t = 6 } }, { "fortran.npy", "numpy", { t = 3 } },
  { "half.npy", "numpy", { t = 3 } }, { "stored.npz", "numpy", { t = 3, c = 2 } },
  { "deflated.npz", "numpy", { t = 3, c = 2 } },
  { "w_f64_big.h5", "nskt", { t = 3 } }, { "w_f16.h5", "nskt", { t = 3 } },
  { "w_i2_big_fletcher.h5", "nskt", { t = 3 } }, { "w_u1_mod.h5", "nskt", { t = 3, modulo = 251 } },
  { "w_unlimited.h5", "nskt", { t = 3 } }, { "w_v110.h5", "nskt", { t = 3 } },
  { "w_channels_last.h5", "nskt", { t = 3, c = 2 } }, { "userblock.h5", "nskt", { t = 3 } },
}

function suite.test_every_row_is_recognised_and_read_to_the_same_numbers()
  for _, row in ipairs(rows) do
    lu.assertEquals(check(row[1], nil, row[3]).file.format.name, row[2], row[1])
  end
end

function suite.test_three_lines_describe_any_file()
  check("own.h5", { format = { dataset = "loop/velocity", axes = "ntyxc", channels = { "u", "v" },
    time = "loop/time" } }, { n = 2, t = 3, c = 2 })
  check("own.h5", { format = { dataset = "loop/volume", axes = "ntzyx" } }, { n = 2, t = 3, z = 4 })
  lu.assertErrorMsgContains("the format of 'tests/fixtures/data/own.h5' is not known; it has 'loop/time' (3)",
    fields.open, ROOT .. "own.h5")
  lu.assertErrorMsgContains("has 5 axes (2,3,8,12,2), the description says 'tyx'", fields.open, ROOT .. "own.h5",
    { format = { dataset = "loop/velocity", axes = "tyx" } })
  lu.assertErrorMsgContains("nearest is 'axes'", fields.open, ROOT .. "own.h5", { format = { axis = "tyx" } })
  lu.assertErrorMsgContains("nearest is 'the_well'", fields.open, ROOT .. "own.h5", { format = "thewell" })
end

function suite.test_channels_are_chosen_by_name_or_number()
  check("well.hdf5", { channels = { "velocity.2", "strain.1", "strain.2" } }, { n = 2, t = 3, c = 3, first = 2 })
  check("pdebench_incompressible.h5", { channels = { "vy", "particles" } }, { n = 2, t = 3, c = 2, first = 1 })
  check("pdebench_incompressible.h5", { channels = { 3, 4 } }, { n = 2, t = 3, c = 2, first = 2,
    absent = { "", "t" } })
  check("superbench.h5", { channels = 2 }, { t = 3, first = 1 })
  lu.assertErrorMsgContains("nearest is 'particles'", fields.open, ROOT .. "pdebench_incompressible.h5",
    { channels = { "particle" } })
  local low = fields.open(ROOT .. "superbench.h5", { dataset = "LR_fields" })
  lu.assertEquals({ low.height, low.width, low.channels }, { 2, 3, 3 })
end

function suite.test_times_boundaries_and_reynolds_numbers()
  local well = flex.frames.open(ROOT .. "well.hdf5")
  lu.assertEquals({ well.boundary, well:re { file = 1, frame = 2 } }, { "periodic", 5000 })
  lu.assertEquals(well.files[1].stretches.run, { 1, 1, 1, 2, 2, 2 })
  lu.assertEquals(flex.frames.open(ROOT .. "well_absent.hdf5").boundary, "mixed")
  lu.assertEquals(flex.frames.open(ROOT .. "pdebench_incompressible.h5").boundary, "wall")
  lu.assertEquals(fields.open(ROOT .. "pdebench_incompressible.h5"):time(5), 2)
  lu.assertEquals(flex.frames.open(ROOT .. "8000_12_8_seed_2150.h5"):re { file = 1, frame = 1 }, 8000)
  lu.assertEquals(flex.frames.open(ROOT .. "w_f16.h5"):re { file = 1, frame = 1 }, 1234)
end

function suite.test_a_patch_is_read_alone()
  local reader = fields.open(ROOT .. "well.hdf5")
  local whole = reader:read { frame = 5 }
  local patch = reader:read { frame = 5, y = 3, x = 2, height = 4, width = 7 }
  local cut = whole:narrow { axis = 2, start = 3, length = 4 }:narrow { axis = 3, start = 2, length = 7 }
  lu.assertEquals((patch - cut):abs():summary().max, 0)
end

function suite.test_the_report_has_statistics_axes_and_what_could_be_trained()
  local r = inspect.report(ROOT .. "offset64_packed.nc", {})
  lu.assertEquals({ r.format, r.container, r.frames }, { "netcdf", "netCDF-3", 3 })
  local u
  for _, v in ipairs(r.variables) do u = v.path == "u" and v or u end
  lu.assertEquals({ u.shape, u.axes, u.dtype, u.missing, u.min, u.max }, { { 3, 8, 12 }, { "time", "row", "column" },
    ">i2", 0, 0, 311 })
  lu.assertAlmostEquals(u.mean, 155.5, 1e-9)
  lu.assertAlmostEquals(u.std, math.sqrt((64 ^ 2 * 8 + 63 + 256 * 143) / 12), 1e-9)
  lu.assertStrContains(r.trainable[1], "super-resolution of u and v on 3 frames of 8x12")
  lu.assertStrContains(r.trainable[2], "forecasting")
end

function suite.test_slow_chunks_are_told_with_better_ones()
  local r = inspect.report(ROOT .. "w_f16.h5", {})
  lu.assertStrContains(table.concat(r.warnings, "\n"),
    "'w' has chunks (2,5,5): one frame costs 3.1 times its size to read; (1,8,12) would be better")
  lu.assertEquals(inspect.report(ROOT .. "minflex.h5", {}).warnings, {})
end

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

function suite.test_repack_keeps_numbers_times_and_names()
  local to = folder .. "/packed.h5"
  local repack = require "flexlab.data.repack"
  lu.assertStrContains(repack(ROOT .. "well_absent.hdf5", to, { deflate = 1 }), "6 frames of 8x12")
  local a, b = fields.open(ROOT .. "well_absent.hdf5"), fields.open(to)
  lu.assertEquals(b.names, { "buoyancy", "velocity.1", "velocity.2" })
  lu.assertEquals(b.variable("w").chunk, { 1, 3, 8, 12 })
  for frame = 1, 6 do
    lu.assertEquals((a:read { frame = frame } - b:read { frame = frame }):abs():summary().max, 0)
    lu.assertEquals(a:time(frame), b:time(frame))
  end
  lu.assertErrorMsgContains("is there already", repack, ROOT .. "well.hdf5", to, {})
end

-- Whatever inspect says of a file that is not about how it is stored. Times that fall are written in ascending order.
local function said(path, options)
  local r = inspect.report(path, { axes = options.axes, statistics = false })
  local notes = {}
  for _, note in ipairs(r.notes) do
    if note:find("periodic", 1, true) or note:find("in time", 1, true) then notes[#notes + 1] = note end
  end
  return { frames = r.frames, height = r.height, width = r.width, channels = r.channels, boundary = r.boundary,
    times = r.times, levels = r.levels, trainable = r.trainable, notes = notes }
end

-- "3 runs of 4 frames" may not become "1 run of 12", nor levels times.
function suite.test_a_repacked_file_is_what_the_file_was()
  local repack = require "flexlab.data.repack"
  local place, count, several, units = support.folder(), 0, 0, 0
  local files = {}
  for _, root in ipairs { ROOT, "tests/fixtures/cases/" } do
    for _, name in ipairs(core.sys.list(root)) do files[#files + 1] = root .. name end
  end
  local run = place .. "/runs.h5"
  assert(core.io.save(run, { tensors = { a = core.zeros { 3, 4, 8, 8 } } }))
  files[#files + 1] = run
  for _, path in ipairs(files) do
    local options = { axes = path == run and "ntyx" or nil }
    if path == run then options.dataset = "a" end
    local ok, reader = pcall(fields.open, path, options)
    if ok then
      reader:close()
      local to = place .. "/" .. count .. ".h5"
      if pcall(repack, path, to, options) then
        count = count + 1
        local before = inspect.report(path, { axes = options.axes, dataset = options.dataset, statistics = false })
        several = several + (before.levels and 1 or 0)
        local a, b = fields.open(path, options), fields.open(to)
        lu.assertEquals({ b.counts.n, b.counts.z, b.counts.t, b.wraps or "-", b.boundary or "-" },
          { a.counts.n, a.counts.z, a.counts.t, a.wraps or "-", a.boundary or "-" }, path)
        for j = 1, a.frames do lu.assertEquals({ a:run(j), a:time(j) }, { b:run(j), b:time(j) }, path) end
        lu.assertEquals(flex.frames.open(to):re { file = 1, frame = a.frames }, flex.frames.open(path, options)
          :re { file = 1, frame = a.frames }, path)
        lu.assertEquals(quantities.of(b), quantities.of(a), path)
        units = units + (quantities.of(b)[1].units and 1 or 0)
        if path ~= run then lu.assertEquals(said(to, {}), said(path, options), path) end
      end
    end
  end
  lu.assertTrue(count > 40 and several > 5 and units > 0, ("%d files, %d of several runs, %d with units"):format(count,
    several, units))
  local file = flex.frames.open(place .. "/" .. count - 1 .. ".h5").files[1]
  lu.assertEquals(file.stretches.run, { 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3 })
  os.execute("rm -rf '" .. place .. "'")
end

function suite.test_counts_that_do_not_divide_the_frames_are_refused()
  local path = folder .. "/counts.h5"
  local writer = assert(core.io.field_writer(path, { frames = 6, height = 4, width = 4 }))
  for _ = 1, 6 do assert(writer:append(core.zeros { 4, 4 })) end
  assert(writer:number("samples", 4))
  assert(writer:finish())
  lu.assertErrorMsgContains("counts.h5' has 6 frames, not 4 samples of 1 levels, as its attributes samples "
    .. "and levels say", fields.open, path)
  lu.assertEquals(fields.open(path, { axes = "nyx" }).counts, { n = 6, z = 1, t = 1 })
end

-- What a command line prints, both streams, and its code.
local function program(line)
  local pipe = assert(io.popen(("%s %s 2>&1; echo code $?"):format(os.getenv "FLEXLAB_PROGRAM", line)))
  local text = pipe:read "a"
  pipe:close()
  return text:match("^(.*)code (%d+)\n$")
end

function suite.test_the_command_prints_json_and_refuses_in_one_sentence()
  local text, code = program("data --json " .. ROOT .. "classic.nc")
  local report = assert(core.json.decode(text))
  lu.assertEquals({ code, report.format, #report.variables }, { "0", "netcdf", 6 })
  lu.assertEquals(report.variables[5].missing, 0)
  text, code = program("data " .. ROOT .. "stats.yaml")
  lu.assertEquals(code, "1")
  lu.assertStrContains(text, "stats.yaml is not HDF5, netCDF, .npy or .npz")
  text, code = program("data --quick " .. ROOT .. "own.h5")
  lu.assertEquals(code, "0")
  lu.assertStrContains(text, "warning: the format of 'tests/fixtures/data/own.h5' is not known")
  text, code = program("data repack " .. ROOT .. "own.h5")
  lu.assertEquals(code, "2")
  lu.assertStrContains(text, "IN and OUT are needed")
end

-- A format that is named for a file of another one: its numbers, or one sentence that names file, format and what the
-- file has; never an error of Lua's.
function suite.test_every_format_named_for_every_file_is_read_or_refused_in_a_sentence()
  local place, refused = support.folder(), 0
  assert(core.io.save(place .. "/line.h5", { tensors = { tensor = core.zeros { 3 }, fields = core.zeros { 3 },
    w = core.zeros { 3 }, velocity = core.zeros { 3 }, ["train/u"] = core.zeros { 3 }, ["0000/data"] = core.zeros { 3 },
    ["t0_fields/u"] = core.zeros { 3 }, density = core.zeros { 3 } } }))
  assert(core.io.save(place .. "/none.h5", { tensors = {}, text = { about = "nothing" } }))
  local files = { place .. "/line.h5", place .. "/none.h5", "tests/fixtures/cases/cf.nc" }
  for _, name in ipairs(core.sys.list(ROOT)) do
    if not name:find "%.yaml$" then files[#files + 1] = ROOT .. name end
  end
  for _, format in ipairs(flex.formats()) do
    for _, path in ipairs(files) do
      local ok, reader = pcall(fields.open, path, { format = format })
      if ok then
        reader:close()
      else
        local message = tostring(reader)
        refused = refused + 1
        lu.assertEquals(message:sub(1, 7), "data: '", format .. ": " .. message)
        lu.assertStrContains(message, path)
        lu.assertNil(message:find "%.lua:%d" or message:find "attempt to", format .. ": " .. message)
      end
    end
  end
  lu.assertTrue(refused > 100, refused)
  lu.assertErrorMsgContains("does not fit format 'fields' (minFLEX, ERA5 as FourCastNet has it, SuperBench: `fields` "
    .. "(T,H,W) or (T,C,H,W)): it has 'w' (3,8,12); its format is 'nskt', which is found "
    .. "without data.format or --format", fields.open, ROOT .. "8000_12_8_seed_2150.h5",
    { format = "fields" })
  os.execute("rm -r '" .. place .. "'")
end

-- What a user's own format raises is not lost.
function suite.test_what_a_format_of_ones_own_raises_stands_behind_the_sentence()
  flex.formats.define("mine", { doc = "mine", recognise = function() return false end,
    describe = function(file) return { channels = file.nothing.there } end })
  lu.assertErrorMsgContains("does not fit format 'mine' (mine): it has", fields.open, ROOT .. "own.h5",
    { format = "mine" })
  lu.assertErrorMsgContains("formats_test.lua:", fields.open, ROOT .. "own.h5", { format = "mine" })
  flex.formats.define("mine", nil)
end

function suite.test_published_statistics_are_reported()
  local published = require "flexlab.data.published"
  local text, code = program("data --quick " .. ROOT .. "well.hdf5")
  lu.assertEquals(code, "0")
  lu.assertStrContains(text, "published for velocity.2: mean -2, std 4 (tests/fixtures/data/stats.yaml)")
  lu.assertStrContains(text, "published for buoyancy: mean 100.5, std 20")
  -- as The Well writes tensors, and what it is not
  local all = published.parse("mean:\n  C:\n  - - 19.5\n    - -0.25\n  - - 3.5e-05\n    - 9\n  p: 1\nstd:\n  p: 2\n")
  lu.assertEquals(all, { mean = { C = { 19.5, -0.25, 3.5e-05, 9 }, p = { 1 } }, std = { p = { 2 } } })
  for text_, line in pairs { ["mean: 3\n"] = 1, ["mean:\n  p: word\n"] = 2, ["mean:\n  - 1\n"] = 2, ["x\n"] = 1 } do
    lu.assertEquals({ published.parse(text_) }, { nil, line })
  end
  lu.assertNil(published.of "recipes/nowhere.h5")
end

local function two_steps(options, padding)
  local cfg = { factor = 2, crop = { 8, 8 }, batch = 2, seed = 1 }
  for k, v in pairs(options) do cfg[k] = v end
  local data = flex.data.superres(cfg)
  local model = flex.models.flex({ channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, seed = 1,
    padding = padding, dropout = 0 }, data)
  local optimizer = flex.optim.adam(model, { lr = 1e-3 })
  local before = {}
  for i, p in ipairs(model:parameters()) do before[i] = p.tensor:clone():detach() end
  for step = 1, 2 do
    local _ <close> = core.scope()
    local loss = flex.diffusion.loss(model, data.train:batch(step))
    lu.assertTrue(loss:item() == loss:item())
    optimizer:step(loss)
  end
  local moved = 0
  for i, p in ipairs(model:parameters()) do
    moved = math.max(moved, (p.tensor:detach() - before[i]):abs():summary().max)
  end
  lu.assertTrue(moved > 0)
  return data, model
end

function suite.test_recipes_train_on_them()
  local data = two_steps({ file = ROOT .. "well.hdf5", channels = { "buoyancy", "velocity.1", "velocity.2" } })
  lu.assertEquals(data.channels, 3)
  two_steps { file = ROOT .. "pdebench_incompressible.h5" }
  two_steps { file = ROOT .. "classic.nc" }
end

function suite.test_published_statistics_normalise_if_asked()
  local function scale(options)
    local cfg = { file = ROOT .. "well.hdf5", channels = { "buoyancy", "velocity.2" }, factor = 2, crop = { 8, 8 },
      batch = 2, seed = 1, mean = "published", std = "published" }
    for k, v in pairs(options or {}) do cfg[k] = v end
    local set = flex.data.superres(cfg)
    return set.scale, set.published
  end
  local both, path = scale()
  lu.assertEquals(both, { mean = { 100.5, -2 }, std = { 20, 4 } })
  lu.assertEquals(path, "tests/fixtures/data/stats.yaml")
  local one = scale { std = { 2, 3 } }
  lu.assertEquals(one, { mean = { 100.5, -2 }, std = { 2, 3 } })
  lu.assertErrorMsgContains("data: 'tests/fixtures/data/stats.yaml' has no mean of 'strain.1' (known: buoyancy, "
    .. "velocity.1 and velocity.2)", scale, { channels = { "buoyancy", "strain.1" } })
  lu.assertErrorMsgContains("mean must be a number, or a list of numbers, or 'published', or false", scale,
    { mean = "publishd" })
  local own = support.folder()
  local copy = own .. "/well.hdf5"
  assert(core.sys.write(copy, core.sys.read(ROOT .. "well.hdf5")))
  lu.assertErrorMsgContains(("data: mean is 'published', and there is no stats.yaml in the folder of '%s' or the two "
    .. "above; leave it out to have it fitted"):format(copy), scale, { file = copy })
  assert(core.sys.write(own .. "/stats.yaml", "mean:\n  buoyancy: 1\n  velocity:\n  - 2\n  - 3\nstd:\n"
    .. "  buoyancy: 0\n  velocity:\n  - 5\n  - 6\n"))
  lu.assertEquals(scale { file = copy }, { mean = { 1, 3 }, std = { 1, 6 } })
  lu.assertErrorMsgContains("publish different mean of 'buoyancy': files of one set must agree", scale,
    { file = { copy, ROOT .. "well.hdf5" } })
  os.execute("rm -rf '" .. own .. "'")
end

function suite.test_padding_follows_the_data_where_patches_are_whole_fields()
  local _, model = two_steps({ file = ROOT .. "well.hdf5", crop = { 8, 12 } }, "data")
  lu.assertEquals(model.config.padding, "circular")
  _, model = two_steps({ file = ROOT .. "well.hdf5" }, "data")
  lu.assertEquals(model.config.padding, "zeros")
  _, model = two_steps({ file = ROOT .. "pdebench_incompressible.h5", crop = { 8, 12 } }, "data")
  lu.assertEquals(model.config.padding, "zeros")
end

os.exit(lu.LuaUnit.run())
