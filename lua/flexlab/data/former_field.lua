--[[
former_field - core.io.field as it was in 0.1.0, over fields.lua, for code that still calls it: it works, and says once
what is called today.

What it did otherwise than fields.open: a failure is nil and a message; one dataset is meant, `w` or `fields` where none
is named; the place of an axis is its meaning, (time, height, width) or (time, channel, height, width); each read
chooses its channels; places may count from the end; Re may stand in the file's name.
--]]
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local fields = require "flexlab.data.fields"
local terminal = require "flexlab.terminal"

local Former = {}

-- The dataset that is meant and the number of its axes; what is absent is said by fields.open.
local function meant(path, dataset)
  local container, message = core.io.container(path)
  if not container then return nil, message end
  local rank = {}
  for _, v in ipairs(container:variables()) do rank["/" .. v.path] = #v.shape end
  container:close()
  local name = dataset or not rank["/w"] and rank["/fields"] and "fields" or "w"
  return name, rank["/" .. name:gsub("^/+", "")]
end

local function from_end(at, size) return at and at < 0 and size + 1 + at or at end

--- A patch (1,h,w,C) of a frame; nil and a message.
---@param o table  { frame, y, x, height, width, channel, channels, check }
---@return flexlab.Tensor|nil
---@return string|nil
function Former:read(o)
  local reader, box = self.reader, {}
  for key, value in pairs(o) do
    if key ~= "channel" and key ~= "channels" then box[key] = value end
  end
  box.frame = from_end(o.frame, reader.frames)
  box.y, box.x = from_end(o.y, reader.height), from_end(o.x, reader.width)
  local first = from_end(o.channel, reader.channels) or 1
  local count = o.channels or reader.channels + 1 - first
  expected.place("read", "channel", first, reader.channels, 2)
  expected.place("read", "channels", count, reader.channels + 1 - first, 2)
  if first == 1 and count == reader.channels then return reader:read(box) end
  box.check = false   -- what is not asked for may have gaps
  local whole, message = reader:read(box)
  local part = whole and whole:narrow { axis = 4, start = first, length = count }
  if part and o.check ~= false and part:summary().nonfinite > 0 then
    return nil, ("%s: dataset '%s' holds NaN or infinity at frame %d"):format(reader.path, reader.dataset, box.frame)
  end
  return part, message
end

--- A number that is an attribute or a dataset; of Re also that which the file's name begins with. nil if absent.
---@param key string  name of the attribute or dataset
---@return number|nil
function Former:number(key)
  local name = self.reader.path:match "[^/]*$"
  return self.reader:number(key) or key == "Re" and tonumber(name:match "^(%d[%d.]*)_") or nil
end

--- A text among the attributes of the dataset, else of the file; nil if absent.
---@param key string  name of the attribute
---@return string|nil
function Former:text(key)
  local own = self.reader.file:attributes(self.reader.dataset)[key]
  return type(own) == "string" and own or self.reader:text(key)
end

--- Numbers along one axis, such as times; nil if absent.
---@param key string  name of the attribute or dataset
---@return number[]|nil
function Former:array(key) return self.reader:array(key) end

--- Closes the file.
function Former:close() self.reader:close() end

local meta = { __close = Former.close }

function meta.__index(self, key) return Former[key] or self.reader[key] end

--- core.io.field(path, dataset).
---@param path string  of the file
---@param dataset string|nil  absent: `w` or `fields`
---@return table|nil  a reader
---@return string|nil
return function(path, dataset)
  terminal.note_once "core.io.field(path, dataset) is flex.fields.open(path, { dataset = dataset }) now"
  local name, rank = meant(path, dataset)
  if not name then return nil, rank end
  local ok, reader = pcall(fields.open, path,
    { format = { dataset = name, axes = rank == 3 and "tyx" or rank == 4 and "tcyx" or nil } })
  if not ok then return nil, reader end
  return setmetatable({ reader = reader }, meta)
end
