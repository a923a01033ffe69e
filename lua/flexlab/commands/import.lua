--[[
import - the runs of an archive that flexlab export wrote, into a folder of runs.
--]]
local destination = require "flexlab.store.destination"
local import = require "flexlab.run.import"
local terminal = require "flexlab.terminal"

return {
  name = "import",
  writes = true,
  doc = "check and unpack an archive made by flexlab export",
  arguments = { { name = "archive", takes = { "file" }, doc = "file that flexlab export wrote" } },
  options = { { name = "out", value = "DIR", default = "runs", doc = "folder of runs to unpack into" } },
  notes = "No code of the archive is run. A run that is already there is kept; another one in its place is an error.",
  run = function(values)
    destination.folder("--out", values.out)
    local new, there = import.read(values.archive, values.out)
    for _, place in ipairs(new) do terminal.say(("%s/%s"):format(values.out, place)) end
    for _, place in ipairs(there) do terminal.say(("%s/%s was there already"):format(values.out, place)) end
  end,
}
