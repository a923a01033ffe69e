--[[
fields - frames (H,W,C) of any file that flexlab.data.source can describe, read by patches.

  reader = fields.open("a.hdf5", { channels = { "vx", "vy" } })
  reader.frames .height .width .channels .names .boundary
  reader.wraps     axes along which the field closes upon itself ("yx", "x", ""), nil where that is not known
  reader.counts    { n, z, t }: samples, levels and times of the frames, which run along t, then z, then n
  reader.falling   the file's times fall; frames are in ascending order all the same
  reader:read { frame = 3, y = 1, x = 1, height = 64, width = 64 }  -> (1,h,w,C) f32, or nil, message

Only the boxes that are asked for are read. Frames run along samples, then depth, then time (layout.lua);
reader:run(j) names the sample and plane that frame j belongs to, reader:time(j) its time.
--]]
local boxes = require "flexlab.data.boxes"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local layout = require "flexlab.data.layout"
local source = require "flexlab.data.source"
local words = require "flexlab.words"
local variation = require "flexlab.data.variation"

local M = {}

local Reader = {}
Reader.__index = Reader

-- One axis of the whole: what all parts that have it agree on.
local function agree(self, part, letter)
  local size = part.sizes[letter]
  if not size then return end
  if self.size[letter] and self.size[letter] ~= size then
    error(("data: '%s': '%s' has %d along %s, '%s' has %d; choose channels that agree (data.channels)")
      :format(self.path, part.path, size, layout.letters[letter], self.parts[1].path, self.size[letter]), 0)
  end
  self.size[letter] = size
end

local function names_of(entry, count)
  local names = {}
  for c = 1, count do
    names[c] = entry.names and entry.names[c] or count == 1 and entry.name or entry.name .. "." .. c
  end
  return names
end

-- The described variables as parts { path, axes, sizes, from, names, constant }.
local function parts_of(file)
  local d, parts = file.description, {}
  for _, entry in ipairs(d.channels) do
    local path = (d.groups and d.groups[1] .. "/" or "") .. entry.path
    local v = file.variables[path]
    if not v then error(("data: '%s' lacks '%s'"):format(file.path, path), 0) end
    if not v.number then
      error(("data: '%s': dataset '%s' does not hold real numbers (%s)"):format(file.path, path, v.dtype), 0)
    end
    layout.check(file.path, v, entry.axes)
    local sizes = layout.sizes(v, entry.axes)
    parts[#parts + 1] = { path = entry.path, axes = entry.axes, sizes = sizes, told = entry.told,
      constant = entry.constant, quantity = entry.quantity, quantities = entry.quantities,
      names = names_of(entry, sizes.c) }
  end
  return parts
end

local function wanted_names(parts, channels)
  if channels then return type(channels) == "table" and channels or { channels } end
  local names = {}
  for _, part in ipairs(parts) do
    if not part.constant then table.move(part.names, 1, #part.names, #names + 1, names) end
  end
  return names
end

-- Every channel as { part, index in it }; numbers count all channels that are there.
local function choose(path, parts, channels)
  local known, list, all = {}, {}, {}
  for _, part in ipairs(parts) do
    for c, name in ipairs(part.names) do
      all[#all + 1] = name
      known[name] = { part = part, at = c }
      known[#all] = known[name]
    end
  end
  for i, name in ipairs(wanted_names(parts, channels)) do
    list[i] = known[math.tointeger(name) or name]
    if not list[i] then error(("data: '%s': channels: %s"):format(path, words.unknown(name, all)), 0) end
    list[i].name = all[math.tointeger(name) or 0] or name
  end
  if #list == 0 then
    error(("data: '%s' has no channels that change in time; name some (data.channels)"):format(path), 0)
  end
  return list
end

-- Frame j (from 1) as indices along n, z, t. Where the file's times fall, frames are counted from its end.
local function place(self, j)
  local t = (j - 1) % self.size.t + 1
  if self.falling then t = self.size.t - t + 1 end
  local z = (j - 1) // self.size.t % self.size.z + 1
  return (j - 1) // (self.size.t * self.size.z) + 1, z, t
end

-- Statistics of the variable of a channel, as it is stored; nil where it cannot be read.
local function statistics(self, channel)
  local path = self.chosen[channel].part.path
  local groups = self.file.description.groups
  return self.file.container:statistics(groups and groups[1] .. "/" .. path or path)
end

-- How many of these elements are missing: "192 of 384", or nil.
local function missing_of(s) return s and s.nan > 0 and ("%d of %d"):format(s.nan, s.nan + s.count + s.infinite) end

-- Where the first value that is not finite is, as a sentence.
local function not_finite(self, t, frame, box)
  local w, c = t.shape[3], t.shape[4]
  for i, v in ipairs(t:totable()) do
    if v ~= v or math.abs(v) == math.huge then
      local k, s = i - 1, statistics(self, (i - 1) % c + 1)
      local missing = v ~= v and missing_of(s)
      if v == v and s and s.infinite == 0 then
        return ("%s: %s (the first at frame %d)"):format(self.path,
          variation.fault(("channel '%s'"):format(self.names[k % c + 1]), s) or "its numbers exceed f32", frame)
      end
      return ("%s: channel '%s' holds %s at frame %d, row %d, column %d (counted from 1)%s: fill the gaps, "
        .. "or choose channels that are complete (data.channels)")
        :format(self.path, self.names[k % c + 1], v ~= v and "NaN" or v > 0 and "inf" or "-inf", frame,
          box.y + k // c // w, box.x + k // c % w,
          missing and ("; %s elements of its variable are missing"):format(missing) or "")
    end
  end
end

-- A box of a frame: { y, x, y_size, x_size }.
local function box_of(self, o)
  local box = { y = o.y or 1, x = o.x or 1 }
  box.y_size, box.x_size = o.height or self.height - box.y + 1, o.width or self.width - box.x + 1
  return box
end

local options_of_read = { "frame", "y", "x", "height", "width", "check" }

local function counted(n, noun) return ("%d %s%s"):format(n, noun, n == 1 and "" or "s") end

-- Frame j as place() has it. A frame that is not there raises: arithmetic alone would find another in its place.
local function placed(self, what, j, level)
  expected.frame(what, self.path, j, self.frames, level + 1)
  return place(self, j)
end

-- Refuses rows or columns that a frame does not have.
local function check_side(self, what, first, count, size, noun, level)
  if first < 1 or count < 1 or first + count - 1 > size then
    error(("%s: %s: %s from %s %d: a frame has %s (counted from 1)"):format(what, self.path, counted(count, noun),
      noun, first, counted(size, noun)), level + 1)
  end
end

-- The place of the frame and the box that options of read mean. A misspelt option, or a place that is no whole number,
-- would mean another patch.
local function asked(self, what, o, level)
  expected.known(what, o or nil, options_of_read, level + 1)
  if not o or math.type(o.frame) ~= "integer" then
    error(("%s: 'frame' must be given, a whole number"):format(what), level + 1)
  end
  for _, key in ipairs { "y", "x", "height", "width" } do
    if o[key] ~= nil and math.type(o[key]) ~= "integer" then
      error(("%s: '%s' must be a whole number, got %s"):format(what, key, words.show(o[key])), level + 1)
    end
  end
  local n, z, t = placed(self, what, o.frame, level + 1)
  local box = box_of(self, o)
  check_side(self, what, box.y, box.y_size, self.height, "row", level + 1)
  check_side(self, what, box.x, box.x_size, self.width, "column", level + 1)
  return { n = n, z = z, t = t }, box
end

--- { frame, y = 1, x = 1, height, width, check = true } -> (1,h,w,C), or nil and a message where the file cannot be
--- read or holds NaN. A frame, row or column that the file does not have raises.
---@param o table  { frame, y = 1, x = 1, height, width, check = false lets NaN and infinity pass }; corners count from
---  1
---@return flexlab.Tensor|nil
---@return string|nil
function Reader:read(o)
  local at, box = asked(self, "read", o, 2)
  local whole, message = boxes.read(self, at, box)
  if whole and o.check ~= false and whole:summary().nonfinite > 0 then
    return nil, not_finite(self, whole, o.frame, box)
  end
  return whole, message
end

--- Has what read(o) reads read meanwhile (container:ask).
---@param o table  as of read
function Reader:ask(o)
  boxes.ask(self, asked(self, "ask", o, 2))
end

--- Says that patches of this size in `frames` frames that follow each other are going to be read.
---@param height integer  pixels of a patch
---@param width integer   pixels of a patch
---@param count integer   frames in a row
function Reader:expect(height, width, count) boxes.expect(self, height, width, count) end

--- Drops what was asked and not read.
function Reader:forget() self.file.container:forget() end

--- A number of the file: attribute of the first channel or of the file, else a dataset of one number.
---@param key string          name of the attribute or dataset
---@param strict boolean|nil  raises where there is a text that is no number
---@return number|nil
function Reader:number(key, strict)
  local list = self:array(key, strict)
  return list and #list == 1 and list[1] or nil
end

-- The numbers of an attribute, which may be texts that are numbers; nil if it holds others, or raises if `strict`.
local function numbers_of(self, key, value, strict)
  local list = type(value) == "table" and value or { value }
  local numbers = {}
  for i, item in ipairs(list) do
    numbers[i] = tonumber(item)
    if not numbers[i] and strict then
      error(("data: '%s': the attribute %s is the text %q, which is no number"):format(self.path, key, item), 0)
    elseif not numbers[i] then
      return nil
    end
  end
  return numbers[1] and numbers
end

--- Numbers along one axis: an attribute, else a dataset; nil if there are none.
---@param key string          name of the attribute or dataset
---@param strict boolean|nil  raises where there is a text that is no number
---@return number[]|nil
function Reader:array(key, strict)
  local first = self.parts[1].path
  for _, path in ipairs { self.file.description.groups and "" or first, "" } do
    local value = self.file:attributes(path)[key]
    local list = value ~= nil and numbers_of(self, key, value, strict)
    if list then return list end
  end
  local v = self.file:numbers(key, 0, 1)
  if not v and strict and self.file.variables[key] and self.file.variables[key].dtype == "text" then
    error(("data: '%s': '%s' holds a text, where a number was expected"):format(self.path, key), 0)
  end
  local t = v and self.file.container:read(v.path, { dtype = "f64" })
  return t and t:totable() or nil
end

--- A text among the attributes of the file.
---@param key string  name of the attribute
---@return string|nil
function Reader:text(key)
  local value = self.file:attributes("")[key]
  return type(value) == "string" and value or nil
end

-- The path of the variable of time, of several groups that of the first; nil where there is none.
local function path_of_time(self)
  local d = self.file.description
  return d.time and (d.groups and d.groups[1] .. "/" .. d.time or d.time)
end

--- The variable of time and the type of its numbers as they are stored, "<f4"; nil where there is none.
---@return string|nil  path
---@return string|nil  type
function Reader:time_variable()
  local path = path_of_time(self)
  local v = path and self.file.variables[path]
  return v and path, v and v.dtype
end

-- The times of the runs: one list for all, or one per sample; false if there are none.
local function times(self)
  local path = path_of_time(self)
  local v = path and self.file:numbers(path, 1, 2)
  if not v or v.shape[#v.shape] < self.size.t or v.shape[1] == 0 then return false end
  local t = self.file.container:read(path, { dtype = "f64" })
  local list, width = t and t:totable(), v.shape[#v.shape]
  if not list then return false end
  return function(n, i) return list[(#v.shape == 2 and v.shape[1] > 1 and (n - 1) * width or 0) + i] end
end

-- Whether the times of a single list fall from the first to the last.
local function falls(self, of)
  for i = 2, self.size.t do
    local fallen = of(1, i) < of(1, i - 1)
    if not fallen then return false end
  end
  return self.size.t > 1 and self.counts.n == 1 and self.counts.z == self.size.z
end

--- The time of frame j, or nil.
---@param j integer  frame, from 1; one that is not there raises
---@return number|nil  in the file's units
function Reader:time(j)
  local n, _, t = placed(self, "time", j, 2)
  return self.times and self.times(n, t) or nil
end

--- Names the run in time of frame j: frames of different runs do not follow each other.
---@param j integer  frame, from 1; one that is not there raises
---@return integer  from 1
function Reader:run(j)
  placed(self, "run", j, 2)
  return (j - 1) // self.counts.t + 1
end

-- How frames are counted: { n, z, t }. Where several runs lie one behind the other along time (repack.lua), the file
-- says how many samples and levels there are.
local function counts_of(self)
  local told, counts = self.file.description.counts or {}, { n = self.size.n, z = self.size.z, t = self.size.t }
  local n, z = told.n or 1, told.z or 1
  if n == 1 and z == 1 then return counts end
  if math.type(n) ~= "integer" or math.type(z) ~= "integer" or n < 1 or z < 1 or counts.t % (n * z) ~= 0 then
    error(("data: '%s' has %d frames, not %s samples of %s levels, as its attributes samples and levels say")
      :format(self.path, counts.t, n, z), 0)
  end
  return { n = n, z = z, t = counts.t // (n * z) }
end

--- Closes the file.
function Reader:close() self.file.container:close() end

Reader.__close = Reader.close

local function whole(self)
  for _, part in ipairs(self.parts) do
    for letter, name in pairs(layout.letters) do
      if part.sizes[letter] == 0 then
        error(("data: '%s' holds no frames: '%s' has no elements along %s"):format(self.path, part.path, name), 0)
      end
    end
  end
end

-- Refuses what cannot be read (a filter that is not installed, a size that no file of these bytes can have) before
-- anything is counted by it.
local function check(self)
  local groups = self.file.description.groups
  for _, c in ipairs(self.chosen) do
    local ok, message = self.file.container:check((groups and groups[1] .. "/" or "") .. c.part.path)
    if not ok then error("data: " .. message, 0) end
  end
end

local function read_times(self)
  local _ <close> = core.scope()
  self.times = times(self)
  self.falling = self.times and falls(self, self.times) or false
end

--- Opens a file. Options: format, dataset, axes, channels (source.lua).
---@param path string  the file; one that cannot be read or is not understood raises a sentence
---@param o table|nil  format, dataset, axes, channels (source.lua)
---@return table  a reader
function M.open(path, o)
  o = o or {}
  local file = source.open(path, o)
  local self = setmetatable({ path = path, file = file, parts = parts_of(file), size = {}, names = {} }, Reader)
  whole(self)
  self.variable = function(p) return file.variables[p] or error(("data: '%s' lacks '%s'"):format(path, p), 0) end
  self.chosen = choose(path, self.parts, o.channels or nil)
  check(self)
  for _, c in ipairs(self.chosen) do
    for letter in pairs(layout.letters) do
      if letter ~= "c" then agree(self, c.part, letter) end
    end
    self.names[#self.names + 1] = c.name
  end
  for letter in pairs(layout.letters) do self.size[letter] = self.size[letter] or 1 end
  if file.description.groups then self.size.n = #file.description.groups end
  self.frames, self.height, self.width = self.size.n * self.size.z * self.size.t, self.size.y, self.size.x
  self.counts = counts_of(self)
  self.channels, self.boundary, self.dataset = #self.chosen, file.description.boundary, self.parts[1].path
  self.wraps = self.boundary == "periodic" and "yx" or self.boundary and "" or file.description.wraps
  read_times(self)
  return self
end

return M
