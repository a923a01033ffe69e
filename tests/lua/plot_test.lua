-- flexlab.plot: ticks stand where they should, SVG is well formed, hard values do not break it.
local lu = require "luaunit"
local axis = require "flexlab.plot.axis"
local plot = require "flexlab.plot"
local svg = require "flexlab.plot.svg"

local suite = {}
rawset(_G, "TestPlot", suite)

local function labels(a)
  local list = {}
  for _, tick in ipairs(a.ticks) do list[#list + 1] = tick.label end
  return list
end

-- Every element that opens closes, in order; returns the number of elements.
local function well_formed(text)
  local open, count = {}, 0
  for slash, name, rest in text:gmatch("<(/?)([%w]+)([^<>]*)>") do
    if slash == "/" then
      lu.assertEquals(table.remove(open), name)
    else
      count = count + 1
      if rest:sub(-1) ~= "/" then open[#open + 1] = name end
    end
  end
  lu.assertEquals(#open, 0)
  lu.assertNotStrContains(text, "nan")
  lu.assertNotStrContains(text, "inf")
  return count
end

function suite.test_linear_axis_has_round_ticks()
  local a = axis.linear(0.13, 0.97)
  lu.assertEquals(labels(a), { "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" })
  lu.assertEquals(a.at(0.5), 0.5)
  lu.assertEquals(labels(axis.linear(0, 20000)), { "0", "5000", "10000", "15000", "20000" })
  lu.assertEquals(labels(axis.linear(-2, 3)), { "−2", "−1", "0", "1", "2", "3" })
end

function suite.test_linear_axis_of_one_value()
  local a = axis.linear(5, 5)
  lu.assertTrue(a.low < 5 and a.high > 5)
  lu.assertTrue(#axis.linear(0, 0).ticks > 2)
end

function suite.test_log_axis()
  local a = axis.log(1e-6, 1e2)
  lu.assertAlmostEquals(a.at(1e-2), 0.5, 1e-9)
  lu.assertNotEquals(a.at(0), a.at(0))
  lu.assertEquals(labels(axis.log(1, 1e4)), { "1", "10", "10^2", "10^3", "10^4" })
  lu.assertEquals(labels(axis.log(0.1, 1)), { "0.1", "0.2", "0.5", "1" })
  lu.assertTrue(#labels(axis.log(1e-30, 1)) <= 9)
  lu.assertEquals(labels(axis.log(0.53, 0.74)), { "0.55", "0.60", "0.65", "0.70" })
end

-- Whatever the ends are, ticks are few and stand on the axis, and every finite value has a finite place.
function suite.test_ticks_are_few_whatever_the_ends()
  local hard = { 0, 5e-324, 1e-310, 1e-300, 1e-30, 1, 1 + 2 ^ -52, 1e16, 1e16 + 2, 1e150, 1e300, 1e308,
    1.7976931348623157e308, math.huge, 0 / 0 }
  for i = 1, #hard - 1 do hard[#hard + 1] = -hard[i] end
  for _, low in ipairs(hard) do
    for _, high in ipairs(hard) do
      for form, make in pairs { linear = axis.linear, log = axis.log } do
        local a = make(math.min(low, high), math.max(low, high))
        local what = ("%s %g %g: %d ticks"):format(form, low, high, #a.ticks)
        lu.assertTrue(#a.ticks >= 2 and #a.ticks < 100, what)
        lu.assertTrue(a.low < a.high and a.high - a.low < math.huge, what)
        for _, tick in ipairs(a.ticks) do lu.assertTrue(math.abs(a.at(tick.value) - 0.5) < 0.51, what) end
        for _, value in ipairs { low, high } do
          local at = a.at(value)
          lu.assertTrue(at ~= at and (value ~= value or form == "log") or math.abs(at) < math.huge, what)
        end
      end
    end
  end
  local a = axis.fit { { 1e308, -1e308 } }
  lu.assertTrue(#a.ticks <= 8)
end

function suite.test_lines_are_well_formed()
  local d = plot.lines({ { name = "a<b & \"c\"", x = { 1, 2, 3 }, y = { 1, 0 / 0, 3 } },
    { name = "b", x = { 1, 2 }, y = { 0, -1 } } }, { title = "t^2", x = { log = true }, y = { label = "s^-1" } })
  lu.assertTrue(well_formed(d:svg()) > 20)
  lu.assertStrContains(d:svg(), "a&lt;b &amp; &quot;c&quot;")
  lu.assertErrorMsgContains("equal length", plot.lines, { { x = { 1 }, y = {} } })
end

function suite.test_long_curves_are_thinned()
  local x, y = {}, {}
  for i = 1, 50000 do x[i], y[i] = i, math.exp(-i / 1e4) end
  local text = plot.loss(x, y):svg()
  well_formed(text)
  lu.assertTrue(#text < 60000)
end

function suite.test_empty_and_degenerate_curves()
  well_formed(plot.loss({}, {}):svg())
  well_formed(plot.loss({ 1 }, { 0.5 }):svg())
  well_formed(plot.spectrum({ { name = "truth", values = { 0, 0, 0 } } }):svg())
end

function suite.test_panels_stand_side_by_side()
  local one = plot.lines({ { name = "a", x = { 1, 2 }, y = { 1, 2 } } }, { title = "one" })
  local text = plot.panels({ one, one, one }, 2):svg()
  well_formed(text)
  lu.assertStrContains(text, 'viewBox="0 0 1280 800"')
  for _, place in ipairs { 'x="0" y="0"', 'x="640" y="0"', 'x="0" y="400"' } do lu.assertStrContains(text, place) end
  lu.assertStrContains(plot.panels({ one }, 2):svg(), 'viewBox="0 0 640 400"')
end

function suite.test_spectra_keep_fixed_ends()
  local short = { { name = "truth", values = { 9, 1, 1, 1, 1, 1 } } }
  lu.assertEquals(plot.rings(6), 4)
  lu.assertStrContains(plot.spectrum(short, { y = { low = 1e-4, high = 10 } }):svg(), "\u{2212}4")
  lu.assertNotStrContains(plot.spectrum(short):svg(), "\u{2212}4")
end

function suite.test_slopes()
  local pivot = { key = "model.conditioning", metric = "rfne", weak = { 0.3, 0.4, seeds = { 1, 2 } },
    both = { 0.2, seeds = { 2 } }, gone = { seeds = {} } }
  function pivot.arms() return { "weak", "both", "gone" } end
  function pivot.blocks() return { "seed 1", "seed 2" }, { 1, 2 } end
  local text = plot.slopes(pivot):svg()
  well_formed(text)
  lu.assertStrContains(text, "weak, seed 2: 0.4")
  lu.assertStrContains(text, "both, seed 2: 0.2")
  lu.assertNotStrContains(text, "both, seed 1")
  lu.assertNotStrContains(text, "nan")
end

function suite.test_numbers_are_short()
  local d = svg.new(10, 10)
  d:line(1 / 3, -0.0001, 2, 1e-9)
  lu.assertStrContains(d:svg(), 'x1="0.33"')
  lu.assertStrContains(d:svg(), 'y1="0"')
end

-- A pivot of arms with one number each.
local function pivot_of(values)
  local tasks = {}
  for i, entry in ipairs(values) do
    tasks[i] = { seed = 1, dir = "r/" .. i, result = { rfne = entry[2] },
      arm = { label = entry[1], settings = { arm = entry[1] } } }
  end
  return require("flexlab.study.runs").new { name = "hand", tasks = tasks }:pivot(nil, "rfne")
end

function suite.test_slopes_number_names_that_have_no_room()
  local long = "model.loss=mse model.schedule=linear train.steps=12 number "
  local text = plot.slopes(pivot_of { { long .. "a", 1 }, { long .. "b", 2 }, { "c", 3 } }):svg()
  lu.assertNil(text:find 'text%-anchor="middle"[^>]*>model')            -- none stands below its arm
  for i, name in ipairs { long .. "a", long .. "b", "c" } do
    lu.assertStrContains(text, (">%d  %s</text>"):format(i, name))
    lu.assertStrContains(text, (">%d</text>"):format(i))
  end
  local width = tonumber(text:match 'viewBox="0 0 (%d+)')
  lu.assertTrue(width > #long * 12 * 0.57)                             -- the longest line has room
  lu.assertStrContains(plot.slopes(pivot_of { { "a", 1 }, { "b", 2 } }):svg(), ">a</text>")
end

function suite.test_slopes_of_numbers_far_apart_are_logarithmic_and_say_so()
  lu.assertStrContains(plot.slopes(pivot_of { { "a", 1 }, { "b", 1e6 } }):svg(), ">rfne (logarithmic)<")
  lu.assertNotStrContains(plot.slopes(pivot_of { { "a", 1 }, { "b", 3 } }):svg(), "logarithmic")
  lu.assertNotStrContains(plot.slopes(pivot_of { { "a", -1 }, { "b", 1e6 } }):svg(), "logarithmic")
end

function suite.test_a_chart_is_as_wide_as_its_legend()
  local name = ("a long name of an arm "):rep(6)
  local function curve(title) return { name = title, x = { 1, 2 }, y = { 1, 2 } } end
  local text = plot.lines({ curve(name), curve "b" }):svg()
  lu.assertTrue(tonumber(text:match 'viewBox="0 0 (%d+)') > #name * 12 * 0.57)
end

os.exit(lu.LuaUnit.run())
