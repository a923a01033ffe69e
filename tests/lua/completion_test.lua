-- bash's completion: what `flexlab complete` answers, and what tools/completion.bash makes of it in bash.
local lu = require "luaunit"
local arguments = require "flexlab.commands.arguments"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local settings = require "flexlab.settings"
local support = require "tests.lua.support"
local words = require "flexlab.words"

local suite = {}
rawset(_G, "TestCompletion", suite)

support.foldered(suite)

local root = io.popen("pwd"):read("l")

-- The lines that `flexlab complete` prints for a line.
local function answers(line)
  local list, was = {}, print
  rawset(_G, "print", function(one) list[#list + 1] = one end)
  local ok, code = pcall(commands.main, { "complete", line })
  rawset(_G, "print", was)
  lu.assertTrue(ok and code == 0, line)
  return list
end

local function has(list, word, line) lu.assertTrue(words.has(list, word), line .. ": no " .. word) end

function suite.test_every_command_and_option_is_offered()
  local first = answers "flexlab "
  lu.assertEquals(#first, #commands.names)
  for _, name in ipairs(commands.names) do
    has(first, name, "flexlab")
    local line = "flexlab " .. name .. " -"
    local options = answers(line)
    has(options, "--help", line)
    for _, option in ipairs(commands.find(name).options or {}) do
      if option.hidden then
        lu.assertFalse(words.has(options, "--" .. option.name), line)
      else
        has(options, "--" .. option.name, line)
      end
    end
  end
  lu.assertEquals(answers "flexlab --v", { "--version" })
  lu.assertEquals(answers "flexlab nosuch ", {})
end

-- An argument that says nothing, and an option with a list of words that is not offered, would be forgotten ones.
function suite.test_every_argument_says_what_it_takes_and_every_list_of_words_is_offered()
  for _, name in ipairs(commands.names) do
    local command = commands.find(name)
    for _, argument in ipairs(command.arguments or {}) do
      local takes, known = arguments.takes(argument)
      lu.assertTrue(#takes + #known > 0, ("%s %s: takes = ?"):format(name, argument.name))
    end
    for _, option in ipairs(command.options or {}) do
      local line = ("flexlab %s --%s "):format(name, option.name)
      local offered = option.value and answers(line) or {}
      for _, word in ipairs(option.words or {}) do has(offered, word, line) end
      if option.value == "FILE" then lu.assertEquals(offered, { ":file" }, line) end
      if option.value == "DIR" then lu.assertEquals(offered, { ":folder" }, line) end
    end
  end
end

function suite.test_recipes_ops_choices_and_settings()
  local recipes = answers "flexlab run "
  for _, file in ipairs(core.sys.list "recipes") do has(recipes, (file:gsub("%.lua$", "")), "run") end
  has(recipes, ":file", "run")
  local ops = answers "flexlab ops "
  for _, op in ipairs(core.ops) do has(ops, op.name, "ops") end
  lu.assertEquals(answers "flexlab help predict", { "predict-ablation" })
  local keys = answers "flexlab run sr --set "
  for section, tables in pairs(settings.sections) do
    for _, name in ipairs(tables) do
      for _, entry in ipairs(settings.of(name).list) do
        local key = section .. "." .. entry.name .. "="
        lu.assertEquals(words.has(keys, key), not entry.internal, key)
      end
    end
  end
  local encoders = answers "flexlab run sr --set model.encoder="
  for _, word in ipairs(choices.registry "encoders"()) do has(encoders, "model.encoder=" .. word, "encoder") end
  lu.assertEquals(answers "flexlab run sr --set model.recompute=", { "model.recompute=false", "model.recompute=true" })
  lu.assertEquals(answers "flexlab run sr --set=model.encoder=vi", { "--set=model.encoder=vit" })
  lu.assertEquals(answers "flexlab run sr --sweep model.encoder=vit,py", { "model.encoder=vit,pyramid" })
  lu.assertEquals(answers "flexlab run sr --set no.such=", {})
end

function suite.test_what_stands_before_the_cursor_counts()
  lu.assertEquals(answers "flexlab run sr --dry-run --dr", {})                  -- given already
  lu.assertEquals(answers "flexlab run sr --set a=1 --se", { "--seeds", "--set" })
  lu.assertEquals(answers "flexlab bench train --op gelu", { "gelu" })
  lu.assertEquals(answers "flexlab --traceback genera", { "generate" })
  lu.assertEquals(answers "flexlab run -- --dr", { ":file" })                    -- a name behind --
  lu.assertEquals(answers "flexlab script x.lua --thr", { ":file" })             -- the script's own words
  lu.assertEquals(answers "flexlab run 'a b' --dev", { "--device" })
  lu.assertEquals(answers "flexlab run a\\ b --dev", { "--device" })
  lu.assertEquals(answers "flexlab data repack ", { ":file" })
end

local function program()
  local path = os.getenv "FLEXLAB_PROGRAM"
  lu.skipIf(not path, "FLEXLAB_PROGRAM is not set")
  return "'" .. path .. "'"
end

-- A user's part is offered by its name and not run.
function suite.test_parts_of_the_current_folder_are_offered_and_not_run()
  local kind = suite.folder .. "/flexlab/encoders"
  core.sys.mkdirs(kind)
  assert(core.sys.write(kind .. "/trap.lua", ("io.open('%s/sprung', 'w'):close()"):format(suite.folder)))
  local code, out = support.shell(suite.folder, program() .. " complete 'flexlab run sr --set model.encoder=tr'")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "model.encoder=trap\n")
  lu.assertNil(core.sys.exists(suite.folder .. "/sprung"))
end

-- What bash would put in the place of the word at the end of a line. compopt works inside a completion alone, so it
-- says what was asked of it.
local function bash(line)
  local script = ([[
    flexlab () { %s "$@"; }
    compopt () { echo "compopt $*"; }
    . '%s/tools/completion.bash'
    complete -p flexlab
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1)
    _flexlab
    printf '<%%s>\n' "${COMPREPLY[@]}"]]):format(program(), root)
  assert(core.sys.write(suite.folder .. "/bash.sh", script))
  local code, out = support.shell(suite.folder, ("bash bash.sh '%s'"):format(line))
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, "complete -F _flexlab flexlab\n")
  return (out:gsub("^complete[^\n]*\n", ""))
end

function suite.test_bash_completes()
  lu.assertEquals(bash "flexlab predict", "<predict-ablation>\n")
  lu.assertEquals(bash "flexlab run --out ", "compopt -o dirnames\n<>\n")
  lu.assertEquals(bash "flexlab convert ", "compopt -o default\n<>\n")
  lu.assertEquals(bash "flexlab run sr --set model.encoder_", "compopt -o nospace\n<model.encoder_options=>\n")
  lu.assertEquals(bash "flexlab run sr --set model.encoder=vi", "<vit>\n")      -- bash keeps what is before the =
  lu.assertEquals(bash "flexlab run sr --set=model.encoder=vi", "<vit>\n")
  lu.assertEquals(bash "flexlab run sr --device ", "<cpu>\n<ref>\n")
  lu.assertEquals(bash "flexlab nosuch x", "<>\n")
end

os.exit(lu.LuaUnit.run())
