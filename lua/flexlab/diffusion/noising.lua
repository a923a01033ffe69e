--[[
noising - how noise grows with t: alpha(t) and sigma(t), back from logSNR to t, times to train at.

Every schedule is used in one frame, x_t = alpha x0 + sigma eps with alpha^2 + sigma^2 = 1, so that it
is logSNR(t) and nothing else. A schedule that is written with other amplitudes (rectified flow: 1 - t
and t) differs from that by a factor of x_t, `size(t)`, which neither the loss nor a sampler can see
[Kingma et al. 2021, section 5.1]; only the network can, so the factor is put on what it reads.
Refused: schedules as pairs of functions alpha, sigma. Every parametrisation, sampler and weighting
would have to hold for all such pairs, and each would be tested for few.

  noising = require("flexlab.diffusion.noising").new(flex.schedules.cosine, { shift = 1, limit = 20 })
--]]
local rng = require "flexlab.rng"

local M = {}

local Noising = { __name = "flexlab.Noising" }
Noising.__index = Noising

--- The noising of a schedule with its settings (its defaults without any).
---@param schedule table      a choice of schedules
---@param settings table|nil  its own
---@return table
function M.new(schedule, settings)
  return setmetatable({ schedule = schedule, settings = settings or schedule.defaults or {} }, Noising)
end

--- log(alpha^2 / sigma^2) at a time t in [0,1].
---@param t number  0..1
---@return number
function Noising:logsnr(t) return self.schedule.logsnr(t, self.settings) end

--- alpha(t), sigma(t): numbers with alpha^2 + sigma^2 = 1.
---@param t number  0..1
---@return number  alpha
---@return number  sigma
function Noising:coefficients(t)
  local logsnr = self:logsnr(t)
  return math.sqrt(1 / (1 + math.exp(-logsnr))), math.sqrt(1 / (1 + math.exp(logsnr)))
end

--- The factor between the schedule's own x_t and ours.
---@param t number  0..1
---@return number
function Noising:size(t)
  return self.schedule.size and self.schedule.size(t, self.settings) or 1
end

--- Whether the schedule has amplitudes of its own.
---@return boolean
function Noising:sized() return self.schedule.size ~= nil end

--- The time at which logSNR has a value: by bisection, since logSNR falls; 0 or 1 beyond its range.
---@param logsnr number  any
---@return number  0..1
function Noising:time(logsnr)
  local low, high = 0.0, 1.0
  if logsnr >= self:logsnr(low) then return low end
  if logsnr <= self:logsnr(high) then return high end
  for _ = 1, 60 do
    local middle = 0.5 * (low + high)
    if self:logsnr(middle) > logsnr then low = middle else high = middle end
  end
  return 0.5 * (low + high)
end

--- n times to train at, addressed by a key: t ~ U(0,1), unless the schedule has its own distribution.
---@param key flexlab.Key  address of the random numbers
---@param n integer        how many
---@return number[]  in [0,1]
function Noising:draw(key, n)
  local draw = self.schedule.draw
  return draw and draw(self, key, n, self.settings) or rng.uniform(key, n)
end

return M
