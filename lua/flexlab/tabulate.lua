--[[
tabulate - small tables for people and for other programs.

  local t = flex.table { "condition", "rfne", "p" }
  t:row { "weak", 0.0123, "0.0078" }
  t:print():save("runs/condition.csv")        -- .csv, .md, .tex, .txt or .html, by the name's end

Numbers are shown with 4 significant digits, those of a column of like size with as many decimals
as its largest has, and kept whole in CSV. Headers and cells may hold names from files: each form escapes what has a
meaning in it, and control characters are shown by their numbers in all of them.
--]]

local core = require "flexlab.core"
local csv = require "flexlab.csv"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

local Table = {}
Table.__index = Table

local function shown(value, form)
  if math.type(value) == "float" then
    if value ~= value then return "-" end
    return (string.format(form or "%.4g", value))
  end
  return words.one_line(tostring(value))
end

-- The format of a column of two floats or more within a factor of 10 of each other; else nil.
local function form_of(rows, column)
  local least, most, count = math.huge, 0, 0
  for _, row in ipairs(rows) do
    local v = row[column]
    if math.type(v) == "float" and v == v then
      least, most, count = math.min(least, math.abs(v)), math.max(most, math.abs(v)), count + 1
    end
  end
  if count < 2 or least * 10 < most or most < 1e-3 or most >= 1e5 then return nil end
  return ("%%.%df"):format(math.max(0, 3 - math.floor(math.log(most, 10))))
end

-- The rows as texts, and as row 0 the headers; `escape` of each where a form has characters with a meaning.
local function texts_of(self, escape)
  local texts, forms = { [0] = {} }, {}
  for i, header in ipairs(self.headers) do texts[0][i], forms[i] = shown(header), form_of(self.rows, i) end
  for k, row in ipairs(self.rows) do
    texts[k] = {}
    for i = 1, #self.headers do texts[k][i] = shown(row[i], forms[i]) end
  end
  for k = 0, escape and #self.rows or -1 do
    for i, text in ipairs(texts[k]) do texts[k][i] = escape(text) end
  end
  return texts
end

-- Numbers stand on the right, also those dressed as text: "12 %", "-0.3", "0.004 (least)".
local function numeric(value)
  return type(value) == "number" or type(value) == "string" and value:match("^[+-]?%d") ~= nil
end

-- Characters, not bytes: "±" takes one column.
local function width(text) return utf8.len(text) or #text end

--- Adds a row: a list with one value a header; numbers, texts, or anything with __tostring.
---@param values any[]  one for each header; "" for an empty cell
---@return table  self
function Table:row(values)
  local n = #self.headers
  for i = 1, n do
    if values[i] == nil then
      error(string.format("table: value %d ('%s') of %d is missing", i, self.headers[i], n), 2)
    end
  end
  if #values > n then
    error(string.format("table: %d values for %d columns", #values, n), 2)
  end
  self.rows[#self.rows + 1] = values
  return self
end

--- An empty line between groups of rows.
---@return table  self
function Table:gap()
  self.gaps[#self.rows] = true
  return self
end

--- The row just added is the one to look at (shown so in HTML).
---@return table  self
function Table:mark()
  self.marked[#self.rows] = true
  return self
end

local function layout(self, escape)
  local texts, widths, right = texts_of(self, escape), {}, {}
  for i, header in ipairs(texts[0]) do
    widths[i], right[i] = width(header), #self.rows > 0
    for k, row in ipairs(self.rows) do
      local text = texts[k][i]
      widths[i] = math.max(widths[i], width(text))
      if not numeric(row[i]) and text ~= "" and text ~= "-" then right[i] = false end
    end
  end
  return widths, right, texts
end

local function line(values, widths, right, between)
  local cells = {}
  for i, text in ipairs(values) do
    local space = (" "):rep(widths[i] - width(text))
    cells[i] = right[i] and space .. text or text .. space
  end
  return (table.concat(cells, between):gsub("%s+$", ""))
end

--- Aligned text, numbers to the right.
---@return string
function Table:text()
  local widths, right, texts = layout(self)
  local total = 2 * (#widths - 1)
  for _, w in ipairs(widths) do total = total + w end
  local lines = { line(texts[0], widths, right, "  "), ("-"):rep(math.min(total, 100)) }
  for k, row in ipairs(texts) do
    lines[#lines + 1] = line(row, widths, right, "  ")
    if self.gaps[k] and k < #self.rows then lines[#lines + 1] = "" end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function escaped(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- Markdown takes HTML as it is, and a bar for the end of a cell.
local function escaped_markdown(text) return (escaped(text):gsub("[\\|]", "\\%0")) end

--- A Markdown table, numbers to the right; characters with a meaning there are escaped.
---@return string
function Table:markdown()
  local widths, right, texts = layout(self, escaped_markdown)
  local rule = {}
  for i, w in ipairs(widths) do
    widths[i] = math.max(w, 3)
    rule[i] = ("-"):rep(widths[i] - 1) .. (right[i] and ":" or "-")
  end
  local lines = { "| " .. line(texts[0], widths, right, " | ") .. " |",
                  "| " .. table.concat(rule, " | ") .. " |" }
  for _, row in ipairs(texts) do
    lines[#lines + 1] = "| " .. line(row, widths, right, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

--- All numbers with all their digits, as CSV [RFC 4180]; gaps and marks are left out.
---@return string
function Table:csv()
  local lines = {}
  for k = 0, #self.rows do
    local cells = {}
    for i, value in ipairs(self.rows[k] or self.headers) do cells[i] = csv.cell(value) end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- An HTML table; the row that is marked has the class "strong", numbers have "number".
---@return string
function Table:html()
  local _, right, texts = layout(self, escaped)
  local out = { "<table>\n" }
  for k = 0, #self.rows do
    local tag = k == 0 and "th" or "td"
    out[#out + 1] = self.marked[k] and '<tr class="strong">' or "<tr>"
    for i, text in ipairs(texts[k]) do
      out[#out + 1] = string.format("<%s%s>%s</%s>", tag, right[i] and ' class="number"' or "", text, tag)
    end
    out[#out + 1] = "</tr>\n"
  end
  return table.concat(out) .. "</table>\n"
end

local tex = { ["&"] = "\\&", ["%"] = "\\%", ["_"] = "\\_", ["#"] = "\\#", ["$"] = "\\$", ["{"] = "\\{",
  ["}"] = "\\}", ["~"] = "\\textasciitilde{}", ["^"] = "\\textasciicircum{}", ["\\"] = "\\textbackslash{}" }

local function escaped_tex(text) return (text:gsub("[&%%_#${}~^\\]", tex)) end

--- A LaTeX tabular with rules of the booktabs package.
---@return string
function Table:latex()
  local _, right, texts = layout(self, escaped_tex)
  local align, lines = {}, {}
  for i = 1, #self.headers do align[i] = right[i] and "r" or "l" end
  lines[1] = "\\begin{tabular}{" .. table.concat(align) .. "}\n\\toprule"
  for k = 0, #self.rows do
    lines[#lines + 1] = table.concat(texts[k], " & ") .. " \\\\"
    if k == 0 or self.gaps[k] and k < #self.rows then lines[#lines + 1] = "\\midrule" end
  end
  lines[#lines + 1] = "\\bottomrule\n\\end{tabular}\n"
  return table.concat(lines, "\n")
end

--- Prints the aligned text on standard output.
---@return table  self
function Table:print()
  terminal.write(self:text())
  return self
end

local forms = { csv = Table.csv, md = Table.markdown, html = Table.html, txt = Table.text,
  tex = Table.latex }

--- Writes the table; the form follows the name's end. Raises when the file cannot be written.
---@param path string  ends with .csv, .md, .tex, .txt or .html
---@return table  self
function Table:save(path)
  local form = forms[path:match("%.(%w+)$") or ""]
  if not form then
    error("table: cannot tell a form from '" .. path .. "' (.csv .md .tex .html .txt)", 2)
  end
  assert(core.sys.write(path, form(self)))
  return self
end

Table.__tostring = Table.text

--- An empty table. flex.table(headers) is the same.
---@param headers string[]  one for each column, at least one
---@return table
function M.new(headers)
  if type(headers) ~= "table" or #headers == 0 then
    error("flex.table wants a list of headers", 2)
  end
  return setmetatable({ headers = headers, rows = {}, gaps = {}, marked = {} }, Table)
end

return setmetatable(M, { __call = function(_, ...) return M.new(...) end })
