-- flexlab.picture: font, colour maps, layout of the panel, the PNG itself.
local lu = require "luaunit"
local core = require "flexlab.core"
local canvas = require "flexlab.picture.canvas"
local colours = require "flexlab.picture.colours"
local font = require "flexlab.picture.font"
local picture = require "flexlab.picture"

local suite = {}
rawset(_G, "TestPicture", suite)

-- Width and height of a PNG, from its header.
local function png_size(bytes)
  lu.assertEquals(bytes:sub(1, 8), "\137PNG\r\n\26\n")
  return string.unpack(">I4I4", bytes, 17)
end

local function field(size, stream)
  return core.normal({ 1, size, size, 1 }, { seed = 1, stream = stream or "data" })
end

function suite.test_font_has_every_printable_character_once()
  local seen = {}
  for code = 33, 126 do
    local rows = {}
    for y, row in ipairs(font.rows(string.char(code))) do
      lu.assertTrue(#row >= 2 and #row <= 6)
      lu.assertEquals(row[#row], 0)
      rows[y] = table.concat(row)
    end
    lu.assertEquals(#rows, font.height)
    local shape = table.concat(rows, "\n")
    lu.assertStrContains(shape, "1")
    lu.assertNil(seen[shape], "glyph " .. string.char(code) .. " equals another")
    seen[shape] = true
  end
end

function suite.test_font_shows_unknown_characters_as_question_marks()
  lu.assertEquals(font.rows("é"), font.rows("?"))
  lu.assertEquals(#font.rows("aé")[1], 12)
end

function suite.test_figures_are_all_as_wide()
  for figure in ("0123456789"):gmatch "." do lu.assertEquals(#font.rows(figure)[1], 6) end
  lu.assertTrue(#font.rows("i")[1] < #font.rows("m")[1])
end

function suite.test_smoothing_doubles_and_rounds_only_slanted_edges()
  local block = { { 1, 1 }, { 1, 1 } }
  local full = font.smooth { { 0, 0, 0, 0 }, { 0, 1, 1, 0 }, { 0, 1, 1, 0 }, { 0, 0, 0, 0 } }
  lu.assertEquals({ #full, #full[1] }, { 8, 8 })
  lu.assertEquals(font.smooth(block)[2], { 1, 1, 1, 1 })
  local slanted = font.smooth { { 1, 0 }, { 0, 1 } }
  lu.assertEquals({ slanted[2][3], slanted[3][2] }, { 1, 1 })      -- the gap of a diagonal is filled
end

-- A field that straddles 0 and a vorticity are shown about 0, another over its own range.
function suite.test_a_scale_that_fits_the_values()
  local warm = core.normal({ 1, 16, 16, 1 }, { seed = 2 }) + 280
  local function map(values, label)
    return picture.compare({ low = values:mean_pool { factor = 4 }, bicubic = values, prediction = values,
      label = label }).map
  end
  lu.assertEquals({ map(warm, "t2m (K)"), map(field(16), "u (m s-1)"), map(warm, "vorticity (s-1)"),
    map(core.full({ 1, 16, 16, 1 }, 5), "c"), map(warm * -1) },
    { "sequential", "diverging", "diverging", "sequential", "sequential" })
end

function suite.test_diverging_map_is_symmetric_in_lightness()
  for i = 1, 10 do
    local a = colours.colour("diverging", i / 10, -1, 1)
    local b = colours.colour("diverging", -i / 10, -1, 1)
    lu.assertTrue(a[1] > a[3] and b[3] > b[1])
    local function luma(c) return 0.2126 * c[1] ^ 2.2 + 0.7152 * c[2] ^ 2.2 + 0.0722 * c[3] ^ 2.2 end
    lu.assertAlmostEquals(luma(a), luma(b), 0.1)
  end
  local middle = colours.colour("diverging", 0, -1, 1)
  lu.assertTrue(math.min(table.unpack(middle)) > 0.95)
end

function suite.test_sequential_map_grows_lighter()
  local last = -1
  for i = 0, 20 do
    local c = colours.colour("sequential", i / 20, 0, 1)
    local luma = 0.2126 * c[1] ^ 2.2 + 0.7152 * c[2] ^ 2.2 + 0.0722 * c[3] ^ 2.2
    lu.assertTrue(luma > last)
    last = luma
  end
end

function suite.test_map_on_a_tensor_equals_map_on_numbers()
  local values = { -3, -1, -0.3, 0, 0.017, 0.5, 0.99, 2 }
  local t = core.tensor(values):reshape { 1, 1, #values, 1 }
  local out = colours.apply("diverging", t, -1, 1)
  for i, v in ipairs(values) do
    local rgb = colours.colour("diverging", v, -1, 1)
    for c = 1, 3 do lu.assertAlmostEquals(out:get(1, 1, i, c), rgb[c], 2e-6) end
  end
end

function suite.test_blocks_stack_and_pad()
  local a, b = canvas.solid(3, 4, { 1, 0, 0 }), canvas.solid(5, 2, { 0, 0, 1 })
  lu.assertEquals(canvas.column({ a, b }).shape, { 1, 8, 4, 3 })
  lu.assertEquals(canvas.row({ a, b }).shape, { 1, 5, 6, 3 })
  local p = canvas.pad(a, { top = 1, left = 2 })
  lu.assertEquals(p.shape, { 1, 4, 6, 3 })
  lu.assertEquals(p:get(1, 1, 1, 2), 1)
  lu.assertEquals(p:get(1, 2, 3, 2), 0)
  lu.assertEquals(canvas.text("ab", 2).shape, { 1, 18, 24, 3 })
end

function suite.test_compare_draws_six_fields()
  local truth = field(64)
  local p = picture.compare { low = field(16), bicubic = field(64, "noise"), prediction = truth * 0.9,
    truth = truth, spread = field(64, "crop"):abs() }
  local width, height = png_size(p:png())
  lu.assertEquals({ height, width }, { p.height, p.width })
  lu.assertTrue(width > 3 * 300 and height > 2 * 300)
end

function suite.test_a_group_below_makes_the_picture_higher_not_wider()
  local function group(below)
    return { label = "u", map = "sequential", below = below, columns = { { { "a", field(16) } } } }
  end
  local beside, stacked = picture.panel { group(), group() }, picture.panel { group(), group(true) }
  lu.assertTrue(stacked.height > beside.height and stacked.width < beside.width)
end

function suite.test_compare_without_truth_and_with_odd_sizes()
  local low = core.normal({ 2, 5, 7, 1 }, { seed = 1, stream = "data" })
  local fine = core.normal({ 2, 20, 28, 1 }, { seed = 1, stream = "data" })
  local p = picture.compare { low = low, bicubic = fine, prediction = fine:to("f64") }
  lu.assertTrue(png_size(p:png()) > 600)
  lu.assertErrorMsgContains("'low' must be a tensor", picture.compare, {})
end

-- The whole is drawn by block means as large as the middle; what is absent is not drawn.
function suite.test_a_domain_is_drawn_whole_and_in_its_middle()
  local low, fine = core.normal({ 1, 16, 24, 1 }, { seed = 1 }), core.normal({ 1, 64, 96, 1 }, { seed = 2 })
  local fields = { low = low, bicubic = fine, prediction = fine, truth = fine, member = fine, zoom = 32 }
  local three = picture.domain(fields)
  fields.truth, fields.member = nil, nil
  local two = picture.domain(fields)
  lu.assertEquals(three.height, two.height)
  lu.assertTrue(three.width > two.width + 300)
  fields.zoom = 1000                                       -- more than there is: all of it
  lu.assertTrue(png_size(picture.domain(fields):png()) > 600)
end

function suite.test_constant_field_and_no_leak()
  collectgarbage()
  collectgarbage()
  local before = core.memory().handles
  for _ = 1, 2 do
    local groups = { { label = "u", map = "sequential", columns = { { { "zero", core.zeros { 8, 8 } } } } } }
    picture.panel(groups)
    groups[1].columns[1][1][2]:free()
  end
  collectgarbage()
  collectgarbage()
  lu.assertEquals(core.memory().handles, before)
end

os.exit(lu.LuaUnit.run())
