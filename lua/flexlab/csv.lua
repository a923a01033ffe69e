--[[
csv - one cell of a CSV file [RFC 4180], for every table that FlexLab writes as CSV.

Spreadsheets run a cell that begins with = + - or @ as a formula, also one in quotes, and texts of cells come from
others: names of files, variables and arms. Such a text gets an apostrophe in front, which spreadsheets take for "this
is text". Numbers stay numbers, also as people write them ("-4.5 %"), and so does "-", which stands for none. Control
characters are shown (words.printable), since a CSV is also read at a terminal.
--]]
local words = require "flexlab.words"

local M = {}

-- Texts that begin so and are none: no value, and what no number reads back from.
local NUMBERS = { ["-"] = true, ["-nan"] = true, ["-inf"] = true }

local function is_formula(text)
  if not text:find "^[=+%-@\t\r]" or NUMBERS[text] then return false end
  return tonumber((text:gsub(" %%$", ""))) == nil
end

--- The cell of a value: floats in the given form, by default with all their digits.
---@param value any        a number, or what tostring makes a text of
---@param form string|nil  of floats, as string.format's; "%.17g"
---@return string  in quotes where it holds a comma, a quote or a line's end
function M.cell(value, form)
  if math.type(value) == "float" then return (form or "%.17g"):format(value) end
  if type(value) == "number" then return tostring(value) end
  local text = tostring(value)
  if is_formula(text) then text = "'" .. text end
  text = words.printable(text)
  return text:find '[,"\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

return M
