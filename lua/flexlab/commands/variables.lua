-- variables.lua - the options that say which variables of a file hold the fields, the same in every command that
-- reads fields. What is given here wins over what the file says, and over what a checkpoint was trained with.
local text = require "flexlab.text"

local M = {}

M.options = {
  { name = "format", value = "NAME", doc = "read it as this format (flexlab list choices)" },
  { name = "dataset", value = "NAME,...", doc = "the variables that hold the fields [told by the file]" },
  { name = "axes", value = "NAME,...",
    doc = "what their axes mean: letters as tyx (n t z y x c) or names as time,lat,lon [told by the file]" },
  { name = "channels", value = "NAME,...", doc = "the channels, by name or number [all that change in time]" },
}

-- The options in front of those of a command.
function M.before(options)
  return table.move(options, 1, #options, #M.options + 1, table.move(M.options, 1, #M.options, 1, {}))
end

local function list(given)
  local words = text.words(given)
  for i, word in ipairs(words) do words[i] = math.tointeger(tonumber(word)) or word end
  return words
end

--- { format =, dataset =, axes =, channels = } of what was given; each as data's settings take it.
function M.of(values)
  local dataset = values.dataset
  if dataset and dataset:find(",", 1, true) then dataset = list(dataset) end
  return { format = values.format, dataset = dataset, axes = values.axes,
    channels = values.channels and list(values.channels) }
end

--- The same over those of `about`, which a checkpoint says of its training data. A dataset that is given is not
--- read by the axes and format of another.
function M.over(values, about)
  local given = M.of(values)
  local other = given.dataset or given.format
  return { format = given.format or not other and about.format or nil, dataset = given.dataset
    or not given.format and about.dataset or nil, axes = given.axes or not other and about.axes or nil,
    channels = given.channels or not given.dataset and about.channels or nil }
end

return M
