--[[
blame - whose line an error names: the user's, first; the rest is for --traceback.

  ok, e = xpcall(f, blame.handler, ...)     e.g. "mine.lua:3: a - b: b is nil", whoever raised "a - b: b is nil"
  io.stderr:write(blame.sentence(e))        one line for people: nothing of Lua's search lists and tracebacks
  blame.trace(e)                            the traceback of where e was raised, through any number of handlers

A user's file is one that is not of this library's folder: a recipe, a choice, a script, a line at the prompt. An
error that the core or the library raises while a function of such a file is running is that function's: the
innermost one's, since it made the call that failed. A message that names a user's line already keeps it, and a
position inside the library is dropped, but for the crash of a line of ours ("attempt to index ..."), where it is
said behind. Errors that are objects pass through unchanged, so that whoever waits for them knows them; what is
known of their place is kept beside them.

Lua forgets the frame of a tail call to a Lua function: `return flex.nn.linear(...)` in a user's file is then
blamed on the caller. Messages that must name a part of the user's take its place from the part itself (contracts).
--]]
local M = {}

local root = debug.getinfo(1, "S").source:match("^@(.*)blame%.lua$") or "flexlab/"
M.root = root   -- this library's folder, with its slash

local shown = os.getenv("FLEXLAB_TRACEBACK") == "1"

--- Whether tracebacks are to be shown (--traceback, FLEXLAB_TRACEBACK=1); `show` sets it.
---@return boolean
function M.wanted() return shown end
--- Shows tracebacks from now on, or hides them.
---@param value boolean  whether they are shown
function M.show(value) shown = value end

--- Whether what debug.getinfo calls a source is a file of this library.
---@param source string  as debug.getinfo has it: "@" and a path for a file
---@return boolean
function M.is_own(source) return source:sub(2, #root + 1) == root and source:sub(1, 1) == "@" end

-- A source as messages name it: a path whole (Lua cuts long ones), a name, or the beginning of a text.
local function named(info)
  return info.source:match("^[@=](.*)$") or info.short_src
end

--- "file:line" where a function begins; nil for one of C.
---@param f any  a function; anything else gives nil
---@return string|nil
function M.place(f)
  local info = type(f) == "function" and debug.getinfo(f, "S")
  return info and info.what ~= "C" and ("%s:%d"):format(named(info), info.linedefined) or nil
end

-- "file:line" of the innermost user's frame, up to the function `last`. Frames of this file are no user's.
local function innermost(last)
  for i = 2, math.huge do
    local info = debug.getinfo(i, "Slf")
    if not info or last and info.func == last then return nil end
    if info.what ~= "C" and info.currentline > 0 and not M.is_own(info.source) then
      return ("%s:%d"):format(named(info), info.currentline)
    end
  end
end

--- "file:line" of the user's function that is running, innermost first; nil where there is none.
---@return string|nil
function M.where() return innermost() end

-- Whether the user called error(text, 0): who asks for no position gets none.
local function is_bare()
  for i = 2, math.huge do
    local info = debug.getinfo(i, "Sf")
    if not info then return false end
    if info.func == error then
      local caller = debug.getinfo(i + 1, "S")
      return caller ~= nil and caller.what ~= "C" and not M.is_own(caller.source)
    elseif not M.is_own(info.source) then
      return false
    end
  end
end

-- The path of a file of ours that Lua has cut at its beginning, "...th/lua/flexlab/data/x.lua"; nil for another's.
local function uncut(short)
  local rest = short:match "^%.%.%..-flexlab/(.*)$"
  local file = rest and io.open(root .. rest)
  if not file then return nil end
  file:close()
  return root .. rest
end

-- The source and the name of what Lua calls `short` in a position: a frame's, or a file that is not running any more;
-- nil where it is no place but the beginning of a sentence.
local function source_of(short)
  for i = 2, math.huge do
    local info = debug.getinfo(i, "S")
    if not info then break end
    if info.short_src == short then return info.source, named(info) end
  end
  if short:find "%.lua$" or not short:find "[%s'\"]" then return "@" .. (uncut(short) or short), short end
end

-- "error loading module 'm' from file 'f':\n\tf:3: what" -> "f:3: what".
local function loading(text)
  local file, rest = text:match("^error loading module '[^\n]-' from file '([^\n]-)':\n\t(.*)$")
  if not file then return text end
  local line, what = rest:match("^[^\n]-:(%d+): (.*)$")
  return line and ("%s:%s: %s"):format(file, line, what) or file .. ": " .. rest
end

--- A message with the user's position in front, in place of one in this library; a user's own position stays.
---@param text string           the message
---@param last function|nil     behind which nobody is to blame
---@param otherwise string|nil  the position where no user's frame is found
---@return string
function M.placed(text, last, otherwise)
  if text == "interrupted!" or is_bare() then return text end
  text = loading(loading(text):gsub("^[^\n]-:%d+: (error loading module )", "%1"))
  local short, line, rest = text:match("^([^\n]-):(%d+): (.*)$")
  local inside
  local source, name = source_of(short or " ")
  if source then
    if not M.is_own(source) then return ("%s:%s: %s"):format(name, line, rest) end
    inside, text = ("flexlab/%s:%s"):format(source:sub(#root + 2), line), rest
  end
  local where = innermost(last) or otherwise
  if inside and (text:find "^attempt to" or text:find "^bad argument") then
    text = ("%s (in %s)"):format(text, inside)
  end
  return where and ("%s: %s"):format(where, text) or text
end

--- A message that a pcall caught, without a position in this library; a user's stays.
---@param message any  what was caught
---@return string
function M.bare(message)
  local text = tostring(message)
  local short, rest = text:match("^([^\n]-):%d+: (.*)$")
  if not short then return text end
  return (M.is_own("@" .. short) or uncut(short)) and rest or text
end

local latest = {}   -- { seen = true, value =, trace =, where = } of the last error that a handler saw

local function is_latest(e) return latest.seen and rawequal(latest.value, e) end

--- Remembers where a value was raised, for handlers of one's own; returns it.
---@param value any  what was raised
---@return any  the value
function M.note(value)
  latest = { seen = true, value = value, where = innermost(), trace = debug.traceback("", 2):gsub("^\n", "") }
  return value
end

--- A message handler for xpcall: strings get their position, everything keeps its traceback.
---@param e any  what was raised
---@return any  what xpcall gives
function M.handler(e)
  local known = type(e) == "string" or type(e) == "table"      -- two errors may be the number 3
  if known and is_latest(e) then return e end
  return M.note(type(e) == "string" and M.placed(e) or e)
end

--- f(...); an error goes on with its position and its traceback, through any number of such calls.
---@param f function  what is called
---@param ... any     its arguments
---@return any  all its results
function M.call(f, ...)
  local results = table.pack(xpcall(f, M.handler, ...))
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

--- The traceback of an error that a handler has seen.
---@param e any  what pcall or xpcall gave
---@return string|nil  nil where no handler has seen it
function M.trace(e)
  return is_latest(e) and latest.trace or nil
end

-- "{ code = 1, ... }": the plain entries of a table.
local function entries(t)
  local list = {}
  for k, v in pairs(t) do
    if type(k) == "string" and (type(v) == "string" or type(v) == "number") then
      list[#list + 1] = ("%s = %s"):format(k, v)
    end
  end
  table.sort(list)
  return #list > 0 and ("{ %s }"):format(table.concat(list, ", ")) or "{}"
end

-- An error that is neither text nor an object with one.
local function foreign(e)
  local where = is_latest(e) and latest.where
  local what = "an error without a message"
  if e ~= nil then
    what = ("an error that is a %s: %s"):format(type(e), type(e) == "table" and entries(e) or tostring(e))
  end
  return where and where .. ": " .. what or what
end

-- What an object says of itself, behind the place where it was raised unless it is one of ours (they are sentences for
-- people); nil for what is no such object.
local function of_object(e)
  local meta = type(e) == "table" and getmetatable(e)
  local write = type(meta) == "table" and meta.__tostring
  if type(write) ~= "function" then return nil end
  local ours = M.is_own(debug.getinfo(write, "S").source)
  local where = not ours and is_latest(e) and latest.where
  return where and ("%s: %s"):format(where, tostring(e)) or tostring(e)
end

--- An error as one sentence for people.
---@param e any  a string, an object with __tostring, or anything else
---@return string
function M.sentence(e)
  local text = type(e) == "string" and e or of_object(e) or foreign(e)
  return (text:gsub("\n\t.*$", ""):gsub("\nstack traceback:.*$", ""):gsub(":$", ""))
end

--- The message handler of the prompt: an error as the text that is shown, with its traceback where that is wanted.
---@param e any  what was raised
---@return string
function M.report(e)
  local value = M.handler(e)
  local text = M.sentence(value)
  return shown and ("%s\n%s"):format(text, M.trace(value) or "") or text
end

return M
