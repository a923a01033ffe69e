--[[
tar - archives that `tar xf` opens, written and read without it [POSIX.1-1988, ustar].

  local w = tar.writer("run.tar")     w:add("sr/1a2b3c4d/1/last.h5", path)  ...  w:finish()
  tar.read("run.tar", function(name, size, mtime, copy) copy("to/there") end)
Plain and uncompressed: the bulk is weights, which do not shrink, and any tool opens it. Regular files alone: no
folders, links, devices, long names or extensions are written, and none but plain folders are passed over in reading;
whatever else an archive holds is refused, since an archive may come from anyone. Names are checked by the reader's
caller, who knows what they should be; M.safe is what every name must be. The archive appears when it is whole.
--]]
local core = require "flexlab.core"
local must = require "flexlab.must"

local M = {}

local BLOCK, CHUNK = 512, 1 << 20
local MOST = (8 << 30) - 1               -- bytes that eleven octal digits can say

--- Whether a name stays below the folder it is unpacked in: relative, no empty part, no "." or "..", no control
--- characters.
---@param name string  of a file in an archive
---@return boolean
function M.safe(name)
  if name == "" or name:find "^/" or name:find "/$" or name:find "//" or name:find "%c" then return false end
  for part in name:gmatch "[^/]+" do
    if part == "." or part == ".." then return false end
  end
  return true
end

-- A name as the two fields of a header; nil if it is too long for them.
local function split(name)
  if #name <= 100 then return name, "" end
  for at = #name - 100, math.min(#name - 1, 156) do
    if at >= 1 and name:sub(at, at) == "/" then return name:sub(at + 1), name:sub(1, at - 1) end
  end
end

local function checksum(header)
  local sum = 0
  for i = 1, BLOCK do sum = sum + ((i > 148 and i <= 156) and 32 or header:byte(i)) end
  return sum
end

local function padded(text, size) return text .. ("\0"):rep(size - #text) end

local function header_of(name, size, mtime)
  local last, first = split(name)
  if not last then error(("tar: the name '%s' is too long for an archive"):format(name), 0) end
  local before = padded(last, 100) .. "0000644\0" .. "0000000\0" .. "0000000\0" .. ("%011o\0"):format(size)
    .. ("%011o\0"):format(math.max(0, mtime))
  local after = "0" .. ("\0"):rep(100) .. "ustar\0" .. "00" .. ("\0"):rep(80) .. padded(first, 155)
  local blank = padded(before .. (" "):rep(8) .. after, BLOCK)
  return blank:sub(1, 148) .. ("%06o\0 "):format(checksum(blank)) .. blank:sub(157)
end

-- As must, of what is written to a path, which the system's message does not name.
local function wrote(path, ok, message)
  if not ok then error(("%s: %s"):format(path, message), 0) end
end

local Writer = {}
Writer.__index = Writer

--- Begins an archive; nothing is at `path` until finish.
---@param path string  where the archive appears
---@return table  with :add, :text, :finish
function M.writer(path)
  local temporary = must(core.sys.temporary(path))
  local file = must(io.open(temporary, "wb"))
  return setmetatable({ path = path, temporary = temporary, file = file }, Writer)
end

--- Adds a file under a name; raises if it cannot be read or changes its size meanwhile.
---@param name string  in the archive: at most 100 bytes, or a folder of up to 155 in front
---@param path string  the file to read, up to 8 GiB
function Writer:add(name, path)
  local size = must(core.sys.size(path))
  if size > MOST then error(("tar: %s has %d bytes; an archive holds files of up to 8 GiB"):format(path, size), 0) end
  wrote(self.path, self.file:write(header_of(name, size, math.floor(core.sys.modified(path) or 0))))
  local from <close> = must(io.open(path, "rb"))
  local left = size
  while left > 0 do
    local bytes = from:read(math.min(CHUNK, left))
    if not bytes then error(("tar: %s became shorter while it was read"):format(path), 0) end
    wrote(self.path, self.file:write(bytes))
    left = left - #bytes
  end
  wrote(self.path, self.file:write(("\0"):rep(-size % BLOCK)))
end

--- Adds a text under a name.
---@param name string        in the archive
---@param text string        its content
---@param mtime integer|nil  seconds since 1970; 0
function Writer:text(name, text, mtime)
  wrote(self.path, self.file:write(header_of(name, #text, mtime or 0), text, ("\0"):rep(-#text % BLOCK)))
end

--- Ends the archive and gives it its name.
function Writer:finish()
  wrote(self.path, self.file:write(("\0"):rep(2 * BLOCK)))
  wrote(self.path, self.file:close())
  must(core.sys.sync(self.temporary))
  must(core.sys.rename(self.temporary, self.path))
end

--- Removes what was written so far.
function Writer:abandon()
  self.file:close()
  core.sys.remove(self.temporary)
end

local function octal(field) return math.tointeger(tonumber(field:match "^ *([0-7]+)[ \0]*$" or "", 8)) end

-- Name, size, time and type of a header; nil at the end of an archive. Raises where it is none.
local function parse(path, header, at)
  if header == ("\0"):rep(BLOCK) then return nil end
  local function refuse(what) error(("%s: %s (byte %d)"):format(path, what, at), 0) end
  if #header < BLOCK then refuse "the archive is cut off" end
  if header:sub(258, 262) ~= "ustar" then refuse "this is no tar archive" end
  if octal(header:sub(149, 156)) ~= checksum(header) then refuse "a header is damaged" end
  local name, prefix = header:sub(1, 100):match "^[^\0]*", header:sub(346, 500):match "^[^\0]*"
  if header:sub(258, 263) == "ustar\0" and prefix ~= "" then name = prefix .. "/" .. name end
  local size, mtime, kind = octal(header:sub(125, 136)), octal(header:sub(137, 148)), header:sub(157, 157)
  if not size or not mtime then refuse "a header has no size or no time" end
  name = name:gsub("^%./", "")
  if kind == "5" then return name, 0, mtime, kind end
  if kind ~= "0" and kind ~= "\0" then refuse(("'%s' is no plain file; unpack it with tar"):format(name)) end
  if not M.safe(name) then refuse(("the name '%s' leads out of the folder"):format(name)) end
  return name, size, mtime, kind
end

-- Copies `size` bytes of the archive to a path; at a cut-off archive nothing is left there.
local function copier(path, file, size)
  return function(to)
    local out = must(io.open(to, "wb"))
    local left = size
    while left > 0 do
      local bytes = file:read(math.min(CHUNK, left))
      if not bytes then
        out:close()
        core.sys.remove(to)
        error(("%s: the archive is cut off"):format(path), 0)
      end
      wrote(to, out:write(bytes))
      left = left - #bytes
    end
    wrote(to, out:close())
  end
end

--- Calls f(name, size, mtime, copy) for each file, in order; copy(path) writes it there.
---@param path string  the archive
---@param f function  called with (name, size in bytes, mtime in seconds since 1970, copy); raises where the archive is
---  not plain
function M.read(path, f)
  local length = must(core.sys.size(path))
  local file <close> = must(io.open(path, "rb"))
  local at = 0
  while at < length do
    must(file:seek("set", at))
    local name, size, mtime, kind = parse(path, file:read(BLOCK) or "", at)
    if not name then return end
    at = at + BLOCK
    if at + size > length then error(("%s: the archive is cut off in '%s'"):format(path, name), 0) end
    if kind ~= "5" then f(name, size, mtime, copier(path, file, size)) end
    at = at + size + -size % BLOCK
  end
end

return M
