--[[
repack - rewrites any file that can be read as `w` (frames, channels, height, width), f32, one
frame a chunk or smaller ones. Frame by frame, so files may exceed memory.

What `flexlab data` says of the one it says of the other: the runs of samples and levels, which lie one behind the other
along time (attributes samples and levels, formats/nskt.lua), times, Re, names, units, boundary, and which axes close
upon themselves.
--]]
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local fields = require "flexlab.data.fields"
local frames = require "flexlab.data.frames"
local quantities = require "flexlab.data.quantities"
local temporary = require "flexlab.store.temporary"
local words = require "flexlab.words"

-- Re may stand in the name of the file, which the other has not.
local function write_re(writer, reader)
  local re = frames.reynolds(reader)
  if type(re) == "table" then
    assert(writer:array("Re", re))
  elseif re ~= 0 then
    assert(writer:number("Re", re))
  end
end

-- Which frames follow each other.
local function write_runs(writer, reader)
  local times = {}
  for j = 1, reader.frames do times[j] = reader:time(j) end
  if #times == reader.frames then assert(writer:array("times", times)) end
  for key, count in pairs { samples = reader.counts.n, levels = reader.counts.z } do
    if count > 1 then assert(writer:number(key, count)) end
  end
end

-- Units and names of each channel, a line each.
local function write_quantities(writer, reader)
  local list = quantities.of(reader)
  for _, key in ipairs { "label", table.unpack(quantities.keys) } do
    local lines, said = {}, false
    for c, item in ipairs(list) do
      lines[c], said = (item[key] or ""):gsub("%s+", " ") .. "\n", said or item[key] ~= nil
    end
    if said then assert(writer:text("channel_" .. key, table.concat(lines))) end
  end
end

local function attributes(writer, reader, from)
  write_runs(writer, reader)
  write_re(writer, reader)
  write_quantities(writer, reader)
  for _, key in ipairs { "solver", "forcing" } do
    local value = reader:text(key)
    if value then assert(writer:text(key, value)) end
  end
  local seed = reader:number "seed"
  if seed then assert(writer:number("seed", seed)) end
  if reader.wraps and not reader.boundary then assert(writer:text("wraps", reader.wraps)) end
  assert(writer:text("channels", table.concat(reader.names, ",")))
  if reader.boundary then assert(writer:text("boundary", reader.boundary)) end
  assert(writer:text("repacked_from", from:match("[^/]*$")))
end

local function copy(writer, reader)
  for j = 1, reader.frames do
    local _ <close> = core.scope()
    local frame, message = reader:read { frame = j, check = false }
    if not frame then error("data: " .. tostring(message), 0) end
    assert(writer:append(frame))
  end
end

--- Rewrites a file; raises where `to` is there already. Returns a sentence about what was written.
---@param from string  the file that is read
---@param to string    the file that is made
---@param o table      format, dataset, axes, channels; deflate: 0..9; chunk: rows and columns of a chunk, 0: the frame
---@return string
return function(from, to, o)
  local path = destination.of("data repack", to, { inputs = { from } })
  if core.sys.exists(path) then
    error(("data repack: '%s' is there already; give another name"):format(to), 0)
  end
  local reader = fields.open(from, { format = o.format, dataset = o.dataset, axes = o.axes, channels = o.channels })
  temporary.clear(path)
  local writer = assert(core.io.field_writer(path, { dataset = "w", frames = reader.frames, height = reader.height,
    width = reader.width, channels = reader.channels, deflate = o.deflate or 0, chunk = o.chunk or 0 }))
  local ok, message = pcall(function()
    copy(writer, reader)
    attributes(writer, reader, from)
    assert(writer:finish())
  end)
  reader:close()
  if not ok then
    writer:abandon()
    error(message, 0)
  end
  return ("%s: %d frames of %dx%d, channels %s"):format(to, reader.frames, reader.height, reader.width,
    words.list(reader.names))
end
