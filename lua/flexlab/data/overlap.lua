--[[
overlap - test frames that are training frames too, by whatever names: on them a score says how well a network
remembers. A run says so before it trains, and of a second set before its test part is read, which the recipes make
that judge on other flows (batches.lua); the doctor whenever it is asked. All ask here.

Two frames are one if they are the same frame of the same file, or if all their values are equal. Where frames are in
memory all are compared. Where they are read from files a run compares names, and the values of some frames of each
file, evenly spaced, so that a copy is found and a night's reading is not spent on it; the doctor reads all.
Of forecasts the frames before and after an entry count too, since they are shown.
--]]
local core = require "flexlab.core"

local M = {}

local BUDGET = 1 << 28   -- bytes of frames that a run reads to compare values

--- Distinct frames that the entries of a part show, with so many before and after each: list of { file, frame, name }.
---@param part table      data.train or data.test
---@param before integer  frames before each that it shows too
---@param after integer   frames behind each that it shows too
---@return table[]
function M.frames(part, before, after)
  local list, seen = {}, {}
  for _, e in ipairs(part.entries) do
    for frame = e.frame - before, e.frame + after do
      local name = part.source.files[e.file].path .. ":" .. frame
      if not seen[name] then
        seen[name], list[#list + 1] = true, { file = e.file, frame = frame, name = name }
      end
    end
  end
  return list
end

-- Some of these frames: up to `most` of each file, the first among them.
local function some_of(list, most)
  local by_file, some = {}, {}
  for _, e in ipairs(list) do
    by_file[e.file] = by_file[e.file] or {}
    table.insert(by_file[e.file], e)
  end
  for _, own in pairs(by_file) do
    local n = math.min(most, #own)
    for i = 0, n - 1 do some[#some + 1] = own[i * #own // n + 1] end
  end
  return some
end

local function whole(source, e)
  return source:patch({ file = e.file, frame = e.frame }, 1, 1, source:height(e), source:width(e))
end

-- A few numbers of a frame that equal frames share; those that share them are then compared whole.
local function signature(frame)
  local s, shape = frame:summary(), frame.shape
  local parts = { table.concat(shape, "x"), ("%.9g %.9g %.9g"):format(s.min, s.max, s.mean) }
  for i = 1, 4 do
    parts[#parts + 1] = ("%.9g"):format(frame:get(1 + i * (shape[1] - 1) // 4, 1 + i * (shape[2] - 1) // 5, 1))
  end
  return table.concat(parts, " ")
end

local function named(source, e) return ("frame %d of '%s'"):format(e.frame, source.files[e.file].path) end

-- Twins by value: e of the second list -> one of the first.
local function twins_by_value(source, list, test, tests)
  local known, twins = {}, {}
  for _, e in ipairs(list) do
    local scope <close> = core.scope()
    local name = signature(whole(source, e))
    known[name] = known[name] or e
    scope:close()
  end
  for _, e in ipairs(tests) do
    local scope <close> = core.scope()
    local frame = whole(test, e)
    local twin = known[signature(frame)]
    if twin and (frame - whole(source, twin)):abs():max():item() == 0 then twins[e] = twin end
    scope:close()
  end
  return twins
end

-- How many frames of a file may be read.
local function share(source, test)
  local bytes = source.bytes // source.total + test.bytes // test.total
  return math.max(1, math.min(64, BUDGET // (bytes * (#source.files + #test.files))))
end

local nothing = { before = 0, after = 0, horizon = 0 }

--- The test frames of a set that are training frames too: { shared =, tests =, first = "frame 1 of .. is ..", all = }.
--- `all`: frames that are in files are read too, and not some of them.
---@param set table        of data
---@param all boolean|nil  reads every frame that is in a file
---@return table
function M.of(set, all) return M.between(set.train, set.test, all) end

--- The same of the training part of a set and the test part of another.
---@param train table      data.train
---@param judged table     data.test of another set
---@param all boolean|nil  reads every frame that is in a file
---@return table
function M.between(train, judged, all)
  local source, test = train.source, judged.source
  if source.channels ~= test.channels then return { shared = 0, tests = 0 } end
  local span, other = train.set and train.set.span or nothing, judged.set and judged.set.span or nothing
  local list, tests = M.frames(train, span.before, span.after), M.frames(judged, other.before, other.horizon)
  local found, names = { shared = 0, tests = #tests, all = all or not (source:reads() or test:reads()) }, {}
  for _, e in ipairs(list) do names[e.name] = e end
  local left = {}
  local function count(e, twin)
    found.shared = found.shared + 1
    found.first = found.first or ("%s is %s"):format(named(test, e), named(source, twin))
  end
  for _, e in ipairs(tests) do
    if names[e.name] then count(e, names[e.name]) else left[#left + 1] = e end
  end
  if source == test and not found.all then return found end
  local most = found.all and math.huge or share(source, test)
  local twins = twins_by_value(source, some_of(list, most), test, some_of(left, most))
  for _, e in ipairs(left) do
    if twins[e] then count(e, twins[e]) end
  end
  return found
end

--- What is to be said of it; nil where nothing was found.
---@param found table  of M.of or M.between
---@return string|nil
function M.sentence(found)
  if found.shared == 0 then return nil end
  return ("%s%d of %d test frames are training frames too (%s): scores on them say nothing about others"):format(
    found.all and "" or "at least ", found.shared, found.tests, found.first)
end

return M
