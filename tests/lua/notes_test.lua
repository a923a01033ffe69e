-- A run that is judged on what it learned says so before it trains, and in its report; one that is not says nothing.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core
local notes = require "flexlab.context.notes"

local suite = {}
rawset(_G, "TestNotes", suite)

local folder, path = support.folder()
local train, other = support.flow(path "train.h5"), path "other.h5"
flex.generate("turbulence", { re = 300, size = 32, frames = 8, seed = 2, k0 = 4.0, out = other, quiet = true })

-- Frames `list` of files as a new file.
local function film(name, list)
  local writer = assert(core.io.field_writer(path(name), { frames = #list, height = 32, width = 32 }))
  for _, one in ipairs(list) do
    local reader = flex.fields.open(one[1])
    assert(writer:append(reader:read { frame = one[2], height = 32, width = 32 }))
  end
  assert(writer:finish())
  return path(name)
end

-- Runs a recipe on these data in a process of its own: its notes, what it wrote, its folder.
local count = 0
local function run(task, data, options)
  count = count + 1
  local script, root = path(("run%d.lua"):format(count)), path("runs" .. count)
  local settings = require("flexlab.literal").encode(data)
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
local recipe = flex.recipe("judged", { data = %s }, function(cfg, run)
  local data = flex.data.%s(cfg.data)
  local test = data.test
  for step, batch in run:steps(data.train, 2) do io.stderr:write("step ", step, "\n") end
  return { n = 1 }
end)
print(recipe({}, { root = %q, quiet = %s }).dir)
]]):format(settings, task, root, tostring(options == "quiet"))))
  local handle = io.popen(("lua5.4 '%s' 2>'%s.err'"):format(script, script))
  local dir = handle:read "l"
  handle:close()
  local said = core.sys.read(script .. ".err")
  assert(dir, said)
  return notes.of(dir), said, dir
end

local function settings(test, more)
  local cfg = { file = train, test = test, crop = 16, batch = 2, factor = 4 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return cfg
end

function suite.test_a_test_file_that_is_the_training_file_is_said_before_training()
  local list, said, dir = run("superres", settings(train))
  lu.assertEquals(#list, 1)
  lu.assertStrContains(list[1], ("8 of 8 test frames are training frames too (frame 1 of '%s' is"):format(train))
  lu.assertStrContains(said, "note: " .. list[1] .. "\nstep 1\n")
  lu.assertStrContains(core.sys.read(flex.report(dir)), "8 of 8 test frames")
  local quiet, also = run("superres", settings(train), "quiet")     -- quiet: no progress; a note is none
  lu.assertEquals(quiet, list)
  lu.assertStrContains(also, "note: " .. list[1] .. "\nstep 1\n")
end

-- Stopped behind its last training step, it draws no training batch again: what was noted then holds still.
function suite.test_a_run_that_goes_on_keeps_what_was_noted()
  local script, root, stop = path "stopped.lua", path "stopped", path "stop"
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
local recipe = flex.recipe("stopped", { data = { file = %q, test = %q, crop = 16, batch = 2, factor = 4 } },
  function(cfg, run)
    local data = flex.data.superres(cfg.data)
    local model = flex.nn.module { w = flex.nn.linear(2, 2) }
    run:add_to_checkpoint(model, flex.optim.adam(model, { lr = 0.1 }))
    for _ in run:steps(data.train, 2) do end
    if flex.core.sys.exists(%q) then error("stopped", 0) end
    return { n = 1 }
  end)
print(recipe({}, { root = %q, quiet = true }).dir)
]]):format(train, train, stop, root)))
  assert(core.sys.write(stop, ""))
  local function once()
    local handle = io.popen(("lua5.4 '%s' 2>'%s.err'"):format(script, script))
    local dir = handle:read "l"
    handle:close()
    return dir, core.sys.read(script .. ".err")
  end
  lu.assertStrContains(select(2, once()), "stopped")
  assert(core.sys.remove(stop))
  local dir, said = once()
  local list = notes.of(assert(dir, said))
  lu.assertEquals(#list, 2)
  lu.assertStrContains(list[1], "8 of 8 test frames are training frames too")
  lu.assertStrContains(list[2], "the optimiser was made and moved nothing in 2 steps")
  lu.assertStrContains(said, "note: " .. list[1])
end

-- A study of two arms, of which one is judged on what it learned.
local STUDY = [[
local flex = require "flexlab"
return flex.study("seen", flex.recipe("judged", { test = "%s", k = 1 }, function(cfg, run)
  local data = flex.data.superres { file = "%s", test = cfg.test, crop = 16, batch = 2, factor = 4 }
  for _ in run:steps(data.train, 1) do end
  return { rfne = run.seed + cfg.k }
end), { grid = { test = { "%s", "%s" } }, seeds = "1,2" })]]

-- Whoever shows numbers shows what was noted about them: the study, in each of its ways, and what reads it later.
function suite.test_notes_reach_whoever_shows_the_numbers()
  local script, out = path "study.lua", path "out"
  assert(core.sys.write(script, STUDY:format(other, train, train, other)))
  local note = ("note: 8 of 8 test frames are training frames too (frame 1 of '%s' is frame 1 of '%s'): scores on them "
    .. "say nothing about others (2 of 4 runs say so)\n"):format(train, train)
  local runs
  for i, how in ipairs { "", "--quiet", "--jobs 2", "--jobs 2 --quiet" } do
    runs = path("study" .. i)
    local line = ("run %s %s --out %s 2>'%s'"):format(script, how, runs, path "err")
    for _ = 1, 2 do                                                   -- and of runs that are found again
      local code, said = support.flexlab(line, out)
      lu.assertEquals(code, 0, said)
      lu.assertStrContains(said, note)
    end
  end
  for _, line in ipairs { "table %s/judged", "compare %s/judged", "compare %s/seen", "list runs %s/seen",
    "list %s/judged", "list --out %s runs", "table %s/judged --as csv", "table %s/judged --out " .. path "t.tex" } do
    local code, said = support.flexlab(line:format(runs), out)
    lu.assertEquals(code, 0, said)
    lu.assertStrContains(said, note)
    if line:find "^list" then lu.assertStrContains(said, "done, 1 note ") end
  end
  local _, page = support.flexlab(("report %s/seen"):format(runs), out)
  lu.assertStrContains(core.sys.read(page:match "[^\n]+"), "8 of 8 test frames are training frames too")
  local _, csv = support.flexlab(("table %s/judged --as csv 2>'%s'"):format(runs, path "err"), out)
  lu.assertNotStrContains(csv, "note")                             -- what a program will read holds none
end

-- The result of a run that is done comes with what was noted when it was made.
function suite.test_a_result_that_is_returned_again_brings_its_notes()
  local script, out = path "again.lua", path "out"
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
return flex.recipe("again", { eval = flex.settings.eval { steps = 2 } }, function(cfg, run)
  local data = flex.data.superres { file = "%s", test = "%s", crop = 16, batch = 2, factor = 4 }
  for _ in run:steps(data.train, 1) do end
  return { n = 1 }
end)]]):format(train, train)))
  local said = {}
  for i = 1, 2 do
    local _, text = support.flexlab(("run %s --set eval.steps=3 --quiet --out %s"):format(script, path "again"), out)
    said[i] = {}
    for line in text:gmatch "note: [^\n]+" do table.insert(said[i], line) end
  end
  lu.assertEquals(#said[1], 2)
  lu.assertStrContains(said[1][1], "8 of 8 test frames are training frames too")
  lu.assertStrContains(said[1][2], "eval.steps was given, and recipe 'again' does not read it")
  lu.assertEquals(said[2], said[1])
end

function suite.test_what_is_apart_is_not_noted()
  for _, test in ipairs { other, false } do
    local list, said = run("superres", settings(test))
    lu.assertEquals({ list, said }, { {}, "step 1\nstep 2\n" })
  end
end

-- Two frames of the training film among others, under another name; in memory, and in files, of which some are read.
function suite.test_frames_under_another_name()
  local mixed = film("mixed.h5", { { train, 5 }, { other, 1 }, { other, 2 }, { train, 7 } })
  local list = run("superres", settings(mixed))
  lu.assertStrContains(list[1], ("2 of 4 test frames are training frames too (frame 1 of '%s' is frame 5 of '%s')")
    :format(mixed, train))
  list = run("superres", settings(mixed, { memory = 0 }))
  lu.assertStrContains(list[1], "at least 2 of 4 test frames")
end

-- A second set, as the recipes make it that judge on other flows: its test part against what the run has learned.
function suite.test_a_second_set_is_judged_too()
  local settings_of = ([[{ file = %q, test = %q, crop = 16, batch = 2, factor = 4 }]])
  for second, expected in pairs { [train] = 1, [film("again.h5", { { other, 3 }, { train, 2 } })] = 1, [other] = 0 } do
    count = count + 1
    local script, root = path(("second%d.lua"):format(count)), path("second" .. count)
    assert(core.sys.write(script, ([[
local flex = require "flexlab"
local recipe = flex.recipe("second", {}, function(_, run)
  local data = flex.data.superres { file = %q, split = 0.75, crop = 16, batch = 2, factor = 4 }
  for step, batch in run:steps(data.train, 1) do local _ = step, batch end
  local unseen = flex.data.superres %s
  for _ = 1, 2 do flex.evaluate(flex.baselines.bicubic, unseen.test) end
  flex.evaluate(flex.baselines.bicubic, data.test)
  return { n = 1 }
end)
print(recipe({}, { root = %q }).dir)
]]):format(train, settings_of:format(second, second), root)))
    local handle = io.popen(("lua5.4 '%s' 2>'%s.err'"):format(script, script))
    local dir = handle:read "l"
    handle:close()
    local said = core.sys.read(script .. ".err")
    local list = notes.of(assert(dir, said))
    lu.assertEquals(#list, expected, said)
    if expected == 1 then lu.assertStrContains(list[1], "test frames are training frames too (frame ") end
    if second == train then lu.assertStrContains(list[1], "6 of 8 test frames") end
  end
end

-- A forecast's past reaches back into what was learned, though no entry is shared.
function suite.test_a_past_that_was_learned()
  local frames = {}
  for f = 1, 8 do frames[f] = { other, f } end
  local long = film("long.h5", frames)
  local later = film("later.h5", { { other, 8 }, { train, 1 }, { train, 2 }, { train, 3 } })
  local list = run("forecast", { file = long, test = later, past = 2, crop = 16, batch = 2 })
  lu.assertStrContains(list[1], ("1 of 4 test frames are training frames too (frame 1 of '%s' is"):format(later))
  lu.assertEquals(run("forecast", { file = long, test = train, past = 2, crop = 16, batch = 2 }), {})
end

-- Means over blocks beside the fine files, said to be every 4th sample, and rightly.
function suite.test_coarse_files_that_lie_elsewhere()
  local function coarse(file)
    local reader = flex.fields.open(file)
    local writer = assert(core.io.field_writer(file .. ".low", { frames = reader.frames, height = 8, width = 8 }))
    for f = 1, reader.frames do
      assert(writer:append(reader:read({ frame = f, height = 32, width = 32 }):mean_pool { factor = 4 }))
    end
    assert(writer:finish())
    return file .. ".low"
  end
  local more = { low = coarse(train), test_low = coarse(other), crop = 32, degradation = "block_mean" }
  lu.assertEquals(run("superres", settings(other, more)), {})
  more.degradation = "registered"
  local list, said = run("superres", settings(other, more))
  lu.assertStrContains(list[1], "the coarse files' samples do not lie where degradation 'registered' has them")
  lu.assertStrContains(said, "note: " .. list[1] .. "\nstep 1\n")
end

-- A run whose body is `lines`, in this process: its notes, its folder, its result.
local function body(name, defaults, f)
  local recipe = flex.recipe(name, defaults, f)
  local result
  local real, file = io.stderr, assert(io.open(path "stderr", "w"))
  rawset(io, "stderr", file)
  local ok, message = pcall(function() result = recipe({}, { root = path "bodies", quiet = true }) end)
  rawset(io, "stderr", real)
  file:close()
  assert(ok, message)
  return notes.of(result.dir), core.sys.read(path "stderr"), result
end

-- A network of one layer, trained for `steps` steps on loss(y).
local function training(name, how, loss)
  return body(name, { train = how }, function(cfg, this)
    local net = core.nn.linear(4, 4)
    local optim = flex.optimizer({ parameters = function() return net:parameters() end }, cfg.train)
    for step in this:steps(nil, cfg.train.steps) do
      optim:step(loss(net(core.normal({ 8, 4 }, { seed = 1, step = step }))))
    end
    return { n = 1 }
  end)
end

function suite.test_an_optimiser_that_never_moved_is_said()
  local function square(y) return y:square():mean() end
  local list, said = training("still", { steps = 3, lr = 0.0 }, square)
  lu.assertEquals(list, { "the optimiser has moved no weight in 3 updates: the learning rate was 0" })
  lu.assertStrContains(said, "note: " .. list[1])
  list = training("flat", { steps = 2, lr = 1e-3 }, function(y) return (y * 0):sum() end)
  lu.assertEquals(list, { "the optimiser has moved no weight in 2 updates: every gradient was 0" })
  list = training("tiny", { steps = 1, lr = 1e-60 }, square)
  lu.assertEquals(list, { "the optimiser has moved no weight in 1 update: each was smaller than the last digit of the "
    .. "weights" })
  lu.assertEquals(training("moves", { steps = 1, lr = 1e-3 }, square), {})
  lu.assertEquals(training("untrained", { steps = 0, lr = 1e-3 }, square), {})
end

function suite.test_a_loop_without_updates_is_said_and_found()
  local found = require("flexlab.doctor.run").training
  local function forgetful(cfg, this)
    local net = core.nn.linear(4, 4)
    local optim = flex.optimizer({ parameters = function() return net:parameters() end }, cfg.train)
    for _ in this:steps(nil, cfg.train.steps) do
      if cfg.train.lr > 1 then optim:step(net(core.zeros { 1, 4 }):sum()) end
    end
    return { n = 1 }
  end
  local sentence = "the optimiser was made and moved nothing in 8 steps: the loop calls no optim:step(loss)"
  local list, said, result = body("forgetful", { train = { steps = 8, lr = 1e-3 } }, forgetful)
  lu.assertEquals(list, { sentence })
  lu.assertStrContains(said, "note: " .. sentence)
  lu.assertEquals({ found { dir = result.dir } }, { "fault", sentence })
  list, _, result = body("waits", { train = { steps = 0, lr = 1e-3 } }, forgetful)
  lu.assertEquals(list, {})
  lu.assertNil(found { dir = result.dir })
end

function suite.test_results_that_are_not_finite_are_said_by_name()
  local list, said = body("odd", { k = 1 }, function()
    return { fine = 1, psnr = math.huge, skill = 0 / 0, deep = { low = -math.huge } }
  end)
  lu.assertEquals(list, { "recipe 'odd': not finite in its result: deep.low is -inf, psnr is inf, skill is nan" })
  lu.assertStrContains(said, "note: " .. list[1])
  lu.assertEquals(body("even", { k = 1 }, function() return { fine = 1 } end), {})
end

-- The CRPS of one member is its MAE, in the score and per sample, and that is said.
function suite.test_the_crps_of_one_member_is_the_mae_and_said()
  local truth, one = core.normal({ 2, 16, 16, 1 }, { seed = 1 }), core.normal({ 2, 16, 16, 1 }, { seed = 2 })
  local data = { batches = function()
    local given = false
    return function()
      if given then return nil end
      given = true
      return { truth = truth, low = truth, ids = { 1, 2 } }
    end
  end }
  local list, _, result = body("one", { k = 1 }, function()
    local scores = flex.evaluate(function() return one, { one } end, data)
    return { crps = scores.crps, mae = scores.mae, first = scores.per_sample.crps[1] - scores.per_sample.mae[1],
      spread = scores.spread or -1, skill = scores.spread_skill or -1 }
  end)
  lu.assertAlmostEquals(result.crps, result.mae, 1e-12)
  lu.assertAlmostEquals(result.first, 0, 1e-12)
  lu.assertEquals({ result.spread, result.skill }, { -1, -1 })
  lu.assertEquals(#list, 1)
  lu.assertStrContains(list[1], "an ensemble of one member: its crps is the mean absolute error")
  lu.assertEquals(body("two", { k = 1 }, function()
    return { crps = flex.evaluate(function() return one, { one, truth } end, data).crps }
  end), {})
end

-- A rival is an ensemble of one by design: what stands beside two members says nothing.
function suite.test_rivals_of_one_member_are_not_said()
  local truth, one = core.normal({ 1, 16, 16, 1 }, { seed = 1 }), core.normal({ 1, 16, 16, 1 }, { seed = 2 })
  local data = { batches = function()
    local given = false
    return function()
      if given then return nil end
      given = true
      return { truth = truth, ids = { 1 } }
    end
  end }
  local rival = { "rival", function() return one, { one } end }
  local function compared(members)
    return function()
      local c = flex.report.compare(function() return one, members end, data, { methods = { rival } })
      return { crps = c.scores.rival.crps }
    end
  end
  lu.assertEquals(body("beside", { k = 1 }, compared { one, truth }), {})
  lu.assertEquals(#body("lonely", { k = 1 }, compared { one }), 1)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
