--[[
stretches - which frames of a file follow each other, for forecasts and for splits in time.

Frames are in one run as long as they are of one sample, of one Reynolds number, and time rises. Within a run, times
may have gaps: a stretch is a part of a run whose steps are equal, to a tenth, so that months are (28 days are a tenth
less than 31) and a missing frame is not. Splits divide runs; samples of a forecast lie within stretches.
--]]
local M = {}

local TOLERANCE = 0.1

-- The middle of the steps in time within runs, or nil.
local function usual_step(times, run)
  local steps = {}
  for j = 2, #run do
    if run[j] == run[j - 1] and times[j] and times[j - 1] then steps[#steps + 1] = times[j] - times[j - 1] end
  end
  table.sort(steps)
  return steps[(#steps + 1) // 2]
end

-- A time that is missing is no multiple of anything.
local function equal(now, before, usual)
  return now and before and math.abs(now - before - usual) <= TOLERANCE * usual
end

local function known(time) return time == time and time or nil end

--- { run = {a number by frame}, stretch = {the same}, step = the usual one or nil, gaps = { frames behind which
--- another step than that follows } } of a reader; `re` is one Reynolds number, or a list by frame.
---@param reader table        of fields.lua
---@param re number|number[]  one Reynolds number, or a list by frame
---@return table
function M.of(reader, re)
  local times, run, stretch, gaps = {}, {}, {}, {}
  for j = 1, reader.frames do
    times[j] = known(reader:time(j))
    local now, before = times[j], times[j - 1]
    local new = j == 1 or reader:run(j) ~= reader:run(j - 1) or (type(re) == "table" and re[j] ~= re[j - 1])
      or (now and before and now <= before)
    run[j] = (run[j - 1] or 0) + (new and 1 or 0)
  end
  local usual = usual_step(times, run)
  for j = 1, reader.frames do
    local new = j == 1 or run[j] ~= run[j - 1]
    if not new and usual and not equal(times[j], times[j - 1], usual) then new, gaps[#gaps + 1] = true, j - 1 end
    stretch[j] = (stretch[j - 1] or 0) + (new and 1 or 0)
  end
  return { run = run, stretch = stretch, step = usual, gaps = gaps }
end

--- What to say of gaps, or nil.
---@param reader table  of fields.lua
---@param found table   of M.of
---@return string|nil
function M.sentence(reader, found)
  local n = #found.gaps
  if n == 0 then return nil end
  local j = found.gaps[1]
  return ("%d step%s in time differ%s from the usual %g (the first from %.10g to %.10g, behind frame %d): samples of a "
    .. "forecast lie within equal steps only"):format(n, n > 1 and "s" or "", n > 1 and "" or "s", found.step,
    reader:time(j), reader:time(j + 1), j)
end

--- What to say of times that repeat the one before, where a run ends as where they fall; or nil.
---@param reader table  of fields.lua
---@return string|nil
function M.repeats(reader)
  local count, first = 0, nil
  for j = 2, reader.frames do
    local now = known(reader:time(j))
    if now and now == reader:time(j - 1) and reader:run(j) == reader:run(j - 1) then
      count, first = count + 1, first or j
    end
  end
  if count == 0 then return nil end
  local name, kind = reader:time_variable()
  local rounded = kind and kind:find "f4$" and (", which is single precision (f4): its seven digits may make times "
    .. "equal that are not; count from a later date or store f8") or ""
  return ("%d time%s the one before in '%s' (the first: %.10g, frames %d and %d)%s: a run ends there, and no sample of "
    .. "a forecast reaches across"):format(count, count > 1 and "s repeat" or " repeats", name,
    reader:time(first), first - 1, first, rounded)
end

return M
