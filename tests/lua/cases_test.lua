-- Files after faults that public trackers report of other readers (tests/fixtures/cases): each stands for a class.
-- expected.tsv holds what netCDF4 1.7, h5py 3.16 and numpy 2.4 say of their variables, masks and scales applied.
local lu = require "luaunit"
local flex = require "flexlab"
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
  lu.assertEquals(#rows, 55)
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
end

function suite.test_what_holds_nothing_says_so()
  for file, name in pairs { ["only_zero.h5"] = "w", ["zerorec_NETCDF4.nc"] = "t", ["zerorec_NETCDF3_CLASSIC.nc"] = "t" } do
    local c = assert(core.io.container(ROOT .. file))
    local t, message = c:read(name)
    lu.assertNil(t)
    lu.assertStrContains(message, ("'%s' holds no elements: axis 1 has 0 entries"):format(name))
  end
end

os.exit(lu.LuaUnit.run())
