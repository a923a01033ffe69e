-- A run that is judged on what it learned says so before it trains, and in its report; one that is not says nothing.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core
local notes = require "flexlab.run.notes"

local suite = {}
rawset(_G, "TestNotes", suite)

local folder, path = support.folder()
local train, other = support.flow(path "train.h5"), path "other.h5"
flex.generate("turbulence", { re = 300, size = 32, frames = 8, seed = 2, k0 = 4.0, out = other, quiet = true })

-- Frames `list` of files as a new file.
local function film(name, list)
  local writer = assert(core.io.field_writer(path(name), { frames = #list, height = 32, width = 32 }))
  for _, one in ipairs(list) do
    local reader = assert(core.io.field(one[1]))
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
  local quiet, nothing = run("superres", settings(train), "quiet")
  lu.assertEquals(quiet, list)
  lu.assertNotStrContains(nothing, "note")
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
    local reader = assert(core.io.field(file))
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

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
