--[[
version - one line.
--]]
local core = require "flexlab.core"
local terminal = require "flexlab.terminal"

return {
  name = "version",
  doc = "the version",
  run = function() terminal.say("FlexLab " .. tostring(core.info().version)) end,
}
