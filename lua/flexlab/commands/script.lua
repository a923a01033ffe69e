--[[
script - a Lua file run inside the program: what `lua5.4 FILE` does where FlexLab is installed, with the
program's own core and its search for Lua files. `arg` is as lua5.4 makes it: the script's words from 1 on, FILE
at 0, the program before it.
--]]
local commands = require "flexlab.commands"
local loading = require "flexlab.loading"

return {
  name = "script",
  doc = "run a Lua file with FlexLab at hand",
  arguments = { { name = "file", takes = { "file" }, doc = "Lua file to run" },
    { name = "words", many = true, optional = true, rest = true, takes = { "file" },
      doc = "arguments and options for the file, in the table arg" } },
  options = { commands.parts },
  notes = "If the file returns a whole number, that is the exit code; os.exit works too.",
  run = function(values)
    loading.beside_recipe(values.file)
    local chunk, message = loadfile(values.file, "t")
    if not chunk then error(message, 0) end
    local program = (rawget(_G, "arg") or {})[0]
    rawset(_G, "arg", table.move(values.words, 1, #values.words, 1,
      { [-2] = program, [-1] = program and "script", [0] = values.file }))
    local code = chunk(table.unpack(values.words))
    return math.type(code) == "integer" and code or 0
  end,
}
