--[[
locals - what the body of a run remembers in plain variables, kept through a stop: the best score so far, how long it
has not improved, a list of losses.

  locals.begin(run)            at a loop's first step: what the variables hold; sets them to what a checkpoint says
  locals.take(run, limit)      what they hold now
  locals.text(run)             the text of a checkpoint; locals.parse(path, text) reads it
Whoever calls the iterator of run:steps is a frame of the user's: debug.getlocal and setlocal reach its variables.
Looked at are the locals of the user's functions that are running, from the body to the loop's own, and the variables
that these functions, and the user's functions which they hold, have captured from outside. Globals, and fields of
objects (whatever has a metatable), are not.

The law: what a loop has changed is stored, exactly, and set again at the loop's first step when the run goes on, also
for loops that are over by then (a loop that is left, by its end or by break, has its last state kept). What the loop
has not changed comes from the body itself, which runs again from its beginning: so a time, a folder or a switch that is
another one this time stays so. Variables are known by their frame (counted from the body), index and name: the code
is the same, by the run's hash, but for comments.

Numbers, strings, booleans and nil are set; tables without a metatable are emptied and filled in place, and tables that
were one table are one again. Anything else (a tensor, a function, a file) stays what the body makes it; where the loop
has changed such a one, log.txt says so at the first checkpoint, and notes.lua in a run that went on. A tensor
changed in place is not seen.

Refused: a snapshot of the whole state of Lua (a userdata has no copy), and asking users to declare their variables (who
forgets it gets another number, without a word).
--]]
local blame = require "flexlab.blame"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local notes = require "flexlab.context.notes"
local literal_parser = require "flexlab.literal_parser"

local M = {}

M.most = 50000       -- values in the tables of one variable that a checkpoint keeps
M.few = 64           -- the same of the copy at the beginning of a step
M.share = 0.01       -- of a loop's time may go into these copies (12 us each), and
M.free = 0.02        -- seconds beside: without its copy a step that is cut off goes on from the last checkpoint

local NIL = {}       -- in the place of nil
local number_of = setmetatable({}, { __mode = "k" })   -- a number for each table or object seen, never given twice
local numbers = 0

local function identity(v)
  if not number_of[v] then
    numbers = numbers + 1
    number_of[v] = numbers
  end
  return number_of[v]
end

local standard = { _G = true, package = true, coroutine = true, table = true, io = true, os = true, string = true,
  math = true, utf8 = true, debug = true }
local ours   -- the tables of the library and of Lua, which are no variables of a recipe

local function is_ours(t)
  if not ours then
    ours = setmetatable({ [package.loaded] = true }, { __mode = "k" })
    for name, value in pairs(package.loaded) do
      if type(value) == "table" and (name:find "^flexlab" or standard[name]) then ours[value] = true end
    end
  end
  return ours[t]
end

local function is_scalar(v)
  local kind = type(v)
  return kind == "string" or kind == "boolean" or kind == "number" and v ~= math.mininteger
end

local function is_plain_table(v) return type(v) == "table" and debug.getmetatable(v) == nil and not is_ours(v) end

-- What a value that is not kept is called.
local function called(v)
  if core.is_tensor(v) then return "a tensor" end
  if v == math.mininteger then return "the least whole number" end
  local kind = type(v)
  return kind == "table" and "an object" or kind == "userdata" and io.type(v) and "a file" or "a " .. kind
end

local ranks = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local x, y = type(a), type(b)
  if x ~= y then return ranks[x] < ranks[y] end
  if x == "boolean" then return a and not b end
  return a < b
end

-- A value as a snapshot holds it: a scalar itself, NIL, { t = id }, or { o = what it is, n = its number }.
local function code(snap, v, budget)
  if v == nil then return NIL end
  if is_scalar(v) then return v end
  if not is_plain_table(v) then return { o = called(v), n = type(v) == "number" and 0 or identity(v) } end
  if snap.ids[v] then return { t = snap.ids[v] } end
  local id, node = #snap.tables + 1, { n = identity(v), keys = {}, values = {} }
  snap.ids[v], snap.tables[id] = id, node
  for k in next, v do
    budget.left = budget.left - 1
    if budget.left < 0 then
      budget.over = true
      break
    end
    if is_scalar(k) then node.keys[#node.keys + 1] = k end
  end
  table.sort(node.keys, before)
  for i, k in ipairs(node.keys) do node.values[i] = code(snap, rawget(v, k), budget) end
  return { t = id }
end

-- The user's functions that are running for a run, the body first: { func =, level = as the caller's caller counts }.
local function frames(run)
  local list = {}
  for level = 3, math.huge do
    local info = debug.getinfo(level, "Sf")
    if not info or info.func == blame.call then break end
    if info.what ~= "C" and not blame.is_own(info.source) then
      table.insert(list, 1, { func = info.func, level = level - 2 })
    end
    if info.func == run.recipe.body then break end
  end
  return list
end

local function is_users(f)
  if type(f) ~= "function" then return false end
  local info = debug.getinfo(f, "S")
  return info.what ~= "C" and not blame.is_own(info.source)
end

-- Adds the captured variables of a function of the user's, and of the functions among them.
local function captured(list, seen, f, path)
  if seen[f] then return end
  seen[f] = true
  for i = 1, math.huge do
    local name, value = debug.getupvalue(f, i)
    if not name then return end
    if name ~= "_ENV" then
      local own = ("%s/%d:%s"):format(path, i, name)
      list[#list + 1] = { path = own, name = name, value = value, func = f, index = i }
      if is_users(value) then captured(list, seen, value, own) end
    end
  end
end

-- All variables, a list of { path =, name =, value =, level = (of the caller) or func =, index = }.
local function variables(run)
  local list, seen, found = {}, {}, frames(run)
  for n, frame in ipairs(found) do
    for i = 1, math.huge do
      local name, value = debug.getlocal(frame.level + 1, i)
      if not name then break end
      if name:sub(1, 1) ~= "(" then
        list[#list + 1] = { path = ("%d:%d:%s"):format(n, i, name), name = name, value = value, level = frame.level,
          index = i }
      end
    end
  end
  for i = 1, #list do
    if is_users(list[i].value) then captured(list, seen, list[i].value, list[i].path) end
  end
  for n, frame in ipairs(found) do captured(list, seen, frame.func, tostring(n)) end
  return list
end

-- Takes back the tables behind the first `known` ones.
local function forget(snap, known)
  for id = #snap.tables, known + 1, -1 do snap.tables[id] = nil end
  for t, id in pairs(snap.ids) do
    if id > known then snap.ids[t] = nil end
  end
end

--- What the variables hold now: { list =, codes =, tables = }; nil where the tables of one have more than
--- `limit` values.
---@param run table          whose body is running
---@param limit integer|nil  values in the tables of one variable; M.most, beyond which the variable is not kept
---@return table|nil
function M.take(run, limit)
  local list = variables(run)
  local snap = { list = list, codes = {}, tables = {}, ids = {}, step = run.step }
  for i, v in ipairs(list) do
    local budget, known = { left = limit or M.most }, #snap.tables
    snap.codes[i] = code(snap, v.value, budget)
    if budget.over then
      if limit then return nil end
      forget(snap, known)
      snap.codes[i] = { o = ("a table of more than %d values"):format(M.most), n = identity(v.value) }
    end
    v.value = nil
  end
  return snap
end

--- The copy for the beginning of a step; nil where it would cost too much. `spent` is kept for a loop by the caller.
---@param run table    whose body is running
---@param spent table  { began = core.sys.time(), seconds = 0 }, to which it adds
---@return table|nil
function M.before_step(run, spent)
  local now = core.sys.time()
  if spent.seconds > M.free + M.share * (now - spent.began) then return nil end
  local snap = M.take(run, M.few)
  spent.seconds = spent.seconds + core.sys.time() - now
  return snap
end

-- A text of a value of a snapshot: equal for equal contents of the same tables and objects.
local function signature(snap, c, out, seen)
  if c == NIL then
    out[#out + 1] = "nil"
  elseif type(c) ~= "table" then
    out[#out + 1] = math.type(c) == "float" and ("%a"):format(c) or ("%q"):format(c)
  elseif c.o then
    out[#out + 1] = ("#%d#"):format(c.n)
  else
    local node = snap.tables[c.t]
    out[#out + 1] = ("@%d{"):format(node.n)
    if not seen[c.t] then
      seen[c.t] = true
      for i, k in ipairs(node.keys) do
        signature(snap, k, out, seen)
        signature(snap, node.values[i], out, seen)
      end
    end
    out[#out + 1] = "}"
  end
  return out
end

local function sign(snap, i) return table.concat(signature(snap, snap.codes[i], {}, {}), " ") end

-- What in a value is not kept and was not there before the loop: its name; nil where there is none.
local function lost(snap, c, old, seen)
  if type(c) ~= "table" or c == NIL then return nil end
  if c.o then return not old:find(("#%d#"):format(c.n), 1, true) and c.o or nil end
  if seen[c.t] then return nil end
  seen[c.t] = true
  for _, v in ipairs(snap.tables[c.t].values) do
    local what = lost(snap, v, old, seen)
    if what then return what end
  end
end

local function is_table(c) return type(c) == "table" and c.t ~= nil end

-- Adds the tables that a value reaches to a set of ids.
local function reach(snap, c, set)
  if not is_table(c) or set[c.t] then return set end
  set[c.t] = true
  for _, v in ipairs(snap.tables[c.t].values) do reach(snap, v, set) end
  return set
end

-- The variables to be stored, { [place in the list] = true }, and the ids of their tables: those that have changed,
-- and those that share a table with one.
local function chosen(snap, changed)
  local picked, ids = {}, {}
  for i in ipairs(snap.list) do
    local c = snap.codes[i]
    picked[i] = changed[i] and not (type(c) == "table" and c.o) or nil
    if picked[i] then reach(snap, c, ids) end
  end
  for i in ipairs(snap.list) do
    local own, shares = reach(snap, snap.codes[i], {}), false
    for id in pairs(own) do shares = shares or ids[id] end
    if shares then
      picked[i] = true
      for id in pairs(own) do ids[id] = true end
    end
  end
  return picked, ids
end

local function stored_code(c, new)
  if c == NIL then return {} end
  return type(c) == "table" and { t = new[c.t], o = c.o } or c
end

local function stored_node(node, new)
  local values, list = {}, true
  for i, c in ipairs(node.values) do
    values[i] = stored_code(c, new)
    list = list and node.keys[i] == i
  end
  return { k = not list and node.keys or nil, v = values }
end

-- What a snapshot has that differs from the beginning of its loop, as plain values for a checkpoint.
local function changes(snap, baseline)
  local out, changed, new, tables = { step = snap.step, roots = {}, lost = {} }, {}, {}, {}
  for i, v in ipairs(snap.list) do
    local c, old = snap.codes[i], baseline[v.path]
    changed[i] = sign(snap, i) ~= old
    local what = changed[i] and old and lost(snap, c, old, {})
    if what then out.lost[#out.lost + 1] = ("'%s' %s"):format(v.name, (c.o and "is " or "holds ") .. what) end
  end
  local picked, ids = chosen(snap, changed)
  for id, node in ipairs(snap.tables) do
    if ids[id] then tables[#tables + 1], new[id] = node, #tables + 1 end
  end
  for i, v in ipairs(snap.list) do
    if picked[i] then
      table.move({ v.path, stored_code(snap.codes[i], new) }, 1, 2, #out.roots + 1, out.roots)
    end
  end
  for id, node in ipairs(tables) do tables[id] = stored_node(node, new) end
  out.tables = tables[1] and tables or nil
  return out
end

local ADVICE = "no checkpoint keeps that: after a stop it is again what it was before the loop (keep numbers: t:item())"

-- Says once in log.txt what would be lost.
local function warn(run, found)
  for _, what in ipairs(found.lost) do
    if not run.warned[what] then
      run.warned[what] = true
      run.transcript:say("a loop has changed a variable: %s; %s", what, ADVICE)
    end
  end
end

-- Finds the table that stands for a stored one: the one that is now where it was.
local function bind(stored, bound, used, c, live)
  if type(c) ~= "table" or not c.t or bound[c.t] or not is_plain_table(live) or used[live] then return end
  bound[c.t], used[live] = live, true
  local node = stored.tables[c.t]
  for i, v in ipairs(node.v) do bind(stored, bound, used, v, rawget(live, node.k and node.k[i] or i)) end
end

-- Empties and fills one table; what could not be stored stays as it is.
local function fill(target, node, value)
  local stays = {}
  for i, c in ipairs(node.v) do
    if type(c) == "table" and c.o then stays[node.k and node.k[i] or i] = true end
  end
  local gone = {}
  for k in next, target do
    if is_scalar(k) and not stays[k] then gone[#gone + 1] = k end
  end
  for _, k in ipairs(gone) do rawset(target, k, nil) end
  for i, c in ipairs(node.v) do
    if not (type(c) == "table" and c.o) then rawset(target, node.k and node.k[i] or i, value(c)) end
  end
end

-- A function from stored values to values, whose tables are filled.
local function rebuild(stored, codes, list)
  local bound, used = {}, {}
  for _, v in ipairs(list) do bind(stored, bound, used, codes[v.path], v.value) end
  for id in ipairs(stored.tables or {}) do bound[id] = bound[id] or {} end
  local function value(c)
    if type(c) ~= "table" then return c end
    return c.t and bound[c.t] or nil
  end
  for id, node in ipairs(stored.tables or {}) do fill(bound[id], node, value) end
  return value
end

-- Sets the variables as stored.
local function restore(run, stored)
  local list, codes = variables(run), {}
  for i = 1, #stored.roots, 2 do codes[stored.roots[i]] = stored.roots[i + 1] end
  local value = rebuild(stored, codes, list)
  for _, v in ipairs(list) do
    local c = codes[v.path]
    if c ~= nil and not (type(c) == "table" and c.o) then
      if v.level then debug.setlocal(v.level, v.index, value(c)) else debug.setupvalue(v.func, v.index, value(c)) end
    end
  end
  run.step = stored.step or run.step
  for _, what in ipairs(stored.lost) do
    notes.add(("this run was stopped and went on; of what its loop had changed, %s; %s")
      :format(what, ADVICE))
  end
end

--- For the first call of a loop's iterator: remembers what the variables hold, and sets what was saved of this loop.
---@param run table  whose body is running
function M.begin(run)
  ours = nil               -- modules may have been loaded since
  local snap, baseline = M.take(run), {}
  for i, v in ipairs(snap.list) do baseline[v.path] = sign(snap, i) end
  run.baseline, run.held, run.warned = baseline, nil, run.warned or {}
  run.loops = run.loops or {}
  local stored = run.saved and run.saved.loops[run.phase]
  if not stored then return end
  restore(run, stored)
  run.loops[run.phase] = stored
end

--- For the end of a loop: what it leaves is kept for the checkpoints of later ones.
---@param run table  whose body is running
function M.leave(run)
  if run.replaying or not run.baseline then return end
  run.held = M.take(run)
  run.loops[run.phase] = changes(run.held, run.baseline)
end

--- What a checkpoint keeps of this loop and those before, as a text; nil before the first.
---@param run table  whose body is running
---@return string|nil
function M.text(run)
  if not run.baseline then return nil end
  local snap = run.held or M.take(run)
  local loops = {}
  for i = 1, run.phase - 1 do loops[i] = run.loops[i] or { roots = {}, lost = {} } end
  loops[run.phase] = changes(snap, run.baseline)
  loops[run.phase].step = run.step
  warn(run, loops[run.phase])
  return literal.encode(loops)
end

local function is_stored(loop)
  if type(loop) ~= "table" or type(loop.roots) ~= "table" or type(loop.lost) ~= "table" then return false end
  local tables = loop.tables or {}
  local function fits(c) return type(c) ~= "table" or c.t == nil or type(tables[c.t]) == "table" end
  for i = 1, #loop.roots, 2 do
    if type(loop.roots[i]) ~= "string" or not fits(loop.roots[i + 1]) then return false end
  end
  for _, node in ipairs(tables) do
    if type(node) ~= "table" or type(node.v) ~= "table" or node.k and #node.k ~= #node.v then return false end
    for _, c in ipairs(node.v) do
      if not fits(c) then return false end
    end
  end
  return true
end

--- The loops that a checkpoint's text has; none where it has no such text. Raises where it is not of this form.
---@param path string      of the checkpoint, for messages
---@param text string|nil  of the checkpoint
---@return table[]
function M.parse(path, text)
  if text == nil then return {} end
  local ok, loops = literal_parser.parse(text, path)
  local good = ok and type(loops) == "table"
  for _, loop in ipairs(good and loops or {}) do good = good and is_stored(loop) end
  if not good then error(path .. ": its text 'locals' is not of the form that a run's variables have", 0) end
  return loops
end

return M
