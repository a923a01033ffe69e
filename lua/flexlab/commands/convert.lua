--[[
convert - between the authors' .pt, safetensors and our HDF5.
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local flex = require "flexlab"
local terminal = require "flexlab.terminal"

return {
  name = "convert",
  writes = true,
  doc = "convert a checkpoint: .pt, .safetensors, .h5",
  arguments = { { name = "input", takes = { "file" },
    doc = "file to read: .pt, .safetensors, .h5, or a run's folder" },
    { name = "output", takes = { "file" }, doc = "file to write: .h5 or .safetensors" } },
  options = { commands.raw,
    { name = "ema", doc = "take the moving average (EMA), as without --raw; an error if the file has none" },
    commands.trust },
  notes = "Without --raw the moving averages (EMA) are converted if the file has any; sample and evaluate use the\n"
    .. "same weights. Earlier versions took the final weights unless --ema was given.",
  run = function(values)
    if values.raw and values.ema then
      arguments.wrong("convert: --raw takes the final weights, --ema the averaged ones; give one of them")
    end
    commands.note_unfinished(values.input)
    local done = flex.convert.file(values.input, values.output, { ema = values.ema, raw = values.raw })
    terminal.say(values.output)
    if done.others > 0 then
      terminal.note(("%s holds %d networks; the first one was converted"):format(done.from, done.others + 1))
    end
  end,
}
