-- Laws of data.split: nothing is in two parts, what shares a file, a Reynolds number or a seed stays together, the
-- run records the parts, and the doctor sees when they have changed.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestSplit", suite)

local folder, path = support.folder()

local function write(name, re, seed, frames)
  local w = assert(core.io.field_writer(path(name), { frames = frames or 4, height = 16, width = 16 }))
  for f = 1, frames or 4 do
    assert(w:append(core.normal({ 1, 16, 16, 1 }, { seed = re * 10 + (seed or 9), stream = "user", sample = f })))
  end
  assert(w:number("Re", re))
  if seed then assert(w:number("seed", seed)) end
  assert(w:finish())
  return path(name)
end

local files = {}
for _, re in ipairs { 100, 200, 300, 400 } do
  for seed = 1, 2 do files[#files + 1] = write(("f_re%d_s%d.h5"):format(re, seed), re, seed) end
end

local function set(split, more)
  local cfg = { file = files, split = split, crop = 8, batch = 2, factor = 2, seed = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.superres(cfg)
end

-- Values of a kind in each part of a set.
local function values(data, f)
  local parts = {}
  for name, part in pairs { train = data.train, validation = data.validation, test = data.test } do
    local seen, list = {}, {}
    for _, e in ipairs(part.entries) do
      local v = f(part.source, e)
      if not seen[v] then seen[v], list[#list + 1] = true, v end
    end
    table.sort(list)
    parts[name] = list
  end
  return parts
end

local function re(source, e) return source:re(e) end
local function seed(source, e) return source.files[e.file].seed end
local function file(source, e) return source.files[e.file].path:match("[^/]*$") end

function suite.test_by_reynolds_number()
  lu.assertEquals(values(set { by = "re", test = { 100, 300 }, validation = 200 }, re),
    { train = { 400 }, validation = { 200 }, test = { 100, 300 } })
  lu.assertEquals(values(set { by = "re", test = 0.25 }, re), { train = { 100, 200, 400 }, test = { 300 } })
  lu.assertEquals(values(set { by = "re", test = 0.25, validation = 0.3 }, re),
    { train = { 100, 400 }, validation = { 200 }, test = { 300 } })
end

function suite.test_by_seed_and_by_file()
  lu.assertEquals(values(set { by = "seed", test = 2 }, seed), { train = { 1 }, test = { 2 } })
  local parts = values(set { by = "file", test = "*_re400_*", validation = { "f_re100_s1.h5" } }, file)
  lu.assertEquals(parts.test, { "f_re400_s1.h5", "f_re400_s2.h5" })
  lu.assertEquals(parts.validation, { "f_re100_s1.h5" })
  lu.assertEquals(#parts.train, 5)
  local named = write("16000_16_16_seed_3407.h5", 16000)
  lu.assertEquals(values(set({ by = "seed", test = { 3407 } }, { file = { named, files[1] } }), file),
    { train = { "f_re100_s1.h5" }, test = { "16000_16_16_seed_3407.h5" } })
end

-- Runs of 10 frames: 6 for training less a gap of 2, then 2 less 2 would leave none, so 20.
function suite.test_by_time_with_a_gap()
  local long = { write("long_a.h5", 1, 1, 20), write("long_b.h5", 2, 1, 20) }
  local function frame(source, e) return e.frame + 100 * (source:re(e) - 1) end
  local parts = values(set({ by = "time", test = 0.2, validation = 0.2, gap = 2 }, { file = long }), frame)
  lu.assertEquals(parts.train, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110 })
  lu.assertEquals(parts.validation, { 13, 14, 113, 114 })
  lu.assertEquals(parts.test, { 17, 18, 19, 20, 117, 118, 119, 120 })
  lu.assertEquals(values(set({ by = "time", test = 0.2 }, { file = long }), frame),
    values(set(0.8, { file = long }), frame))
end

-- Frames of every part, whatever the split: none is in two.
function suite.test_no_frame_is_in_two_parts()
  for _, by in ipairs { "file", "time", "re", "seed" } do
    local validation = by ~= "seed" and 0.25 or nil
    local data, known, count = set { by = by, test = 0.25, validation = validation }, {}, 0
    for _, part in ipairs { data.train, data.test, data.validation or nil } do
      for _, e in ipairs(part.entries) do
        local name = e.file .. ":" .. e.frame
        lu.assertNil(known[name], by)
        known[name], count = true, count + 1
      end
    end
    lu.assertEquals(count, 32)
    local scales = require "flexlab.data.scales"
    local mean = scales.fit(data.train.source, data.train.entries, 64)
    lu.assertEquals(data.scale.mean, mean)   -- of the training part alone
  end
end

function suite.test_wrong_splits_have_their_sentence()
  local cases = {
    { { by = "name", test = 0.5 }, "split: by has no 'name'" }, { { by = "re" }, "says nothing of the test part" },
    { { by = "re", tests = 0.5, test = 1 }, "split has no 'tests'" }, { { by = "re", test = 700 }, "there is no 700" },
    { { by = "re", test = { 100, 200, 300, 400 } }, "leaves nothing for training" },
    { { by = "time", test = 0.7, validation = 0.3 }, "leave nothing for training" },
    { { by = "time", test = 3 }, "test must be a part between 0 and 1" },
    { { by = "re", test = 0.5, gap = 2 }, "gap is for by" },
    { { by = "file", test = "none*" }, "there is no" },
  }
  for _, case in ipairs(cases) do support.raises(case[2], set, case[1]) end
  support.raises("test files are given", set, { by = "re", test = 0.5 }, { test = files })
  local alone = write("alone.h5", 5)
  support.raises("has no attribute seed", set, { by = "seed", test = 0.5 }, { file = { files[1], alone } })
end

function suite.test_a_copy_in_another_part_is_refused()
  local copy = path "copy.h5"
  assert(core.sys.write(copy, core.sys.read(files[1])))
  support.raises("hold the same bytes", set, { by = "file", test = "copy.h5" }, { file = { files[1], files[3], copy } })
end

local small = support.smallest()

local function run_of(name, split, more)
  local cfg = { data = { file = files, split = split, crop = 16, batch = 2, factor = 2, degradation = "registered" } }
  for k, v in pairs(more or {}) do cfg.data[k] = v end
  local recipe = flex.recipe(name, { data = cfg.data, train = { checkpoint = 1 } }, function(c, run)
    local data = flex.data.superres(c.data)
    local model = flex.models.flex(small)
    local optim = flex.optim.adam(model, { lr = 1e-4, ema = 0.5 })
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return { n = 1 }
  end)
  return recipe({}, { root = path "runs", quiet = true }).dir
end

local function found(dir, check)
  for _, f in ipairs(flex.doctor(dir)) do
    if f.check == check then return f.state, f.text end
  end
end

function suite.test_the_run_records_the_parts_and_the_doctor_compares()
  local dir = run_of("split", { by = "re", test = { 100 }, validation = { 400 } })
  local literal = require "flexlab.literal"
  local record = literal.read(dir .. "/split.lua")
  lu.assertEquals({ record.by, record.train, record.validation, record.test }, { "re", { 200, 300 }, { 400 }, { 100 } })
  lu.assertEquals(#record.files, 8)
  lu.assertEquals(record.files[1].parts, "test")
  lu.assertEquals(#record.files[1].hash, 16)
  local state, text = found(dir, "split")
  lu.assertEquals(state, "ok", text)
  record.test, record.train = { 200 }, { 100, 300 }
  assert(literal.write(dir .. "/split.lua", record))
  state, text = found(dir, "split")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "by re, train was 100, 300, is 200, 300 now")
end

function suite.test_the_doctor_sees_files_that_have_changed()
  local dir = run_of("changed", { by = "seed", test = 2 })
  lu.assertEquals(found(dir, "split"), "ok")
  local kept = core.sys.read(files[8])
  write("f_re400_s2.h5", 400, 2, 5)
  local state, text = found(dir, "split")
  assert(core.sys.write(files[8], kept))
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "f_re400_s2.h5' has changed")
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
