-- Files after faults that public trackers report of other readers (tests/fixtures/cases): each stands for a class.
-- expected.tsv holds what netCDF4 1.7, h5py 3.16 and numpy 2.4 say of their variables, masks and scales applied.
local lu = require "luaunit"
local flex = require "flexlab"
local fields = require "flexlab.data.fields"
local inspect = require "flexlab.data.inspect"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestCases", suite)

local ROOT = "tests/fixtures/cases/"

-- The rows of a table of tabs, each { file, variable, shape, axes, mean, sd, missing } of texts.
local function rows_of(path)
  local rows = {}
  for line in io.lines(path) do
    local row = {}
    for cell in line:gmatch("[^\t]+") do row[#row + 1] = cell end
    rows[#rows + 1] = row
  end
  table.remove(rows, 1)
  return rows
end

-- The variable without elements of each file that has no frames.
local empty = { ["only_zero.h5"] = "w", ["zerorec_NETCDF4.nc"] = "t", ["zerorec_NETCDF3_CLASSIC.nc"] = "t" }

local function variable_of(container, path)
  for _, v in ipairs(container:variables()) do
    if v.path == path then return v end
  end
end

local function check_number(got, expected, what)
  lu.assertAlmostEquals(got, expected, 2e-6 * math.max(math.abs(expected), 1e-12), what)
end

function suite.test_every_row_has_its_shape_mean_deviation_and_missing_elements()
  local rows = rows_of(ROOT .. "expected.tsv")
  lu.assertEquals(#rows, 58)
  for _, row in ipairs(rows) do
    local file, path, shape, axes, mean, sd, missing = table.unpack(row)
    local what = file .. " " .. path
    local container = assert(core.io.container(ROOT .. file))
    local v = variable_of(container, path)
    lu.assertNotNil(v, what)
    lu.assertEquals(table.concat(v.shape, ","), shape, what)
    if axes ~= "-" then lu.assertEquals(table.concat(v.axes, " "), axes, what) end
    local s = assert(container:statistics(path))
    lu.assertEquals(s.nan, tonumber(missing) or 0, what)
    if mean ~= "-" then
      check_number(s.mean, tonumber(mean), what .. ": mean")
      check_number(s.std, tonumber(sd), what .. ": sd")
    end
    container:close()
  end
end

function suite.test_missing_elements_are_nan_in_either_precision_and_in_any_box()
  local c = assert(core.io.container(ROOT .. "unequal_records.nc"))
  for _, dtype in ipairs { "f32", "f64" } do
    local whole = assert(c:read("b", { dtype = dtype }))
    lu.assertEquals(whole:summary().nonfinite, 192)
    local written = assert(c:read("b", { start = { 1, 1, 1 }, count = { 2, 8, 12 }, dtype = dtype }))
    lu.assertEquals(written:summary().nonfinite, 0)
    local across = assert(c:read("b", { start = { 2, 3, 4 }, count = { 2, 2, 5 }, dtype = dtype }))
    lu.assertEquals(across:summary().nonfinite, 10)
    lu.assertEquals(across[1]:totable(), whole[2]:narrow({ axis = 1, start = 3, length = 2 })
      :narrow({ axis = 2, start = 4, length = 5 }):totable())
    lu.assertEquals(assert(c:read("b", { start = { 4, 1, 1 }, count = { 0, 8, 12 }, dtype = dtype }))
      :summary().nonfinite, 96)
  end
end

function suite.test_links_are_followed_inside_the_file_and_named_outside_it()
  local c = assert(core.io.container(ROOT .. "soft2.h5"))
  lu.assertEquals(variable_of(c, "w").target, "/a/data")
  lu.assertEquals(assert(c:read "w"):totable(), assert(c:read "a/data"):totable())
  c = assert(core.io.container(ROOT .. "links.h5"))
  lu.assertEquals(variable_of(c, "latest/u").target, "/run1")
  lu.assertEquals(assert(c:read "latest/u"):totable(), assert(c:read "run1/u"):totable())
  lu.assertEquals(c:notes(), { "'dead' is a link to '/no', which is not in this file",
    "'outside' is a link to '/d' in another file, which is not followed: give 'vds_src.h5' itself",
    "'round' is a link to '/round', which is not in this file",
    "'through' is a link to '/outside', which is not in this file" })
  lu.assertNil(c:attributes "outside")
  c = assert(core.io.container(ROOT .. "extlink.h5"))
  lu.assertEquals(#c:variables(), 0)
  lu.assertStrContains(c:notes()[1], "'w' is a link to '/d' in another file, which is not followed: give 'vds_src.h5'")
end

function suite.test_a_virtual_data_set_is_refused_with_the_name_of_its_source()
  local c = assert(core.io.container(ROOT .. "virtual.h5"))
  local t, message = c:read "w"
  lu.assertNil(t)
  lu.assertStrContains(message, "virtual.h5: dataset 'w' is virtual: its numbers are in 'vds_src.h5'")
  lu.assertEquals(inspect.report(ROOT .. "virtual.h5", {}).warnings, { message })
end

function suite.test_a_dimension_that_no_file_can_hold_is_refused_at_once()
  local c = assert(core.io.container(ROOT .. "endless.nc"))
  lu.assertEquals(variable_of(c, "short").shape, { 1 << 50, 4 })
  local sentences = { short = "has dimensions of 4.5e+15 elements", long = "claims more elements than a file of" }
  for name, sentence in pairs(sentences) do
    local ok, message = c:check(name)
    lu.assertNil(ok)
    lu.assertStrContains(message, sentence)
    lu.assertStrContains(select(2, c:statistics(name)), "bytes ca")
  end
  lu.assertErrorMsgContains("endless.nc: dataset 'long' claims more elements than a file of ", fields.open,
    ROOT .. "endless.nc")
  lu.assertTrue(assert(core.io.container(ROOT .. "gap.nc")):check "T")
end

function suite.test_what_holds_nothing_says_so()
  for file, name in pairs(empty) do
    local c = assert(core.io.container(ROOT .. file))
    local t, message = c:read(name)
    lu.assertNil(t)
    lu.assertStrContains(message, ("'%s' holds no elements: axis 1 has 0 entries"):format(name))
  end
end

function suite.test_packing_is_undone_as_netcdf4_does_but_where_we_say_so()
  local c = assert(core.io.container(ROOT .. "packing.nc"))
  -- An f64 of 1e20 is rounded to f32 and missing; scale_factor as a text is read; what is not one number is refused.
  local ours = { missing_rounded = "- 2.00000004e+20 -1 0 1 2", scale_text = "-0.5 0 0.5 1 1.5 2" }
  local refused = { scale_word = true, scale_list = true }
  local rows = rows_of(ROOT .. "packing.tsv")
  lu.assertEquals(#rows, 24)
  for _, row in ipairs(rows) do
    local name, expected, list = row[1], ours[row[1]] or row[2], {}
    local t, message = c:read(name, { dtype = "f64" })
    if refused[name] then
      lu.assertNil(t)
      lu.assertStrContains(message, name .. "' cannot be unpacked: its attribute scale_factor is not one number")
    else
      for i, x in ipairs(t:totable()) do list[i] = x ~= x and "-" or ("%.9g"):format(x) end
      lu.assertEquals(table.concat(list, " "), expected, name)
      local narrow = assert(c:read(name)):totable()
      for i, x in ipairs(list) do lu.assertEquals(narrow[i] ~= narrow[i], x == "-", name .. " in f32") end
    end
  end
  lu.assertEquals(variable_of(c, "min_not_held").unused, "valid_min")
  lu.assertEquals(variable_of(c, "missing_text").unused, "missing_value")
end

local function open(name, options) return fields.open(ROOT .. name, options) end

-- { frames, height, width, names } of a file.
local function shape_of(name, options)
  local reader = open(name, options)
  return { reader.frames, reader.height, reader.width, table.concat(reader.names, " ") }
end

function suite.test_axes_are_told_by_attributes_before_names_and_places()
  for name, expected in pairs { ["xyt_unknown.nc"] = { 5, 8, 12, "t" }, ["isobaric.nc"] = { 5, 8, 12, "t" },
    ["tlevyx_isobaric.nc"] = { 5, 8, 12, "t@0 t@1" }, ["auxcoord.nc"] = { 1, 32, 32, "tos" },
    ["bounds_attr.nc"] = { 2, 32, 32, "tos" }, ["noncoord.nc"] = { 4, 32, 32, "x" }, ["ph4.nc"] = { 6, 32, 32, "T" },
    ["unequal_records.nc"] = { 4, 8, 12, "a b" }, ["soft2.h5"] = { 4, 8, 12, "w" },
    ["cf.nc"] = { 5, 4, 6, "ps u@850 u@500 u@250" } } do
    lu.assertEquals(shape_of(name), expected, name)
  end
  lu.assertFalse(open "ph4.nc":time(1) or false)   -- no phantom times of a placeholder
  lu.assertEquals(open "xyt_unknown.nc":time(5), 4)
  local t = assert(open "xyt_unknown.nc":read { frame = 2, y = 3, x = 4, height = 1, width = 1 })
  local c = assert(core.io.container(ROOT .. "xyt_unknown.nc"))
  lu.assertEquals(t:totable(), c:read("t", { start = { 4, 3, 2 }, count = { 1, 1, 1 } }):totable())
  lu.assertEquals({ open "cf.nc".wraps, open "isobaric.nc".wraps, open "gap.nc".wraps }, { "x", "" })
end

function suite.test_what_a_user_names_wins()
  lu.assertEquals(shape_of("tlevyx_isobaric.nc", { axes = "tyxz" }), { 10, 8, 12, "t" })
  lu.assertEquals(shape_of("tlevyx_isobaric.nc", { axes = "time,row,column,depth" }), { 10, 8, 12, "t" })
  lu.assertEquals(shape_of("tlevyx_isobaric.nc", { channels = { "t@1" } }), { 5, 8, 12, "t@1" })
  lu.assertEquals(shape_of("xyt_unknown.nc", { axes = { "lat", "lon", "time" } }), { 5, 12, 8, "t" })
  lu.assertEquals(shape_of("auxcoord.nc", { dataset = { "lat", "lon" } }), { 1, 32, 32, "lat lon" })
  lu.assertEquals(shape_of("cf.nc", { dataset = "other_grid" }), { 5, 4, 6, "other_grid" })
  lu.assertEquals(shape_of("cf.nc", { dataset = "/u", channels = { 2 } }), { 5, 4, 6, "u@500" })
  lu.assertEquals(shape_of("cf.nc", { channels = { "ps", "orography" } }), { 5, 4, 6, "ps orography" })
  lu.assertEquals(open("cf.nc", { dataset = "u" }):time(5), 4)
  lu.assertEquals(shape_of("vds_src.h5", { dataset = "d" }), { 4, 8, 12, "d" })
  lu.assertEquals(shape_of("vds_src.h5", { dataset = "d", axes = "yxt" }), { 12, 4, 8, "d" })
  lu.assertErrorMsgContains("data: axes: 'lattice' is no axis: one letter an axis (n t z y x c) or names", open,
    "cf.nc", { axes = "time,lattice,lon" })
  lu.assertErrorMsgContains("has 3 axes (5,4,6), the description says 'tyxc'", open, "cf.nc",
    { dataset = "ps", axes = "tyxc" })
  lu.assertErrorMsgContains("has no dataset 'v'; it has 'cell_area' (4,6), ", open, "cf.nc", { dataset = "v" })
end

function suite.test_times_that_fall_are_read_in_ascending_order()
  local reader = open "desc.nc"
  lu.assertTrue(reader.falling)
  lu.assertEquals({ reader:time(1), reader:time(6) }, { 0, 5 })
  local c = assert(core.io.container(ROOT .. "desc.nc"))
  lu.assertEquals(assert(reader:read { frame = 1 }):totable(),
    c:read("T", { start = { 6, 1, 1 }, count = { 0, 32, 32 } }):totable())
end

function suite.test_forecast_samples_lie_within_equal_steps()
  local function pairs_of(file, past)
    local set = flex.data.forecast { file = ROOT .. file, past = past, crop = 32, batch = 1, split = 1,
      test = ROOT .. file, seed = 1 }
    local list = {}
    for i, e in ipairs(set.train.entries) do list[i] = e.frame end
    return list
  end
  lu.assertEquals(pairs_of("gap.nc", 1), { 1, 2, 4, 5 })
  lu.assertEquals(pairs_of("gap.nc", 2), { 2, 5 })
  lu.assertEquals(pairs_of("desc.nc", 1), { 1, 2, 3, 4, 5 })
  lu.assertErrorMsgContains("a sample needs 4 in sequence: longer files, another split or a test file would do; "
    .. "data: 'tests/fixtures/cases/gap.nc': 1 step in time "
    .. "differs from the usual 1 (the first from 2 to 10, behind frame 3)", pairs_of, "gap.nc", 3)
end

function suite.test_months_are_equal_steps_and_missing_times_are_not()
  local stretches = require "flexlab.data.stretches"
  local function of(times)
    return stretches.of { frames = #times, time = function(_, j) return times[j] end, run = function() return 1 end }
  end
  lu.assertEquals(of({ 0, 31, 59, 90, 120, 151, 181, 212 }).gaps, {})
  lu.assertEquals(of({ 0, 31, 90, 120, 151, 181 }).gaps, { 2 })
  lu.assertEquals(of({ 0, 1, 2, 0 / 0, 4, 5 }).gaps, { 3, 4 })
  lu.assertEquals(of({ 0, 1, 2, 0, 1, 2 }).run, { 1, 1, 1, 2, 2, 2 })
  lu.assertEquals(of({ 0, 1, 2, 0, 1, 2 }).gaps, {})
end

function suite.test_files_of_one_set_hold_the_same_channels()
  local function set(options)
    options.file, options.factor, options.crop = { ROOT .. "a_tas.nc", ROOT .. "b_pr.nc" }, 4, 32
    return flex.data.superres(options)
  end
  lu.assertErrorMsgContains("a_tas.nc' holds tas and 'tests/fixtures/cases/b_pr.nc' holds pr; files of one set must "
    .. "hold the same. If they are the same, name them by number: data.channels = { 1 }", set, {})
  lu.assertEquals(set({ channels = { 1 } }).opened.train.total, 12)
  lu.assertErrorMsgContains("a_tas.nc' holds tas and ", flex.data.superres, { file = ROOT .. "a_tas.nc",
    test = ROOT .. "b_pr.nc", factor = 4, crop = 32 })
end

function suite.test_fields_with_missing_elements_are_refused_with_their_number()
  local function train(file, memory)
    return flex.data.superres({ file = ROOT .. file, factor = 4, crop = 8, memory = memory }).train:batch(1)
  end
  for file, count in pairs { ["defaultfill_NETCDF4.nc"] = 192, ["missingvec_NETCDF3_CLASSIC.nc"] = 108,
    ["validrange_NETCDF4.nc"] = 41, ["unsigned_NETCDF4.nc"] = 1 } do
    for _, memory in ipairs { 1 << 30, 0 } do   -- in memory, and patch by patch
      lu.assertErrorMsgContains(("; %d of 384 elements of its variable are missing: fill the gaps, or choose "
        .. "channels that are complete (data.channels)"):format(count), train, file, memory)
    end
  end
  local report = inspect.report(ROOT .. "unequal_records.nc", {})
  lu.assertEquals(report.trainable, {})
  lu.assertStrContains(report.warnings[1], "'b': 192 of 384 elements are missing: training refuses it")
  report = inspect.report(ROOT .. "unequal_records.nc", { channels = { "a" } })
  lu.assertEquals({ #report.trainable, #report.warnings }, { 2, 0 })
end

-- What netCDF wrote is netCDF's where it does not say so: its fill values are no numbers.
function suite.test_netcdf_without_its_marks_has_its_default_fills()
  local note = "its dimensions are netCDF's, its other marks are not there: 9.97e36, netCDF's fill value, is taken for "
    .. "missing"
  for file, notes in pairs { ["defaultfill_bare.h5"] = {}, ["defaultfill_scales.h5"] = { note } } do
    local r = inspect.report(ROOT .. file, {})
    lu.assertEquals({ r.trainable, r.notes }, { {}, notes }, file)
    lu.assertStrContains(r.warnings[1], "elements are missing: training refuses it")
  end
  local folder = support.folder()   -- the name alone, where nothing else says it: a byte of 255 is missing, too
  for name, missing in pairs { ["a.nc"] = 576, ["a.NetCDF"] = 576, ["a.h5"] = 0 } do
    assert(core.sys.write(folder .. "/" .. name, core.sys.read(ROOT .. "defaultfill_scales.h5")))
    local s = assert(assert(core.io.container(folder .. "/" .. name)):statistics "b")
    lu.assertEquals(s.nan, missing, name)
  end
  os.execute("rm -rf '" .. folder .. "'")
end

function suite.test_what_only_a_later_hdf5_reads_is_said_and_is_a_fault()
  local r = inspect.report(ROOT .. "later.h5", {})
  if r.variables[1].dtype ~= "unreadable" then return end   -- HDF5 2.0 is here
  lu.assertStrContains(r.variables[1].error, "'w' cannot be opened: it is damaged, or stored as only a later HDF5 than "
    .. "the " .. core.info().hdf5 .. " in use here reads it")
  lu.assertEquals(r.warnings[#r.warnings], r.variables[1].error)
  local pipe = io.popen(os.getenv "FLEXLAB_PROGRAM" .. " data --quick " .. ROOT .. "later.h5 2>&1")
  pipe:read "a"
  lu.assertEquals({ select(3, pipe:close()) }, { 1 })
end

function suite.test_empty_lists_are_lists_in_json()
  local pipe = io.popen(os.getenv "FLEXLAB_PROGRAM" .. " data --json --quick " .. ROOT .. "only_zero.h5")
  local line = pipe:read "a"
  pipe:close()
  lu.assertStrContains(line, '"axes":[],')
  lu.assertStrContains(line, '"left_out":[],"notes":[],')
  lu.assertNotStrContains(line, "{}")
  lu.assertEquals(core.json.encode { a = {}, b = setmetatable({}, { __list = true }) }, '{"a":{},"b":[]}')
end

function suite.test_what_makes_a_mesh_is_no_field()
  local r, why = inspect.report(ROOT .. "mesh.nc", {}), {}
  for _, l in ipairs(r.left_out) do why[l.variables[1]] = l.why end
  lu.assertEquals(r.channels, { "sst" })
  lu.assertEquals(why.quads, "the mesh 'mesh' (its attribute face_node_connectivity)")
end

-- What f writes to standard error, by way of `file`.
local function stderr_of(file, f)
  local real, to = io.stderr, assert(io.open(file, "w"))
  rawset(io, "stderr", to)
  local ok, message = pcall(f)
  rawset(io, "stderr", real)
  to:close()
  local text = flex.core.sys.read(file) or ""
  os.remove(file)
  assert(ok, message)
  return text
end

-- Times of which f4 makes neighbours equal are said to be f4.
function suite.test_times_that_rounding_repeats_name_their_type()
  local times = { 1, 2, 2, 3 }
  local reader = { frames = 4, time = function(_, j) return times[j] end, run = function() return 1 end,
    time_variable = function() return "time", "<f4" end }
  local said = require("flexlab.data.stretches").repeats(reader)
  lu.assertStrContains(said, "1 time repeats the one before in 'time' (the first: 2, frames 2 and 3), which is single "
    .. "precision (f4)")
end

function suite.test_times_that_repeat_are_told()
  local times, path = { 0, 1, 1, 2 }, os.tmpname()
  local writer = assert(core.io.field_writer(path .. ".h5", { frames = 4, height = 4, width = 4 }))
  for _ = 1, 4 do assert(writer:append(core.zeros { 4, 4 })) end
  assert(writer:array("times", times))
  assert(writer:finish())
  local r = inspect.report(path .. ".h5", {})
  lu.assertEquals(r.notes, { "1 time repeats the one before in 'times' (the first: 1, frames 2 and 3): a run ends "
    .. "there, and no sample of a forecast reaches across" })
  local forecast = { file = path .. ".h5", test = path .. ".h5", past = 1, lead = 1, crop = 4, batch = 1, std = 1.0 }
  local said = stderr_of(path .. ".said", function() flex.data.forecast(forecast) end)
  lu.assertStrContains(said, ".h5': 1 time repeats the one before in 'times' (the first: 1, frames 2 and 3)")
  os.remove(path)
  os.remove(path .. ".h5")
end

function suite.test_a_number_that_is_text_is_read()
  local source = flex.frames.open(ROOT .. "re_as_.h5")
  lu.assertEquals(source:re { file = 1, frame = 1 }, 1000.0)
  local folder = support.folder()
  local path = folder .. "/word.h5"
  local writer = assert(core.io.field_writer(path, { frames = 1, height = 4, width = 4 }))
  assert(writer:append(core.zeros { 4, 4 }))
  assert(writer:text("Re", "a thousand"))
  assert(writer:text("seed", "random"))
  assert(writer:text("boundary", "wall"))
  assert(writer:finish())
  lu.assertErrorMsgContains("word.h5': the attribute Re is the text \"a thousand\", which is no number",
    flex.frames.open, path)
  lu.assertNil(fields.open(path):number "seed")
  lu.assertEquals(fields.open(path).wraps, "")
  os.execute("rm -rf '" .. folder .. "'")
end

function suite.test_coordinates_that_nobody_names_are_no_fields()
  local r = inspect.report(ROOT .. "curvilinear.nc", { statistics = false })
  lu.assertEquals({ r.frames, r.height, r.width, r.channels }, { 3, 4, 6, { "sst" } })
  local why = {}
  for _, l in ipairs(r.left_out) do why[l.variables[1]] = l.why end
  lu.assertEquals(why, { latitude_of = 'a coordinate by its units = "degrees_north"',
    longitude_of = 'a coordinate by its standard_name = "longitude"',
    when = 'a coordinate by its units = "days since 1950-01-01"',
    mesh_faces = "no field but face_node_connectivity (its attribute cf_role)" })
  r = inspect.report(ROOT .. "curvilinear.nc", { dataset = "latitude_of", statistics = false })
  lu.assertEquals({ r.frames, r.channels }, { 1, { "latitude_of" } })
end

function suite.test_no_frames_is_said_in_one_sentence()
  for file, name in pairs(empty) do
    lu.assertErrorMsgContains(("%s' holds no frames: '%s' has no elements along time"):format(file, name), open, file)
    lu.assertStrContains(inspect.report(ROOT .. file, {}).warnings[1], "holds no frames")
  end
end

function suite.test_the_report_says_what_told_the_axes_and_what_is_left_out()
  local r = inspect.report(ROOT .. "cf.nc", {})
  lu.assertEquals(r.axes[2].told, 'time is time (units = "hours since 2000-01-01"), lev is depth, its levels channels '
    .. '(positive = "down"), lat is row (units = "degrees_north") and lon is column (units = "degrees_east")')
  local why = {}
  for _, l in ipairs(r.left_out) do
    for _, name in ipairs(l.variables) do why[name] = l.why end
  end
  lu.assertEquals(why, { cell_area = "a cell measure of 'u' (its attribute cell_measures)",
    crs = "the grid mapping of 'u' (its attribute grid_mapping)", lat = "the coordinate of its axis",
    lev = "the coordinate of its axis", lon = "the coordinate of its axis", time = "the coordinate of its axis",
    orography = "does not change in time: a channel when data.channels names it",
    other_grid = "other axes than 'u': time, a, b", time_edges = "the bounds of 'time' (its attribute bounds)",
    u_error = "ancillary to 'u' (its attribute ancillary_variables)" })
  lu.assertEquals(r.notes, { "its longitudes go around the globe: columns are periodic" })
  r = inspect.report(ROOT .. "isobaric.nc", {})
  lu.assertEquals(r.levels, "5 levels of one time")
  r = inspect.report(ROOT .. "extlink.h5", {})
  lu.assertStrContains(r.notes[1], "'w' is a link to '/d' in another file, which is not followed")
  lu.assertStrContains(r.warnings[1], "it has no datasets at all ('w' is a link to")
end

os.exit(lu.LuaUnit.run())
