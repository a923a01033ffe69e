--[[
info - what this build is and what it found on this machine; or what a checkpoint's network is.
--]]
local operations = require "flexlab.network.operations"
local checkpoint = require "flexlab.checkpoint"
local core = require "flexlab.core"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

-- What a checkpoint, or the folder of a run, holds: words of its configuration, size and operations.
local function network(path)
  local model = checkpoint.load_model(path)
  local c = model.config
  return { network = tostring(model), backbone = c.backbone or "flex", size = c.size, conditioning = c.conditioning,
    encoder = c.encoder, predict = c.predict, parameters = model:count(),
    gflop = operations.gflop(model) or "not known",
    field = { c.height, c.width, c.in_channels } }
end

return {
  name = "info",
  doc = "show version, processor and libraries, or describe a network",
  arguments = { { name = "checkpoint", optional = true, takes = { "file" },
    doc = "checkpoint or run's folder whose parameters, and GFLOP of a forward pass of one field, are shown" } },
  options = { { name = "json", doc = "print one line of JSON" } },
  run = function(values)
    local info = values.checkpoint and network(values.checkpoint) or core.info()
    if not values.checkpoint then info.lua = info.lua or _VERSION end
    if values.json then
      terminal.json(info)
      return
    end
    for _, key in ipairs(words.keys(info)) do
      local value = info[key]
      if type(value) == "table" then value = table.concat(value, " ") end
      terminal.say(("%-12s %s"):format(key, tostring(value)))
    end
  end,
}
