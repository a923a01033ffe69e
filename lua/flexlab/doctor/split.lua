--[[
split - whether a set that was divided (data/split.lua) still is as the run recorded it.
--]]
local foreign = require "flexlab.store.foreign"
local words = require "flexlab.words"

local M = {}

local parts = { "train", "validation", "test" }

local function entries(list)
  if type(list) ~= "table" then return words.show(list) end
  local all = {}
  for i, v in ipairs(list) do all[i] = type(v) == "number" and ("%g"):format(v) or tostring(v) end
  return table.concat(all, ", ")
end

-- What differs between the record of a run and the split as it is made now: a sentence, or nil.
local function difference(before, now)
  for i, old in ipairs(before.files) do
    local new = now.files[i]
    if not new or new.path ~= old.path then return ("'%s' is not among the files any more"):format(old.path) end
    if new.hash ~= old.hash or new.bytes ~= old.bytes then
      return ("'%s' has changed since the run read it"):format(old.path)
    end
  end
  if #now.files > #before.files then return ("'%s' has been added"):format(now.files[#before.files + 1].path) end
  for _, part in ipairs(parts) do
    local old, new = entries(before[part]), entries(now[part])
    if old ~= new then return ("by %s, %s was %s, is %s now"):format(before.by, part, old, new) end
  end
end

-- A frame that is in two parts: a sentence, or nil.
local function overlap(set)
  local known = {}
  for _, name in ipairs(parts) do
    local part = set[name]
    for _, e in ipairs(part and part.entries or {}) do
      local frame = part.source.files[e.file].path .. ":" .. e.frame
      if known[frame] then return ("frame %d of '%s' is in %s and in %s"):format(e.frame,
        part.source.files[e.file].path, known[frame], name) end
      known[frame] = name
    end
  end
end

--- The parts of a divided set: disjoint, and as the run recorded them.
---@param subject table  set, dir
---@return string|nil  state
---@return string|nil  sentence
function M.split(subject)
  local set = subject.set
  if not (set and set.split) then return nil end
  local path = subject.dir and subject.dir .. "/split.lua"
  local before = path and foreign.entries(path, "record of a split", { files = "table" })
  local wrong = overlap(set) or type(before) == "table" and difference(before, set.split)
  if wrong then return "fault", wrong end
  local counts = {}
  for _, name in ipairs(parts) do
    if set[name] then counts[#counts + 1] = ("%s %d frames"):format(name, #set[name].entries) end
  end
  return "ok", ("by %s: %s%s"):format(set.split.by, table.concat(counts, ", "),
    type(before) == "table" and ", as the run recorded it" or "")
end

return M
