--[[
log - metrics.jsonl (one JSON object a line, appended) and metrics.csv (the same rows as a table).

The JSON lines are the record; the table is derived from them, and written anew when a row brings a
new column. A checkpoint stores the length of the record in bytes, so a resumed run cuts what came after.
--]]
local core = require "flexlab.core"
local csv = require "flexlab.csv"
local own = require "flexlab.store.own"

local Log = {}
Log.__index = Log

local M = {}

local RECORD = "metrics.jsonl"

local function must(ok, message)
  if not ok then error("the log could not be written: " .. tostring(message), 0) end
end

--- The log in a folder. `guard` is called before each write, and raises where it may not be.
---@param dir string          the run's folder
---@param guard function|nil  raises where nothing may be written
---@return table
function M.open(dir, guard)
  return setmetatable({ dir = dir, json = dir .. "/" .. RECORD, csv = dir .. "/metrics.csv", bytes = 0,
    columns = nil, guard = guard or function() end }, Log)
end

-- JSON has no nan and inf: they are written as words.
local function jsonable(v)
  if type(v) == "number" and (v ~= v or v == math.huge or v == -math.huge) then return tostring(v) end
  return v
end

local function cell(v)
  return v == nil and "" or csv.cell(v, "%.9g")
end

local function line(columns, row)
  local cells = {}
  for i, name in ipairs(columns) do cells[i] = cell(row[name]) end
  return table.concat(cells, ",") .. "\n"
end

-- The columns so far, or nil when the row has one more.
local function columns_of(rows)
  local seen, names = { step = true }, {}
  for _, row in ipairs(rows) do
    for k in pairs(row) do
      if not seen[k] then
        seen[k] = true
        names[#names + 1] = k
      end
    end
  end
  table.sort(names)
  table.insert(names, 1, "step")
  return names
end

--- The rows of a metrics.jsonl (also of a run that still goes on).
---@param path string  of a metrics.jsonl
---@return table[]
function M.read(path)
  local rows, dir, name = {}, path:match "^(.*)/([^/]*)$"
  for text in (own.read(dir or ".", name or path) or ""):gmatch("[^\n]+") do
    rows[#rows + 1] = core.json.decode(text)
  end
  return rows
end

--- Writes the table anew from the record.
function Log:rebuild()
  local rows = M.read(self.json)
  self.columns, self.known = columns_of(rows), {}
  for _, name in ipairs(self.columns) do self.known[name] = true end
  local lines = { line(self.columns, setmetatable({}, { __index = function(_, k) return k end })) }
  for i, row in ipairs(rows) do lines[i + 1] = line(self.columns, row) end
  must(core.sys.write(self.csv, table.concat(lines)))
end

--- Keeps the first `bytes` of the record.
---@param bytes integer  that stay
function Log:cut(bytes)
  self.guard()
  local text = own.read(self.dir, RECORD) or ""
  if #text ~= bytes then must(core.sys.write(self.json, text:sub(1, bytes))) end
  self.bytes = math.min(bytes, #text)
  self.columns = nil
end

--- Appends a row to the record and to the table.
---@param row table  numbers by name
---@return nil
function Log:append(row)
  self.guard()
  local out = {}
  for k, v in pairs(row) do out[k] = jsonable(v) end
  local text = core.json.encode(out) .. "\n"
  must(core.sys.append(self.json, text))
  self.bytes = self.bytes + #text
  local whole = self.columns ~= nil
  for k in pairs(row) do whole = whole and self.known[k] end
  if not whole then return self:rebuild() end
  must(core.sys.append(self.csv, line(self.columns, out)))
end

--- Writes the table anew where the record was cut and no row has come since.
function Log:finish()
  if self.bytes > 0 and not self.columns then self:rebuild() end
end

return M
