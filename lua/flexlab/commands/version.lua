-- flexlab version - one line.
local core = require "flexlab.core"

return {
  name = "version",
  doc = "the version",
  run = function() print("FlexLab " .. tostring(core.info().version)) end,
}
