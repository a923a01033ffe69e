-- variables.lua - the options that say which variables of a file hold the fields, the same in every command that
-- reads fields. What is given here wins over what the file says, and over what a checkpoint was trained with.
local fields = require "flexlab.data.fields"
local paths = require "flexlab.data.paths"
local terminal = require "flexlab.terminal"
local text = require "flexlab.text"

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
  return { format = given.format or not other and about.format or false,
    dataset = given.dataset or not given.format and about.dataset or false,
    axes = given.axes or not other and about.axes or false,
    channels = given.channels or not given.dataset and about.channels or false }
end

local function has_all(known, wanted)
  for _, name in ipairs(wanted) do
    if not text.has(known, name) then return false end
  end
  return true
end

--- The same for a model and the first of the files: channels are those of training by their names, in their order.
--- Where the file has other names, as many channels as in training are taken for them, which is said.
function M.for_model(values, model, files)
  local o, trained = M.over(values, model.data), model.data.names
  if o.channels or not trained then return o end
  local path = paths.expand(files)[1]
  local reader = fields.open(path, o)
  local all = {}
  for _, part in ipairs(reader.parts) do table.move(part.names, 1, #part.names, #all + 1, all) end
  local names = reader.names
  reader:close()
  if has_all(all, trained) then
    o.channels = trained
  elseif #names ~= #trained then
    error(("'%s' holds %s; the model was trained on %s: name the channels that are these (--channels)"):format(path,
      text.list(names), text.list(trained)), 0)
  else
    terminal.note(("'%s' holds %s, taken for %s of training"):format(path, text.list(names),
      text.list(trained)))
  end
  return o
end

return M
