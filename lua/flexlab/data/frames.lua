--[[
frames - the frames of one or more files, in memory below a limit, read by patches above it.

`files` is a path, a list of paths or a pattern with * in its last part. A frame is (H,W,C); frames of
different files may differ in size, not in channels. Re comes from the attribute `Re` (one number, or
one per frame), else from a name like 16000_2048_2048_seed_2150.h5, else it is 0.
--]]
local context = require "flexlab.context"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local fields = require "flexlab.data.fields"
local paths = require "flexlab.data.paths"
local provenance = require "flexlab.origin.provenance"
local quantities = require "flexlab.data.quantities"
local stretches = require "flexlab.data.stretches"
local words = require "flexlab.words"

local M = {}

local Frames = {}
Frames.__index = Frames

--- Re of each frame of a reader: a list, or one number for all; 0 where it is not known.
---@param reader table  of fields.lua
---@return number|number[]
function M.reynolds(reader)
  local described = reader.file.description.re
  for _, name in ipairs { "Re", "re", "reynolds", type(described) == "string" and described or nil } do
    local list = reader:array(name, true)
    if list and #list == reader.frames then return list end
    if list and #list >= 1 then return list[1] end
  end
  if type(described) == "number" then return described end
  local base = reader.path:match("[^/]*$")
  return tonumber(base:match("^(%d+)_%d+_%d+_seed")) or tonumber(base:match("[rR]e_?(%d+)")) or 0
end

local function open_one(path, options)
  if core.sys.exists(path) ~= "file" then error(paths.missing(path), 0) end
  local reader = fields.open(path, options)
  local file = { path = path, reader = reader, frames = reader.frames, height = reader.height,
    width = reader.width, channels = reader.channels, re = M.reynolds(reader) }
  file.quantities = quantities.of(reader)
  file.stretches, file.forcing, file.seed = stretches.of(reader, file.re), reader:text "forcing", reader:number "seed"
  return file
end

-- Whether all files were made by `flexlab generate`, where u runs along columns and v along rows.
local function simulated(files)
  for _, file in ipairs(files) do
    if not file.reader:text "solver" then return false end
  end
  return true
end

-- The boundary of the domain that all files agree on, or nil.
local function boundary(files)
  local word = files[1].reader.boundary
  for _, file in ipairs(files) do
    if file.reader.boundary ~= word then return nil end
  end
  return word
end

--- Refuses files whose channels have different names or are other quantities, which would be learned as one. Returns
--- whether there was something to note, which is said unless `noted`.
---@param first table        of frames.files
---@param file table         of frames.files
---@param options table|nil  as of open
---@param noted boolean      whether something was said already
---@return boolean
function M.agree(first, file, options, noted)
  local a, b = first.reader.names, file.reader.names
  if table.concat(a, "\n") == table.concat(b, "\n") or quantities.named(options) then
    return quantities.judge({ first.quantities, first.path }, { file.quantities, file.path }, options, noted)
  end
  error(("data: '%s' holds %s and '%s' holds %s; files of one set must hold the same. If they are the same, name them "
    .. "by number: data.channels = { 1 }"):format(first.path, words.list(a), file.path, words.list(b)), 0)
end

--- Opens files: an object with `files`, `channels`, `names` of them, `total` frames, `bytes` (as f32) and
--- `boundary` (periodic, wall, open, mixed or nil). Options: dataset, axes, format, channels (flexlab.data.source).
---@param files string|string[]     a path, paths, or a pattern with *
---@param options table|string|nil  dataset, axes, format, channels (source.lua); a text is the dataset
---@return table
function M.open(files, options)
  if type(options) == "string" then options = { dataset = options } end
  local self, noted = setmetatable({ files = {}, total = 0, bytes = 0, options = options }, Frames), false
  for i, path in ipairs(paths.expand(files)) do
    local file = open_one(path, options)
    self.files[i] = file
    self.channels = self.channels or file.channels
    if file.channels ~= self.channels then
      error(("data: '%s' has %d channels, '%s' has %d; files of one set must agree")
        :format(self.files[1].path, self.channels, path, file.channels), 0)
    end
    noted = M.agree(self.files[1], file, options, noted) or noted
    self.total = self.total + file.frames
    self.bytes = self.bytes + 4 * file.frames * file.height * file.width * file.channels
  end
  self.boundary, self.names = boundary(self.files), self.files[1].reader.names
  self.simulated = simulated(self.files)
  local run = context.run()
  if run then run:has_read(self) end
  return self
end

--- Every frame as { file = i, frame = j, run = s, stretch = s } (stretches.lua); with `from`, `to` only that part of
--- the time of each run in each file.
---@param from number|nil  0..1, share of the time of each run; 0
---@param to number|nil    0..1; 1
---@return table[]
function Frames:list(from, to)
  from, to = from or 0, to or 1
  expected.share("frames.list", "from", from, 2)
  expected.share("frames.list", "to", to, 2)
  local list = {}
  for i, file in ipairs(self.files) do
    local first, run, stretch = 1, file.stretches.run, file.stretches.stretch
    while first <= file.frames do
      local last = first
      while run[last + 1] == run[first] do last = last + 1 end
      local length = last - first + 1
      for j = first + math.floor(from * length + 0.5), first + math.floor(to * length + 0.5) - 1 do
        list[#list + 1] = { file = i, frame = j, run = i .. "." .. run[first], stretch = i .. "." .. stretch[j] }
      end
      first = last + 1
    end
  end
  return list
end

--- One fact a file: { path, "16 frames of 256x256, Re 1000, 4194304 bytes, hash" }.
---@return table[]
function Frames:provenance()
  local facts = {}
  for i, file in ipairs(self.files) do
    local print = provenance.fingerprint(file.path) or error(("data: '%s' cannot be read"):format(file.path), 0)
    local re = type(file.re) == "table" and "several Re" or ("Re %g"):format(file.re)
    local gaps = stretches.sentence(file.reader, file.stretches)
    facts[i] = { file.path, ("%d frames of %dx%d, %s, %s%d bytes, hash %s"):format(file.frames, file.height,
      file.width, re, gaps and gaps .. ", " or "", print.bytes, print.hash) }
  end
  return facts
end

-- The file of an entry, which must be one of the source's with a frame that it has.
local function file_of(self, what, e, level)
  expected.entries(what, "entry", e, { "file", "frame" }, level + 1)
  local file = self.files[e.file]
  if not file then
    error(("%s: file %s: the source has %d"):format(what, tostring(e.file), #self.files), level + 1)
  end
  expected.frame(what, file.path, e.frame, file.frames, level + 1)
  return file
end

--- Rows of the frame of an entry.
---@param e table  of Frames:list
---@return integer  pixels
function Frames:height(e) return file_of(self, "frames.height", e, 2).height end
--- Columns of the frame of an entry.
---@param e table  of Frames:list
---@return integer  pixels
function Frames:width(e) return file_of(self, "frames.width", e, 2).width end

--- Reynolds number of the frame of an entry; 0 where it is not known.
---@param e table  of Frames:list
---@return number
function Frames:re(e)
  local re = file_of(self, "frames.re", e, 2).re
  return type(re) == "table" and re[e.frame] or re
end

local function read(file, frame, y, x, h, w)
  local patch, message = file.reader:read { frame = frame, y = y, x = x, height = h, width = w,
    check = true }
  if not patch then error("data: " .. tostring(message), 0) end
  return patch
end

--- Reads everything into memory; bad values are found here.
function Frames:load()
  for _, file in ipairs(self.files) do
    file.tensor = core.zeros { file.frames, file.height, file.width, file.channels }
    for j = 1, file.frames do
      local _ <close> = core.scope()
      file.tensor[j]:copy_(read(file, j, 1, 1, file.height, file.width)[1])
    end
    file.reader:close()
  end
  local run = context.run()
  if run then run:settled(self) end
end

-- The pieces of a patch that may leave its frame: lists { at, length, flipped } of rows or columns. Beyond its edge a
-- frame goes on at the other side, or with `mirror` as in a mirror that stands on its last row.
local function pieces(first, length, size, mirror)
  local list, period = {}, mirror and math.max(2 * size - 2, 1) or size
  local at = (first - 1) % period   -- from 0
  while length > 0 do
    local back = at >= size
    local n = math.min(length, (back and period or size) - at)
    list[#list + 1] = back and { period - at - n + 2, n, true } or { at + 1, n }
    at, length = (at + n) % period, length - n
  end
  return list
end

-- The pieces along both axes of a file's frames.
local function pieces_of(what, file, y, x, h, w)
  for _, number in ipairs { { "y", y }, { "x", x }, { "h", h, 1 }, { "w", w, 1 } } do
    expected.whole(what, number[1], number[2], number[3], 3)
  end
  local inside = file.inside or file
  return pieces(y, h, inside.height, file.inside and not file.wraps:find("y", 1, true)),
    pieces(x, w, inside.width, file.inside and not file.wraps:find("x", 1, true))
end

-- The part (h,w,C) of frame j of a file that lies within it.
local function inner(file, j, y, x, h, w)
  if not file.tensor then return read(file, j, y, x, h, w)[1] end
  local frame, inside = file.tensor[j], file.inside or file
  if h ~= inside.height then frame = frame:narrow { axis = 1, start = y, length = h } end
  if w ~= inside.width then frame = frame:narrow { axis = 2, start = x, length = w } end
  return frame
end

-- f(piece) joined along an axis.
local function joined(list, axis, f)
  local whole
  for _, piece in ipairs(list) do
    local part = f(piece)
    if piece[3] then part = part:flip { axis = axis } end
    whole = whole and whole:concat(part, { axis = axis }) or part
  end
  return whole
end

--- The patch (h,w,C) of frame e with its first corner at (y, x). One that leaves the frame goes on at the
--- other side of it, as periodic fields do, or as Frames:pad says.
---@param e table    of Frames:list
---@param y integer  first row, from 1
---@param x integer  first column, from 1
---@param h integer  rows
---@param w integer  columns
---@return flexlab.Tensor
function Frames:patch(e, y, x, h, w)
  local file = file_of(self, "frames.patch", e, 2)
  local rows, columns = pieces_of("frames.patch", file, y, x, h, w)
  return joined(rows, 1, function(row)
    return joined(columns, 2, function(column)
      return inner(file, e.frame, row[1], column[1], row[2], column[2])
    end)
  end)
end

--- Has what patch(e, y, x, h, w) reads read meanwhile; nothing where frames are in memory.
---@param e table    of Frames:list
---@param y integer  first row, from 1
---@param x integer  first column, from 1
---@param h integer  rows
---@param w integer  columns
function Frames:ask(e, y, x, h, w)
  local file = file_of(self, "frames.ask", e, 2)
  if file.tensor then return end
  local rows, columns = pieces_of("frames.ask", file, y, x, h, w)
  for _, row in ipairs(rows) do
    for _, column in ipairs(columns) do
      file.reader:ask { frame = e.frame, y = row[1], x = column[1], height = row[2], width = column[2] }
    end
  end
end

--- Makes every frame as large as sides(height, width) -> height, width says: behind its last row and column it goes on
--- at the other side where the file says that it is periodic, else as in a mirror.
---@param sides function  (height, width) -> height, width, none smaller
function Frames:pad(sides)
  for _, file in ipairs(self.files) do
    file.inside = { height = file.height, width = file.width }
    file.wraps = file.reader.wraps or ""
    file.height, file.width = sides(file.height, file.width)
  end
end

--- Whether patches are read from files, not from memory.
---@return boolean
function Frames:reads() return not self.files[1].tensor end

--- Drops what was asked and not used.
function Frames:forget()
  for _, file in ipairs(self.files) do
    if not file.tensor then file.reader:forget() end
  end
end

--- Fits caches of decoded chunks to patches of h x w in `count` frames in a row (container:expect).
---@param h integer      rows
---@param w integer      columns
---@param count integer  frames in a row
function Frames:expect(h, w, count)
  for _, file in ipairs(self.files) do
    if not file.tensor then file.reader:expect(h, w, count) end
  end
end

--- Replaces every frame (1,H,W,C) in memory by of(frame), whose channels (and their names) may differ.
---@param of function         (1,H,W,C) -> (1,H,W,C')
---@param names string[]|nil  of the new channels
---@return table  self
function Frames:observe(of, names)
  self.names, self.simulated, self.observed = names or {}, names ~= nil, true
  for _, file in ipairs(self.files) do
    local observed
    for j = 1, file.frames do
      local scope <close> = core.scope()
      local frame = of(file.tensor:narrow { axis = 1, start = j, length = 1 })
      observed = observed or scope:keep(core.zeros { file.frames, file.height, file.width, frame.shape[4] })
      observed[j]:copy_(frame[1])
    end
    file.tensor, file.channels = observed, observed.shape[4]
    self.channels = file.channels
  end
  return self
end

return M
