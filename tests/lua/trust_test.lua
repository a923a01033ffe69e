-- Whose code runs (SECURITY.md), and what becomes of a run when a file of its code is edited. Through the program,
-- which is what a user trusts or does not. Parts of these tests write a file where they are loaded, so that "runs
-- nothing" is seen.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local support = require "tests.lua.support"

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")
local here = assert(io.popen "pwd"):read "l"

local suite = {}
rawset(_G, "TestTrust", suite)

local work, other, library   -- folders: a project, an empty one, the Lua files of FlexLab

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function write(files)
  for name, text in pairs(files) do
    local path = name:find "^/" and name or work .. "/" .. name
    assert(core.sys.mkdirs(path:match "^(.*)/"))
    assert(core.sys.write(path, text))
  end
end

local function exists(path) return core.sys.exists(path:find "^/" and path or work .. "/" .. path) ~= nil end

-- Runs a command line in a folder: what it prints, and its exit code.
local function run(line, folder, command)
  local pipe = assert(io.popen(("cd %s && unset LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4; FLEXLAB_LUA=%s %s %s "
    .. "2>&1; echo code $?"):format(quoted(folder or work), quoted(library), command or quoted(program), line)))
  local text = pipe:read "a"
  pipe:close()
  local printed, code = text:match "^(.*)code (%d+)\n$"
  return printed, tonumber(code)
end

-- The same of a command that must end with `code` (0); returns what it prints.
local function must(line, folder, code)
  local printed, got = run(line, folder)
  lu.assertEquals(got, code or 0, line .. "\n" .. printed)
  return printed
end

local PART = [[
-- A condition encoder that says which version it is, and leaves a mark where it is loaded.
local nn = require "flexlab.nn"
io.stderr:write("the %s part\n")
io.open("loaded", "w"):close()
return { doc = "one convolution per skip", new = function(cfg)
  local net = nn.module { views = {} }
  for i, skip in ipairs(cfg.skips) do net.views[i] = nn.conv(cfg.in_channels, skip.channels, { kernel = 1 }) end
  function net:condition(lowres)
    local skips = {}
    for i, skip in ipairs(cfg.skips) do
      skips[i] = self.views[i](lowres:mean_pool { factor = lowres.shape[2] // skip.height }) * %g
    end
    return { head = skips[#skips], skips = skips }
  end
  return net
end }
]]

local RECIPE = [[
local flex = require "flexlab"
local helper = require "helper"
flex.losses.define("own", { loss = function(p, g) return (p - g):square():mean() * %g end })

return flex.recipe("mine", {
  data = { file = "flow.h5", test = "flow.h5", factor = 4, crop = 16, batch = 1, test_tiles = 1 },
  model = { size = "nano", encoder = "blur", loss = "own" }, train = { steps = 2, lr = 1e-3 },
}, function(cfg, run)
  local data = flex.data.superres(cfg.data)
  local model = flex.models.flex(cfg.model)
  local optim = flex.optim.adam(model, cfg.train)
  for step, batch in run:steps(data.train, cfg.train.steps) do
    local loss = flex.diffusion.loss(model, batch)
    optim:step(loss)
    run:log(step, { loss = loss })
  end
  return { n = helper.n() }
end)
]]

-- A film of so many frames, in place of the one that is there.
local function flow(path, frames)
  os.remove(path)
  flex.generate("turbulence", { re = 200, size = 16, frames = frames, seed = 1, k0 = 3.0, out = path, quiet = true })
end

-- The module flexlab.core for stock lua5.4, as LUA_CPATH has it.
local function cpath()
  local path = assert(package.searchpath("flexlab.core", package.cpath), "the module flexlab.core is not in LUA_CPATH")
  return (path:gsub("flexlab/core%.so$", "?.so"))
end

function suite.setUp()
  work, other = support.folder(), support.folder()
  library = here .. "/lua"
  flow(work .. "/flow.h5", 3)
  os.execute(("cp %s %s"):format(quoted(work .. "/flow.h5"), quoted(other)))
  write { ["flexlab/encoders/blur.lua"] = PART:format("old", 1), ["mine.lua"] = RECIPE:format(1),
    ["helper.lua"] = 'return { n = function() return require("deep") end }', ["deep.lua"] = "return 1" }
end

function suite.tearDown()
  os.execute(("rm -rf %s %s"):format(quoted(work), quoted(other)))
end

local function folder_of(printed) return printed:match "folder%s+(%S+)" end

-- A whole life of a run: an edit of a comment changes nothing, any other edit of a file that it uses is a new run.
function suite.test_each_edit_means_what_it_changes()
  os.execute(("cp -r %s %s"):format(quoted(here .. "/lua"), quoted(work .. "/library")))
  library = work .. "/library"
  local first = folder_of(must "run mine.lua --quiet")
  local old = { sample = must(("sample --checkpoint %s --data flow.h5 --out a.h5 --trust %s"):format(first, first)) }
  lu.assertStrContains(old.sample, "the old part")
  local seen = { [first] = true }
  local function step(files, why)
    write(files)
    lu.assertStrContains(must "run mine.lua --dry-run", why and "new: " .. why or "done")
    local folder = folder_of(must "run mine.lua --quiet")
    lu.assertEquals(seen[folder] == nil, why ~= nil, folder)
    seen[folder] = true
    lu.assertStrContains(must "run mine.lua --dry-run", "done")
    return folder
  end
  step({ ["flexlab/encoders/blur.lua"] = PART:format("new", 2) }, "encoders/blur.lua changed")
  step({ ["deep.lua"] = "return 2" }, "deep.lua changed")
  local folder = step { ["deep.lua"] = "-- two\nreturn   2" }
  lu.assertEquals(core.sys.read(work .. "/" .. folder .. "/code/deep.lua"), "return 2")      -- as the first run had it
  step({ ["mine.lua"] = RECIPE:format(3) }, "mine.lua changed")
  flow(work .. "/flow.h5", 4)
  local last = step({}, "flow.h5 changed")

  local path = library .. "/flexlab/losses/l1.lua"
  write { [path] = core.sys.read(path) .. "-- a comment\n" }
  lu.assertStrMatches(must "run mine.lua --dry-run", ".*%sdone\n.*")
  write { [path] = "local _ = 1\n" .. core.sys.read(path) }
  lu.assertStrContains(must "run mine.lua --dry-run", "done, by another version of FlexLab")
  local again = must "run mine.lua"
  lu.assertStrContains(again, last .. " is done, by another version of FlexLab; --fresh repeats it")
  lu.assertEquals(folder_of(again), last)
  lu.assertStrContains(must "list runs", "done, by another version of FlexLab")
  must "run mine.lua --fresh --quiet"
  lu.assertStrMatches(must "run mine.lua --dry-run", ".*%sdone\n.*")

  -- The old run, in another folder, which has another part of that name.
  local run_dir = work .. "/" .. first
  write { [other .. "/flexlab/encoders/blur.lua"] = PART:format("wrong", 9) }
  os.remove(work .. "/loaded")
  local line = ("sample --checkpoint %s --data flow.h5 --out b.h5"):format(run_dir)
  local refused = must(line, other, 1)
  lu.assertStrContains(refused, "encoders: 'blur' is not FlexLab's own")
  lu.assertStrContains(refused, ("flexlab %s --trust %s"):format(line, run_dir))
  lu.assertEquals(select(2, refused:gsub("\n", "")), 1)                  -- one sentence
  lu.assertFalse(exists(other .. "/loaded") or exists(other .. "/b.h5") or exists "loaded")
  lu.assertStrContains(must(line .. " --trust " .. run_dir, other), "the old part")
  local a, b = core.io.load(work .. "/a.h5"), core.io.load(other .. "/b.h5")
  lu.assertEquals(support.largest(a.tensors.w, b.tensors.w), 0)
  lu.assertStrContains(must(("evaluate --checkpoint %s --data flow.h5 --tiles 1 --members 2 --trust %s"):format(run_dir,
    run_dir), other), "the old part")
end

function suite.test_a_run_is_repeated_from_what_it_kept()
  local dir = work .. "/" .. folder_of(must "run mine.lua --quiet --set train.steps=3")
  write { ["flexlab/encoders/blur.lua"] = "error 'not this one'", ["deep.lua"] = "error 'nor this'" }
  local printed = must("run --quiet --from " .. dir, other)
  lu.assertStrContains(printed, "the old part")
  for _, file in ipairs { "result.lua", "metrics.csv", "last.h5" } do
    local again = other .. "/" .. folder_of(printed) .. "/" .. file
    lu.assertEquals(core.sys.read(again), core.sys.read(dir .. "/" .. file), file)
  end
  lu.assertEquals(folder_of(printed), dir:sub(#work + 2))                -- the same settings and code: the same hash
  lu.assertStrContains(must("run --dry-run --seeds 1..2 --from " .. dir, other), "new")
  local changed = must("run --dry-run --set train.steps=4 --from " .. dir, other)
  lu.assertStrContains(changed, "new: train.steps 3 -> 4")
  lu.assertStrContains(must(("run mine.lua --from %s"):format(dir), work, 2), "not both")
  lu.assertStrContains(must("run", work, 2), "--from RUN")

  flow(other .. "/flow.h5", 4)
  lu.assertStrContains(must("run --from " .. dir, other, 1), "'flow.h5' has other contents")
  os.remove(other .. "/flow.h5")
  lu.assertStrContains(must("run --from " .. dir, other, 1), "'flow.h5' is not here")
end

function suite.test_a_definition_is_found_in_the_copy_of_its_recipe()
  local define = ('local flex = require "flexlab"\nflex.encoders.define("inside", (function()\n%s\nend)())\n')
    :format(PART:format("defined", 1))
  write { ["define.lua"] = define .. RECIPE:format(1):gsub('"mine"', '"inside"'):gsub('"blur"', '"inside"') }
  local dir = work .. "/" .. folder_of(must "run define.lua --quiet")
  os.remove(work .. "/loaded")
  local line = ("sample --checkpoint %s/last.h5 --data flow.h5 --out b.h5"):format(dir)
  lu.assertStrContains(must(line, other, 1), "'inside' is not FlexLab's own")
  lu.assertFalse(exists(other .. "/loaded"))
  lu.assertStrContains(must(line .. " --trust " .. dir, other), "the defined part")
end

local EVIL = 'io.open("loaded", "w"):close()\nreturn { doc = "evil", order = 1,\n'
  .. '  recognise = function() return false end, describe = function() end,\n'
  .. '  goal = print, recover = print, error_scale = print, loss = print, new = print }\n'

-- Commands that only look: nothing of the folder that they are typed in is run.
function suite.test_commands_that_look_run_no_file_of_the_folder()
  write { ["flexlab/formats/evil.lua"] = EVIL, ["flexlab/parametrisations/evil.lua"] = EVIL, ["flexlab.lua"] = EVIL,
    ["flexlab/commands.lua"] = EVIL, ["flexlab/commands/data.lua"] = EVIL, ["flexlab/core.lua"] = EVIL,
    ["flexlab/losses/broken.lua"] = "return {", ["luaunit.lua"] = EVIL }
  local dir = folder_of(must "run mine.lua --quiet")
  lu.assertTrue(exists "loaded")
  os.remove(work .. "/loaded")
  local text = core.io.load(work .. "/" .. dir .. "/last.h5")
  text.text.model = text.text.model:gsub('"predict":"%w+"', '"predict":"evil"')
    :gsub('"encoder":"%w+"', '"encoder":"flex"')
  assert(core.io.save(work .. "/evil.h5", text))
  local stock = ([[lua5.4 -e 'package.path = "%s/?.lua;%s/?/init.lua;./?.lua"
    package.cpath = "%s"
    os.exit(require("flexlab.commands").main(arg))' - ]]):format(library,
    library, cpath())
  for _, line in ipairs { "data flow.h5", "list", "list choices", "list runs", "info evil.h5", "info " .. dir,
    "help", "ops", "table " .. dir, "report " .. dir, "doctor " .. dir, "doctor flow.h5 --crop 8", "version",
    "convert evil.h5 out.safetensors", "parity evil.h5", "sample --checkpoint evil.h5 --data flow.h5 --out o.h5",
    "evaluate --checkpoint evil.h5 --data flow.h5", "predict-ablation flow.h5", "compare " .. dir, "prune " .. dir,
    "export " .. dir .. " --out e.tar", "import e.tar --out imported",
    "generate turbulence --re 200 --size 16 --frames 1 --out z.h5" } do
    local printed = run(line)
    lu.assertFalse(exists "loaded", line .. "\n" .. printed)
    lu.assertFalse(printed:find "attempt to" ~= nil, printed)
  end
  for _, line in ipairs { "data flow.h5", "info evil.h5", "list choices" } do
    local printed, code = run(line, nil, stock)
    lu.assertFalse(exists "loaded", line .. "\n" .. printed)
    lu.assertEquals(code, line:find "^info" and 1 or 0, printed)
  end
  for _, name in ipairs(require("flexlab.commands").names) do
    run(name .. " --help")
    lu.assertFalse(exists "loaded", name)
  end
  local listed = must "list choices"
  lu.assertStrMatches(listed, ".*formats +evil +%./flexlab/formats/evil%.lua.*")
  lu.assertStrMatches(listed, ".*losses +broken +does not compile: %./flexlab/losses/broken%.lua:1: .*")
end

-- The prompt, on a terminal of its own: it starts with no file of the folder, and leaves none there.
function suite.test_the_prompt_reads_and_writes_nothing_in_the_folder()
  if not os.execute "script -qec true /dev/null >/dev/null 2>&1 </dev/null" then
    print "SKIPPED: no pseudo-terminal can be made here (script; a chroot without /dev/pts has none)"
    return
  end
  local traps = { [".editrc"] = 'bind -s "1" "3"\n', [".inputrc"] = '"1": "3"\n' }
  for _, name in ipairs { ".flexlab.lua", ".flexlabrc", ".init.lua", ".luarc", ".lua", "flexlab.lua", "flexlabrc.lua",
    "init.lua", "repl.lua", "startup.lua", "flexlab/init.lua", "flexlab/core.lua", "flexlab/repl_core.lua" } do
    traps[name] = EVIL
  end
  write(traps)
  local function files()
    local pipe = assert(io.popen(("find %s | sort"):format(quoted(work))))
    local list = pipe:read "a"
    pipe:close()
    return list
  end
  local before = files()
  for _, home in ipairs { { "HOME=%s/home", "/home/.local/state" }, { "XDG_STATE_HOME=%s/state", "/state" } } do
    write { [other .. "/terminal.sh"] = ([[
unset XDG_STATE_HOME
printf '1 + 1\n' | env %s script -qec '"%s" repl' /dev/null
]]):format(home[1]:format(other), program) }
    local printed, code = run(other .. "/terminal.sh", nil, "sh")
    lu.assertEquals(code, 0, printed)
    lu.assertStrContains(printed, "\n2\r\n")
    lu.assertFalse(exists "loaded", printed)
    lu.assertEquals(files(), before)
    lu.assertEquals(core.sys.read(other .. home[2] .. "/flexlab/history"), "1 + 1\n")
  end
end

function suite.test_parts_come_from_the_recipes_folder_and_from_parts()
  local project = other .. "/project"
  os.execute(("mkdir -p %s && mv %s/* %s"):format(quoted(project), quoted(work), quoted(project)))
  local data = ("--set data.file=%s/flow.h5 --set data.test=%s/flow.h5"):format(project, project)
  must(("run %s/mine.lua --quiet %s"):format(project, data), other)
  os.execute(("cd %s && mkdir parts && cd project && mv flexlab helper.lua deep.lua ../parts"):format(quoted(other)))
  lu.assertStrContains(must(("run %s/mine.lua --dry-run"):format(project), work, 1), "helper")
  for _, command in ipairs { "run --dry-run", "show", "check" } do
    local more = command:find "^run" and data or ""      -- what a run would miss is refused
    must(("%s %s/mine.lua --parts %s/parts %s"):format(command, project, other, more), work)
  end
  lu.assertStrContains(must("run sr --parts nowhere", work, 1), "there is no folder 'nowhere'")
end

function suite.test_misspelt_options_are_no_part_of_a_run()
  local dir = folder_of(must "run mine.lua --quiet --set model.encoder=flex --set model.loss=l1")
  local printed = must(("sample --checkpoint %s --data flow.h5 --out o.h5 --format nskts"):format(dir), work, 1)
  lu.assertStrContains(printed, "the nearest is 'nskt'")
  lu.assertNil(printed:find "trust")
end

-- What comes with the copies of another's run may say anything.
function suite.test_an_index_that_is_none()
  local dir = folder_of(must "run mine.lua --quiet")
  local path = work .. "/" .. dir .. "/code/index.lua"
  local good = core.sys.read(path)
  local line = ("sample --checkpoint %s --data flow.h5 --out o.h5 --trust %s"):format(dir, dir)
  for _, bad in ipairs { "return 1", "return { files = 3, library = {} }", "return {",
    "return { library = {}, files = { 1 } }", (good:gsub('role = "recipe"', "role = 5")),
    (good:gsub('copy = "helper.lua"', 'copy = "../../../../helper.lua"')) } do
    assert(core.sys.write(path, bad))
    lu.assertStrContains(must(line, work, 1), "keeps no code", bad)
    lu.assertStrContains(must "list runs", "done, by another version")
    lu.assertStrContains(must "run mine.lua --dry-run --set train.steps=3", "new: ")
  end
  must "run mine.lua --quiet --fresh"
  lu.assertEquals(core.sys.read(path), good)
end

-- The parent of a recipe's folder is nobody's choice: a file there is not found by its name.
function suite.test_the_parent_of_a_recipes_folder_is_not_searched()
  write { ["parent.lua"] = EVIL, ["below/r.lua"] = 'local p = require "parent"\n' .. RECIPE:format(1) }
  lu.assertStrContains(must(("run %s/below/r.lua --dry-run"):format(work), other, 1), "parent")
  lu.assertFalse(exists(other .. "/loaded"))
end

function suite.test_recipes_are_found_from_anywhere()
  write { [other .. "/s.lua"] = 'return require "recipes.sr"', [other .. "/sub/b.lua"] = "return 1",
    [other .. "/sub/a.lua"] = 'local b = require "b" return require("recipes.sr")' }
  lu.assertStrContains(must("show s.lua", other), "train.steps")
  lu.assertStrContains(must("show sub/a.lua", other), "train.steps")
  lu.assertStrContains(must("run ablate_conditioning --dry-run --seeds 1", other), "model.conditioning")
  write { [other .. "/t.lua"] = 'require "flexlab" print(require("recipes.sr").name)' }
  lu.assertStrContains(must("script t.lua", other), "sr")
  local stock = ("LUA_PATH='%s/?.lua;%s/?/init.lua;;' LUA_CPATH='%s;;' lua5.4"):format(library, library, cpath())
  local printed, code = run("t.lua", other, stock)
  lu.assertEquals({ printed, code }, { "sr\n", 0 })
end

function suite.test_a_checkpoint_is_trusted_from_lua_by_naming_its_run()
  local dir = work .. "/" .. folder_of(must "run mine.lua --quiet")
  write { [other .. "/t.lua"] = ([[
    local flex = require "flexlab"
    print(pcall(flex.load_model, "%s"))
    print(flex.load_model("%s", { trust = "%s" }).config.encoder)]]):format(dir, dir, dir) }
  local printed = must("script t.lua", other)
  lu.assertStrContains(printed, "or trust the copy of its run")
  lu.assertStrContains(printed, "the old part\n")
  lu.assertStrContains(printed, "blur\n")
end

-- A part that was edited in between, without another shape: its run's weights do not go through the new code unsaid.
function suite.test_a_checkpoint_is_not_loaded_into_a_part_that_has_changed()
  local dir = folder_of(must "run mine.lua --quiet")
  write { ["s.lua"] = ([[
    local flex = require "flexlab"
    require "mine"
    local function probe(o)
      local model = flex.load_model("%s", o)
      local batch = { lowres = flex.core.normal({ 1, 16, 16, 1 }, { seed = 1 }), re = flex.core.full({ 1, 1 }, 0.1) }
      return ("%%.9g"):format(model:condition(batch).head:square():mean():item())
    end
    if arg[1] ~= "kept" then print("own " .. probe()) end
    print("kept " .. probe { trust = "%s" })
    if arg[1] == "both" then print("own " .. probe()) end]]):format(dir, dir) }
  local same = must "script s.lua both"
  local number = same:match "own ([^\n]*)"
  lu.assertStrContains(same, ("kept %s\nown %s\n"):format(number, number))
  write { ["flexlab/encoders/blur.lua"] = "-- a comment\n" .. PART:format("old", 1) }
  lu.assertStrContains(must "script s.lua", "own " .. number)
  write { ["flexlab/encoders/blur.lua"] = PART:format("new", 2) }
  local sentence = must("script s.lua", work, 1)
  lu.assertStrContains(sentence, ("s.lua:4: %s/last.h5: 'blur' (./flexlab/encoders/blur.lua) has changed since this "
    .. "run, so its weights belong to other code; trust = '%s' loads the copies that the run kept"):format(dir, dir))
  lu.assertEquals(select(2, sentence:gsub("\n", "")), 1)
  lu.assertStrContains(must "script s.lua kept", "kept " .. number)
  write { ["flexlab/encoders/blur.lua"] = PART:format("old", 1),
    ["helper.lua"] = "return { n = function() return 5 end }",
    ["study.lua"] = ('require "mine" require("flexlab").sampler_study("%s", {}, {})'):format(dir) }
  lu.assertStrContains(must("script s.lua", work, 1), "has changed since this run")
  lu.assertStrContains(must("script study.lua", work, 1), "has changed since this run")

  -- One that lies apart has no copies to be compared with.
  os.execute(("mkdir %s/apart && cp %s/%s/last.h5 %s/apart"):format(quoted(work), quoted(work), dir, quoted(work)))
  write { ["t.lua"] = 'require "mine" require("flexlab").load_model "apart/last.h5"' }
  lu.assertStrContains(must "script t.lua", "note: apart/last.h5 lies apart from its run's folder `code`: whether '")
end

-- Two versions of one part in one process: each model has its own, and the word keeps its meaning.
function suite.test_two_versions_of_a_part_live_side_by_side()
  local old = work .. "/" .. folder_of(must "run mine.lua --quiet")
  write { ["flexlab/encoders/blur.lua"] = PART:format("new", 2) }
  local new = work .. "/" .. folder_of(must "run mine.lua --quiet")
  write { [other .. "/flexlab/encoders/blur.lua"] = PART:format("third", 9), [other .. "/u.lua"] = ([[
    local flex = require "flexlab"
    local part = flex.encoders.blur
    local batch = { lowres = flex.core.normal({ 1, 16, 16, 1 }, { seed = 1 }), re = flex.core.full({ 1, 1 }, 0.1) }
    local function probe(dir)
      local model = flex.load_model(dir, { trust = dir })
      return model:condition(batch).head:square():mean():item()
    end
    local a, b = probe "%s", probe "%s"
    assert(a ~= b and probe "%s" == a and probe "%s" == b)
    assert(flex.encoders.blur == part)
    print("side by side")]]):format(old, new, old, new) }
  lu.assertStrContains(must("script u.lua", other), "side by side\n")
end

-- A run of the time before code was kept lies under the hash of that time.
function suite.test_runs_under_the_old_hash_are_done_by_another_version()
  local code = require "flexlab.origin.code"
  local calls = 0
  write { ["plain.lua"] = 'local flex = require "flexlab"\nreturn flex.recipe("plain", { a = 1 }, function(cfg) '
    .. 'return { n = cfg.a } end)\n' }
  local recipe = dofile(work .. "/plain.lua")
  local body = recipe.body
  recipe.body = function(...) calls = calls + 1 return body(...) end
  local o = { root = work .. "/runs", quiet = true }
  local dir = recipe({}, o).dir
  local cfg, _, set = recipe:resolve()
  local old = ("%s/runs/plain/%s"):format(work, code.old_hash(set, cfg))
  os.execute(("mv %s %s && rm -r %s/1/code %s/1/files.lua 2>/dev/null"):format(dir:match "^(.*)/", old, old, old))
  lu.assertEquals(recipe:folder({}, { root = o.root }), old .. "/1")
  lu.assertEquals(recipe:place({}, { root = o.root }).version, "by another version")
  lu.assertEquals(recipe({}, o), { n = 1, dir = old .. "/1" })
  lu.assertEquals(calls, 1)
  lu.assertStrContains(must "run plain.lua --dry-run", "done, by another version")
  lu.assertStrContains(must "run plain.lua", "is done, by another version; --fresh repeats it")
  lu.assertStrContains(must "list runs", "done, by another version")
  write { ["helped.lua"] = core.sys.read(work .. "/plain.lua"):gsub("\n", '\nlocal h = require "deep"\n', 1) }
  lu.assertStrContains(must "run helped.lua --dry-run", "new")       -- the old hash says nothing of deep.lua
  recipe({}, { root = o.root, quiet = true, fresh = true })
  lu.assertEquals(calls, 2)
  lu.assertEquals(recipe:folder({}, { root = o.root }), dir)
end

os.exit(lu.LuaUnit.run())
