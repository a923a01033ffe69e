--[[
expected - whether the arguments of a public function are what it takes, before anything is done with them.

  expected.methods("sample", "model", model, { "use", "condition" }, 2)
  expected.entries("sample", "batch", batch, { "estimate" }, 2)
  expected.options("sample", options, 2)
  expected.known("plot.loss", options, { "title", "label" }, 2)
A wrong one is refused in the words of the function, "sample: options must be a table, got 2", and in the line of the
user that called it; `level` counts as error's does, for the function that asks (0: no line is named).
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

-- An argument as a sentence names it.
local function shown(value)
  if value == nil then return "nothing" end
  if core.is_tensor(value) then return ("a tensor (%s)"):format(table.concat(value.shape, ",")) end
  local ok, name = pcall(function() return getmetatable(value).__name end)
  if type(value) == "table" and ok and type(name) == "string" then return "a " .. name end
  return words.show(value)
end

local function field(value, name)
  local ok, found = pcall(function() return value[name] end)
  if ok then return found end
end

local function refuse(what, name, wanted, value, level)
  error(("%s: %s must be %s, got %s"):format(what, name, wanted, shown(value)), level > 1 and level + 1 or 0)
end

--- An object with these methods.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param list string[]  names of methods
---@param level integer  as error's, for the function that asks
function M.methods(what, name, value, list, level)
  for _, method in ipairs(list) do
    if type(value) ~= "table" or type(field(value, method)) ~= "function" then
      refuse(what, name, ("an object with the method %s()"):format(method), value, level + 1)
    end
  end
end

--- A table with these entries.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param list string[]  names of entries
---@param level integer  as error's, for the function that asks
function M.entries(what, name, value, list, level)
  for _, key in ipairs(list) do
    if type(value) ~= "table" or field(value, key) == nil then
      refuse(what, name, ("a table with the entry '%s'"):format(key), value, level + 1)
    end
  end
end

--- A table.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param level integer  as error's, for the function that asks
function M.table(what, name, value, level)
  if type(value) ~= "table" then refuse(what, name, "a table", value, level + 1) end
end

--- A whole number, of at least `least` where there is one.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param least integer|nil  the smallest that is accepted
---@param level integer  as error's, for the function that asks
function M.whole(what, name, value, least, level)
  if type(value) ~= "number" or not math.tointeger(value) or least and value < least then
    refuse(what, name, least and ("a whole number from %d on"):format(least) or "a whole number", value, level + 1)
  end
end

--- Two sizes, { height, width }.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param level integer  as error's, for the function that asks
function M.sizes(what, name, value, level)
  local ok = type(value) == "table" and #value == 2
  for i = 1, ok and 2 or 0 do ok = ok and math.type(value[i]) == "integer" and value[i] > 0 end
  if not ok then refuse(what, name, "two whole numbers {height, width} above 0", value, level + 1) end
end

--- A tensor; `axes`: with so many of them.
---@param what string       the function that asks, for the sentence
---@param name string       its argument
---@param value any         what it got
---@param axes integer|nil  how many it must have; any number
---@param level integer     as error's, for the function that asks
function M.tensor(what, name, value, axes, level)
  if not core.is_tensor(value) or axes and value.ndim ~= axes then
    refuse(what, name, axes and ("a tensor of %d axes"):format(axes) or "a tensor", value, level + 1)
  end
end

--- Settings, or none.
---@param what string    the function that asks, for the sentence
---@param value any      what it got as its options
---@param level integer  as error's, for the function that asks
function M.options(what, value, level)
  if value ~= nil and type(value) ~= "table" then refuse(what, "options", "a table", value, level + 1) end
end

--- Settings with known names alone, or none: a misspelt one would be ignored.
---@param what string     the function that asks, for the sentence
---@param value any       what it got as its options
---@param known string[]  names of all its options
---@param level integer   as error's, for the function that asks
function M.known(what, value, known, level)
  M.options(what, value, level + 1)
  for key in pairs(value or {}) do
    if not words.has(known, key) then
      error(("%s has %s"):format(what, words.unknown(key, known)), level > 0 and level + 1 or 0)
    end
  end
end

--- A probability: a number from 0 on and below 1.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param level integer  as error's, for the function that asks
function M.probability(what, name, value, level)
  if type(value) ~= "number" or not (value >= 0 and value < 1) then
    refuse(what, name, "a number from 0 on and below 1", value, level + 1)
  end
end

--- A share of a whole: a number from 0 to 1.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param level integer  as error's, for the function that asks
function M.share(what, name, value, level)
  if type(value) ~= "number" or not (value >= 0 and value <= 1) then
    refuse(what, name, "a number from 0 to 1", value, level + 1)
  end
end

--- The number of something in a list of `count`: a whole number from 1 to count.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param count integer  how many there are
---@param level integer  as error's, for the function that asks
function M.place(what, name, value, count, level)
  if math.type(value) ~= "integer" or value < 1 or value > count then
    refuse(what, name, ("a whole number from 1 to %d"):format(count), value, level + 1)
  end
end

--- The number of a frame of a file: a whole number from 1 to `count`, how many it has.
---@param what string    the function that asks, for the sentence
---@param path string    of the file
---@param value any      what it got
---@param count integer  frames of the file
---@param level integer  as error's, for the function that asks
function M.frame(what, path, value, count, level)
  if math.type(value) ~= "integer" or value < 1 or value > count then
    error(("%s: %s: frame %s: the file has %d frame%s"):format(what, path, words.show(value), count,
      count == 1 and "" or "s"), level + 1)
  end
end

--- A scalar tensor, such as a loss.
---@param what string    the function that asks, for the sentence
---@param name string    its argument
---@param value any      what it got
---@param level integer  as error's, for the function that asks
function M.scalar(what, name, value, level)
  if not core.is_tensor(value) or value:count() ~= 1 then
    refuse(what, name, "a tensor of one number", value, level + 1)
  end
end

return M
