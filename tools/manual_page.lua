--[[
manual_page - flexlab(1), from the tables by which the program reads its command line and prints its help.

  flexlab script tools/manual_page.lua FILE      writes it there (the build does), or prints it without FILE
The date in its foot is that of the newest version in CHANGELOG.md.
--]]
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local words = require "flexlab.words"

local M = {}

-- The variables of the environment that are meant to be set by users.
M.environment = {
  { "FLEXLAB_THREADS", "number of threads; results do not depend on it" },
  { "FLEXLAB_ISA", "instruction set to compute with (baseline, avx2, avx512, amx), instead of the best one here" },
  { "FLEXLAB_TRACEBACK", "1: after an error, also print the call stack" },
  { "FLEXLAB_LUA", "folder that holds flexlab/init.lua, instead of the installed one" },
  { "LUA_PATH", "where Lua files of your own are looked for, by the commands that run them" },
  { "XDG_STATE_HOME", "where the prompt keeps its history [~/.local/state]" },
}

local exit_codes = { { "0", "done" }, { "1", "something failed at work" }, { "2", "wrong use" },
  { "128+N", "ended by signal N (130: Ctrl-C)" } }

-- Text as roff has it: no escape, no request, no hyphen that may be another dash.
local function plain(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function add(out, ...)
  for _, line in ipairs { ... } do out[#out + 1] = line end
end

local function rows(out, list)
  for _, row in ipairs(list) do add(out, ".TP", "\\fB" .. plain(row[1]) .. "\\fR", plain(row[2])) end
end

local function command_part(out, command)
  local taken, options = arguments.rows(command)
  add(out, ".SS " .. plain("flexlab " .. command.name), plain(command.doc:gsub("^%l", string.upper)) .. ".", ".PP",
    "\\fB" .. plain(arguments.usage(command)) .. "\\fR")
  rows(out, taken)
  rows(out, options)
  if command.notes then add(out, ".PP", plain(command.notes)) end
end

-- "2026-11-30" of the first line "## 0.2.0 (2026-11-30)" of the changes.
local function date()
  local changes = assert(core.sys.read "CHANGELOG.md")
  return assert(changes:match "\n## [^\n]-(%d%d%d%d%-%d%d%-%d%d)", "CHANGELOG.md: no dated heading")
end

--- The whole page.
function M.make()
  local out = { ([[.TH FLEXLAB 1 "%s" "FlexLab %s" "User Commands"]]):format(date(), core.info().version),
    ".SH NAME", "flexlab \\- diffusion models of spatio\\-temporal physics, scripted in Lua",
    ".SH SYNOPSIS", "\\fBflexlab\\fR \\fICOMMAND\\fR ...", ".br", "\\fBflexlab\\fR", ".SH DESCRIPTION",
    plain "FlexLab trains, samples and evaluates diffusion models of fluid flows and other fields. A recipe is a Lua",
    plain "file that names its choices by words. Without a command, on a terminal, flexlab is a prompt.",
    ".PP", plain "A first run: flexlab run demo. The tutorial and all other pages are installed in share/doc/flexlab.",
    ".SH COMMANDS" }
  for _, name in ipairs(commands.names) do command_part(out, commands.find(name)) end
  add(out, ".SH FILES")
  rows(out, { { "runs/NAME/HASH/SEED", "a run: configuration, code, curves, result, checkpoint and report" },
    { "./flexlab/KIND/NAME.lua", "a choice of your own, found by the commands that run your code" } })
  add(out, ".SH ENVIRONMENT")
  rows(out, M.environment)
  add(out, ".SH EXIT STATUS")
  rows(out, exit_codes)
  local running = {}
  for _, name in ipairs(commands.names) do running[#running + 1] = commands.LOADS_PARTS[name] and name or nil end
  add(out, ".SH SECURITY", plain(words.list(running) .. " load Lua files of the current folder and run them. All other "
    .. "commands run no code but FlexLab's own (SECURITY.md)."), ".SH SEE ALSO", "\\fBlua5.4\\fR(1)")
  return table.concat(out, "\n") .. "\n"
end

if arg and arg[0] and arg[0]:find "tools/manual_page%.lua$" then
  if not arg[1] then io.write(M.make()) else assert(core.sys.write(arg[1], M.make())) end
end

return M
