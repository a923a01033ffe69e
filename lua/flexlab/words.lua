--[[
words - words and sentences of messages: the nearest known word, lists, values in short.
--]]
local core = require "flexlab.core"

local M = {}

--- The known word that `word` was meant to be, or nil where none is near (csrc/base/nearest.h).
---@param word any     what was written
---@param known any[]  what there is
---@return string|nil
function M.nearest(word, known)
  local words = {}
  for i, k in ipairs(known) do words[i] = tostring(k) end
  return core.nearest(tostring(word), words)
end

--- Whether a word is among those of a list.
---@param list any[]  of words
---@param word any    the one looked for
---@return boolean
function M.has(list, word)
  for _, known in ipairs(list) do
    if known == word then return true end
  end
  return false
end

--- "a, b" as a list: words between commas and spaces.
---@param text string  commas and spaces divide it
---@return string[]
function M.words(text)
  local list = {}
  for word in text:gmatch("[^,%s]+") do list[#list + 1] = word end
  return list
end

--- "a, b and c", or with another joint "a, b or c".
---@param words any[]       of strings and numbers; none gives "none"
---@param joint string|nil  "and"
---@return string
function M.list(words, joint)
  local n = #words
  if n < 2 then return tostring(words[1] or "none") end
  return ("%s %s %s"):format(table.concat(words, ", ", 1, n - 1), joint or "and", words[n])
end

--- "; the nearest is 'size'", or nothing where none is near: the end of a sentence that lists what is known itself.
---@param word any     what was written
---@param known any[]  what there is
---@return string
function M.meant(word, known)
  local nearest = M.nearest(word, known)
  return nearest and ("; the nearest is '%s'"):format(nearest) or ""
end

--- The end of a sentence about an unknown word: "the nearest is 'size'", or all there are where none is
--- near. Options (--size) stand without quotes.
---@param word any     what was written
---@param known any[]  what there is
---@return string
function M.hint(word, known)
  local nearest = M.nearest(word, known)
  if not nearest then return "there are: " .. M.list(known) end
  return ("the nearest is " .. (nearest:find("^%-") and "%s" or "'%s'")):format(nearest)
end

--- "no 'sise'; the nearest is 'size' (known: a, b and c)", with a noun "no setting 'sise'; ...".
---@param word any         what was written
---@param known any[]      what there is, sorted in the sentence
---@param noun string|nil  what it is: "channel"
---@return string
function M.unknown(word, known, noun)
  local words = {}
  for i, k in ipairs(known) do words[i] = tostring(k) end
  table.sort(words)
  return core.unknown(tostring(word), words, noun)
end

-- Characters that a terminal obeys in place of showing them: controls of ASCII, of Latin-1, and those
-- that turn the direction of what follows, so that a name reads as another.
local function obeyed(code, lines)
  if code == 10 or code == 9 then return not lines end
  return code < 32 or code >= 127 and code < 160 or code == 0x200E or code == 0x200F
    or code >= 0x202A and code <= 0x202E or code >= 0x2066 and code <= 0x2069
end

local function escaped(bytes)
  return (bytes:gsub(".", function(c) return ("\\%d"):format(c:byte()) end))
end

-- A text whose obeyed characters, and bytes that are no UTF-8, are shown by their numbers.
local function shown(text, lines)
  if not text:find "[%c\128-\255]" then return text end
  local out, at = {}, 1
  while at <= #text do
    local good, bad = utf8.len(text, at)
    local last = good and #text or bad - 1
    out[#out + 1] = text:sub(at, last):gsub(utf8.charpattern, function(c)
      return obeyed(utf8.codepoint(c), lines) and escaped(c) or nil
    end)
    if bad then out[#out + 1] = escaped(text:sub(bad, bad)) end
    at = last + (bad and 2 or 1)
  end
  return table.concat(out)
end

--- A text for a terminal: control characters, which names from files may hold, as \27; ends of lines and tabs stay.
---@param text string  of any origin
---@return string
function M.printable(text) return shown(text, true) end

--- The same of a text that is to stay on its line.
---@param text string  of any origin
---@return string
function M.one_line(text) return shown(text, false) end

--- Lines of at most `width` of a text, cut between words where there are any.
---@param text string    of words; white space between them is lost
---@param width integer  bytes in a line
---@return string[]  at least one line
function M.wrapped(text, width)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    while #word > width do
      if line ~= "" then lines[#lines + 1], line = line, "" end
      lines[#lines + 1], word = word:sub(1, width), word:sub(width + 1)
    end
    if line ~= "" and #line + 1 + #word > width then lines[#lines + 1], line = line, "" end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return lines
end

--- A value as a message shows it: strings in quotes, tables by their kind.
---@param value any  what a user gave
---@return string
function M.show(value)
  if type(value) == "string" then return ("'%s'"):format(value) end
  if type(value) == "table" then return #value > 0 and "a list" or "a table" end
  return tostring(value)
end

--- A number in the given form; what is no number is "nan", whatever its sign bit.
---@param value number     any, also NaN
---@param form string|nil  of string.format; "%.4g"
---@return string
function M.number(value, form)
  return value ~= value and "nan" or (form or "%.4g"):format(value)
end

--- A share as a percentage, "12 %"; what is no number, or beyond all, is "-" as in tables.
---@param share number     0.12 is 12 %
---@param form string|nil  of string.format, for the number; "%.0f"
---@return string
function M.percent(share, form)
  if share ~= share or math.abs(share) == math.huge then return "-" end
  return ((form or "%.0f") .. " %%"):format(100 * share)
end

--- The keys of a table, sorted as strings.
---@param t table  its keys of any type
---@return any[]
function M.keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

-- A number with so many significant digits as people read: 3.4, 34, 340.
local function short(value) return value < 9.95 and ("%.2g"):format(value) or ("%.0f"):format(value) end

--- A time in the unit in which it is a number of people's: "30 ms", "3 s", "12 min", "3.4 h",
--- "5.2 days".
---@param seconds number  0 or above
---@return string
function M.time(seconds)
  if seconds < 0.995 then return short(seconds * 1e3) .. " ms" end
  if seconds < 99.5 then return short(seconds) .. " s" end
  if seconds < 99.5 * 60 then return short(seconds / 60) .. " min" end
  if seconds < 48 * 3600 then return short(seconds / 3600) .. " h" end
  return short(seconds / 86400) .. " days"
end

--- A size likewise: "812 bytes", "44 MiB", "1.5 GiB".
---@param bytes number  0 or above
---@return string
function M.size(bytes)
  if bytes < 1000 then return ("%.0f bytes"):format(bytes) end
  for _, unit in ipairs { "KiB", "MiB", "GiB" } do
    bytes = bytes / 1024
    if bytes < 999.5 then return ("%s %s"):format(short(bytes), unit) end
  end
  return ("%s TiB"):format(short(bytes / 1024))
end

--- 75 -> "1:15", 3700 -> "1:01:40".
---@param seconds number  rounded to whole ones
---@return string
function M.duration(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60) end
  return ("%d:%02d"):format(s // 60, s % 60)
end

return M
