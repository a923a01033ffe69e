--[[
state - what became of a run, told from the files in its folder alone: no code of the user's runs.

  state.of(dir) -> { word =, step =, steps =, rate =, sentence =, when =, traceback = }
The words, in the order in which they are asked:
  done      result.lua is there; it is written last
  running   somebody holds the folder's lock (locks.lua): `sentence` names the owner
  failed    failed.txt is there: the body raised, `sentence` says what
  diverged  failed.txt is there and says so: the loss was not finite, or beyond all bounds (divergence.lua)
  stopped   a checkpoint or logged steps are there and nobody works on them: the next call goes on from there
  new       nothing of it is there
`step` of `steps` is where the run is, from the marks in log.txt ("step 30 of 60") and the rows of metrics.jsonl;
either is nil where no file says it. `rate` is in steps a second. `when` is a time in unix seconds: of the result, of
the failure, of the lock's taking, of the last checkpoint or row; nil for a new run.

failed.txt is for people first: an entry per line ("sentence    the loss is nan at step 12"), then the traceback,
indented. It is parsed strictly all the same: a file that does not follow the form is a failed run whose
sentence says in which line.
--]]
local core = require "flexlab.core"
local locks = require "flexlab.store.locks"
local own = require "flexlab.store.own"

local M = {}

M.words = { "new", "running", "stopped", "failed", "diverged", "done" }

local TAIL = 16384        -- bytes at the end of a growing file that are looked at
local FIELDS = { "state", "sentence", "step", "steps", "time" }
local known = {}
for _, name in ipairs(FIELDS) do known[name] = true end

--- A time as files hold it: 2026-11-30T19:43:01Z.
---@param seconds number|nil  Unix time; now
---@return string
function M.stamp(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds or core.sys.now())) end

-- Days from 1970-01-01 to a date of the Gregorian calendar [Hinnant, days_from_civil].
local function days(y, m, d)
  if m <= 2 then y = y - 1 end
  local era, yoe = y // 400, y % 400
  local doy = (153 * (m + (m > 2 and -3 or 9)) + 2) // 5 + d - 1
  return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468
end

--- Unix seconds of such a text, or nil.
---@param stamp string  of M.stamp
---@return integer|nil
function M.seconds(stamp)
  local y, mo, d, h, mi, s = stamp:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)Z$")
  if not y then return nil end
  local function n(text) return math.tointeger(tonumber(text)) end
  return days(n(y), n(mo), n(d)) * 86400 + n(h) * 3600 + n(mi) * 60 + n(s)
end

-- The end of a file, whole lines only where it is cut; "" if it cannot be read.
local function tail(dir, name)
  local path = own.path(dir, name)
  local file = path and io.open(path, "rb")
  if not file then return "" end
  local size = file:seek("end")
  file:seek("set", math.max(0, size - TAIL))
  local text = file:read("a") or ""
  file:close()
  return size > TAIL and text:gsub("^[^\n]*\n", "") or text
end

-- Step and steps as the marks of a log say, and the step of the last logged row if it is further.
local function progress(dir)
  local step, steps, rate
  for line in tail(dir, "log.txt"):gmatch("[^\n]+") do
    local a, b, speed = line:match("^%S+Z  step (%d+) of (%d+)%s*(%S*)")
    if a then step, steps, rate = math.tointeger(tonumber(a)), math.tointeger(tonumber(b)), tonumber(speed) or rate end
  end
  local last = tail(dir, "metrics.jsonl"):match("([^\n]+)\n[^\n]*$")
  local row = last and core.json.decode(last)
  local logged = type(row) == "table" and math.tointeger(tonumber(row.step))
  if logged and (not step or logged > step) and (not steps or logged <= steps) then step = logged end
  if not steps then
    local config = own.try(dir, "config.lua")
    local train = type(config) == "table" and config.train
    steps = type(train) == "table" and math.tointeger(tonumber(train.steps)) or nil
  end
  return step, steps, rate
end

-- One line of a text of several.
local function line_of(text) return (tostring(text):gsub("%s*[\r\n]+%s*", " ")) end

--- The text of failed.txt.
---@param failure table  state = "failed" or "diverged", sentence, and step, steps, time (unix s), traceback if known
---@return string
function M.failure(failure)
  local lines = {}
  for _, name in ipairs(FIELDS) do
    local value = failure[name]
    if name == "time" then value = M.stamp(value) end
    if value ~= nil then lines[#lines + 1] = ("%-12s%s"):format(name, line_of(value)) end
  end
  if failure.traceback then
    lines[#lines + 1] = "traceback"
    for line in tostring(failure.traceback):gmatch("[^\n]+") do lines[#lines + 1] = "  " .. line end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Field `name` of a line of failed.txt put into `out`; false if the line is none.
local function field(line, out)
  local name, value = line:match("^(%l+)%s+(.*)$")
  if not known[name] or out[name] then return false end
  if name == "step" or name == "steps" then
    value = math.tointeger(tonumber(value))
  elseif name == "time" then
    value = M.seconds(value)
  elseif name == "state" and value ~= "failed" and value ~= "diverged" then
    value = nil
  end
  out[name] = value
  return value ~= nil
end

--- What M.failure wrote, as a table; or nil, and the first line that is not of this form.
---@param text string  of failed.txt
---@return table|nil
---@return integer|nil  number of the line
function M.parse(text)
  local out, trace, n = {}, nil, 0
  for line in text:gmatch("([^\n]*)\n") do
    n = n + 1
    if trace then
      trace[#trace + 1] = line:match("^  (.*)$")
    elseif line == "traceback" then
      trace = {}
    elseif not field(line, out) then
      return nil, n
    end
    if trace and #trace > 0 and not line:find("^  ") then return nil, n end
  end
  if not (out.state and out.sentence and out.time) then return nil, n + 1 end
  out.traceback = trace and table.concat(trace, "\n") or nil
  return out
end

--- Reads the failed.txt of a run's folder; nil when there is none.
---@param dir string  the run's folder
---@return table|nil  of M.failure; one that cannot be read says so as its sentence
function M.failed(dir)
  local path = own.path(dir, "failed.txt")
  if not path then return nil end
  local text, message = core.sys.read(path)
  local failure, line
  if text then failure, line = M.parse(text) end
  return failure or { state = "failed", sentence = text and ("%s cannot be understood from line %d on")
    :format(path, line) or message }
end

--- Writes failed.txt, whole or not at all; true or nil, message.
---@param dir string     the run's folder
---@param failure table  as of M.failure
---@return boolean|nil
---@return string|nil
function M.fail(dir, failure) return core.sys.write(dir .. "/failed.txt", M.failure(failure)) end

--- How many runs are in which state, and what is said of the first one that says something: "2 failed, 1 stopped; the
--- first: out of memory".
---@param states table[]  what M.of returns
---@return string
function M.summary(states)
  local count, parts, sentence = {}, {}, nil
  for _, s in ipairs(states) do
    count[s.word] = (count[s.word] or 0) + 1
    sentence = sentence or s.sentence
  end
  for _, word in ipairs(M.words) do
    if count[word] then parts[#parts + 1] = ("%d %s"):format(count[word], word) end
  end
  local text = table.concat(parts, ", ")
  if not sentence then return text end
  return ("%s%s: %s"):format(text, #states > 1 and "; the first" or "", sentence)
end

--- A sentence where a path, a run's folder or its last.h5, has the weights of a run that is not finished; else nil.
---@param path string  of a run's folder, or of a checkpoint
---@return string|nil
function M.unfinished(path)
  local dir = core.sys.exists(path) == "folder" and path or path:match "^(.*)/last%.h5$"
  if not dir or not core.sys.exists(dir .. "/config.lua") then return nil end
  local s = M.of(dir)
  if s.word == "done" then return nil end
  local file = core.io.container(dir .. "/last.h5")
  local step = file and math.tointeger(tonumber(file:attributes("").step)) or s.step
  if file then file:close() end
  return ("%s is not finished (%s): these are its weights after step %s%s"):format(dir, s.word, step or "?",
    s.steps and " of " .. s.steps or "")
end

--- What became of the run in a folder: see the head of this file.
---@param dir string  the run's folder
---@return table
function M.of(dir)
  local function found(word, file)
    local step, steps, rate = progress(dir)
    return { word = word, step = step, steps = steps, rate = rate, when = core.sys.modified(dir .. "/" .. file) }
  end
  if own.path(dir, "result.lua") then return found("done", "result.lua") end
  local owner = locks.owner(dir)
  if owner and owner.alive then
    local state = found("running", "lock")
    state.sentence = "written by " .. locks.describe(owner)
    state.when = owner.since and M.seconds(owner.since) or state.when
    return state
  end
  local failure = M.failed(dir)
  if failure then
    local state = found(failure.state, "failed.txt")
    state.sentence, state.traceback = failure.sentence, failure.traceback
    state.step, state.steps, state.when = failure.step or state.step, failure.steps or state.steps,
      failure.time or state.when
    return state
  end
  if core.sys.exists(dir .. "/last.h5") then return found("stopped", "last.h5") end
  if tail(dir, "metrics.jsonl") ~= "" then return found("stopped", "metrics.jsonl") end
  return { word = "new" }
end

--- "running 29/60", "failed: no memory": a state in a few words.
---@param s table  of M.of
---@return string
function M.short(s)
  if s.word == "failed" or s.word == "diverged" then
    return s.sentence and ("%s: %s"):format(s.word, s.sentence) or s.word
  elseif s.word ~= "done" and s.step then
    return ("%s %d%s"):format(s.word, s.step, s.steps and "/" .. s.steps or "")
  end
  return s.word
end

return M
