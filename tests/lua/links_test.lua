-- A run's folder may come from anyone: a link in it is not read, not written to, and what it leads to is not removed.
local lu = require "luaunit"
local flex = require "flexlab"
local copies = require "flexlab.origin.copies"
local finished = require "flexlab.study.finished"
local log = require "flexlab.run.log"
local same_parts = require "flexlab.origin.same_parts"
local samples = require "flexlab.evaluation.samples"
local state = require "flexlab.store.state"
local support = require "tests.lua.support"
local why = require "flexlab.run.why"
local core = flex.core

local suite = {}
rawset(_G, "TestLinks", suite)
support.foldered(suite)

-- A run that is done, of a recipe in a file of its own, so that copies of its code are kept.
local function made(more)
  local file = suite.folder .. "/toy.lua"
  assert(core.sys.write(file, [[
local flex = require "flexlab"
return flex.recipe("toy", { train = { steps = 2 } }, function(cfg, run)
  for step in run:steps(nil, cfg.train.steps) do run:log(step, { loss = 1 / step }) end
  return { rfne = 0.5 }
end)]]))
  local recipe = dofile(file)
  local options = { root = suite.folder .. "/runs", quiet = true }
  for k, v in pairs(more or {}) do options[k] = v end
  return recipe, recipe({}, options).dir
end

local LATER = { ["failed.txt"] = "state       failed\nsentence    no\ntime        2026-01-01T00:00:00Z\n",
  ["data.txt"] = "train a.h5\tx\n", ["samples.csv"] = "method,id,file,frame,y,x,rfne\nm,1,a,1,1,1,0.5\n",
  ["code/helper.lua"] = "return 1\n" }

-- Moves a file out of the folder of a run and leaves a link to it in its place.
local function linked(dir, name)
  local away = suite.folder .. "/away-" .. name:gsub("/", "-")
  if core.sys.exists(dir .. "/" .. name) then
    assert(core.sys.rename(dir .. "/" .. name, away))
  else
    assert(core.sys.write(away, LATER[name]))
  end
  assert(core.sys.symlink(away, dir .. "/" .. name))
  return away
end

-- f(), and the paths of links that were read meanwhile.
local function reading(f)
  local followed, read, open = {}, core.sys.read, io.open
  local function seen(path) if core.sys.readlink(path) then followed[#followed + 1] = path end end
  core.sys.read = function(path) seen(path) return read(path) end
  rawset(io, "open", function(path, ...) seen(path) return open(path, ...) end)
  local results = table.pack(pcall(f))
  core.sys.read = read
  rawset(io, "open", open)
  return followed, table.unpack(results, 1, results.n)
end

local READERS = {
  state = function(dir) return state.of(dir).word end,
  failed = function(dir) return state.failed(dir) and "failed" end,
  rows = function(dir) return #log.read(dir .. "/metrics.jsonl") end,
  samples = function(dir) return samples.read(dir) and "samples" end,
  files = function(dir) return copies.files(dir) and "files" end,
  open = copies.open,
  parts = function(dir) return same_parts.demand(dir .. "/last.h5", {}) end,
  doctor = function(dir) return #flex.doctor(dir) end,
  report = flex.report,
  result = function(dir) return finished.tasks({ dir })[1].result end,
}

function suite.test_no_reader_follows_a_link()
  local recipe, dir = made()
  for name in pairs(LATER) do if name ~= "code/helper.lua" then linked(dir, name) end end
  for _, name in ipairs { "config.lua", "recipe.lua", "env.txt", "log.txt", "metrics.jsonl", "result.lua",
    "code/index.lua" } do
    linked(dir, name)
  end
  for name, f in pairs(READERS) do lu.assertEquals({ (reading(function() return f(dir) end)) }, { {} }, name) end
  local followed, ok, _, said = reading(function()
    return why.state(recipe, { ["train.steps"] = 3 }, { root = suite.folder .. "/runs", seed = 1 }, {})
  end)
  lu.assertEquals({ followed, ok, said }, { {}, true, "new" })
  lu.assertEquals({ state.of(dir).word, #log.read(dir .. "/metrics.jsonl") }, { "stopped", 0 })
  lu.assertNil(state.failed(dir) or samples.read(dir) or copies.files(dir))
end

-- What the same readers make of the files themselves: else the test above shows nothing.
function suite.test_plain_files_are_read()
  local _, dir = made()
  lu.assertEquals({ state.of(dir).word, #log.read(dir .. "/metrics.jsonl"), #copies.files(dir) }, { "done", 2, 1 })
  for name, text in pairs(LATER) do assert(core.sys.write(dir .. "/" .. name, text)) end
  lu.assertEquals({ state.failed(dir).sentence, #samples.read(dir) }, { "no", 1 })
end

function suite.test_copies_of_code_are_plain_files()
  local _, dir = made()
  linked(dir, "code/" .. copies.files(dir)[1].copy)
  lu.assertErrorMsgContains("which the run's list of copies names", copies.open, dir)
  lu.assertEquals({ (reading(function() return same_parts.demand(dir .. "/last.h5", {}) end)) }, { {} })
  assert(core.sys.rename(dir .. "/code", suite.folder .. "/code"))
  assert(core.sys.symlink(suite.folder .. "/code", dir .. "/code"))
  lu.assertErrorMsgContains("keeps no code", copies.open, dir)
end

-- A log is appended to, so a link in its place would lead the text elsewhere.
function suite.test_a_run_does_not_write_through_a_link()
  for _, name in ipairs { "log.txt", "metrics.jsonl", "metrics.csv" } do
    local recipe, dir = made { fresh = true }
    assert(core.sys.remove(dir .. "/result.lua"))
    local away = linked(dir, name)
    local before = core.sys.read(away)
    lu.assertErrorMsgContains(("%s/%s is a link, and a run writes to files of its own folder alone"):format(dir, name),
      recipe, {}, { root = suite.folder .. "/runs", quiet = true })
    lu.assertEquals({ core.sys.read(away), core.sys.exists(dir .. "/lock") }, { before }, name)
  end
end

function suite.test_fresh_removes_a_link_and_not_what_it_leads_to()
  local _, dir = made()
  local folder = suite.folder .. "/mine"
  assert(core.sys.rename(dir .. "/code", folder))
  assert(core.sys.symlink(folder, dir .. "/code"))
  require("flexlab.store.folder").clear(dir)
  lu.assertNil(core.sys.readlink(dir .. "/code"))
  lu.assertEquals(core.sys.exists(folder .. "/index.lua"), "file")
end

-- Two runs of one recipe, and a link to the first; its target absolute or relative.
local function two_runs_and_a_link(relative)
  local recipe, dir = made()
  recipe({ train = { steps = 3 } }, { root = suite.folder .. "/runs", quiet = true })
  local target = relative and dir:sub(#suite.folder + 2) or dir
  assert(core.sys.symlink(target, suite.folder .. "/mine"))
  assert(core.sys.symlink("mine", suite.folder .. "/again"))
  return dir, suite.folder .. "/mine", suite.folder .. "/again"
end

local function said(line)
  local code, out = support.flexlab(line, suite.folder .. ".out")
  os.remove(suite.folder .. ".out")
  return code, out
end

function suite.test_a_link_that_is_named_is_followed_by_each_command()
  local dir, mine, again = two_runs_and_a_link(true)
  local all = suite.folder .. "/runs/toy"
  lu.assertEquals(finished.tasks({ again })[1].dir, dir)
  lu.assertEquals(#flex.runs(mine), 1)
  lu.assertEquals(#flex.runs { mine, all }, 2)               -- one run is not counted twice
  local code, out = said("table --as csv " .. mine)
  lu.assertEquals(code, 0, out)
  lu.assertEquals(select(2, out:gsub("0%.5", "")), 1, out)
  for _, line in ipairs { "list runs ", "report ", "export --out " .. suite.folder .. "/one.tar ", "prune " } do
    code, out = said(line .. mine)
    lu.assertEquals(code, 0, out)
    lu.assertStrContains(out, line:find "export" and "1 run" or dir)
  end
  code, out = said(("compare %s %s"):format(mine, all))
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, "train.steps=3")
  lu.assertStrContains(out, "train.steps=2")
end

function suite.test_an_absolute_link_is_followed_and_a_circle_refused()
  local dir, mine = two_runs_and_a_link(false)
  lu.assertEquals(finished.tasks({ mine })[1].dir, dir)
  assert(core.sys.symlink("round", suite.folder .. "/round"))
  lu.assertErrorMsgContains("round: its links lead in a circle", flex.runs, suite.folder .. "/round")
end

function suite.test_a_path_that_means_no_run_is_named()
  local _, mine = two_runs_and_a_link(false)
  local none = suite.folder .. "/none"
  core.sys.mkdirs(none)
  for _, line in ipairs { "compare %s %s", "table %s %s", "prune %s %s" } do
    local code, out = said(line:format(mine, none))
    lu.assertEquals(code, 1, line .. out)
    lu.assertStrContains(out, ("there is no run in '%s': it is no run, no study and no folder of runs"):format(none))
  end
  for _, line in ipairs { "list runs ", "export " } do
    local code, out = said(line .. none)
    lu.assertEquals(code, 1, line .. out)
    lu.assertStrContains(out, ("there is no run in '%s'"):format(none))
  end
  local code, out = said("list runs --out " .. none)                  -- a folder of runs may be empty
  lu.assertEquals(code, 0, out)
end

os.exit(lu.LuaUnit.run())
