--[[
variables - the options that say which variables of a file hold the fields, the same in every command that
reads fields. What is given here wins over what the file says, and over what a checkpoint was trained with.
--]]
local reading = require "flexlab.data.reading"
local words = require "flexlab.words"

local M = {}

M.options = {
  { name = "format", value = "NAME", takes = { "formats" },
    doc = "format to read the files as (flexlab list choices) [recognised]" },
  { name = "dataset", value = "NAME,...", doc = "variables that hold the fields [told by the file]" },
  { name = "axes", value = "NAME,...",
    doc = "meaning of their axes: tyx (n t z y x c), or time,lat,lon [told by the file]" },
  { name = "channels", value = "NAME,...", doc = "channels to read, by name or number [all]" },
}

-- The options behind the first `place` of a command's own (none of them if it is left out).
function M.with(options, place)
  for i, option in ipairs(M.options) do table.insert(options, (place or 0) + i, option) end
  return options
end

local function list(given)
  local all = words.words(given)
  for i, word in ipairs(all) do all[i] = math.tointeger(tonumber(word)) or word end
  return all
end

--- { format =, dataset =, axes =, channels = } of what was given; each as data's settings take it.
function M.of(values)
  local dataset = values.dataset
  if dataset and dataset:find(",", 1, true) then dataset = list(dataset) end
  return { format = values.format, dataset = dataset, axes = values.axes,
    channels = values.channels and list(values.channels) }
end

--- The same for a model and the first of the files (data/reading.lua).
function M.for_model(values, model, files) return reading.of_model(M.of(values), model, files) end

return M
