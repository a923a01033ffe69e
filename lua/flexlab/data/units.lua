--[[
units - whether two units of measure are one, however they are spelled.     [UDUNITS-2: names, symbols and its grammar]

  units.compare("m s-1", "metres/second") -> "same"      units.compare("K", "degC") -> "different"
  units.compare("K", "m of water")        -> "unknown"   units.compare("K", nil)    -> "unsaid"

A text is read as a product of known names with whole exponents and a factor: "kg m-2 s-1", "W/m^2", "m**2 s**-2",
"1e-3 kg". What is read so is compared as a number of SI base units, so that J kg-1 is m2 s-2. A text with a name that
is not in the list is not guessed at: it equals itself only, and beside another it is "unknown". Degrees Celsius and
Fahrenheit by themselves are temperatures with another zero, and in a product steps of kelvin.
--]]
local M = {}

-- Names of one unit, its factor, and its exponents of SI base units.
local list = {
  { "m metre metres meter meters", 1, { m = 1 } }, { "km kilometre kilometres kilometer kilometers", 1e3, { m = 1 } },
  { "cm centimetre centimetres centimeter centimeters", 1e-2, { m = 1 } },
  { "mm millimetre millimetres millimeter millimeters", 1e-3, { m = 1 } },
  { "s sec secs second seconds", 1, { s = 1 } }, { "min mins minute minutes", 60, { s = 1 } },
  { "h hr hrs hour hours", 3600, { s = 1 } }, { "d day days", 86400, { s = 1 } },
  { "kg kilogram kilograms", 1, { kg = 1 } }, { "g gram grams", 1e-3, { kg = 1 } },
  { "mg milligram milligrams", 1e-6, { kg = 1 } },
  { "K kelvin kelvins degK deg_K degreeK degree_K degrees_K degreesK degree_kelvin degrees_kelvin °K", 1, { K = 1 } },
  { "degC deg_C degreeC degree_C degrees_C degreesC celsius degree_celsius degrees_celsius °C", 1, { K = 1 }, "degC" },
  { "degF deg_F degreeF degree_F degrees_F fahrenheit degree_fahrenheit degrees_fahrenheit °F", 5 / 9, { K = 1 },
    "degF" },
  { "Pa pascal pascals", 1, { kg = 1, m = -1, s = -2 } }, { "kPa kilopascal", 1e3, { kg = 1, m = -1, s = -2 } },
  { "hPa hectopascal hectopascals mbar mb millibar millibars", 100, { kg = 1, m = -1, s = -2 } },
  { "bar bars", 1e5, { kg = 1, m = -1, s = -2 } }, { "dbar decibar decibars", 1e4, { kg = 1, m = -1, s = -2 } },
  { "N newton newtons", 1, { kg = 1, m = 1, s = -2 } }, { "J joule joules", 1, { kg = 1, m = 2, s = -2 } },
  { "kJ kilojoule kilojoules", 1e3, { kg = 1, m = 2, s = -2 } },
  { "W watt watts", 1, { kg = 1, m = 2, s = -3 } }, { "Hz hertz", 1, { s = -1 } }, { "mol mole moles", 1, { mol = 1 } },
  { "rad radian radians dimensionless unitless none", 1, {} }, { "% percent", 1e-2, {} },
  { "degree degrees deg °", math.pi / 180, {} },
}

local known = {}
for _, unit in ipairs(list) do
  for name in unit[1]:gmatch("%S+") do
    known[name] = { factor = unit[2], of = unit[3], zero = unit[4] }
    if #name > 4 and not known[name:lower()] then known[name:lower()] = known[name] end
  end
end

local function lookup(name) return known[name] or #name > 4 and known[name:lower()] or nil end

local digits = { ["⁻"] = "-", ["⁰"] = "0", ["¹"] = "1", ["²"] = "2", ["³"] = "3", ["⁴"] = "4", ["⁵"] = "5", ["⁶"] = "6",
  ["·"] = " ", ["×"] = " ", ["−"] = "-", ["º"] = "°" }

-- A text without what is spelled in more than one way: per and /, ** and ^, raised digits.
local function plain(text)
  for from, to in pairs(digits) do text = text:gsub(from, to) end
  return (text:gsub("%f[%a]per%f[%A]", "/"):gsub("%*%*", "^"))
end

-- The first name or number of a text, its exponent, and what is left; nil where it begins with neither.
local function first(rest)
  local number, behind = rest:match("^(%d+%.?%d*[eE]?[+-]?%d*)()")
  if number then return tonumber(number), 1, rest:sub(behind) end
  local name, after = rest:match("^([%a_%%\128-\255]+)()")
  if not name then return nil end
  local power, last = rest:match("^%^?([+-]?%d+)()", after)
  return name, tonumber(power or 1), rest:sub(last or after)
end

-- The factors of a text: { { name or number, exponent } }, or nil.
local function factors(text)
  local rest, sign, found = plain(text), 1, {}
  while true do
    rest = rest:gsub("^[%s.*]+", "")
    if rest == "" then return sign == 1 and found or nil end
    if rest:sub(1, 1) == "/" then
      sign, rest = -1, rest:sub(2)
    else
      local name, power, left = first(rest)
      if not name then return nil end
      found[#found + 1], sign, rest = { name, sign * power }, 1, left
    end
  end
end

-- A text as { factor =, of = {exponents}, zero = }; nil where it cannot be read.
local function read(text)
  local parts = factors(text)
  if not parts then return nil end
  local sum, zero = { factor = 1, of = {} }, nil
  for _, part in ipairs(parts) do
    local unit = type(part[1]) == "number" and { factor = part[1], of = {} } or lookup(part[1])
    if not unit then return nil end
    sum.factor, zero = sum.factor * unit.factor ^ part[2], unit.zero
    for base, n in pairs(unit.of) do sum.of[base] = (sum.of[base] or 0) + n * part[2] end
  end
  sum.zero = #parts == 1 and parts[1][2] == 1 and zero or nil
  return sum
end

local function equal(a, b)
  for _, pair in ipairs { { a.of, b.of }, { b.of, a.of } } do
    for base, n in pairs(pair[1]) do
      if (pair[2][base] or 0) ~= n then return false end
    end
  end
  return a.zero == b.zero and math.abs(a.factor - b.factor) <= 1e-9 * math.abs(a.factor)
end

--- "same", "different", "unknown" (two texts of which one cannot be read) or "unsaid" (one of them is nil).
---@param a string|nil  units as a file says them
---@param b string|nil  those of another
---@return string
function M.compare(a, b)
  if a == b then return "same" end
  if not a or not b then return "unsaid" end
  local x, y = read(a), read(b)
  if not x or not y then return "unknown" end
  return equal(x, y) and "same" or "different"
end

return M
