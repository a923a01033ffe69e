-- Numbers of frames, rows, leads and steps that a public function takes: one that does not exist is refused in the line
-- of the caller, and not answered with what lies elsewhere.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"

local core = flex.core

local suite = {}
rawset(_G, "TestPlaces", suite)

local folder, path = support.folder()
local FRAMES = 6

-- A file of FRAMES frames (8,8), the value of a pixel of frame j being 100 j + 10 row + column.
local function film()
  local name = path "film.h5"
  if core.sys.exists(name) then return name end
  local writer = assert(core.io.field_writer(name, { frames = FRAMES, height = 8, width = 8 }))
  for j = 1, FRAMES do
    local frame = core.zeros { 1, 8, 8, 1 }
    for y = 1, 8 do
      for x = 1, 8 do frame:set(1, y, x, 1, 100 * j + 10 * y + x) end
    end
    assert(writer:append(frame))
  end
  assert(writer:finish())
  return name
end

-- Fails unless f(...) raises `text` in a line of this file.
local function refused(text, f, ...)
  local said = support.raises(text, f, ...)
  lu.assertNotNil(said:find "^[^:]*places_test%.lua:%d+: ", said)
end

local BEYOND = { 99, 0, -1, FRAMES + 1 }

function suite.test_a_frame_that_the_file_lacks_is_refused_by_each_method()
  local reader <close> = flex.fields.open(film())
  for _, j in ipairs(BEYOND) do
    local sentence = ("film.h5: frame %d: the file has 6 frames"):format(j)
    for _, name in ipairs { "read", "ask" } do
      refused(name .. ": ", function() reader[name](reader, { frame = j }) end)
      refused(sentence, function() reader[name](reader, { frame = j }) end)
    end
    for _, name in ipairs { "time", "run" } do refused(sentence, function() reader[name](reader, j) end) end
  end
  for _, j in ipairs { 1.5, "3" } do
    refused("read: 'frame' must be given, a whole number", function() reader:read { frame = j } end)
    refused("frame " .. (j == 1.5 and "1.5" or "'3'") .. ": the file has 6 frames", function() reader:time(j) end)
  end
  refused("read: 'frame' must be given, a whole number", function() reader:read() end)
  lu.assertEquals(reader:read({ frame = FRAMES, y = 8, x = 3 }):totable()[1], 683.0)
  lu.assertEquals(reader:run(FRAMES), 1)
end

function suite.test_rows_and_columns_are_counted_as_the_caller_counts_them()
  local reader <close> = flex.fields.open(film())
  local wrong = {
    { { y = 9 }, "0 rows from row 9: a frame has 8 rows (counted from 1)" },
    { { y = 0 }, "9 rows from row 0: a frame has 8 rows (counted from 1)" },
    { { x = 8, width = 2 }, "2 columns from column 8: a frame has 8 columns (counted from 1)" },
    { { height = 0 }, "0 rows from row 1" }, { { width = -3 }, "-3 columns from column 1" },
    { { y = 1.5 }, "'y' must be a whole number, got 1.5" }, { { height = "4" }, "'height' must be a whole number" },
    { { hieght = 4 }, "the nearest is 'height'" },
  }
  for _, case in ipairs(wrong) do
    case[1].frame = 1
    refused(case[2], function() reader:read(case[1]) end)
    refused(case[2], function() reader:ask(case[1]) end)
  end
end

function suite.test_the_container_counts_from_1_as_well()
  local container <close> = assert(core.io.container(film()))
  refused("axis 1 of 'w' has 6 entries; entry 7 does not exist (counted from 1)",
    function() container:read("w", { start = { 7, 1, 1 }, count = { 0, 8, 8 } }) end)
  refused("axis 2 of 'w' has 8 entries; entries 5 to 12 do not exist (counted from 1)",
    function() container:read("w", { start = { 1, 5, 1 }, count = { 0, 8, 8 } }) end)
end

function suite.test_the_reader_of_0_1_0_refuses_too()
  local reader = assert(core.io.field(film()))
  refused("frame 99: the file has 6 frames", function() reader:read { frame = 99 } end)
  refused("frame 0: the file has 6 frames", function() reader:read { frame = -7 } end)
  refused("read: channel must be a whole number from 1 to 1, got 2",
    function() reader:read { frame = 1, channel = 2 } end)
  lu.assertEquals(reader:read({ frame = -1 }):totable()[1], 611.0)
  reader:close()
end

function suite.test_sources_refuse_entries_that_are_not_theirs()
  local source = flex.frames.open(film())
  local function patch(file, frame, ...)
    local place = { ... }
    return function() source:patch({ file = file, frame = frame }, table.unpack(place, 1, 4)) end
  end
  for _, loaded in ipairs { false, true } do
    if loaded then source:load() end
    for _, j in ipairs(BEYOND) do
      refused(("frame %d: the file has 6 frames"):format(j), patch(1, j, 1, 1, 4, 4))
      refused("frames.re: ", function() source:re { file = 1, frame = j } end)
    end
    refused("frame 1.5: the file has 6 frames", patch(1, 1.5, 1, 1, 4, 4))
    refused("frames.patch: file 2: the source has 1", patch(2, 1, 1, 1, 4, 4))
    refused("frames.patch: y must be a whole number, got 1.5", patch(1, 1, 1.5, 1, 4, 4))
    refused("frames.patch: h must be a whole number from 1 on, got 0", patch(1, 1, 1, 1, 0, 4))
    refused("frames.patch: w must be a whole number from 1 on, got 4.5", patch(1, 1, 1, 1, 4, 4.5))
    lu.assertEquals(source:patch({ file = 1, frame = 2 }, 8, 8, 1, 1):totable(), { 288.0 })
    lu.assertEquals(source:patch({ file = 1, frame = 2 }, 9, 9, 1, 1):totable(), { 211.0 })      -- goes on at the start
  end
  refused("frames.list: to must be a number from 0 to 1, got 3", function() source:list(0.5, 3) end)
  refused("frames.list: from must be a number from 0 to 1, got -1", function() source:list(-1, 1) end)
  lu.assertEquals(#source:list(0.5), 3)
end

function suite.test_steps_are_counted_from_1()
  local data = flex.data.superres { file = film(), crop = 4, batch = 2, test_tiles = 2, factor = 2 }
  for _, step in ipairs { 0, -1, 1.5 } do
    refused("batch: step must be a whole number from 1 on, got " .. step, function() data.train:batch(step) end)
  end
  refused("batch: step must be a whole number from 1 on, got nothing", function() data.train:batch() end)
  lu.assertEquals(data.train:batch(1).n, 2)
end

function suite.test_leads_of_an_ensemble()
  local ensemble = flex.reference_ensemble { re = 100, size = 32, k0 = 4, members = 2,
    leads = { 0, 0.02 }, time = 0.05 }
  for _, l in ipairs { 0, -1, 3, 1.5 } do
    local sentence = "lead number must be a whole number from 1 to 2, got " .. l
    for _, name in ipairs { "stack", "calibration", "distance" } do
      refused(("reference_ensemble.%s: %s"):format(name, sentence),
        function() ensemble[name](ensemble, l, ensemble.truth) end)
    end
    refused("reference_ensemble.save: " .. sentence, function() ensemble:save(path "members.h5", l) end)
  end
  lu.assertEquals(ensemble:stack(2).shape, { 2, 32, 32, 1 })
  lu.assertNil(core.sys.exists(path "members.h5"))
end

function suite.test_films_of_the_solver()
  local one = assert(require("flexlab.flow.film_file").open(film(), "w"))
  refused("film:read: frame must be a whole number from 1 to 6, got 7", function() one:read(7, 1) end)
  refused("film:read: channel must be a whole number from 1 to 1, got 2", function() one:read(1, 2) end)
  one:close()
end

local code = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(code)
