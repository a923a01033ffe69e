-- flexlab.table: alignment, CSV quoting, Markdown, HTML.
local lu = require "luaunit"
local tabulate = require "flexlab.table"

local suite = {}
rawset(_G, "TestTable", suite)

function suite.test_text_is_aligned()
  local t = tabulate { "method", "rfne", "gain" }
  t:row { "bicubic", 0.5512345, "0 %" }:row { "FLEX", 0.3, "45.6 %" }
  lu.assertEquals(t:text(), table.concat({
    "method     rfne    gain",
    "-----------------------",
    "bicubic  0.5512     0 %",
    "FLEX     0.3000  45.6 %", "" }, "\n"))
end

function suite.test_csv_quotes_and_keeps_digits()
  local t = tabulate { "a", "b" }
  t:row { 'say "x", twice', 0.1 }:row { "line\nbreak", 3 }
  lu.assertEquals(t:csv(),
    'a,b\n"say ""x"", twice",0.10000000000000001\n"line\nbreak",3\n')
end

function suite.test_markdown_and_html()
  local t = tabulate { "k", "v<1" }
  t:row { "a", 1.5 }
  lu.assertEquals(t:markdown(), "| k   | v<1 |\n| --- | --: |\n| a   | 1.5 |\n")
  lu.assertStrContains(t:html(), '<th class="number">v&lt;1</th>')
end

function suite.test_wide_characters_take_one_column()
  local t = tabulate { "x", "y" }
  t:row { "±", "a" }:row { "ab", "b" }
  lu.assertStrContains(t:text(), "±   a\nab  b\n")
end

function suite.test_a_column_of_like_numbers_has_like_decimals()
  local t = tabulate { "a", "b" }
  t:row({ 1.05, 1e-9 }):row({ 0.94184, 2.0 }):row({ 0 / 0, 3.5 })
  local lines = {}
  for line in t:text():gmatch "[^\n]+" do lines[#lines + 1] = line end
  lu.assertEquals({ table.unpack(lines, 3) }, { "1.050  1e-09", "0.942      2", "    -    3.5" })
  lu.assertStrContains(t:csv(), "0.94184")
end

function suite.test_values_with_tostring_and_nan()
  local ci = setmetatable({}, { __tostring = function() return "[1, 2]" end })
  lu.assertStrContains(tabulate({ "a", "b" }):row({ ci, 0 / 0 }):text(), "[1, 2]  -")
end

function suite.test_wrong_rows_raise()
  local t = tabulate { "a", "b" }
  lu.assertErrorMsgContains("value 2 ('b') of 2 is missing", t.row, t, { 1 })
  lu.assertErrorMsgContains("3 values for 2 columns", t.row, t, { 1, 2, 3 })
  lu.assertErrorMsgContains("cannot tell a form", t.save, t, "x.pdf")
end

-- Names come from files, and terminals obey escape sequences.
function suite.test_control_characters_are_shown_not_sent()
  local t = tabulate { "a" }
  t:row { "\27[31mred\7" }
  for _, text in ipairs { t:text(), t:markdown(), t:latex() } do lu.assertNil(text:find "[\27\7]") end
  lu.assertStrContains(t:text(), "\\27[31mred\\7")
  lu.assertEquals(require "flexlab.text".printable "a\n\tb \u{3c9}", "a\n\tb \u{3c9}")
end

function suite.test_latex_has_the_decimals_of_the_text()
  local t = require "flexlab.table" { "rfne" }
  t:row({ 0.5 }):row { 0.4375 }
  lu.assertStrContains(t:text(), "0.5000")
  lu.assertStrContains(t:latex(), "0.5000 \\\\\n0.4375 \\\\")
end

os.exit(lu.LuaUnit.run())
