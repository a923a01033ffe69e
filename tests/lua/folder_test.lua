-- Laws of a run's folder: one list of the names in it, and every file read from it is checked.
local lu = require "luaunit"
local flex = require "flexlab"
local folder = require "flexlab.store.folder"
local foreign = require "flexlab.store.foreign"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestFolder", suite)

support.foldered(suite)

local function list_of(dir)
  local names = core.sys.list(dir)
  table.sort(names)
  return names
end

-- A run that leaves all that a run can leave.
local function recipe(name)
  return flex.recipe(name or "all", { data = {}, train = { steps = 2 } }, function(cfg, run)
    local flow = suite.folder .. "/flow.h5"
    if not core.sys.exists(flow) then support.flow(flow) end
    local data = flex.data.superres { file = flow, test = flow, factor = 2, crop = 16, batch = 1, test_tiles = 1,
      split = nil }
    local model = flex.models.flex { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0 }
    local optim = flex.optim.adam(model, {})
    for step, batch in run:steps(data.train, cfg.train.steps) do
      local loss = flex.diffusion.loss(model, batch)
      optim:step(loss)
      run:log(step, { loss = loss })
    end
    run:record("spectrum", { truth = { 1 }, prediction = { 2 } })
    run:record("mine", { a = run.seed })
    core.sys.write(run.dir .. "/scores.csv", "a")
    local result = flex.evaluate(function(batch)
      return flex.diffusion.sample(model, batch, { steps = 1 })
    end, data.test)
    flex.report(run, { { title = "R", text = "r" } })
    return { rfne = result.rfne }
  end)
end

local function go(options)
  local o = { root = suite.folder .. "/runs", quiet = true }
  for k, v in pairs(options or {}) do o[k] = v end
  local real = io.stderr
  local file = assert(io.open(suite.folder .. "/err", "w"))
  rawset(io, "stderr", file)
  local ok, result = pcall(recipe(), {}, o)
  rawset(io, "stderr", real)
  file:close()
  assert(ok, result)
  return result.dir
end

function suite.test_the_list_knows_every_file_of_a_run_and_so_do_the_docs()
  local known = { ["scores.csv"] = "the recipe's", ["spectrum.lua"] = "a record", ["mine.lua"] = "a record" }
  local page = core.sys.read "docs/internals.md"
  for _, list in ipairs { folder.files, folder.folders } do
    for _, name in ipairs(list) do
      known[name] = true
      lu.assertTrue(page:find(name, 1, true) ~= nil, name)
    end
  end
  for _, name in ipairs(list_of(go())) do lu.assertNotNil(known[name], name) end
end

function suite.test_records_have_names_of_their_own()
  for _, name in ipairs { "result", "config", "recipe", "cost", "files", "notes", "code", "samples", "env", "data",
    "metrics", "last", "log", "lock", "failed", "report", "export", "study", "index", "runs", "summary", "seams",
    "split", "latest" } do
    lu.assertStrContains(folder.why_taken(name) or "", "is taken: FlexLab itself writes '" .. name)
  end
  for _, name in ipairs { "e", "on", "fig", "spectrum", "cos", "results", "_", "a1" } do
    lu.assertNil(folder.why_taken(name), name)
  end
  for _, name in ipairs { "", "a.b", "../x", "a-b", 3, false } do
    lu.assertEquals(folder.why_taken(name), "is no name (letters, digits and _)")
  end
  local refused = flex.recipe("refused", {}, function(_, run) run:record("files", { "x" }) return {} end)
  support.raises("run:record: 'files' is taken: FlexLab itself writes 'files.lua'; use another name", refused, {},
    { root = suite.folder, quiet = true })
end

-- --fresh leaves nothing of FlexLab's, records of any name included; what it does not know stays.
function suite.test_fresh_leaves_nothing_of_an_attempt()
  local dir = go()
  local lock = assert(require("flexlab.store.locks").take(dir))
  assert(core.sys.write(dir .. "/own.lua", "return 1\n"))
  assert(core.sys.write(dir .. "/result.lua.part", "return {}\n"))
  assert(core.sys.write(dir .. "/split.lua", "return {}\n"))
  require("flexlab.run.attempt").clear(dir)
  lu.assertEquals(list_of(dir), { "lock", "own.lua", "scores.csv" })
  lock:release()
  local again = go { fresh = true }
  lu.assertEquals(again, dir)
  lu.assertEquals(core.sys.read(dir .. "/own.lua"), "return 1\n")
end

-- Whatever stands in the .lua files of a folder, whoever reads it says one sentence that names the file.
function suite.test_every_lua_file_of_a_folder_is_foreign()
  local dir = go()
  local above = dir:match "^(.*)/[^/]*$"
  local out = suite.folder .. "/out"
  local script = suite.folder .. "/script.lua"
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
return flex.recipe("all", { data = {}, train = { steps = 2 } }, function() return { rfne = 1 } end)]])))
  local function check(path, text, sentence, lines)
    local before = core.sys.read(path)
    assert(core.sys.write(path, text))
    for _, line in ipairs(lines) do
      local code, said = support.flexlab(line, out)
      lu.assertEquals(code, 1, line .. ": " .. said)
      lu.assertStrContains(said, sentence)
      lu.assertNotStrContains(said, "attempt to")
      lu.assertNotStrContains(said, "traceback")
    end
    if before then assert(core.sys.write(path, before)) else core.sys.remove(path) end
  end
  local runs = suite.folder .. "/runs"
  for text, sentence in pairs {
    ['return { "x" }'] = "row 1 is not { bytes =, hash =, path = } or { meaning =, path = }",
    ["return { {} }"] = "row 1 is not { bytes =", ["return { a = 1 }"] = "its 'a' is not { bytes =",
    ["return 3"] = "is no list of files: it holds 3; restore the file, or remove it",
    ['return { { path = "p", bytes = 1.5, hash = "h" } }'] = "row 1 is not" } do
    check(above .. "/files.lua", text, above .. "/files.lua is no list of files: ", { "prune " .. runs })
    check(above .. "/files.lua", text, sentence, { "compare " .. dir .. " --report " .. suite.folder .. "/r" })
  end
  check(dir .. "/notes.lua", "return { {} }", "/notes.lua is no list of notes: row 1 is not a string",
    { "list runs " .. runs, "table " .. runs, "report " .. dir })
  check(dir .. "/cost.lua", 'return { seconds = "x" }', "/cost.lua is no list of costs: 'seconds' is 'x', a number was "
    .. "expected", { "table " .. runs })
  check(dir .. "/cost.lua", "return 4", "/cost.lua is no list of costs: it holds 4", { "table " .. runs })
  check(dir .. "/config.lua", "return 4", "/config.lua is no list of settings: it holds 4", { "table " .. runs })
  check(dir .. "/seams.lua", "return { 1 }", "/seams.lua is no list of seams: row 1 is not { tiles = }",
    { "report " .. dir })
  check(dir .. "/spectrum.lua", 'return { truth = { "a" } }', "/spectrum.lua is no record of spectra: 'truth' is a "
    .. "list, a list of numbers was expected", { "compare " .. dir .. " --report " .. suite.folder .. "/r" })
  check(dir .. "/result.lua", "return 5", "result.lua cannot be read: it is no table", { "table " .. runs })
end

-- A run and its --dry-run look at files.lua first.
function suite.test_a_run_beside_a_damaged_list_of_files_says_so()
  local plain, script = suite.folder .. "/runs", suite.folder .. "/plain.lua"
  assert(core.sys.write(script, [[
local flex = require "flexlab"
return flex.recipe("plain", { k = 1 }, function() return { rfne = 1 } end)]]))
  local out = suite.folder .. "/out"
  local line = ("run %s --out %s --quiet"):format(script, plain)
  lu.assertEquals(support.flexlab(line, out), 0)
  local path = ("%s/plain/%s/files.lua"):format(plain, require("flexlab.store.latest").folders(plain .. "/plain")[1])
  for _, text in ipairs { 'return { "x" }', "return { {} }" } do
    assert(core.sys.write(path, text))
    for _, more in ipairs { "", " --dry-run", " --seeds 1,2", " --seeds 2" } do
      local code, said = support.flexlab(line .. more, out)
      lu.assertEquals(code, 1, said)
      lu.assertStrContains(said, path .. " is no list of files: row 1 is not { bytes =, hash =, path = } or "
        .. "{ meaning =, path = }; restore the file, or remove it")
      lu.assertNotStrContains(said, "attempt to")
    end
  end
end

function suite.test_forms_of_foreign_values()
  local path = suite.folder .. "/x.lua"
  local function holds(text) assert(core.sys.write(path, "return " .. text)) end
  lu.assertNil(foreign.rows(suite.folder .. "/none.lua", "list", "string"))
  holds "{}"
  lu.assertEquals(foreign.rows(path, "list", "string"), {})
  holds '{ "a", "b" }'
  lu.assertEquals(foreign.rows(path, "list", "string"), { "a", "b" })
  support.raises("x.lua is no list: row 1 is not a number; restore", foreign.rows, path, "list", "number")
  holds "{ truth = { 1, 2.5 }, other = {} }"
  lu.assertEquals(foreign.entries(path, "record", { truth = "numbers" }).truth, { 1, 2.5 })
  support.raises("'other' is a table, a string was expected", foreign.entries, path, "record", { other = "string" })
end

os.exit(lu.LuaUnit.run())
