--[[
op_cases - the cases of tests/unit/ops_cases.h as calls from Lua, so that an op's case is written once.

A case is { op = its row of core.ops, operands = tensors (false: absent), options = table, arguments = all of a call,
packed, result = shape }. A line of that file is C; what its values may be stands at its head. Axes and starts count
from 0 there and from 1 here.
--]]
local core = require "flexlab.core"
local support = require "tests.lua.support"

local M = {}

local function ops_by_name()
  local by_name = {}
  for _, op in ipairs(core.ops) do by_name[op.name] = op end
  return by_name
end

-- What the words of a case mean; a constant such as FX_PADDING_ZEROS is its own name.
local words = setmetatable({
  T = function(...) return support.t(...) end,
  P = function(...) return support.positive(...) end,
  NONE = false,
  FX_DIMS = function(...) return { ... } end,
  RNG = function() return support.KEY end,
}, { __index = function(_, name) return assert(name:match "^FX_[%u%d_]+$", "no value of a case: " .. name) end })

local function from_one(i) return i >= 0 and i + 1 or i end

-- The word of a choice that a constant stands for: FX_PADDING_ZEROS is "zeros".
local function word_of(argument, constant)
  for word in argument.text:gmatch "[^|]+" do
    if constant:sub(-#word - 1) == "_" .. word:upper() then return word end
  end
  error(("%s: %s is none of %s"):format(argument.name, constant, argument.text))
end

local function lua_value(argument, value)
  if argument.kind == "axis" or argument.kind == "start" then return from_one(value) end
  if argument.kind == "choice" then return word_of(argument, value) end
  if argument.kind == "axes" then
    for i, axis in ipairs(value) do value[i] = from_one(axis) end
  end
  return value
end

local function arguments_of(case)
  local list = { n = #case.operands }
  for i, x in ipairs(case.operands) do list[i] = x or nil end
  if next(case.options) then
    list.n = list.n + 1
    list[list.n] = case.options
  end
  return list
end

local function read(op, operands, result, options)
  options = options:gsub("%.([%a_][%w_]*) =", "%1 =")
  local text = ("return { %s }, { %s }, { %s }"):format(operands:sub(2, -2), result:sub(2, -2), options)
  local case = { op = op }
  case.operands, case.result, case.options = assert(load(text, "=ops_cases.h", "t", words))()
  for _, argument in ipairs(op.args) do
    local value = case.options[argument.name]
    if value ~= nil then case.options[argument.name] = lua_value(argument, value) end
  end
  case.arguments = arguments_of(case)
  return case
end

--- All cases, in the order of the file.
function M.all()
  local ops, cases = ops_by_name(), {}
  local text = assert(core.sys.read "tests/unit/ops_cases.h"):gsub("^/%*.-%*/", "")
  for inner in text:gmatch "CASE(%b())" do
    local name, operands, result, options = inner:sub(2, -2):match "^([%w_]+),%s*(%b()),%s*(%b()),?(.*)$"
    assert(name, "a case that cannot be read: CASE" .. inner)
    cases[#cases + 1] = read(assert(ops[name], "a case of no op: " .. name), operands, result, options)
  end
  local _, written = text:gsub("\nCASE", "")
  assert(#cases == written, ("%d of %d cases were read"):format(#cases, written))
  return cases
end

return M
