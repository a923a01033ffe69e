--[[
axis - where a value stands on an axis, and which ticks the axis shows.

An axis is { low, high, log, at = function(value) -> 0..1 (NaN when it has no place), ticks };
ticks is a list of { value, label }, label nil for a minor tick.
--]]

local M = {}

-- Ends beyond these are cut: differences and ratios of what is left are finite, and so is the number of ticks.
local LARGEST, LARGEST_LOG, LEAST_LOG = 1e300, 1e280, 1e-280

-- A value within two ends; NaN is the lower one.
local function within(value, low, high) return math.max(low, math.min(high, value ~= value and low or value)) end

-- Whether two values differ by too little to be told apart on an axis.
local function alike(low, high)
  return high - low <= math.max(1e-300, 1e-13 * math.max(math.abs(low), math.abs(high)))
end

-- A step of 1, 2 or 5 times a power of ten that cuts `range` into at most `count` pieces.
local function nice_step(range, count)
  local power = 10 ^ math.floor(math.log(range / count, 10))
  for _, factor in ipairs { 1, 2, 5, 10 } do
    if range / (factor * power) <= count * (1 + 1e-9) then return factor * power end
  end
end

local function plain(value, step)
  local size = math.abs(value)
  if size ~= 0 and (size >= 1e5 or size < 1e-3) then
    local text = string.format("%.3g", value)
    local mantissa, power = text:match("^(.-)e([+-]%d+)$")
    if mantissa then return mantissa .. "\u{00D7}10^" .. math.tointeger(tonumber(power)) end
  end
  local decimals = math.max(0, -math.floor(math.log(step, 10) + 1e-9))
  if decimals > 20 then decimals = 0 end   -- of a tiny step only 0 is left
  return (string.format("%." .. decimals .. "f", value):gsub("^%-", "\u{2212}"))
end

--- From low to high, widened to whole ticks.
---@param low number         the least value
---@param high number        the greatest value
---@param count integer|nil  ticks, about; 6
---@return table  an axis
function M.linear(low, high, count)
  low, high = within(low, -LARGEST, LARGEST), within(high, -LARGEST, LARGEST)
  if alike(low, high) then low, high = low - 0.5 * math.abs(low) - 0.5, high + 0.5 * math.abs(high) + 0.5 end
  local step = nice_step(high - low, count or 6)
  local first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
  local axis = { low = first * step, high = last * step, ticks = {} }
  for k = first, last do
    axis.ticks[#axis.ticks + 1] = { value = k * step, label = plain(k * step, step) }
  end
  function axis.at(value)
    if value == value then value = within(value, -LARGEST, LARGEST) end
    return (value - axis.low) / (axis.high - axis.low)
  end
  return axis
end

local function power_label(k)
  if k == 0 then return "1" elseif k == 1 then return "10" end
  return "10^" .. k
end

-- Fewer than two decades: 1, 2 and 5 carry numbers; otherwise powers of ten do, every one that fits.
local function log_ticks(first, last, low, high)
  local ticks, every = {}, math.max(1, math.ceil((last - first) / 7))
  local short = math.log(high / low, 10) < 2
  for k = math.floor(first), math.ceil(last) do
    for digit = 1, 9 do
      local value = digit * 10.0 ^ k
      if value >= low * (1 - 1e-9) and value <= high * (1 + 1e-9) then
        local label
        if short and (digit == 1 or digit == 2 or digit == 5) then
          label = plain(value, 10.0 ^ k)
        elseif not short and digit == 1 and k % every == 0 then
          label = power_label(k)
        end
        if label or every == 1 then ticks[#ticks + 1] = { value = value, label = label } end
      end
    end
  end
  return ticks
end

-- Within less than a decade 1, 2 and 5 may leave one label or none: then round steps carry them.
local function narrow_ticks(low, high)
  local ticks, step = {}, nice_step(high - low, 5)
  for k = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
    ticks[#ticks + 1] = { value = k * step, label = plain(k * step, step) }
  end
  return ticks
end

--- From low to high (both > 0), widened by a little; values that are not positive have no place.
---@param low number   the least value, above 0
---@param high number  the greatest value
---@return table  an axis
function M.log(low, high)
  low, high = within(low, LEAST_LOG, LARGEST_LOG), within(high, LEAST_LOG, LARGEST_LOG)
  if alike(low / high, 1) then low, high = low / 2, high * 2 end
  local margin = 10 ^ (0.03 * (math.log(high, 10) - math.log(low, 10)))
  low, high = low / margin, high * margin
  local first, last = math.log(low, 10), math.log(high, 10)
  local axis = { low = low, high = high, log = true, ticks = log_ticks(first, last, low, high) }
  local labels = 0
  for _, tick in ipairs(axis.ticks) do labels = labels + (tick.label and 1 or 0) end
  if labels < 2 then axis.ticks = narrow_ticks(low, high) end
  function axis.at(value)
    if value > 0 then
      value = within(value, LEAST_LOG, LARGEST_LOG)
      return (math.log(value, 10) - first) / (last - first)
    end
    return 0 / 0
  end
  return axis
end

--- The axis that holds all values of the lists; options: log, low, high (fixed ends).
---@param lists number[][]   values; what is not finite, or not positive on a logarithmic axis, is left out
---@param options table|nil  { log =, low =, high = }, the last two fixed ends
---@return table  an axis
function M.fit(lists, options)
  options = options or {}
  local low, high = options.low or math.huge, options.high or -math.huge
  for _, list in ipairs(lists) do
    for _, v in ipairs(list) do
      if v == v and math.abs(v) < math.huge and (not options.log or v > 0) then
        if not options.low then low = math.min(low, v) end
        if not options.high then high = math.max(high, v) end
      end
    end
  end
  if low > high then low, high = options.log and 0.1 or 0, 1 end
  return (options.log and M.log or M.linear)(low, high)
end

return M
