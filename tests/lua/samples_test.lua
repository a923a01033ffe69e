-- Scores of every test sample: samples.csv beside a result, and arms compared by them.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local samples = require "flexlab.evaluation.samples"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestSamples", suite)

support.rooted(suite)

-- Test batches by hand: `n` samples of 8x8, two per batch, whose fields are 1, 2, 3, ...; sample i lies at y = i.
local function test_part(n)
  local part = { source = { files = { { path = 'a,"b".h5' } } } }
  function part.batches()
    local i = 0
    return function()
      if i >= n then return nil end
      local first = i + 1
      i = math.min(i + 2, n)
      local batch = { truth = core.zeros { i - first + 1, 8, 8, 1 }, ids = {}, index = {} }
      for k = first, i do
        batch.truth[k - first + 1]:fill_(k)
        batch.ids[k - first + 1] = k
        batch.index[k - first + 1] = { file = 1, frame = 3, y = k, x = 1 }
      end
      return batch
    end
  end
  return part
end

-- A run whose error in sample k is so many times k: rfne of sample k is error (1 + seed / 10).
local function recipe(more)
  return flex.recipe("scored", { error = 0.1, worse = 0 }, function(cfg, run)
    local scores = flex.evaluate(function(batch)
      local error = batch.truth * (cfg.error * (1 + run.seed / 10))
      if cfg.worse > 0 and batch.ids[1] == 1 then error[1]:fill_(cfg.worse) end
      return batch.truth + error
    end, test_part(5))
    if more then more(run) end
    return { rfne = scores.rfne, path = run.dir }
  end)
end

function suite.test_one_row_a_sample_one_column_a_metric()
  local dir = recipe(function()
    flex.evaluate(function(batch) return batch.truth * 2 end, test_part(5), { name = "double" })
    flex.evaluate(function(batch) return batch.truth * 2 end, test_part(5))
  end)(nil, { root = suite.root, quiet = true }).dir
  local rows = samples.read(dir)
  lu.assertEquals(#rows, 15)
  lu.assertEquals(samples.key(rows[2]), 'a,"b".h5, frame 3, y 2, x 1')
  lu.assertEquals({ rows[2].method, rows[2].id }, { "model", "2" })
  for i = 1, 5 do lu.assertAlmostEquals(rows[i].rfne, 0.11, 1e-6) end
  lu.assertEquals({ rows[6].method, rows[11].method }, { "double", "model 2" })
  lu.assertAlmostEquals(rows[6].rfne, 1, 1e-6)
  lu.assertStrContains(core.sys.read(dir .. "/samples.csv"), "method,id,file,frame,y,x,")
end

function suite.test_evaluations_between_steps_say_when()
  local dir = flex.recipe("loop", {}, function(_, run)
    for _ in run:steps(nil, 2) do flex.evaluate(flex.baselines.persistence, { batches = function()
      local done
      return function()
        if done then return nil end
        done = true
        local one = core.full({ 1, 8, 8, 1 }, 1)
        return { truth = one, estimate = one, ids = { 7 }, scale = { mean = { 0 }, std = { 1 } } }
      end
    end }) end
    return { a = 1 }
  end)({}, { root = suite.root, quiet = true }).dir
  local rows = samples.read(dir)
  lu.assertEquals(#rows, 2)
  lu.assertEquals({ rows[1].method, rows[2].method }, { "persistence, step 1", "persistence, step 2" })
  lu.assertEquals(samples.key(rows[1]), "sample 7")                     -- nobody says where it lies
end

function suite.test_a_table_that_is_none_is_refused()
  assert(core.sys.mkdirs(suite.root))
  lu.assertNil(samples.read(suite.root))
  local function refused(text, message)
    assert(core.sys.write(suite.root .. "/samples.csv", text))
    lu.assertErrorMsgContains(message, samples.read, suite.root)
  end
  refused("a,b\n", "its first line is not method,id,...")
  refused("", "its first line is not")
  refused("method,id,file,frame,y,x,rfne\nm,1,f,1,1,1\n", "line 2 has not the 7 cells")
  refused('method,id,file,frame,y,x,rfne\n"m,1,f,1,1,1,2\n', "line 2")
end

local function study(root, more)
  return flex.study("arms", recipe(more), { grid = { error = { 0.1, 0.2 }, worse = { 0 } }, seeds = "1..3" },
    function() end)(nil, { root = root, quiet = true }).dir
end

function suite.test_arms_are_compared_by_sample_and_tested_by_seed()
  local dir = study(suite.root)
  local t, runs = require("flexlab.study.samples").compare(flex.runs(dir), { name = "rfne", better = "lower" },
    { key = "error", method = "model" })
  lu.assertEquals(t.headers, { "arm", "rfne", "n", "difference", "95 % CI", "p (Holm)", "samples", "better on", "10 %",
    "median", "90 %" })
  local row = t.rows[2]
  lu.assertAlmostEquals(row[2], 0.24, 1e-6)                    -- 0.2 (1 + 2 / 10)
  lu.assertEquals(row[3], 3)
  lu.assertAlmostEquals(row[4], 0.12, 1e-6)
  lu.assertEquals(row[6], "0.25 (least; needs 6 seeds for .05)")     -- of 3 seeds, not of 15 pairs
  lu.assertEquals({ row[7], row[8] }, { 5, "0 %" })
  lu.assertAlmostEquals(row[10], 0.12, 1e-6)
  lu.assertStrContains(table.concat(runs:remarks(), " "), "the samples of a seed are no trials of their own")
  local code, out = support.flexlab("compare " .. dir .. " --by error --per sample --against 0.2", suite.root .. ".out")
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, "100 %")
  lu.assertStrContains(out, "note: n counts seeds")
end

-- A tile of 16x16 and one of 32x32 at the same corner are two samples.
function suite.test_tiles_of_other_sizes_are_other_samples()
  local sized = flex.recipe("sized", { data = { crop = 16 } }, function(cfg)
    return { rfne = flex.evaluate(function(b) return b.truth * (1 + cfg.data.crop / 100) end, test_part(5)).rfne }
  end)
  local function arms(crops)
    local dir = flex.study("sizes", sized, { grid = { ["data.crop"] = crops }, seeds = "1..2" },
      function() end)(nil, { root = suite.root, quiet = true }).dir
    return require("flexlab.study.samples").compare(flex.runs(dir), { name = "rfne", better = "lower" },
      { key = "data.crop", method = "model" })
  end
  lu.assertErrorMsgContains("no test sample (place and size) is common to all of these runs", arms, { 16, 32 })
  lu.assertEquals(#arms({ 16 }).rows, 1)
end

function suite.test_wrong_words_and_missing_samples()
  local dir = study(suite.root)
  local compare = require("flexlab.study.samples").compare
  local main = { name = "rfne", better = "lower" }
  lu.assertErrorMsgContains("no 'modl'; the nearest is 'model'", compare, flex.runs(dir), main,
    { key = "error", method = "modl" })
  lu.assertErrorMsgContains("no 'rfn'; the nearest is 'rfne'", compare, flex.runs(dir),
    { name = "rfn", better = "lower" }, { key = "error", method = "model" })
  local first = flex.runs(dir).tasks[1].dir
  os.remove(first .. "/samples.csv")
  local _, runs = compare(flex.runs(dir), main, { key = "error", method = "model" })
  lu.assertStrContains(table.concat(runs:remarks(), " "), "seed 1 (has no samples.csv)")
  for _, task in ipairs(flex.runs(dir).tasks) do os.remove(task.dir .. "/samples.csv") end
  lu.assertErrorMsgContains("none of these runs has a samples.csv", compare, flex.runs(dir), main,
    { key = "error", method = "model" })
end

-- Evaluations between steps and before the loop are kept through a stop, those behind the checkpoint are cut.
function suite.test_a_run_that_goes_on_keeps_the_rows_of_its_evaluations()
  local stop
  local r = flex.recipe("between", { train = { checkpoint = 3 } }, function(_, run)
    local function score(name) flex.evaluate(function(b) return b.truth * 1.5 end, test_part(3), { name = name }) end
    score "before"
    for step in run:steps(nil, 8) do
      if step % 2 == 0 then score() end
      if step == stop then error("stop here", 0) end
    end
    score "behind"
    return { rfne = 1 }
  end)
  local whole = core.sys.read(r(nil, { root = suite.root .. "/whole", quiet = true }).dir .. "/samples.csv")
  lu.assertStrContains(whole, '"model, step 2",1,')
  for _, place in ipairs { 1, 4, 5, 8 } do
    stop = place
    local o = { root = suite.root .. "/" .. place, quiet = true }
    lu.assertErrorMsgEquals("stop here", r, nil, o)
    stop = nil
    lu.assertEquals(core.sys.read(r(nil, o).dir .. "/samples.csv"), whole)
  end
  stop = 7
  local o = { root = suite.root .. "/broken", quiet = true }
  lu.assertErrorMsgEquals("stop here", r, nil, o)
  os.execute(("for d in '%s'/between/*/1; do echo 'no table' >$d/samples.csv; done"):format(o.root))
  lu.assertErrorMsgContains("samples.csv is no table of samples: its first line is not method,id,...; remove it",
    r, nil, o)
end

os.exit(lu.LuaUnit.run())
