--[[
commands - the command line: `flexlab COMMAND ...`. One file here is one command; it returns
  { name, doc, arguments, options, run = function(values) ... return code or nil end }
and writes = true, if it writes files and removes a half-written one when it fails;
and arguments.lua makes parsing, --help and errors from that. Exit codes: 0 done, 1 failed at
work, 2 wrong use, 128 + n ended by signal n (130: Ctrl-C). What goes wrong is one sentence on
stderr after "flexlab: "; with --traceback (or FLEXLAB_TRACEBACK=1) the traceback follows. Whose line it names:
flexlab.blame.
--]]

local loading = require "flexlab.loading"   -- first: it finds the core, whatever lies in the current folder
local arguments = require "flexlab.commands.arguments"
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local interruption = require "flexlab.context.interruption"
local state = require "flexlab.store.state"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

-- In the order of the help page.
M.names = { "run", "show", "check", "list", "table", "compare", "report", "prune", "export", "import", "data",
  "generate", "sample", "evaluate", "convert", "parity", "predict-ablation", "doctor", "bench", "ops", "info", "repl",
  "script", "help", "version" }

-- Not for people: asked by shells.
M.hidden = { "complete" }

-- Options that several commands share.
M.device = { name = "device", value = "NAME", kind = "words", words = { "cpu", "ref" },
  doc = "backend of the kernels: cpu, or ref, the slow and readable reference" }
M.threads = { name = "threads", value = "N", kind = "integer", least = 1, most = core.most_threads,
  doc = "number of threads (results do not depend on it)" }

-- The folder of parts of one's own, and the run whose copies may be run (SECURITY.md).
M.parts = { name = "parts", value = "DIR",
  doc = "folder from which parts (DIR/flexlab/KIND) and modules are also loaded" }
M.raw = { name = "raw", doc = "use the final weights, not their moving average (EMA)" }
M.trust = { name = "trust", value = "RUN", doc = "run whose kept copies of the network's parts are loaded" }

-- Who types these has chosen the folder whose parts they load; every other command runs FlexLab's own code alone.
M.LOADS_PARTS = { run = true, repl = true, script = true, show = true, check = true }

--- Says what was used in place of averaged weights that a file has not.
function M.note_last(model, values)
  if values.raw or model.averaged then return end
  terminal.note(("'%s' holds no averaged weights: the last ones are used"):format(values.checkpoint))
end

--- Says that an answer is no answer; `broken` of `count` elements.
function M.note_broken(broken, count)
  if broken == 0 then return end
  terminal.note(("the answer holds NaN or infinite values (%d of %d elements)"):format(broken, count))
end

-- Applies --device and --threads.
function M.setup(values)
  if values.device then core.backend(values.device) end
  if values.threads then core.threads(values.threads) end
end

--- Says, on standard error, that a checkpoint has the weights of a run that is not finished, where it has.
function M.note_unfinished(checkpoint)
  local sentence = state.unfinished(checkpoint)
  if sentence then terminal.note(sentence) end
end

-- The command called `name`, or nil.
function M.find(name)
  if words.has(M.names, name) or words.has(M.hidden, name) then return require("flexlab.commands." .. name) end
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

-- Folders in which a recipe is looked for by name: ./recipes and FlexLab's own.
function M.recipe_folders()
  local own = loading.own_recipes()
  return { "recipes", own ~= "recipes" and own or nil }
end

--- Names of the recipes in these folders.
function M.recipe_names()
  local known = {}
  for _, folder in ipairs(M.recipe_folders()) do
    for _, file in ipairs(core.sys.list(folder) or {}) do
      known[file:match("^(.*)%.lua$") or false] = true
    end
  end
  known[false] = nil
  return words.keys(known)
end

local function find_recipe(name)
  if core.sys.exists(name) == "file" then return name end
  local word = name:match("[^/]*$"):gsub("%.lua$", "")
  for _, folder in ipairs(M.recipe_folders()) do
    local path = folder .. "/" .. word .. ".lua"
    if core.sys.exists(path) == "file" and (name == word or name == "recipes/" .. word .. ".lua") then
      return path
    end
  end
  local known = M.recipe_names()
  error(("there is no recipe '%s'%s"):format(name, #known > 0 and "; " .. words.hint(word, known) or ""), 0)
end

-- A recipe or study, and its file: a path, or a name to be found in a folder `recipes`.
function M.recipe(name)
  local path = find_recipe(name)
  loading.beside_recipe(path)
  local chunk, message = loadfile(path, "t")
  if not chunk then error(message, 0) end
  local recipe = chunk()
  if type(recipe) ~= "table" or not recipe.resolve or not recipe.defaults then
    error(("'%s' does not return a recipe (it returns %s)"):format(path,
      type(recipe) == "table" and "some other table" or "a " .. type(recipe)), 0)
  end
  if recipe.made_in then recipe:made_in(path) end
  return recipe, path
end

-- 1, or for what a signal ended the code that shells give: 128 and its number (context/interruption.lua).
local function exit_code(e)
  local told = type(e) == "table" and rawget(e, "exit_code")
  local _, number = core.sys.signal()
  return told or number and 128 + number or 1
end

local function fail(command, e)
  local wrong = arguments.is_wrong(e)
  terminal.fail(blame.sentence(e))
  if wrong then
    terminal.warn(command and ("(flexlab %s --help)"):format(command.name) or "(flexlab help)")
  elseif blame.wanted() then
    terminal.warn(blame.trace(e) or "")
  end
  return wrong and 2 or exit_code(e)
end

local function quoted(word) return word:find("^[%w_./=+,:@%-]+$") and word or "'" .. word:gsub("'", "'\\''") .. "'" end

-- What a command without the user's parts says of a word that is none of FlexLab's own: the part, and what to type.
local function missing(command, argv, values)
  return function(kind, word)
    local file = loading.unrestricted(choices.files, kind)[word]
    local trusts = not values.trust and words.has(command.options or {}, M.trust) and not words.has(argv, word)
    if not trusts then
      return file and ("%s: '%s' is not FlexLab's own, and `flexlab %s` runs no file of yours (%s)"):format(kind, word,
        command.name, file.path) or nil
    end
    local subject = tostring(values.checkpoint or values.input or type(values.file) == "table" and values.file[1] or "")
    local dir = subject:gsub("/[^/]*%.h5$", "")
    local line = { "flexlab", command.name }
    for _, given in ipairs(argv) do line[#line + 1] = quoted(given) end
    return ("%s: '%s' is not FlexLab's own, and code beside data is run only where you say so; if you trust the run: "
      .. "%s --trust %s"):format(kind, word, table.concat(line, " "),
      require("flexlab.origin.copies").is(dir) and quoted(dir) or "RUN")
  end
end

-- A command that writes files counts signals: what is half-written is removed before it ends
-- (context/interruption.lua).
local function orderly(command, values)
  local _ <close> = setmetatable({}, { __close = interruption.release })
  interruption.hold()
  local ok, result = xpcall(command.run, function(e)
    if not interruption.is_cut(e) then return blame.handler(e) end
    return interruption.error(("%s: stopped; nothing half-written stays"):format(command.name))
  end, values)
  if not ok then error(result, 0) end
  return result
end

local function execute(command, argv)
  local values = arguments.parse(command, argv)
  if values.help then
    terminal.write(arguments.help(command))
    return 0
  end
  if values.parts then loading.parts(values.parts) end
  if loading.restricted() then choices.missing = missing(command, argv, values) end
  if values.trust then require("flexlab.origin.copies").trust(values.trust) end
  if command.writes then return orderly(command, values) or 0 end
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
  loading.restrict(not M.LOADS_PARTS[name])
  local command = M.find(name)
  if not command then
    arguments.wrong("there is no command '%s'; %s", name, words.hint(name, M.names))
  end
  return command
end

-- Without a command: the prompt on a terminal, else the overview and code 2.
local function alone()
  if core.sys.isatty(0) and core.sys.isatty(1) then return execute(M.find("repl"), {}) end
  loading.restrict(true)
  terminal.warn((M.overview():gsub("\n$", "")))
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
  loading.restrict(false)
  choices.missing = nil
  local code = ok and result or fail(command, result)
  local flushed, message = io.output():flush()
  if not flushed and code == 0 then
    terminal.fail(tostring(message))
    return 1
  end
  return code
end

-- The same, and the end of the process. Called as a chunk's last word (a tail call), it leaves no frame of that
-- chunk, so no error is blamed on it.
function M.exit(argv) os.exit(M.main(argv)) end

return M
