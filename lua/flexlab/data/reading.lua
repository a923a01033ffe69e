--[[
reading - how files are read for a network: as its training data were, but for what is said otherwise.

  reading.of_model({ dataset = "w" }, model, "a.h5") -> { format =, dataset =, axes =, channels = } as data's settings
--]]
local fields = require "flexlab.data.fields"
local paths = require "flexlab.data.paths"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

--- What is given over `about`, which a checkpoint says of its training data. A dataset that is given is not read by the
--- axes and format of another.
---@param given table  dataset, format, axes, channels
---@param about table  model.data
---@return table
function M.over(given, about)
  local other = given.dataset or given.format
  return { format = given.format or not other and about.format or false,
    dataset = given.dataset or not given.format and about.dataset or false,
    axes = given.axes or not other and about.axes or false,
    channels = given.channels or not given.dataset and about.channels or false }
end

local function has_all(known, wanted)
  for _, name in ipairs(wanted) do
    if not words.has(known, name) then return false end
  end
  return true
end

--- The same for a model and the first of the files: channels are those of training by their names, in their order.
--- Where the file has other names, as many channels as in training are taken for them, which is said.
---@param given table            dataset, format, axes, channels
---@param model table            of flex.load_model
---@param files string|string[]  paths or patterns
---@return table
function M.of_model(given, model, files)
  local o, trained = M.over(given, model.data), model.data.names
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
      words.list(names), words.list(trained)), 0)
  else
    terminal.note(("'%s' holds %s, taken for %s of training"):format(path, words.list(names),
      words.list(trained)))
  end
  return o
end

return M
