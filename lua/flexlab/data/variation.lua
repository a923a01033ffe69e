--[[
variation - whether the networks here, which compute in f32, can see how a field varies.

  variation.fault("'w'", { mean =, std =, min =, max = }) -> sentence or nil, and "constant" where it does not vary
  variation.judge(source, mean, std)     raises where a channel's variation is lost, or where no channel varies
Numbers beyond f32 become infinite; a small variation about a large mean is rounded away (f32 holds 24 bits: at 1e7 its
steps are 1); one below the smallest normal number is lost too. Such a field would be learned as a constant, and every
score of it would look perfect. A channel that does not vary among others that do is noted, not refused: files hold
masks.
--]]
local core = require "flexlab.core"
local notes = require "flexlab.context.notes"

local M = {}

M.largest = 3.4028234663852886e38      -- of f32
local SMALLEST, STEPS = 2.0 ^ -126, 4  -- a variation of fewer steps than these is mostly rounding

-- The step of f32 at a number.
local function step(x)
  x = math.abs(x)
  return x < SMALLEST and 2.0 ^ -149 or 2.0 ^ (math.floor(math.log(x, 2)) - 23)
end

--- Why the variation of something is lost: see the head of this file.
---@param name string  of the field, for the sentence
---@param s table      { mean =, std =, min =, max = } of its finite values, the last two if known
---@return string|nil
---@return string|nil  "constant"
function M.fault(name, s)
  local far = s.min and math.max(math.abs(s.min), math.abs(s.max)) or 0
  if far > M.largest then
    return ("%s holds numbers up to %.3g, which exceeds f32 (3.4e+38): scale it first"):format(name, far)
  end
  if not s.mean or s.mean ~= s.mean or not s.std or s.std ~= s.std then return nil end
  if s.min and s.min == s.max then
    return ("%s has no variance: it is %.6g everywhere"):format(name, s.min), "constant"
  end
  if s.std < SMALLEST and (not s.min or s.max - s.min < SMALLEST) then      -- squares of 1e-310 are 0
    return ("the variation of %s (%s) is below the smallest numbers that f32 holds (1.2e-38): scale it first")
      :format(name, s.min and ("from %.3g to %.3g"):format(s.min, s.max) or ("sd %.3g"):format(s.std))
  end
  if s.std < STEPS * step(s.mean) then
    return ("the variation of %s (sd %.3g) is below what f32 holds at its mean (%.3g, in steps of %.3g): subtract the "
      .. "mean first"):format(name, s.std, s.mean, step(s.mean))
  end
end

-- Statistics of the variable of channel c as the first file holds it, not as f32; nil where they are of several
-- channels, or the file cannot be asked.
local function as_stored(source, c)
  local file = source.files[1]
  if source.observed then return nil end
  local part = file.reader.chosen[c] and file.reader.chosen[c].part
  for i, other in ipairs(file.reader.chosen) do
    if i ~= c and other.part == part then return nil end
  end
  if not part or #file.reader.chosen ~= source.channels then return nil end
  local groups = file.reader.file.description.groups
  local container = core.io.container(file.path)
  if not container then return nil end
  local s = container:statistics(groups and groups[1] .. "/" .. part.path or part.path)
  container:close()
  return s
end

--- Judges a scale of training frames (scales.lua), fitted or given: raises where the variation of a channel is lost, or
--- where no channel varies, and notes a channel that does not.
---@param source table   of frames.lua
---@param mean number[]  by channel
---@param std number[]   by channel
---@param varies table   by channel: false where a fitted one does not vary
function M.judge(source, mean, std, varies)
  local constant = {}
  for c = 1, source.channels do
    local name = ("'%s'"):format(source.names[c] or "channel " .. c)
    local where = ("data: '%s': "):format(source.files[1].path)
    if varies[c] == false then
      local stored = as_stored(source, c)
      local sentence, kind = nil, nil
      if stored then sentence, kind = M.fault(name, stored) end
      if sentence and kind ~= "constant" then error(where .. sentence, 0) end
      constant[#constant + 1] = ("%s%s has no variance: it is %.6g in all training frames"):format(where, name, mean[c])
    elseif std[c] > 0 then
      local sentence = M.fault(name, { mean = mean[c], std = std[c] })
      if sentence then error(where .. sentence, 0) end
    end
  end
  if #constant == source.channels then
    error(constant[1] .. ", and there is nothing to learn", 0)
  end
  for _, sentence in ipairs(constant) do notes.add(sentence .. ", and scores of it say nothing") end
end

return M
