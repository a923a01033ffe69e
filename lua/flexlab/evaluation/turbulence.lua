--[[
turbulence - how long a forecast of a chaotic flow is worth something, and in which unit of time.

  local rate = flex.turbulence.lyapunov { re = 1000, size = 128, time = 1 }
  local horizon = flex.turbulence.horizon(times, correlations)        -- where r falls below 0.8
  print(("good for %.1f Lyapunov times"):format(horizon * rate.exponent))
Times are those of the solver (box length / 2 pi over the initial r.m.s. velocity). In decaying turbulence
the exponent is that of the interval it was measured in; it falls as the flow slows down.
--]]
local config = require "flexlab.config"
local core = require "flexlab.core"
local settings = require "flexlab.settings"
local stats = require "flexlab.stats"

local M = {}

--- When the curve r(times) first falls below a level, by linear interpolation [Pearson horizon: Kochkov et
--- al. 2021, where the correlation of vorticity reaches 0.8]. Lists of equal length, times rising.
--- Returns the time and true; or the last time and false when it never does. A NaN counts as below.
---@param times number[]    rising
---@param r number[]        correlations, as many as times
---@param level number|nil  0.8
---@return number
---@return boolean  whether it falls below the level
function M.horizon(times, r, level)
  level = level or 0.8
  if #times == 0 or #times ~= #r then
    error(("turbulence.horizon: %d times and %d values; they must be as many, and at least one"):format(#times,
      #r), 2)
  end
  for i = 1, #r do
    local bad = r[i] ~= r[i]
    if bad or r[i] < level then
      if i == 1 or bad then return times[i], true end
      local part = (r[i - 1] - level) / (r[i - 1] - r[i])
      return times[i - 1] + part * (times[i] - times[i - 1]), true
    end
  end
  return times[#times], false
end

--- Lead times in units of the Lyapunov time 1/exponent, counted from `start`.
---@param times number[]    in the solver's unit
---@param exponent number   1 / time
---@param start number|nil  the time that counts as 0; the first
---@return number[]
function M.scaled(times, exponent, start)
  local scaled = {}
  for i, t in ipairs(times) do scaled[i] = (t - (start or times[1])) * exponent end
  return scaled
end

local usual = settings.of("flow").defaults

M.defaults = { re = usual.re, seed = usual.seed, size = 128, k0 = usual.k0, forcing = usual.forcing,
  start = 0.5, time = 1.0, interval = 0.05, spin_up = 0.25, distance = 1e-6 }

local function flow_of(o, initial)
  return core.flow { height = o.size, width = o.size, re = o.re, seed = o.seed, k0 = o.k0,
    forcing = o.forcing, initial = initial }
end

local function size_of(t) return math.sqrt(t:square():mean():item()) end

-- Moves the twin back to the given distance from the first flow, in the direction it has gone to.
local function renormalise(first, twin, target)
  local scope <close> = core.scope()
  local w = first:vorticity()
  local difference = twin:vorticity() - w
  local distance = size_of(difference)
  twin:set_vorticity(w + difference * (target / distance), first:time())
  scope:close()
  return distance
end

local function check(o)
  for _, name in ipairs { "time", "interval", "distance" } do
    if type(o[name]) ~= "number" or o[name] <= 0 or o[name] ~= o[name] then
      error(("turbulence.lyapunov: %s must be above 0, got %s"):format(name, tostring(o[name])), 3)
    end
  end
  if o.distance > 1e-2 then
    error("turbulence.lyapunov: distance must be small against the vorticity, at most 1e-2", 3)
  end
end

--- The largest Lyapunov exponent by twin simulations [Benettin et al. 1980]: a second flow starts at a
--- relative distance (r.m.s. of vorticity) of 1e-6 and is set back to it after every interval; the exponent
--- is the mean rate of growth after `spin_up`, when the difference has turned into the fastest direction.
---@param options table|nil  M.defaults: the flow as in flex.generate; start, time and interval in its units
---@return table             { exponent =, error = (standard error over intervals), times = {}, rates = {} }
function M.lyapunov(options)
  local o = config.options("turbulence.lyapunov", M.defaults, options, nil, 2)
  check(o)
  local first <close> = flow_of(o)
  local twin <close> = flow_of(o, "rest")
  first:advance(o.start)
  local scope <close> = core.scope()
  local w = first:vorticity()
  local target = o.distance * size_of(w)
  local random = core.normal(w.shape, { seed = o.seed, stream = "data", member = 1 }, { dtype = "f64" })
  local start = random - random:mean():item()
  twin:set_vorticity(w + start * (target / size_of(start)), o.start)
  scope:close()
  local result, steps = { times = {}, rates = {} }, math.ceil((o.spin_up + o.time) / o.interval - 1e-9)
  for i = 1, steps do
    local time = o.start + i * o.interval
    first:advance(time)
    twin:advance(time)
    local rate = math.log(renormalise(first, twin, target) / target) / o.interval
    if i * o.interval > o.spin_up + 1e-9 then
      result.times[#result.times + 1], result.rates[#result.rates + 1] = time, rate
    end
  end
  result.exponent = stats.mean(result.rates)
  result.error = #result.rates > 1 and stats.sd(result.rates) / math.sqrt(#result.rates) or 0
  return result
end

return M
