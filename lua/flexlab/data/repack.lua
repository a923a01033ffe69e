--[[
repack - rewrites any file that can be read as `w` (frames, channels, height, width), f32, one
frame a chunk or smaller ones, with times, Re and where it came from. Frame by frame, so files may exceed memory.
--]]
local core = require "flexlab.core"
local fields = require "flexlab.data.fields"
local words = require "flexlab.text"

-- Re of frame j is written where it is one number for the file.
local function attributes(writer, reader, from)
  local times = {}
  for j = 1, reader.frames do times[j] = reader:time(j) end
  if #times == reader.frames then assert(writer:array("times", times)) end
  for _, key in ipairs { "Re", "re", "reynolds" } do
    local re = reader:number(key, true)
    if re then assert(writer:number("Re", re)) break end
  end
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

--- Returns a sentence about what was written. Options: format, dataset, axes, channels, deflate, chunk.
return function(from, to, o)
  if core.sys.exists(to) then
    error(("data repack: '%s' is there already; give another name"):format(to), 0)
  end
  local reader = fields.open(from, { format = o.format, dataset = o.dataset, axes = o.axes, channels = o.channels })
  local writer = assert(core.io.field_writer(to, { dataset = "w", frames = reader.frames, height = reader.height,
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
