--[[
help - the overview, or the page of one command.
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

return {
  name = "help",
  doc = "show the list of commands, or the page of one",
  arguments = { { name = "command", optional = true, takes = { "command" }, doc = "command whose page is shown" } },
  run = function(values)
    if not values.command then
      terminal.write(commands.overview())
      return
    end
    local command = commands.find(values.command)
    if not command then
      arguments.wrong("there is no command '%s'; %s", values.command,
        words.hint(values.command, commands.names))
    end
    terminal.write(arguments.help(command))
  end,
}
