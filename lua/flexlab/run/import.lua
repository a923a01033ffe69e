--[[
import - the runs of an archive that `flexlab export` wrote, into a folder of runs.

Whoever sends an archive is not trusted. It is unpacked into a folder of its own below the folder of runs, where
nothing but the plain files of its list may appear: names that lead elsewhere, links, files that are not listed, too
large, or of other contents than the list says are refused, and then nothing of it stays. Whole runs are moved into
place at the end. A run that is there already stays, and must have the same result; data that it read must be the same.
Nothing of an archive is run: its Lua files are copies, which sample and evaluate load with --trust only.
--]]
local folder = require "flexlab.store.folder"
local core = require "flexlab.core"
local export = require "flexlab.run.export"
local foreign = require "flexlab.store.foreign"
local latest = require "flexlab.store.latest"
local literal = require "flexlab.literal"
local must = require "flexlab.must"
local own = require "flexlab.store.own"
local provenance = require "flexlab.origin.provenance"
local tar = require "flexlab.tar"
local temporary = require "flexlab.store.temporary"

local M = {}

local MOST_FILES, MOST_MANIFEST = 100000, 64 << 20
local HASH = ("%x"):rep(8)

-- The folder of a run (sr/1a2b3c4d/1) or of a study that a name lies in, or nil with the folder of a files.lua.
local function place_of(name)
  return name:match("^([%w_%-]+/" .. HASH .. "/%d+)/.") or name:match("^([%w_%-]+/" .. HASH .. ")/.")
end

-- Raises for a file that no run writes, which nobody would look for in the folder of one: a lock, code.
local function demand_own(archive, name, path)
  local why = folder.stray(name:sub(#place_of(name) + 2), path)
  if why then error(("%s: '%s' %s"):format(archive, name, why), 0) end
end

-- What an archive's list says, checked: { files = { [name] = { bytes =, hash = } }, count = }.
local function read_manifest(path, archive)
  local list, message = literal.read(path)
  local function refuse(what) error(("%s: %s"):format(archive, what), 0) end
  if type(list) ~= "table" or type(list.files) ~= "table" then
    refuse(("its list %s cannot be read (%s)"):format(export.manifest, message or "it is no list of files"))
  end
  local files, count = {}, 0
  for _, entry in ipairs(list.files) do
    local name = type(entry) == "table" and entry.name
    if not foreign.fits(entry, { { name = "string", bytes = "integer", hash = "string" } }) or not tar.safe(name)
      or not place_of(name) or files[name] then
      refuse(("its list names '%s', which is no file of a run"):format(tostring(name)))
    end
    demand_own(archive, name)
    files[name], count = entry, count + 1
  end
  if count == 0 or count > MOST_FILES then refuse(("its list has %d files"):format(count)) end
  return files
end

-- Unpacks an archive into `into`, checked against its list; the list.
local function unpack_into(into, archive)
  local files, seen
  tar.read(archive, function(name, size, mtime, copy)
    if not files then
      if name ~= export.manifest or size > MOST_MANIFEST then
        error(("%s was not written by flexlab export: it does not begin with %s"):format(archive, export.manifest), 0)
      end
      copy(into .. "/" .. name)
      files, seen = read_manifest(into .. "/" .. name, archive), {}
      return
    end
    local entry = files[name]
    if not entry or seen[name] or size ~= entry.bytes then
      error(("%s: '%s' is not as its list says"):format(archive, name), 0)
    end
    seen[name] = true
    local to = into .. "/" .. name
    must(core.sys.mkdirs((to:match "^(.*)/")))
    copy(to)
    if provenance.fingerprint(to).hash ~= entry.hash then
      error(("%s: '%s' is damaged"):format(archive, name), 0)
    end
    demand_own(archive, name, to)
    core.sys.touch(to, mtime)
  end)
  if not files then error(("%s was not written by flexlab export: it is empty"):format(archive), 0) end
  for name in pairs(files) do
    if not seen[name] then error(("%s: '%s' is missing"):format(archive, name), 0) end
  end
  return files
end

-- Whether what is in the way of a run or study is the same one; raises where it is another.
local function same(from, to, place)
  for _, name in ipairs { "result.lua", "config.lua", "study.lua" } do
    local a, b = own.read(from, name), own.read(to, name)
    if a ~= b and not (name == "result.lua" and core.sys.exists(from .. "/study.lua")) then
      error(("%s is there already, and its %s is another; import into another folder (--out)"):format(place, name), 0)
    end
  end
end

-- What the runs of a configuration have read, here and in the archive; raises where a file differs.
local function joined(from, to, place)
  local list, known = provenance.recorded(to), {}
  for _, file in ipairs(list) do known[file.path] = file end
  for _, file in ipairs(provenance.recorded(from)) do
    local old = known[file.path]
    if old and (old.hash ~= file.hash or old.bytes ~= file.bytes) then
      error(("runs of %s are there that have read another '%s'; import into another folder (--out)"):format(place,
        tostring(file.path)), 0)
    elseif not old then
      list[#list + 1] = file
    end
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

-- The places of the runs and studies of a list, sorted, and of the folders of a files.lua. What is neither is refused.
local function places_of(files, archive)
  local places, reads, seen = {}, {}, {}
  for name in pairs(files) do
    local place = place_of(name)
    local above = place:match("^(.*/" .. HASH .. ")/%d+$")
    local is_run, is_study = above and files[place .. "/config.lua"], not above and files[place .. "/study.lua"]
    if not above and name == place .. "/files.lua" and not is_study then
      reads[#reads + 1] = place
    elseif not (is_run and not files[above .. "/study.lua"]) and not is_study then
      error(("%s: '%s' is no file of a run or a study"):format(archive, name), 0)
    elseif not seen[place] then
      seen[place], places[#places + 1] = true, place
    end
  end
  table.sort(places)
  return places, reads
end

-- What is to be moved and what is there already, all of it checked before anything moves; and what is to be written
-- of the files that runs have read.
local function plan(files, from, root, archive)
  local places, folders = places_of(files, archive)
  local order, there, reads = {}, {}, {}
  for _, place in ipairs(folders) do
    reads[place] = joined(from .. "/" .. place, root .. "/" .. place, place)
  end
  for _, place in ipairs(places) do
    local present = core.sys.exists(root .. "/" .. place)
    if present then same(from .. "/" .. place, root .. "/" .. place, place) end
    table.insert(present and there or order, place)
  end
  return order, there, reads
end

--- Unpacks an archive into a folder of runs; the places of the runs and studies that are new, and of those that were
--- there already.
---@param archive string  its path
---@param root string     the folder of all runs
---@return string[]  new places
---@return string[]  places that were there
function M.read(archive, root)
  local fresh = not core.sys.exists(root)
  must(core.sys.mkdirs(root))
  local into = must(core.sys.temporary(root .. "/import"))
  for _, name in ipairs(temporary.left(root)) do folder.remove(root .. "/" .. name) end
  folder.remove(into)
  must(core.sys.mkdirs(into))
  local ok, new, there = pcall(function()
    local files = unpack_into(into, archive)
    local order, present, reads = plan(files, into, root, archive)
    for place, list in pairs(reads) do
      must(core.sys.mkdirs(root .. "/" .. place))
      must(literal.write(root .. "/" .. place .. "/files.lua", list, "files read by these runs"))
    end
    for _, place in ipairs(order) do
      must(core.sys.mkdirs(((root .. "/" .. place):match "^(.*)/")))
      must(core.sys.rename(into .. "/" .. place, root .. "/" .. place))
    end
    return order, present
  end)
  folder.remove(into)
  if not ok then
    if fresh then os.remove(root) end      -- where nothing is in it
    error(new, 0)
  end
  for _, place in ipairs(new) do
    local name, rest = place:match "^([^/]+)/(.*)$"
    if not core.sys.readlink(root .. "/" .. name .. "/latest") then latest.point(root, name, rest) end
  end
  return new, there
end

return M
