--[[
film_file - a film that was written (film.lua), or one that another starts from, read again.

A film is one dataset (T,H,W) or (T,C,H,W), with numbers and texts in attributes of its file: what its axes mean is
known, so this needs nothing of flexlab.data, which reads the files of others and stands above the flow.

  film = film_file.open("data/train.h5", "w")         nil and a message where there is no such dataset
  film.frames .channels .height .width, film:number "Re", film:text "channels", film:read(frame, channel, box)
--]]
local core = require "flexlab.core"
local expected = require "flexlab.expected"

local M = {}

local Film = {}
Film.__index = Film

local function variable(container, name)
  for _, v in ipairs(container:variables()) do
    if v.path == name then return v end
  end
end

-- Why the variable holds no frames; nil if it does.
local function refusal(container, path, name)
  local v = variable(container, name)
  if not v then return ("%s has no dataset '%s'"):format(path, name) end
  if not v.number then return ("%s: dataset '%s' does not hold real numbers"):format(path, name) end
  if #v.shape ~= 3 and #v.shape ~= 4 then
    return ("%s: dataset '%s' has %d axes; films have (time, height, width) or (time, channel, height, width)")
      :format(path, name, #v.shape)
  end
  for axis, size in ipairs(v.shape) do
    if size == 0 then return ("%s: dataset '%s' is empty along axis %d"):format(path, name, axis) end
  end
  return select(2, container:check(name))
end

--- Opens the dataset `name` of a film; nil and a message where it is absent or holds no frames.
---@param path string  of the file
---@param name string  of the dataset, "w"
---@return table|nil  a film
---@return string|nil
function M.open(path, name)
  local container, message = core.io.container(path)
  if not container then return nil, message end
  local why = refusal(container, path, name)
  local attributes, fault = container:attributes ""
  if why or not attributes then
    container:close()
    return nil, why or fault
  end
  local shape = variable(container, name).shape
  return setmetatable({ path = path, name = name, container = container, attributes = attributes, rank = #shape,
    frames = shape[1], channels = #shape == 4 and shape[2] or 1, height = shape[#shape - 1], width = shape[#shape] },
    Film)
end

--- A channel of a frame, or the box { y, x, height, width } of it, as (1,h,w,1); nil and a message where it cannot be
--- read or is not finite.
---@param frame integer  from 1
---@param channel integer  from 1
---@param box table|nil  absent: the whole frame
---@return flexlab.Tensor|nil
---@return string|nil
function Film:read(frame, channel, box)
  expected.place("film:read", "frame", frame, self.frames, 2)
  expected.place("film:read", "channel", channel, self.channels, 2)
  local b = box or { y = 1, x = 1, height = self.height, width = self.width }
  local start, count = { frame, b.y, b.x }, { 0, b.height, b.width }
  if self.rank == 4 then
    table.insert(start, 2, channel)
    table.insert(count, 2, 0)
  end
  local t, message = self.container:read(self.name, { start = start, count = count })
  if not t then return nil, message end
  if t:summary().nonfinite > 0 then
    return nil, ("%s: dataset '%s' holds NaN or infinity at frame %d, channel %d (counted from 1): repair the data")
      :format(self.path, self.name, frame, channel)
  end
  return t:reshape { 1, b.height, b.width, 1 }
end

local function of_type(self, key, kind)
  local value = self.attributes[key]
  return type(value) == kind and value or nil
end

--- A number among the attributes of the file; nil if absent.
---@param key string  name of the attribute
---@return number|nil
function Film:number(key) return of_type(self, key, "number") end

--- A text among the attributes of the file; nil if absent.
---@param key string  name of the attribute
---@return string|nil
function Film:text(key) return of_type(self, key, "string") end

--- Closes the file; so does `local film <close>`.
function Film:close() self.container:close() end

Film.__close = Film.close

return M
