-- commands - the command line: `flexlab COMMAND ...`. One file here is one command; it returns
--   { name, doc, arguments, options, run = function(values) ... return code or nil end }
-- and arguments.lua makes parsing, --help and errors from that. Exit codes: 0 done, 1 failed at
-- work, 2 wrong use, 128 + n ended by signal n (130: Ctrl-C). What goes wrong is one sentence on
-- stderr after "flexlab: "; with --traceback (or FLEXLAB_TRACEBACK=1) the traceback follows. Whose line it names:
-- flexlab.blame.

local arguments = require "flexlab.commands.arguments"
local blame = require "flexlab.blame"
local words = require "flexlab.text"

local M = {}

-- In the order of the help page.
M.names = { "run", "show", "check", "list", "table", "compare", "report", "prune", "data", "generate", "sample",
  "evaluate", "convert", "parity", "predict-ablation", "doctor", "bench", "ops", "info", "repl", "script", "help",
  "version" }

-- Options that several commands share.
M.device = { name = "device", value = "NAME", kind = "words", words = { "cpu", "ref" },
  doc = "where kernels run: cpu, or ref, the slow and readable reference" }
M.threads = { name = "threads", value = "N", kind = "integer", least = 1,
  doc = "threads of the core (results do not depend on it)" }

-- Applies --device and --threads.
function M.setup(values)
  local core = require "flexlab.core"
  if values.device then core.backend(values.device) end
  if values.threads then core.threads(values.threads) end
end

-- The command called `name`, or nil.
function M.find(name)
  for _, known in ipairs(M.names) do
    if known == name then return require("flexlab.commands." .. name) end
  end
end

-- The overview.
function M.overview()
  local lines = { "FlexLab: diffusion models of spatio-temporal physics, scripted in Lua.", "",
    "flexlab COMMAND ...", "" }
  for _, name in ipairs(M.names) do
    lines[#lines + 1] = ("  %-17s %s"):format(name, M.find(name).doc)
  end
  lines[#lines + 1] = "\n`flexlab COMMAND --help` says more. A first run: flexlab run recipes/demo.lua"
  return table.concat(lines, "\n") .. "\n"
end

-- Folders in which a recipe is looked for by name: ./recipes and FlexLab's own, which lies beside lua/
-- in the source tree and in share/flexlab where installed.
function M.recipe_folders()
  local own = package.searchpath("flexlab.commands", package.path) or ""
  local root = own:match("^(.*)/lua/flexlab/commands/init%.lua$")
  local share = own:match("^(.*)/lua/5%.4/flexlab/commands/init%.lua$")
  root = root or share and share .. "/flexlab"
  return { "recipes", root and root ~= "." and root .. "/recipes" or nil }
end

local function find_recipe(name)
  local core = require "flexlab.core"
  if core.sys.exists(name) == "file" then return name end
  local word, known = name:match("[^/]*$"):gsub("%.lua$", ""), {}
  for _, folder in ipairs(M.recipe_folders()) do
    local path = folder .. "/" .. word .. ".lua"
    if core.sys.exists(path) == "file" and (name == word or name == "recipes/" .. word .. ".lua") then
      return path
    end
    for _, file in ipairs(core.sys.list(folder) or {}) do
      known[file:match("^(.*)%.lua$") or false] = true
    end
  end
  known[false] = nil
  error(("there is no recipe '%s'%s"):format(name, next(known) and "; " .. words.hint(word, words.keys(known))
    or ""), 0)
end

-- Lets recipes require one another ("recipes.sr"): the parent of the file's folder joins the path.
local function see_siblings(path)
  local parent = (path:match("^(.*)/[^/]*/[^/]*$") or ".") .. "/?.lua"
  if not (";" .. package.path .. ";"):find(";" .. parent .. ";", 1, true) then
    package.path = package.path .. ";" .. parent
  end
end

-- A recipe or study, and its file: a path, or a name to be found in a folder `recipes`.
function M.recipe(name)
  local path = find_recipe(name)
  see_siblings(path)
  local chunk, message = loadfile(path, "t")
  if not chunk then error(message, 0) end
  local recipe = chunk()
  if type(recipe) ~= "table" or not recipe.resolve or not recipe.defaults then
    error(("'%s' does not return a recipe (it returns %s)"):format(path,
      type(recipe) == "table" and "some other table" or "a " .. type(recipe)), 0)
  end
  return recipe, path
end

-- 1, or for what a signal ended the code that shells give: 128 and its number (run/interruption.lua).
local function exit_code(e)
  local told = type(e) == "table" and rawget(e, "exit_code")
  local _, number = require("flexlab.core").sys.signal()
  return told or number and 128 + number or 1
end

local function fail(command, e)
  local wrong = arguments.is_wrong(e)
  io.stderr:write("flexlab: ", blame.sentence(e), "\n")
  if wrong then
    io.stderr:write(command and ("(flexlab %s --help)\n"):format(command.name) or "(flexlab help)\n")
  elseif blame.wanted() then
    io.stderr:write(blame.trace(e) or "", "\n")
  end
  return wrong and 2 or exit_code(e)
end

local function execute(command, argv)
  local values = arguments.parse(command, argv)
  if values.help then
    io.write(arguments.help(command))
    return 0
  end
  return command.run(values) or 0
end

local function choose(argv)
  local name = argv[1]
  if name == "--traceback" then   -- also in front of the command
    blame.show(true)
    name = table.remove(argv, 1) and argv[1]
  end
  if name == "--help" or name == "-h" then name = "help" end
  if name == "--version" or name == "-v" then name = "version" end
  local command = M.find(name)
  if not command then
    arguments.wrong("there is no command '%s'; %s", name, words.hint(name, M.names))
  end
  return command
end

-- Without a command: the prompt on a terminal, else the overview and code 2.
local function alone()
  local core = require "flexlab.core"
  if core.sys.isatty(0) and core.sys.isatty(1) then return execute(M.find("repl"), {}) end
  io.stderr:write(M.overview())
  return 2
end

-- Runs a command line ({ [0] = program, "run", ... }); returns the exit code.
function M.main(argv)
  local command
  local function work()
    if #argv == 0 then return alone() end
    command = choose(argv)
    return execute(command, table.move(argv, 2, #argv, 1, {}))
  end
  local ok, result = xpcall(work, blame.handler)
  local code = ok and result or fail(command, result)
  local flushed, message = io.output():flush()
  if not flushed and code == 0 then
    io.stderr:write("flexlab: ", tostring(message), "\n")
    return 1
  end
  return code
end

-- The same, and the end of the process. Called as a chunk's last word (a tail call), it leaves no frame of that
-- chunk, so no error is blamed on it.
function M.exit(argv) os.exit(M.main(argv)) end

return M
