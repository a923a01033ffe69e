--[[
repl - the prompt, which is in C (csrc/cli/repl.c).
--]]
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local help = require "flexlab.help"
local loading = require "flexlab.loading"

return {
  name = "repl",
  doc = "a prompt: Lua with FlexLab loaded",
  options = {
    { name = "include", short = "i", value = "FILE", doc = "file to run first, such as a recipe" },
    commands.parts, commands.device, commands.threads,
  },
  run = function(values)
    local found, repl = pcall(require, "flexlab.repl_core")
    if not found then
      error("the prompt is part of the program `flexlab`; under lua5.4 use `lua5.4 -i`", 0)
    end
    local file = values.include
    if file and not core.sys.exists(file) then error(("there is no file '%s'"):format(file), 0) end
    commands.setup(values)
    if file then loading.beside_recipe(file) end
    rawset(_G, "help", help)
    return repl.run { file = file }
  end,
}
