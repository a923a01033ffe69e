--[[
source - a file whose format has been recognised: which variables are channels, what their axes are.

  file = source.open("a.hdf5", { format = "the_well", channels = { "density" } })
  file.container, file.variables (by path), file.format, file.description

`format` is a word of flex.formats(), or a description in three lines for any file:
  { dataset = "velocity", axes = "ntyxc", channels = { "u", "v" }, time = "t", boundary = "periodic" }
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local layout = require "flexlab.data.layout"
local text = require "flexlab.text"

local M = {}

local File = {}
File.__index = File

--- The variable at `path` if it holds numbers along `least` to `most` axes, else nil.
function File:numbers(path, least, most)
  local v = self.variables[path]
  return v and v.number and #v.shape >= least and #v.shape <= most and v or nil
end

--- The variable of numbers with the most elements along `least` to `most` axes.
function File:largest(least, most)
  local best, size
  for _, v in ipairs(self.list) do
    local n = 1
    for _, s in ipairs(v.shape) do n = n * s end
    if self:numbers(v.path, least, most) and n > (size or 0) then best, size = v, n end
  end
  return best
end

--- The attributes of a variable or group ("" is the file); empty where they cannot be read.
function File:attributes(path)
  self.known[path] = self.known[path] or self.container:attributes(path) or {}
  return self.known[path]
end

local function formats()
  local registry, list = choices.registry "formats", {}
  for _, name in ipairs(registry()) do list[#list + 1] = registry[name] end
  table.sort(list, function(a, b)
    local x, y = a.order or 50, b.order or 50
    return x < y or (x == y and a.name < b.name)
  end)
  return list
end

--- The format that recognises the file, or nil.
function M.recognise(file)
  for _, format in ipairs(formats()) do
    if format.recognise(file) then return format end
  end
end

-- A description of the file from the three lines of a user.
local function own(file, d)
  for key in pairs(d) do
    if not ({ dataset = 1, axes = 1, channels = 1, time = 1, boundary = 1, re = 1 })[key] then
      error("data.format: " .. text.unknown(key, { "dataset", "axes", "channels", "time", "boundary", "re" }), 0)
    end
  end
  local names = type(d.dataset) == "table" and d.dataset or { d.dataset }
  if #names == 0 then error("data.format: a description needs dataset = \"name\"", 0) end
  local channels = {}
  for i, path in ipairs(names) do
    local v = file.variables[path]
    if not v then error(("data: '%s' has no dataset '%s'; it has %s"):format(file.path, path, file:names()), 0) end
    channels[i] = { name = path, path = path, axes = d.axes or layout.guess(v.shape, true) or "",
      names = #names == 1 and d.channels or nil }
  end
  return { channels = channels, time = d.time, boundary = d.boundary, re = d.re }
end

--- The variables in one line, for messages: 'w' (10,64,64), ...
function File:names()
  local list = {}
  for i, v in ipairs(self.list) do
    if i > 12 then list[i] = "..." break end
    list[i] = ("'%s' (%s)"):format(v.path, table.concat(v.shape, ","))
  end
  return #list > 0 and table.concat(list, ", ") or "no datasets at all"
end

local function describe(file, o)
  if type(o.format) == "table" then return { name = "described", doc = "as described" }, own(file, o.format) end
  if o.dataset then
    return { name = "described", doc = "the dataset that was named" },
      own(file, { dataset = o.dataset, axes = o.axes or nil })
  end
  local format = o.format and choices.get("formats", o.format) or M.recognise(file)
  if not format then
    error(("data: the format of '%s' is not known; it has %s. Describe it: format = { dataset = \"NAME\", "
      .. "axes = \"tyx\", channels = { \"u\" } } (letters: n t z y x c)"):format(file.path, file:names()), 0)
  end
  return format, format.describe(file)
end

--- The file without a description: what `flexlab data` shows of a file of unknown format. nil, message.
function M.inspect(path)
  local container, message = core.io.container(path)
  if not container then return nil, message end
  local file = setmetatable({ path = path, container = container, list = container:variables(),
    variables = {}, known = {} }, File)
  for _, v in ipairs(file.list) do file.variables[v.path] = v end
  return file
end

--- Opens and describes a file; raises one sentence when that is not possible.
function M.open(path, o)
  local file, message = M.inspect(path)
  if not file then error("data: " .. tostring(message), 0) end
  file.format, file.description = describe(file, o or {})
  return file
end

return M
