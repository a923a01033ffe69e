-- The command line: parsing and help in this process, whole commands in processes of their own.
local lu = require "luaunit"
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local fields = require "flexlab.data.fields"
local workers = require "flexlab.study.workers"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestCommands", suite)

support.foldered(suite)

-- Runs `flexlab ...`; returns exit code, stdout, stderr.
local function flexlab(line)
  local out, err = suite.folder .. "/stdout", suite.folder .. "/stderr"
  local _, _, code = os.execute(("{ %s %s; } >%s 2>%s"):format(workers.program(), line, out, err))
  return code, core.sys.read(out), core.sys.read(err)
end

local function write(name, text)
  assert(core.sys.write(suite.folder .. "/" .. name, text))
  return suite.folder .. "/" .. name
end

local toy = [[
-- A toy.
local flex = require "flexlab"
return flex.recipe("toy", { lr = 0.5, model = { size = "nano", width = 3 } }, function(cfg, run)
  return { rfne = cfg.lr + run.seed, size = cfg.model.size }
end)]]

local command = { name = "test", doc = "a test", arguments = { { name = "file", doc = "a file" } },
  options = { { name = "steps", value = "N", kind = "integer", least = 1, default = 2, doc = "steps" },
    { name = "set", value = "K=V", many = true, doc = "settings" }, { name = "fresh", doc = "again" },
    { name = "how", short = "w", value = "WORD", kind = "words", words = { "slow", "fast" }, doc = "how" },
    { name = "re", value = "RE", kind = "numbers", doc = "numbers" } } }

function suite.test_parse_reads_all_forms()
  local v = arguments.parse(command, { "--steps=5", "x.lua", "--set", "a=1", "--set=b=2", "--fresh", "-w",
    "fast", "--re", "1000,4e3" })
  lu.assertEquals(v, { steps = 5, file = "x.lua", set = { "a=1", "b=2" }, fresh = true, how = "fast",
    re = { 1000, 4e3 } })
  lu.assertEquals(arguments.parse(command, { "x" }).steps, 2)
  lu.assertEquals(arguments.parse(command, { "--", "--fresh" }).file, "--fresh")
end

function suite.test_wrong_use_is_one_sentence_with_the_nearest_word()
  local function refused(words, text)
    local ok, e = pcall(arguments.parse, command, words)
    lu.assertFalse(ok)
    lu.assertTrue(arguments.is_wrong(e))
    lu.assertStrContains(tostring(e), text)
  end
  refused({}, "needs FILE")
  refused({ "a", "b" }, "does not know what to do with 'b'")
  refused({ "a", "--stepz", "3" }, "nearest is --steps")
  refused({ "a", "--steps", "x" }, "wants a whole number, got 'x'")
  refused({ "a", "--steps", "0" }, "at least 1")
  refused({ "a", "--steps" }, "needs a value")
  refused({ "a", "--steps", "1", "--steps", "2" }, "twice")
  refused({ "a", "--fresh=1" }, "takes no value")
  refused({ "a", "--how", "fats" }, "wants slow or fast, got 'fats'; the nearest is 'fast'")
  refused({ "a", "--re", "1,x" }, "wants numbers")
end

function suite.test_every_whole_number_has_a_range()
  local counted = 0
  for _, name in ipairs(commands.names) do
    local its = commands.find(name)
    for _, option in ipairs(its.options or {}) do
      if option.kind == "integer" then
        counted = counted + 1
        for _, word in ipairs { "1e18", "4294967297000000", "-1e18" } do
          local argv = { "--" .. option.name .. "=" .. word }
          local ok, e = pcall(arguments.parse, its, argv)
          local fits = word:find "^%d+$" and option.entry and option.entry.most == 1 << 53      -- a seed
          lu.assertTrue(fits or not ok and arguments.is_wrong(e) and tostring(e):find("--" .. option.name, 1, true)
            ~= nil, ("%s --%s %s: %s"):format(name, option.name, word, tostring(e)))
        end
      end
    end
  end
  lu.assertTrue(counted > 10)
  local code, _, err = flexlab "data repack a.h5 b.h5 --deflate 4294967297"
  lu.assertEquals(code, 2)
  lu.assertStrContains(err, "data: --deflate must be at most 9, got 4294967297")
end

function suite.test_threads_are_bounded()
  for word, bound in pairs { ["1e9"] = "at most 256", ["257"] = "at most 256", ["0"] = "at least 1" } do
    local code, _, err = flexlab("generate turbulence --threads " .. word)
    lu.assertEquals(code, 2, err)
    lu.assertStrContains(err, ("--threads must be %s, got %s"):format(bound, word))
  end
end

function suite.test_what_is_no_file_is_named()
  for path, what in pairs { ["/dev/zero"] = "a device or a pipe", ["tests"] = "a folder" } do
    local code, _, err = flexlab(("run recipes/sr.lua --set data.file=%s --out %s/runs"):format(path, suite.folder))
    lu.assertEquals(code, 1)
    lu.assertStrContains(err, ("data: '%s' is %s, not a file"):format(path, what))
  end
end

function suite.test_seeds_are_whole_in_every_file_that_keeps_them()
  for _, line in ipairs { "run recipes/sr.lua --set data.seed=1e18", "run recipes/sr.lua --seeds 1000000000000000000",
    "generate x.h5 --seed 1e18" } do
    local code, _, err = flexlab(line .. " --out " .. suite.folder .. "/runs")
    if line:find "^generate" then code, _, err = flexlab(line) end
    lu.assertEquals(code, 2, line .. err)
    lu.assertStrContains(err, "seed")
  end
  lu.assertNil(core.sys.exists(suite.folder .. "/runs"))
end

function suite.test_every_command_has_help()
  for _, name in ipairs(commands.names) do
    local page = arguments.help(commands.find(name))
    lu.assertStrContains(page, "flexlab " .. name)
    lu.assertStrContains(page, "--help")
    for line in page:gmatch("[^\n]+") do lu.assertTrue(#line <= 110, line) end
  end
  local code, out = flexlab "run --help"
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "--set KEY=VALUE")
end

function suite.test_what_a_network_takes_is_told()
  local checkpoint, flex = require "flexlab.checkpoint", require "flexlab"
  local code, out = flexlab "list backbones --side 16"
  lu.assertEquals(code, 0)
  for _, word in ipairs(flex.backbones()) do lu.assertStrMatches(out, ".*" .. word .. "%s+nano%s+%d+%s+0%.%d+ .*") end
  local _, _, err = flexlab "list backbones --side 20"
  lu.assertStrContains(err, "20x20 is not divisible by 2^levels = 8")
  _, _, err = flexlab "list backbones --sizes huge"
  lu.assertStrContains(err, "no model size 'huge'")
  local model = flex.models.flex { backbone = "uvit", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
  assert(checkpoint.save(suite.folder .. "/last.h5", { watched = { { model = model, prefix = "" } }, seed = 1, cfg = {},
    recipe = { name = "test" }, phase = 1, log_file = { bytes = 0 } }))
  code, out = flexlab("info " .. suite.folder .. " --json")
  lu.assertEquals(code, 0)
  local info = core.json.decode(out)
  lu.assertEquals({ info.backbone, info.encoder, info.parameters }, { "uvit", "vit", model:count() })
  lu.assertAlmostEquals(info.gflop, require("flexlab.network.operations").gflop(model), 1e-9)
  _, _, err = flexlab "info absent.h5"
  lu.assertStrContains(err, "absent.h5")
end

function suite.test_unknown_words_and_exit_codes()
  local code, _, err = flexlab "genrate turbulence"
  lu.assertEquals(code, 2)
  lu.assertStrContains(err, "flexlab: there is no command 'genrate'; the nearest is 'generate'")
  code, _, err = flexlab ""
  lu.assertEquals(code, 2)
  lu.assertStrContains(err, "flexlab COMMAND")
  code, _, err = flexlab "run nowhere/none.lua"
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "there is no recipe 'nowhere/none.lua'")
  lu.assertEquals(select(2, err:gsub("\n", "")), 1)
  local found = {}
  for _, file in ipairs(core.sys.list "recipes") do found[#found + 1] = file:match "^(.*)%.lua$" end
  table.sort(found)
  lu.assertStrContains(err, ("; there are: %s and %s"):format(table.concat(found, ", ", 1, #found - 1), found[#found]))
  code, _, err = flexlab "show recipes/ablate"
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "the nearest is 'ablate_backbone'")
  lu.assertEquals(flexlab "list chioces", 2)
  lu.assertEquals(flexlab "ops conv2", 2)
  lu.assertEquals(flexlab "version", 0)
end

-- A beginning counts for more than an edit; where nothing is near, all words are named.
function suite.test_the_nearest_word_is_what_was_meant()
  local words = require "flexlab.words"
  for typed, meant in pairs { eval = "evaluate", gen = "generate", rnu = "run", smaple = "sample", repp = "repl",
    reprot = "report", verison = "version", EVALUATE = "evaluate" } do
    lu.assertEquals(words.nearest(typed, commands.names), meant)
  end
  lu.assertEquals(words.hint("--ot", { "--set", "--out" }), "the nearest is --out")
  lu.assertEquals(words.hint("table", { "run", "sample" }), "there are: run and sample")
  local code, _, err = flexlab "frobnicate"
  lu.assertEquals(code, 2)
  lu.assertStrContains(err, "there is no command 'frobnicate'; there are: run, show, check, list,")
end

function suite.test_a_script_gets_its_words_and_gives_its_code()
  local path = write("script.lua", "io.write(arg[0], ' ', table.concat({...}, ' '))\nreturn #arg")
  local code, out, err = flexlab("script " .. path .. " --help -- a")
  lu.assertEquals({ code, out, err }, { 3, path .. " --help -- a", "" })
  lu.assertEquals(flexlab("script " .. write("empty.lua", "")), 0)
  lu.assertEquals(flexlab "script", 2)
  code, _, err = flexlab("script " .. write("failing.lua", "error('no luck', 0)"))
  lu.assertEquals({ code, err }, { 1, "flexlab: no luck\n" })
end

function suite.test_run_set_and_find_again()
  local path = write("toy.lua", toy)
  local line = ("run %s --out %s/runs --set lr=0.25 --seeds 3"):format(path, suite.folder)
  local code, out, err = flexlab(line)
  lu.assertEquals({ code, err }, { 0, "" })
  lu.assertStrContains(out, "rfne               3.25")
  lu.assertStrContains(out, suite.folder .. "/runs/toy/")
  code, out = flexlab(line .. " --dry-run")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "done")
  code, out = flexlab(("list runs --out %s/runs"):format(suite.folder))
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "rfne 3.25")
end

function suite.test_run_refuses_wrong_settings()
  local path = write("toy.lua", toy)
  for setting, text in pairs { ["lrr=1"] = "nearest is 'lr'", ["lr=fast"] = "wants a number",
    ["model.size=3"] = "wants a string", ["lr"] = "KEY=VALUE", ["model=3"] = "table" } do
    local code, _, err = flexlab(("run %s --out %s/runs --set %s"):format(path, suite.folder, setting))
    lu.assertEquals(code, 2)
    lu.assertStrContains(err, text)
  end
  lu.assertNil(core.sys.exists(suite.folder .. "/runs"))
  lu.assertEquals(flexlab(("run %s --seeds 4..1"):format(path)), 2)
end

function suite.test_sweep_in_two_processes_equals_one()
  local path = write("toy.lua", toy)
  local line = ("run %s --sweep lr=0.1,0.2 --seeds 1..4 --out %s/"):format(path, suite.folder)
  local code, out, err = flexlab(line .. "a --jobs 2")
  lu.assertEquals({ code, err }, { 0, "" })
  lu.assertStrContains(out, "toy-sweep 8/8")
  local csv = core.sys.read(out:match("folder%s+(%S+)") .. "/sweep.csv")
  code, out = flexlab(line .. "b")
  lu.assertEquals(code, 0)
  lu.assertEquals(core.sys.read(out:match("folder%s+(%S+)") .. "/sweep.csv"), csv)
  lu.assertStrContains(csv, "lr=0.2")
end

-- The file ends in a tail call, as the recipes do: each process must find it all the same.
function suite.test_study_file_in_two_processes()
  write("toy.lua", toy)
  local path = write("arms.lua", ([[
package.path = "%s/?.lua;" .. package.path
return require("flexlab").study("arms", require "toy", { grid = { lr = { 0.1, 0.2 } }, seeds = "1..2" },
  function(runs) return { rfne = runs:pivot("lr", "rfne"):best "min" and 1 } end)]]):format(suite.folder))
  local code, out, err = flexlab(("run %s --jobs 2 --out %s/runs"):format(path, suite.folder))
  lu.assertEquals({ code, err }, { 0, "" }, out)
  lu.assertStrContains(out, "arms 4/4")
end

function suite.test_failing_recipe_says_where_and_exits_1()
  local path = write("bad.lua", [[return require("flexlab").recipe("bad", { a = 1 }, function()
  error("no such eddy")
end)]])
  local code, _, err = flexlab(("run %s --out %s/runs"):format(path, suite.folder))
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "bad.lua:2: no such eddy")
  lu.assertEquals(select(2, err:gsub("\n", "")), 1)
  code, _, err = flexlab("run " .. write("worse.lua", "return 3"))
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "does not return a recipe (it returns a number)")
  code, _, err = flexlab("run " .. write("worst.lua", "return ("))
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "worst.lua:1:")
end

function suite.test_show_ops_info()
  local code, out = flexlab("show " .. write("toy.lua", toy))
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "A toy.")
  lu.assertStrMatches(out, ".*model%.width +3 +number .*")
  code, out = flexlab "show sr"
  lu.assertEquals(code, 0)
  lu.assertStrMatches(out, ".*data%.batch +8 +whole number 1%.%.65536 +patches in a training step\n.*")
  lu.assertStrMatches(out, ".*Accepted besides.*train%.optimizer +\"adam\" +flex%.optim +optimiser of the weights\n.*")
  for line in out:gmatch "[^\n]+" do lu.assertTrue(#line <= 120, line) end
  code, out = flexlab "ops conv2d"
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "stride")
  code, out = flexlab "info --json"
  lu.assertEquals(code, 0)
  lu.assertEquals(type(core.json.decode(out).version), "string")
  code, out = flexlab "list choices"
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "conditioning")
end

function suite.test_generate_writes_one_file_a_reynolds_number_and_keeps_it()
  local line = ("generate turbulence --re 100,200 --size 32 --frames 3 --k0 4 --seed 7 --out %s/t.h5 --quiet")
    :format(suite.folder)
  local code, out, err = flexlab(line)
  lu.assertEquals({ code, err }, { 0, "" })
  lu.assertEquals(out, ("%s/t_re100.h5\n%s/t_re200.h5\n"):format(suite.folder, suite.folder))
  local reader = fields.open(suite.folder .. "/t_re200.h5")
  lu.assertEquals({ reader.frames, reader.height, reader.width }, { 3, 32, 32 })
  lu.assertEquals({ reader:number "Re", reader:number "seed", reader:text "forcing" }, { 200, 7, "none" })
  lu.assertAlmostEquals(reader:number "nu", 1 / 200, 1e-15)
  lu.assertEquals(#reader:array "times", 3)
  reader:close()
  lu.assertEquals(flexlab(line), 0)
  local _
  code, _, err = flexlab((line:gsub("frames 3", "frames 4")))
  lu.assertEquals(code, 1)
  lu.assertStrContains(err, "holds something else")
  lu.assertEquals(flexlab((line:gsub("frames 3", "frames 4") .. " --fresh")), 0)
  lu.assertEquals(flexlab "generate weather", 2)
  lu.assertEquals(flexlab "generate turbulence --forcing wind", 2)
  lu.assertEquals(flexlab(("generate turbulence --re -5 --out %s/x.h5"):format(suite.folder)), 2)
  lu.assertEquals(core.sys.exists(suite.folder .. "/x.h5"), nil)
end

function suite.test_bench_prints_one_line_of_json()
  local code, out, err = flexlab "bench sample --size 16 --batch 1 --repeats 2 --json"
  lu.assertEquals({ code, err }, { 0, "" })
  local t = core.json.decode(out)
  lu.assertEquals(#t.seconds, 2)
  lu.assertTrue(t.peak_mib > 0)
  lu.assertEquals(flexlab "bench tain", 2)
end

os.exit(lu.LuaUnit.run())
