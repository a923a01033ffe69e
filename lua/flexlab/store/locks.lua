--[[
locks - one writer for a run: the file `lock` in its folder, on any file system that hosts share.

Data. `lock` names its owner, an entry per line: host, boot (id of this start of the machine), namespace (of process
numbers), pid, born (when that process started, in ticks since the boot), since, token (no two are equal). Its time
of last change is its heartbeat: a thread of the owner touches it every 20 s, whatever the owner is busy with.

Invariants.
  1. Whoever creates `lock` (O_EXCL) owns the run, until it removes the file or somebody takes it over.
  2. An owner is dead if, with our boot id and our namespace, no process of its number and birth exists (one that
     died and was not waited for is dead: a killed worker of a parent that is busy), or if it is elsewhere (or /proc
     is not there to ask) and its heartbeat is older than 5 minutes. "This host" is not a name: containers share names
     and boots, and names change. The 5 minutes are measured between two times of one clock, the file system's: the
     lock's, and that of a file touched in the same folder now.
  3. Taking over from the owner with token T: create `lock.T` (O_EXCL) with our own words in it; look whether `lock`
     still is T's; rename `lock.T` to `lock`. One process alone can create `lock.T`, so one alone can win; it renames
     over T's lock and nobody else's, since only the holder of `lock.T` may replace T's. A claimant that died is taken
     over from in the same way, by `lock.<its token>` renamed to `lock.T`.
  4. An owner that was taken for dead (stopped, or cut off from the file system for 5 minutes) notices: before every
     write of last.h5, the logs and the result it reads the lock, and stops if it is another's. Between the look and
     the write there are microseconds in which it may be wrong; no lock that survives its owner can do better.
A lock file that is incomplete (its owner is just writing it, or died then) is judged by its heartbeat.

Refused. flock and fcntl locks: on NFS they need a server that keeps them, are lost silently when it restarts, and say
nothing of their owner; core.sys.lock has them, for waits within one host. A lock server: one more thing to run.
Leases renewed by steps: a step, or a score, may take an hour. Hard links in place of O_EXCL: not every shared file
system has them, and O_EXCL is atomic on NFS since version 3.
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

M.beat = 20               -- seconds between two touches
M.stale = 300             -- seconds without one, after which an owner elsewhere counts as dead

-- Raised by an owner that has lost its lock; reads as a sentence.
local Lost = { __name = "flexlab.LockLost" }
function Lost.__tostring(e) return e.message end

-- Raised to whoever wants a run that another works on; has `owner`, reads as a sentence.
local Busy = { __name = "flexlab.RunBusy" }
function Busy.__tostring(e) return e.message end

local FIELDS = { "host", "boot", "namespace", "pid", "born", "since", "token" }
local counter = 0

local function first_line(path)
  local file = io.open(path, "r")
  local line = file and file:read("l")
  if file then file:close() end
  return line
end

-- Whether a process is alive, and its birth, as /proc/<name>/stat tells: the state and the 22nd field, counted behind
-- the name of the program, which may hold anything.
local function born(name)
  local line = first_line(("/proc/%s/stat"):format(name))
  local state, rest = (line or ""):match("^.*%) (%a) (.*)$")
  if not state then return nil end
  local fields = {}
  for word in rest:gmatch("%S+") do fields[#fields + 1] = word end
  return not state:find("[ZXx]") and fields[19] or nil
end

-- Whether /proc shows the namespace that our process numbers are of.
local function proc_is_ours() return core.sys.readlink("/proc/self") == tostring(core.sys.pid()) end

-- This process, as a lock names it; boot and namespace are "-" where the system does not tell.
local function myself()
  local function line(s) return s and s:match("^%S+$") or "-" end
  return { host = line(core.sys.host():gsub("%s", "_")), boot = line(first_line "/proc/sys/kernel/random/boot_id"),
    namespace = line(core.sys.readlink "/proc/self/ns/pid"), pid = core.sys.pid(), born = line(born "self") }
end

local function encode(owner)
  local lines = {}
  for i, name in ipairs(FIELDS) do lines[i] = ("%-12s%s\n"):format(name, tostring(owner[name])) end
  return table.concat(lines)
end

-- Owner as a lock file names it; false if it is incomplete, nil if there is none.
local function read(path)
  local file = core.sys.exists(path) == "file" and io.open(path, "r")
  if not file then return nil end
  local content, owner = file:read("a") or "", {}
  file:close()
  for name, value in content:gmatch("(%l+)[ ]+(%S+)\n") do owner[name] = value end
  for _, name in ipairs(FIELDS) do
    if not owner[name] then return false end
  end
  owner.pid = math.tointeger(tonumber(owner.pid)) or 0
  return owner
end

-- Seconds since the heartbeat of a lock, by the clock of its file system; nil when the lock is gone. Where nothing can
-- be touched (a folder that is read-only) our own clock has to serve.
local function age(path)
  counter = counter + 1
  local probe = ("%s.clock.%s.%d.%d"):format(path, core.sys.host():gsub("[^%w%-]", "_"), core.sys.pid(), counter)
  local now
  if core.sys.create(probe, "") then
    now = core.sys.touch(probe) and core.sys.modified(probe)
    core.sys.remove(probe)
  end
  local beaten = core.sys.modified(path)
  return beaten and (now or core.sys.now()) - beaten
end

-- Whether an owner is of this boot and namespace, so that its number can be asked after.
local function is_here(owner, me)
  return owner and me.boot ~= "-" and me.namespace ~= "-" and owner.boot == me.boot
    and owner.namespace == me.namespace
end

-- Whether the owner of a lock lives, and why not.
local function alive(path, owner)
  if is_here(owner, myself()) then
    if not core.sys.process_exists(owner.pid) then return false, "its process is dead" end
    if proc_is_ours() then
      local birth = born(owner.pid)
      return birth ~= nil and birth == owner.born, "its process is dead"
    end
  end
  local seconds = age(path)
  return seconds ~= nil and seconds <= M.stale,
    seconds and ("it has not shown a sign of life for %s"):format(words.duration(seconds)) or "it let go"
end

--- "process 123 on host, since 2026-11-30T19:43:01Z".
---@param owner table  of M.owner
---@return string
function M.describe(owner)
  if not owner.pid then return "a process that is just starting" end
  return ("process %d on %s, since %s"):format(owner.pid, owner.host, owner.since)
end

--- Who holds the run of a folder: { host =, pid =, since =, ... , alive =, why = } or nil. `alive` is false for an
--- owner that has died without letting go, which `why` says more of.
---@param dir string  the run's folder
---@return table|nil
function M.owner(dir)
  local path = dir .. "/lock"
  local owner = read(path)
  if owner == nil then return nil end
  local lives, why = alive(path, owner)
  owner = owner or {}
  owner.alive, owner.why = lives, not lives and why or nil
  return owner
end

local Lock = {}
Lock.__index = Lock
Lock.__name = "flexlab.RunLock"

-- Creates a lock file that names us; the lock, false when there is one, or nil, message.
local function create(path)
  counter = counter + 1
  local me = myself()
  me.since = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(core.sys.now()))
  me.token = core.sys.hash(table.concat({ me.host, me.boot, me.namespace, me.pid, me.born, counter,
    ("%.9f"):format(core.sys.now()) }, " "))
  local made, message = core.sys.create(path, encode(me))
  if not made then return made, message end
  return setmetatable({ path = path, token = me.token, me = me }, Lock)
end

-- A lock file whose owner is dead, replaced by ours (invariant 3): the lock, or false when another was faster.
local function replace(path, dead)
  local claim = ("%s.%s"):format(path:match("^(.*/lock)"), dead and dead.token or "incomplete")
  local lock, message = create(claim)
  if lock == nil then return nil, message end
  if not lock then
    local other = read(claim)
    if other == nil or alive(claim, other) then return false end
    lock = replace(claim, other)
    if not lock then return lock end
  end
  local now = read(path)
  local same = now ~= nil and (now and now.token) == (dead and dead.token) and not alive(path, now)
  if not same or not core.sys.rename(claim, path) then
    if lock:held(claim) then core.sys.remove(claim) end
    return false
  end
  lock.path = path
  return lock
end

--- Takes the run of a folder, which must exist. Returns the lock; `lock.note` is a sentence when it was taken over from
--- a dead owner. Or nil and the owner (M.owner); or nil, nil and a message when the file system refuses.
---@param dir string  the run's folder
---@return table|nil  the lock
---@return table|nil  the owner
---@return string|nil  the message
function M.take(dir)
  local path = dir .. "/lock"
  for _ = 1, 100 do
    local lock, message = create(path)
    if lock == nil then return nil, nil, message end
    local owner = not lock and M.owner(dir)
    if owner and owner.alive then return nil, owner end
    if owner then
      lock, message = replace(path, owner.token and owner or false)
      if lock == nil then return nil, nil, message end
      if lock then lock.note = ("%s was held by %s, but %s: taken over"):format(dir, M.describe(owner), owner.why) end
    end
    if lock then
      lock.heart, message = core.sys.heartbeat(path, M.beat)
      if lock.heart then return lock end
      lock:release()
      return nil, nil, message
    end
  end
  return nil, nil, ("%s is taken and let go again and again; is another program at work in this folder?"):format(path)
end

--- Whether the lock still is ours.
---@param path string|nil  of the lock, if it was moved
---@return boolean
function Lock:held(path)
  local owner = read(path or self.path)
  return owner and owner.token == self.token or false
end

--- Raises unless the lock still is ours: to be called before each write.
function Lock:check()
  if self:held() then return end
  local owner = read(self.path)
  error(setmetatable({ message = ("the run in %s was taken over by %s; this process no longer writes to it")
    :format(self.path:match("^(.*)/"), owner and M.describe(owner) or "another process") }, Lost), 0)
end

--- Lets go, if it still is ours.
function Lock:release()
  if self.heart then self.heart:close() end
  self.heart = nil
  if self.path and self:held() then core.sys.remove(self.path) end
  self.path = nil
end

Lock.__close = Lock.release

--- Whether an error says that the lock was lost to another process.
---@param e any  what was raised
---@return boolean
function M.is_lost(e) return getmetatable(e) == Lost end

--- Whether an error says that another process holds the folder (M.busy).
---@param e any  what was raised
---@return boolean
function M.is_busy(e) return getmetatable(e) == Busy end

--- The error for a folder that `owner` holds.
---@param dir string   the run's folder
---@param owner table  of M.owner
---@return table
function M.busy(dir, owner)
  return setmetatable({ owner = owner, message = ("%s is being written by %s; --wait waits for it"):format(dir,
    M.describe(owner)) }, Busy)
end

return M
