--[[
provenance - which files a run has read, by their contents, so that runs on changed data never mix.

All runs of one configuration (seeds) share runs/<name>/<hash8>; files.lua there says what they have read:
{ { path =, bytes =, hash = }, ... }, or { path =, meaning = } of what was loaded as Lua after a run had begun
(witness.lua). A later call looks at those files again. If one has changed, the configuration moves to another
folder: its hash8 now covers the new contents too, and so on if that one is taken by still other contents. A file
that is gone changes nothing: what is finished stays finished. files.lua in a run's own folder lists what that run
has read, for --from.

Why by contents and not (size, mtime, attributes)? A copy or a checkout keeps the contents and changes the
time, and a generator with a fixed seed makes the same file again. The hash is FNV-1a, 64 bits. Files up to
64 MiB are read whole; of larger ones 64 blocks of 1 MiB, evenly spaced from the first to the last byte,
are, with the size: a change that keeps the size and avoids all of them is not seen. A folder stands for the
last.h5 in it.
--]]
local code = require "flexlab.origin.code"
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local literal = require "flexlab.literal"

local M = {}

M.whole = 64 << 20     -- bytes up to which a file is read whole
local BLOCKS, BLOCK = 64, 1 << 20

-- What a row of files.lua is: a file by its contents, or one of Lua by its meaning.
local ROW = { { path = "string", bytes = "integer", hash = "string" }, { path = "string", meaning = "string" } }

-- What of a file is hashed; nil where reading fails, or the file has become shorter meanwhile.
local function contents(file, size)
  if size <= M.whole then return file:read("a") end
  local parts = {}
  for i = 0, BLOCKS - 1 do
    file:seek("set", i * (size - BLOCK) // (BLOCKS - 1))
    parts[i + 1] = file:read(BLOCK)
    if not parts[i + 1] then return nil end
  end
  return table.concat(parts)
end

--- { path, bytes, hash } of a file or of the checkpoint of a folder; nil if it cannot be read.
---@param path string  of a file or a folder
---@return table|nil
function M.fingerprint(path)
  if core.sys.exists(path) == "folder" then path = path .. "/last.h5" end
  local file = core.sys.exists(path) == "file" and io.open(path, "rb")
  if not file then return nil end
  local size = file:seek("end")
  local text = size and file:seek("set", 0) and contents(file, size)
  file:close()
  return text and { path = path, bytes = size, hash = core.sys.hash(text) } or nil
end

--- What is written of the files that the runs of a folder (runs/<name>/<hash8>) read; {} if nothing.
---@param folder string  runs/<name>/<hash8>, or of one run
---@return table[]
function M.recorded(folder) return foreign.rows(folder .. "/files.lua", "list of files", ROW) or {} end

local function differs(a, b) return a.hash ~= b.hash or a.bytes ~= b.bytes or a.meaning ~= b.meaning end

-- What a recorded file is today, nil if it is gone.
local function today(old)
  if not old.meaning then return M.fingerprint(old.path) end
  local meaning = code.meaning_of(old.path)
  return meaning and { path = old.path, meaning = meaning }
end

--- Fingerprints as they are now, whether one differs from what is written, and the paths of those that differ.
---@param recorded table[]  of M.recorded
---@return table[]
---@return boolean
---@return string[]
function M.now(recorded)
  local list, changed = {}, {}
  for i, old in ipairs(recorded) do
    list[i] = today(old) or old
    if differs(list[i], old) then changed[#changed + 1] = old.path end
  end
  return list, #changed > 0, changed
end

--- The hash8 under which runs of a configuration belong today: `hash`, or another if files changed.
---@param root string  the folder of all runs
---@param name string  of the recipe
---@param hash string  8 hex digits of settings and code
---@return string
function M.place(root, name, hash)
  local present = M.now(M.recorded(("%s/%s/%s"):format(root, name, hash)))
  for _ = 1, 1000 do
    local _, changed = M.now(M.recorded(("%s/%s/%s"):format(root, name, hash)))
    if not changed then return hash end
    hash = core.sys.hash(hash .. literal.encode(present)):sub(1, 8)
  end
  error("provenance: no folder fits these files after 1000 trials", 0)
end

--- Writes down that the runs of a folder read these files; raises when one is known with other contents.
---@param folder string   runs/<name>/<hash8>, or of one run
---@param prints table[]  fingerprints, or { path =, meaning = }
---@return table[]  all that is recorded now
function M.record(folder, prints)
  local _ <close> = assert(core.sys.lock(folder .. "/files.lock"))   -- workers share the folder
  local recorded, known, added = M.recorded(folder), {}, false
  for _, entry in ipairs(recorded) do known[entry.path] = entry end
  for _, seen in ipairs(prints) do
    local old = known[seen.path]
    if old and differs(old, seen) then
      error(("'%s' is not the file that other runs in %s have read; the same command again starts a new one")
        :format(seen.path, folder), 0)
    elseif not old then
      recorded[#recorded + 1], known[seen.path], added = seen, seen, true
    end
  end
  if added then
    table.sort(recorded, function(a, b) return a.path < b.path end)
    assert(literal.write(folder .. "/files.lua", recorded, "files read by these runs"))
  end
  return recorded
end

return M
