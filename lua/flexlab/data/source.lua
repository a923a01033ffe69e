--[[
source - a file whose format has been recognised: which variables are channels, what their axes are.

  file = source.open("a.hdf5", { format = "the_well", channels = { "density" } })
  file.container, file.variables (by path), file.format, file.description

`format` is a word of flex.formats(), or a description in three lines for any file:
  { dataset = "velocity", axes = "ntyxc", channels = { "u", "v" }, time = "t", boundary = "periodic" }
What is given wins over what the file says: `dataset` is the variable (or a list of them) that holds the fields, and
`axes` their axes, in letters or words (layout.lua); the rest stays as the format describes it.
--]]
local cf = require "flexlab.data.cf"
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local layout = require "flexlab.data.layout"
local words = require "flexlab.words"

local M = {}

local File = {}
File.__index = File

--- The variable at `path` if it holds numbers along `least` to `most` axes, else nil.
---@param path string    of the variable
---@param least integer  number of axes
---@param most integer   number of axes
---@return table|nil
function File:numbers(path, least, most)
  local v = self.variables[path]
  return v and v.number and #v.shape >= least and #v.shape <= most and v or nil
end

--- The variable of numbers with the most elements along `least` to `most` axes.
---@param least integer  number of axes
---@param most integer   number of axes
---@return table|nil
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
---@param path string  of a variable or group
---@return table
function File:attributes(path)
  self.known[path] = self.known[path] or self.container:attributes(path) or {}
  return self.known[path]
end

local function formats()
  local registry, list = choices.registry "formats", {}
  for _, name in ipairs(registry()) do list[#list + 1] = choices.get("formats", name) end
  table.sort(list, function(a, b)
    local x, y = a.order or 50, b.order or 50
    return x < y or (x == y and a.name < b.name)
  end)
  return list
end

--- The format that recognises the file, or nil.
---@param file table  of M.inspect
---@return table|nil  a choice of formats
function M.recognise(file)
  for _, format in ipairs(formats()) do
    if format.recognise(file) then return format end
  end
end

-- The variable that a user names, with or without a slash in front.
local function variable(file, path)
  local v = file.variables[tostring(path):gsub("^/+", "", 1)]
  if v then return v end
  error(("data: '%s' has no dataset '%s'; it has %s%s"):format(file.path, path, file:names(), file:notes()), 0)
end

-- How a variable that a user names is described: by `axes` if they are given, by its attributes if its axes have
-- names, else by its shape.
local function entry_of(file, v, axes)
  if axes then return { name = v.path, path = v.path, axes = layout.parse(axes) } end
  if #v.shape >= 2 and #v.axes == #v.shape then return cf.channel(file, v) end
  return { name = v.path, path = v.path, axes = layout.guess(v.shape, true) or "" }
end

-- A description of the file from the three lines of a user.
local function own(file, d)
  for key in pairs(d) do
    if not ({ dataset = 1, axes = 1, channels = 1, time = 1, boundary = 1, re = 1 })[key] then
      error("data.format: " .. words.unknown(key, { "dataset", "axes", "channels", "time", "boundary", "re" }), 0)
    end
  end
  local names = type(d.dataset) == "table" and d.dataset or { d.dataset }
  if #names == 0 then error("data.format: a description needs dataset = \"name\"", 0) end
  local channels, time, wraps = {}, d.time, nil
  for i, path in ipairs(names) do
    local e = entry_of(file, variable(file, path), d.axes)
    if #names == 1 and d.channels then e.names = d.channels end
    if e.told then time, wraps = time or cf.time(e), cf.wraps(file, e) end
    channels[i] = e
  end
  return { channels = channels, time = time, wraps = wraps, boundary = d.boundary, re = d.re }
end

--- The variables in one line, for messages: 'w' (10,64,64), ...
---@return string
function File:names()
  local list = {}
  for i, v in ipairs(self.list) do
    if i > 12 then list[i] = "..." break end
    list[i] = ("'%s' (%s)"):format(v.path, table.concat(v.shape, ","))
  end
  return #list > 0 and table.concat(list, ", ") or "no datasets at all"
end

--- Links that are not followed, as the end of a sentence.
---@return string  empty where all are followed
function File:notes()
  local notes = self.container:notes()
  return #notes > 0 and " (" .. table.concat(notes, "; ") .. ")" or ""
end

-- The description with only the datasets that are named, if it has all of them.
local function narrowed(file, d, dataset)
  local wanted, channels = {}, {}
  for i, path in ipairs(type(dataset) == "table" and dataset or { dataset }) do
    wanted[i] = variable(file, path).path
  end
  for _, path in ipairs(d and not d.groups and wanted or {}) do
    for _, entry in ipairs(d.channels) do
      if entry.path == path then
        entry.constant = nil
        channels[#channels + 1] = entry
      end
    end
  end
  if #channels < #wanted then return nil end
  local copy = {}
  for key, value in pairs(d) do copy[key] = value end
  copy.channels = channels
  return copy
end

-- The axes that a user gives, in place of those of every channel.
local function with_axes(d, axes)
  for _, entry in ipairs(d.channels) do
    local given = layout.parse(axes)
    if given ~= entry.axes then entry.names, entry.told, d.counts = nil, nil, nil end
    entry.axes = given
  end
  return d
end

-- Whether every variable that a description names is in the file, holds numbers and has as many axes.
local function fits(file, d)
  if type(d) ~= "table" or type(d.channels) ~= "table" or #d.channels == 0 then return false end
  for _, entry in ipairs(d.channels) do
    local v = entry.path and file.variables[(d.groups and tostring(d.groups[1]) .. "/" or "") .. entry.path]
    if not v or not v.number or #(entry.axes or "") ~= #v.shape then return false end
  end
  return true
end

-- The description by a format that was named. One that does not recognise the file may fit it all the same (`fields`
-- where netCDF's names of axes say more); where it does not, the sentence says so, and what the format is. What a
-- user's own format raised stands behind it.
local function by_name(file, format)
  if format.recognise(file) then return format.describe(file) end
  local ok, d = pcall(format.describe, file)
  if ok and fits(file, d) then return d end
  local better, raised = M.recognise(file), ""
  if not ok and not format.own then raised = "; its describe() raised: " .. tostring(d) end
  error(("data: '%s' does not fit format '%s' (%s): it has %s%s; %s%s"):format(file.path, format.name, format.doc,
    file:names(), file:notes(), better and ("its format is '%s', which is found without data.format or --format")
    :format(better.name) or "give its dataset and axes instead of a format", raised), 0)
end

local function describe(file, o)
  if type(o.format) == "table" then return { name = "described", doc = "as described" }, own(file, o.format) end
  local format = o.format and choices.get("formats", o.format) or M.recognise(file)
  local d = format and (o.format and by_name(file, format) or format.describe(file))
  if o.dataset then
    local part = narrowed(file, d, o.dataset)
    if not part then
      return { name = "described", doc = "the dataset that was named" },
        own(file, { dataset = o.dataset, axes = o.axes or nil })
    end
    d = part
  end
  if not format then
    error(("data: the format of '%s' is not known; it has %s%s. Describe it: format = { dataset = \"NAME\", "
      .. "axes = \"tyx\", channels = { \"u\" } } (letters: n t z y x c), or --dataset and --axes"):format(file.path,
      file:names(), file:notes()), 0)
  end
  return format, o.axes and with_axes(d, o.axes) or d
end

--- The file without a description: what `flexlab data` shows of a file of unknown format. nil, message.
---@param path string  the file
---@return table|nil
---@return string|nil
function M.inspect(path)
  local container, message = core.io.container(path)
  if not container then return nil, message end
  local file = setmetatable({ path = path, container = container, list = container:variables(),
    variables = {}, known = {} }, File)
  for _, v in ipairs(file.list) do file.variables[v.path] = v end
  return file
end

--- Opens and describes a file; raises one sentence when that is not possible.
---@param path string  the file
---@param o table|nil  format, dataset, axes, channels
---@return table
function M.open(path, o)
  local file, message = M.inspect(path)
  if not file then error("data: " .. tostring(message), 0) end
  file.format, file.description = describe(file, o or {})
  return file
end

return M
