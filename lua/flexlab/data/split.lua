--[[
split - which frames of a set of files are for training, which for validation, which for tests.

  split = 0.8                                           the first 0.8 of the time of each run; the rest are tests
  split = { by = "time", test = 0.2, validation = 0.1, gap = 5 }    the last is for tests; frames between: gap
  split = { by = "re",   test = { 700, 3000 } }         Reynolds numbers that training has not seen
  split = { by = "file", test = "*_seed_3407.h5", validation = 0.25 }
  split = { by = "seed", test = { 2 } }                 of the attribute `seed`, else of a name like *_seed_2.h5
test and validation are the values themselves, or a part between 0 and 1, which takes that part of the
distinct values (at least one), evenly spaced in their order: nothing is drawn, so all seeds of a study have
one test set. But for time, what shares a value is never divided, and files with the same bytes in two parts are
refused. The parts are recorded with the run (split.lua in its folder), and `flexlab doctor` compares.
--]]
local paths = require "flexlab.data.paths"
local provenance = require "flexlab.origin.provenance"
local words = require "flexlab.words"

local M = {}

local function number_in(name) return tonumber(name:match("[sS]eed_?(%d+)")) end

-- What entries are divided by: a value for each.
local values = {
  file = function(source, e) return source.files[e.file].path end,
  re = function(source, e) return source:re(e) end,
  seed = function(source, e)
    local file = source.files[e.file]
    local seed = file.seed or number_in(file.path:match("[^/]*$"))
    if seed then return seed end
    error(("data: split by seed: '%s' has no attribute seed, nor one in its name"):format(file.path), 0)
  end,
}

local function check(split)
  local known = { "by", "test", "validation", "gap" }
  for key in pairs(split) do
    if not words.has(known, key) then error("data: split has " .. words.unknown(tostring(key), known), 0) end
  end
  local kinds = { "file", "time", "re", "seed" }
  if not words.has(kinds, split.by) then
    error("data: split: by has " .. words.unknown(tostring(split.by), kinds), 0)
  elseif not split.test then
    error("data: split says nothing of the test part (test = a part between 0 and 1, or values)", 0)
  elseif split.gap and split.by ~= "time" then
    error("data: split: gap is for by = \"time\"", 0)
  end
end

local function part_of(v, name)
  if v == nil then return 0 end
  if type(v) == "number" and v > 0 and v < 1 then return v end
  error(("data: split by time: %s must be a part between 0 and 1, got %s"):format(name, words.show(v)), 0)
end

-- The entries that have `gap` more of their run behind them in the whole, before the frame `last` of a part.
local function without_end(list, gap)
  local last = {}
  for _, e in ipairs(list) do last[e.run] = math.max(last[e.run] or 0, e.frame) end
  local kept = {}
  for _, e in ipairs(list) do
    if e.frame <= last[e.run] - gap then kept[#kept + 1] = e end
  end
  return kept
end

local function by_time(source, split)
  local test, validation = part_of(split.test, "test"), part_of(split.validation, "validation")
  if test + validation >= 1 then
    error(("data: split by time: test %g and validation %g leave nothing for training"):format(test, validation), 0)
  end
  local gap = split.gap or 0
  return {
    train = without_end(source:list(0, 1 - test - validation), gap),
    validation = validation > 0 and without_end(source:list(1 - test - validation, 1 - test), gap) or nil,
    test = source:list(1 - test, 1),
  }
end

-- The distinct values in their order.
local function distinct(source, entries, of)
  local seen, list = {}, {}
  for _, e in ipairs(entries) do
    local v = of(source, e)
    if not seen[v] then seen[v], list[#list + 1] = true, v end
  end
  table.sort(list)
  return list
end

-- Whether the value v is what a split names: itself, or for files a pattern.
local function meant(v, named)
  if v == named then return true end
  return type(v) == "string" and type(named) == "string" and paths.matches(v, named)
end

--- `count` entries of a list, evenly spaced: the middles of as many equal stretches.
---@param list any[]     at least `count` entries
---@param count integer  how many
---@return any[]
function M.spaced(list, count)
  local chosen = {}
  for i = 1, count do chosen[i] = list[(2 * i - 1) * #list // (2 * count) + 1] end
  return chosen
end

local function named(list, wanted, by)
  local chosen = {}
  for _, name in ipairs(wanted) do
    local before = #chosen
    for _, v in ipairs(list) do
      if meant(v, name) and not words.has(chosen, v) then chosen[#chosen + 1] = v end
    end
    if #chosen == before then
      error(("data: split by %s: there is no %s (any more): left are %s"):format(by, words.show(name),
        table.concat(list, ", ")), 0)
    end
  end
  return chosen
end

-- Takes what a split says out of the list of values that are left; returns both.
local function take(left, wanted, by)
  local part = type(wanted) == "number" and wanted > 0 and wanted < 1
  local chosen = part and M.spaced(left, math.max(1, math.floor(wanted * #left + 0.5)))
    or named(left, type(wanted) == "table" and wanted or { wanted }, by)
  local rest = {}
  for _, v in ipairs(left) do
    if not words.has(chosen, v) then rest[#rest + 1] = v end
  end
  table.sort(chosen)
  return chosen, rest
end

-- What is left for training, by the value of each entry.
local function by_value(source, split)
  local of, entries = values[split.by], source:list()
  local record, left = {}, distinct(source, entries, of)
  record.test, left = take(left, split.test, split.by)
  if split.validation and #left > 0 then record.validation, left = take(left, split.validation, split.by) end
  record.train = left
  if #left == 0 then
    error(("data: split by %s leaves nothing for training"):format(split.by), 0)
  end
  local where, parts = {}, {}
  for part, list in pairs(record) do
    parts[part] = {}
    for _, v in ipairs(list) do where[v] = part end
  end
  for _, e in ipairs(entries) do
    local list = parts[where[of(source, e)]]
    list[#list + 1] = e
  end
  return parts, record
end

-- Which parts each file has frames in, with its fingerprint; raises when equal files are in different parts.
local function files_of(source, parts)
  local list, known = {}, {}
  for i, file in ipairs(source.files) do
    local inside = {}
    for _, part in ipairs { "train", "validation", "test" } do
      for _, e in ipairs(parts[part] or {}) do
        if e.file == i then inside[#inside + 1] = part break end
      end
    end
    local seen = provenance.fingerprint(file.path)
    list[i] = { path = file.path, bytes = seen.bytes, hash = seen.hash, parts = table.concat(inside, " ") }
    local twin = known[seen.hash]
    if twin and twin.bytes == seen.bytes and twin.parts ~= list[i].parts then
      error(("data: '%s' (%s) and '%s' (%s) hold the same bytes: one of them is a copy"):format(twin.path, twin.parts,
        file.path, list[i].parts), 0)
    end
    known[seen.hash] = list[i]
  end
  return list
end

--- Divides the frames of a source: { train =, test =, validation = or nil } lists of entries, and the record:
--- by, the values of each part (but for time), and files with their hashes.
---@param source table        of frames.lua
---@param split number|table  as the head says
---@return table
---@return table|nil  nil for a split by one number
function M.parts(source, split)
  if type(split) == "number" then return { train = source:list(0, split), test = source:list(split, 1) } end
  check(split)
  local parts, record
  if split.by == "time" then
    parts, record = by_time(source, split), { test = split.test, validation = split.validation, gap = split.gap }
  else
    parts, record = by_value(source, split)
  end
  record.by, record.files = split.by, files_of(source, parts)
  return parts, record
end

return M
