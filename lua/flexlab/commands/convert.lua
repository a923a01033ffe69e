-- flexlab convert - between the authors' .pt, safetensors and our HDF5.
local commands = require "flexlab.commands"
local flex = require "flexlab"

return {
  name = "convert",
  doc = "convert a checkpoint: .pt, .safetensors, .h5",
  arguments = { { name = "input", doc = "the file to read: .pt, .safetensors, .h5, or a run's folder" },
    { name = "output", doc = "the file to write: .h5 or .safetensors" } },
  options = { { name = "ema", doc = "take the averaged weights" }, commands.trust },
  run = function(values)
    flex.convert.file(values.input, values.output, { ema = values.ema })
    print(values.output)
  end,
}
