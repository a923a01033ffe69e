-- flexlab.tabulate: alignment, CSV quoting, Markdown, HTML.
local lu = require "luaunit"
local tabulate = require "flexlab.tabulate"

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
  lu.assertEquals(t:markdown(), "| k   | v&lt;1 |\n| --- | -----: |\n| a   |    1.5 |\n")
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
  local t = tabulate { "a\27[2J", "b" }
  t:row { "\27[31mred\7", "two\nlines" }
  for _, text in ipairs { t:text(), t:markdown(), t:latex(), t:html(), t:csv() } do
    lu.assertNil(text:find "[\27\7]")
    lu.assertStrContains((text:gsub("textbackslash{}", ""):gsub("\\\\", "\\")), "\\27[31mred\\7")
    lu.assertStrContains((text:gsub("textbackslash{}", ""):gsub("\\\\", "\\")), "a\\27[2J")
  end
  lu.assertStrContains(t:text(), "two\\10lines")      -- a line of the table stays one
  lu.assertStrContains(t:csv(), '"two\nlines"')
end

function suite.test_markdown_and_html_escape_what_has_a_meaning_there()
  local t = tabulate { "<b>|" }
  t:row { "x|y <script>&\\|" }
  lu.assertStrContains(t:markdown(), "| &lt;b&gt;\\|")
  lu.assertStrContains(t:markdown(), "| x\\|y &lt;script&gt;&amp;\\\\\\| |")
  lu.assertStrContains(t:html(), "<td>x|y &lt;script&gt;&amp;\\|</td>")
  lu.assertStrContains(t:html(), "<th>&lt;b&gt;|</th>")
end

-- Spreadsheets run what begins with = + - @, and a cell's text comes from others.
function suite.test_csv_has_no_formulas_and_keeps_numbers()
  local t = tabulate { "=1+1" }
  local formulas = { "=HYPERLINK(1)", "+cmd|' /C calc'!A0", "-1+2", "@SUM(A1)", "\tx", "-x", "-4 % off", "=" }
  for _, text in ipairs(formulas) do t:row { text } end
  local n = 0
  for line in t:csv():gmatch "[^\n]+" do
    n = n + 1
    lu.assertEquals(line:sub(1, 1), "'", line)
  end
  lu.assertEquals(n, #formulas + 1)
  lu.assertEquals(tabulate({ "a" }):row({ -1.5 }):row({ -3 }):row({ "-4.5 %" }):row({ "+0.1 %" }):row({ "-" })
    :row({ "-1e-05" }):row({ "a=b" }):row({ "'=x" }):row({ -math.huge }):csv(),
    "a\n-1.5\n-3\n-4.5 %\n+0.1 %\n-\n-1e-05\na=b\n'=x\n-inf\n")
end

function suite.test_a_share_that_is_no_number_is_a_dash()
  local percent = require "flexlab.words".percent
  lu.assertEquals({ percent(0.5), percent(-0.0449, "%+.1f"), percent(0 / 0), percent(1 / 0), percent(-1 / 0, "%+.1f") },
    { "50 %", "-4.5 %", "-", "-", "-" })
end

function suite.test_latex_has_the_decimals_of_the_text()
  local t = require "flexlab.tabulate" { "rfne" }
  t:row({ 0.5 }):row { 0.4375 }
  lu.assertStrContains(t:text(), "0.5000")
  lu.assertStrContains(t:latex(), "0.5000 \\\\\n0.4375 \\\\")
end

os.exit(lu.LuaUnit.run())
