-- Laws of flexlab.data.whole and `flexlab sample`: an answer has the size of what was given, whatever the network's.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local workers = require "flexlab.study.workers"
local core = flex.core

local suite = {}
rawset(_G, "TestWhole", suite)

local folder = support.folder()
local function path(name) return folder .. "/" .. name end

-- Fields of normal noise: `attributes` of the file, channels named a, b ...
local function write(name, frames, height, width, channels, attributes)
  local writer = assert(core.io.field_writer(path(name), { frames = frames, height = height, width = width,
    channels = channels }))
  for i = 1, frames do assert(writer:append(core.normal({ 1, height, width, channels }, { seed = i }))) end
  for key, value in pairs(attributes or {}) do assert(writer:text(key, value)) end
  assert(writer:finish())
  return path(name)
end

-- The index of a padded entry i of n, by the definition: behind the end a mirror, or the other side.
local function place(i, n, wraps)
  if wraps then return (i - 1) % n + 1 end
  while i < 1 or i > n do i = i > n and 2 * n - i or 2 - i end
  return i
end

function suite.test_padding_is_a_mirror_or_the_other_side()
  write("plain.h5", 1, 5, 7, 2)
  write("periodic.h5", 1, 5, 7, 2, { boundary = "periodic" })
  for name, wraps in pairs { ["plain.h5"] = false, ["periodic.h5"] = true } do
    for _, loaded in ipairs { true, false } do
      local source = flex.frames.open(path(name))
      local frame = source:patch({ file = 1, frame = 1 }, 1, 1, 5, 7):totable()
      if loaded then source:load() end
      source:pad(function() return 16, 16 end)
      lu.assertEquals({ source.files[1].height, source.files[1].width }, { 16, 16 })
      for _, box in ipairs { { 1, 1, 16, 16 }, { 4, 6, 9, 3 }, { 9, 1, 4, 16 }, { 6, 8, 1, 1 } } do
        local y, x, h, w = table.unpack(box)
        local got, k = source:patch({ file = 1, frame = 1 }, y, x, h, w):totable(), 0
        for i = y, y + h - 1 do
          for j = x, x + w - 1 do
            local from = ((place(i, 5, wraps) - 1) * 7 + place(j, 7, wraps) - 1) * 2
            for c = 1, 2 do
              k = k + 1
              lu.assertEquals(got[k], frame[from + c], ("%s (%d, %d)"):format(name, i, j))
            end
          end
        end
      end
    end
  end
end

-- A checkpoint of the smallest network for patches of 16x16, of fields with the channels a and b.
local function checkpoint(name, task, settings)
  local cfg = { crop = 16, batch = 1, test_tiles = 1 }
  for key, value in pairs(settings) do cfg[key] = value end
  cfg.file = cfg.file or write("train.h5", 4, 32, 32, 2, { channels = "a,b" })
  cfg.test = cfg.file
  local recipe = flex.recipe(name, {}, function(_, run)
    local data = flex.data[task](cfg)
    local model = flex.models.flex(support.smallest(), data)
    local optim = flex.optim.adam(model, {})
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return {}
  end)
  return recipe({}, { root = path "runs", quiet = true }).dir
end

local trained = checkpoint("two", "superres", { factor = 4, degradation = "registered" })

local function program(line)
  local pipe = assert(io.popen(("%s %s 2>&1; echo code $?"):format(workers.program(), line)))
  local text = pipe:read "a"
  pipe:close()
  local said, code = text:match("^(.*)code (%d+)\n$")
  return said, tonumber(code)
end

-- What `flexlab sample` makes of a file: { frames, height, width, channels }, and its first frame.
local function sample(file, line)
  os.remove(path "out.h5")
  local said, code = program(("sample --checkpoint %s --data %s --steps 1 --out %s %s"):format(trained, file,
    path "out.h5", line or ""))
  lu.assertEquals(code, 0, said)
  local reader <close> = flex.fields.open(path "out.h5", { dataset = "w" })
  return { reader.frames, reader.height, reader.width, reader:text "channels" }, assert(reader:read { frame = 1 })
end

function suite.test_the_answer_is_as_large_as_the_fields()
  local odd = write("odd.h5", 2, 73, 144, 2, { channels = "a,b" })
  local shape, answer = sample(odd)
  lu.assertEquals(shape, { 2, 73, 144, "a,b" })
  -- 64 of its rows alone are whole tiles with the same numbers, so they have the same answer
  local source, writer = flex.frames.open(odd), assert(core.io.field_writer(path "even.h5", { frames = 1, height = 64,
    width = 144, channels = 2 }))
  assert(writer:append(source:patch({ file = 1, frame = 1 }, 1, 1, 64, 144)))
  assert(writer:text("channels", "a,b"))
  assert(writer:finish())
  local _, even = sample(path "even.h5")
  lu.assertEquals(answer:narrow({ axis = 2, start = 1, length = 64 }):totable(), even:totable())
  for _, how in ipairs { "--domain tiles --overlap 8 --border 2", "--domain network" } do
    lu.assertEquals(sample(write("few.h5", 1, 21, 42, 2, { channels = "a,b" }), how), { 1, 21, 42, "a,b" })
  end
end

function suite.test_coarse_fields_give_their_size_times_the_factor()
  local low = write("low.h5", 2, 19, 37, 2, { channels = "a,b" })
  lu.assertEquals(sample(low, "--low"), { 2, 76, 148, "a,b" })
  low = write("low_1.h5", 1, 5, 9, 2, { channels = "a,b" })
  for _, how in ipairs { "--domain tiles --overlap 8 --border 2", "--domain network" } do
    lu.assertEquals(sample(low, "--low " .. how), { 1, 20, 36, "a,b" })
  end
end

function suite.test_forecasts_and_observables_keep_sizes_too()
  local line = "sample --checkpoint %s --data %s --steps 1 --out %s"
  local function answer_of(dir, file, dataset)
    os.remove(path "next.h5")
    local said, code = program(line:format(dir, file, path "next.h5"))
    lu.assertEquals(code, 0, said)
    local reader <close> = flex.fields.open(path "next.h5", { dataset = dataset })
    return { reader.frames, reader.height, reader.width, reader:text "channels" }
  end
  local films = write("films.h5", 3, 21, 34, 2, { channels = "a,b" })
  lu.assertEquals(answer_of(checkpoint("next", "forecast", { past = 1 }), films, "w"), { 2, 21, 34, "a,b" })
  local vorticity = support.flow(path "vorticity.h5")
  local seen = checkpoint("seen", "superres", { file = vorticity, factor = 4, observable = "velocity" })
  local source = flex.frames.open(vorticity)
  lu.assertEquals(answer_of(seen, vorticity, "fields"), { source.total, source.files[1].height, source.files[1].width,
    "u,v" })
end

-- Times that a forecast is for, what it was made from, and how much later that is; in the input's units.
function suite.test_a_forecast_says_its_times()
  local dated, plain = path "dated.h5", path "undated.h5"
  for file, units in pairs { [dated] = "hours since 2000-01-01 00:00", [plain] = "s" } do
    local writer = assert(core.io.field_writer(file, { dataset = "w", frames = 6, height = 16, width = 16 }))
    for i = 1, 6 do assert(writer:append(core.normal({ 1, 16, 16, 1 }, { seed = i }))) end
    assert(writer:array("times", { 0, 6, 12, 18, 24, 30 }))
    assert(writer:text("units", units, "times"))
    if file == dated then assert(writer:text("calendar", "noleap", "times")) end
    assert(writer:finish())
  end
  local function answer(dir, file, more)
    os.remove(path "next.h5")
    local said, code = program(("sample --checkpoint %s --data %s --steps 1 --out %s %s"):format(dir, file,
      path "next.h5", more or ""))
    if code ~= 0 then return code, said end
    local found, container = {}, assert(core.io.container(path "next.h5"))
    for _, v in ipairs(container:variables()) do
      if #v.shape == 1 then
        found[v.path] = container:read(v.path, { dtype = "f64" }):totable()
        found[v.path].about = container:attributes(v.path)
      end
    end
    container:close()
    return found
  end
  local two = checkpoint("lead2", "forecast", { file = dated, past = 2, lead = 2 })
  local found = answer(two, dated)
  lu.assertEquals({ table.unpack(found.times) }, { 18, 24, 30 })
  lu.assertEquals({ found.times.about.units, found.times.about.calendar }, { "hours since 2000-01-01 00:00", "noleap" })
  lu.assertEquals({ table.unpack(found.forecast_reference_time) }, { 6, 12, 18 })
  lu.assertEquals(found.forecast_reference_time.about.standard_name, "forecast_reference_time")
  lu.assertEquals(found.forecast_reference_time.about.calendar, "noleap")
  lu.assertEquals({ table.unpack(found.forecast_period) }, { 12, 12, 12 })
  lu.assertEquals(found.forecast_period.about.units, "hours")
  found = answer(two, plain)
  lu.assertEquals({ table.unpack(found.times) }, { 18, 24, 30 })
  lu.assertEquals(found.times.about.units, "s")
  lu.assertNil(found.forecast_reference_time)
  local several = checkpoint("leads", "forecast", { file = dated, past = 1, lead = { 1, 3 } })
  lu.assertEquals({ table.unpack(answer(several, dated).times) }, { 6, 12, 18 })
  lu.assertEquals({ table.unpack(answer(several, dated, "--lead 3").times) }, { 18, 24, 30 })
  local code, said = answer(several, dated, "--lead 2")
  lu.assertEquals(code, 2)
  lu.assertStrContains(said, "sample: --lead 2 is none of the network's (1, 3)")
  code, said = answer(trained, write("lead.h5", 1, 16, 16, 2, { channels = "a,b" }), "--lead 1")
  lu.assertEquals(code, 2)
  lu.assertStrContains(said, "--lead is for forecasts, the network does superres")
end

function suite.test_flex_apply_is_what_the_command_does()
  local file = write("applied.h5", 1, 16, 16, 2, { channels = "a,b" })
  local line = "sample --checkpoint %s --data %s --steps 1 --members 2 --spread %s --out %s"
  local _, code = program(line:format(trained, file, path "spread_command.h5", path "command.h5"))
  lu.assertEquals(code, 0)
  local given = { checkpoint = trained, data = file, steps = 1, members = 2, spread = path "spread.h5",
    out = path "apply.h5" }
  lu.assertEquals(flex.apply(given).broken, 0)
  lu.assertEquals(core.sys.read(path "apply.h5"), core.sys.read(path "command.h5"))
  lu.assertEquals(core.sys.read(path "spread.h5"), core.sys.read(path "spread_command.h5"))
  given.lead = 1
  lu.assertErrorMsgContains("apply: lead is for forecasts, the network does superres", flex.apply, given)
  lu.assertErrorMsgContains("apply has no 'leed'; the nearest is 'lead'", flex.apply, { leed = 1 })
  lu.assertErrorMsgContains("apply: no file is named (checkpoint = ...)", flex.apply, {})
  lu.assertErrorMsgContains("apply: spread needs members 2", flex.apply, { checkpoint = trained, data = file,
    out = path "one.h5", spread = path "spread.h5" })
end

function suite.test_channels_are_those_of_training_by_name()
  local swapped = write("swapped.h5", 1, 16, 16, 3, { channels = "b,other,a" })
  local plain = write("same.h5", 1, 16, 16, 3, { channels = "b,other,a" })
  local shape, answer = sample(swapped)
  lu.assertEquals(shape, { 1, 16, 16, "a,b" })
  local _, named = sample(plain, "--channels a,b")
  lu.assertEquals(answer:totable(), named:totable())
  local _, numbered = sample(plain, "--channels 3,1")
  lu.assertEquals(answer:totable(), numbered:totable())
  local said = program(("sample --checkpoint %s --data %s --out %s"):format(trained,
    write("three.h5", 1, 16, 16, 3, { channels = "x,y,z" }), path "x.h5"))
  lu.assertStrContains(said, "three.h5' holds x, y and z; the model was trained on a and b: name the channels that are "
    .. "these (--channels)")
  said = program(("sample --checkpoint %s --data %s --steps 1 --out %s"):format(trained,
    write("two.h5", 1, 16, 16, 2, { channels = "x,y" }), path "x.h5"))
  lu.assertStrContains(said, "two.h5' holds x and y, taken for a and b of training")
end

function suite.test_fields_that_are_too_small_or_differ_are_refused()
  local small = write("small.h5", 1, 7, 40, 2, { channels = "a,b" })
  local said, code = program(("sample --checkpoint %s --data %s --out %s"):format(trained, small, path "none.h5"))
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "small.h5', 7x40, are less than half as large as the network's 16x16")
  write("size_1.h5", 1, 32, 32, 2)
  write("size_2.h5", 1, 48, 32, 2)
  said = program(("sample --checkpoint %s --data '%s' --channels 1,2 --out %s"):format(trained, path "size_*.h5",
    path "none.h5"))
  lu.assertStrContains(said, "fields of one size are wanted, ")
  lu.assertNil(core.sys.exists(path "none.h5"))
end

function suite.test_the_words_that_choose_are_the_same_in_every_command()
  local file = write("chosen.h5", 2, 16, 16, 3, { channels = "b,other,a" })
  for _, line in ipairs { "data --quick %s", "predict-ablation %s --factor 4 --crop 16 --batches 1",
    "evaluate --checkpoint " .. trained .. " --data %s --steps 1 --members 2",
    "data repack %s " .. path "chosen_repacked.h5" } do
    local said, code = program(line:format(file) .. " --channels a,b --dataset w --axes tcyx")
    lu.assertEquals(code, 0, line .. said)
    said, code = program(line:format(file):gsub("chosen_repacked", "again") .. " --channels a,c")
    lu.assertEquals(code, 1)
    lu.assertStrContains(said, "'c'")
    said = program(line:format(file):gsub("chosen_repacked", "again") .. " --axes tyx")
    lu.assertStrContains(said, "has 4 axes (2,3,16,16), the description says 'tyx'")
  end
  lu.assertEquals(flex.frames.open(path "chosen_repacked.h5").names, { "a", "b" })
end

function suite.test_test_tiles_cover_whole_fields()
  local file = write("cover.h5", 1, 40, 37, 1)
  local set = flex.data.superres { file = file, test = file, factor = 4, crop = 16 }
  local seen = {}
  for _, tile in ipairs(set.test.tiles) do
    for y = tile.y, tile.y + 15 do
      for x = tile.x, tile.x + 15 do seen[y * 100 + x] = true end
    end
    lu.assertTrue(tile.y >= 1 and tile.y <= 25 and tile.x >= 1 and tile.x <= 22)
  end
  local count = 0
  for _ in pairs(seen) do count = count + 1 end
  lu.assertEquals({ #set.test.tiles, count }, { 9, 40 * 37 })
end

function suite.test_evaluate_says_where_tiles_overlap()
  local line = "evaluate --checkpoint %s --data %s --steps 1 --members 2"
  local said, code = program(line:format(trained, write("scored.h5", 1, 36, 32, 2, { channels = "a,b" })))
  lu.assertEquals(code, 0, said)
  lu.assertStrContains(said, "note: the 36x32 fields of '")
  lu.assertStrContains(said, "are no multiple of the 16x16 tiles: the last ones overlap, and count twice there")
  said = program(line:format(trained, path "train.h5"))
  lu.assertNil(said:find("no multiple", 1, true))
end

-- A temperature on a globe, read as such: names, units and coordinates of what is given are those of the answer.
function suite.test_an_answer_says_what_it_is()
  local labelled = require "flexlab.data.labelled"
  local function globe(name, rows, columns)
    local writer = assert(core.io.field_writer(path(name), { dataset = "t2m", frames = 2, height = rows,
      width = columns }))
    for i = 1, 2 do assert(writer:append(core.normal({ 1, rows, columns, 1 }, { seed = i }) * 10 + 280)) end
    local lat, lon = {}, {}
    for y = 1, rows do lat[y] = 60 - 120 * (y - 1) / (rows - 1) end
    for x = 1, columns do lon[x] = 360 * (x - 1) / columns end
    assert(writer:text("channels", "t2m"))
    labelled.write(writer, { dataset = "t2m", quantities = { { name = "t2m", units = "K", standard_name =
      "air_temperature" } }, times = { 0, 6 }, time = { units = "hours since 2000-01-01" }, axes = {
      y = { name = "lat", values = lat, attributes = { units = "degrees_north" } },
      x = { name = "lon", values = lon, attributes = { units = "degrees_east" } } } })
    assert(writer:finish())
    return path(name), lat, lon
  end
  local fine, lat, lon = globe("globe.h5", 32, 32)
  local one = checkpoint("one", "superres", { factor = 4, degradation = "registered", file = fine })
  local function report(line)
    local code, said = support.flexlab(("sample --checkpoint %s --steps 1 --members 2 --out %s %s"):format(one,
      path "said.h5", line), path "said.txt")
    lu.assertEquals(code, 0, said)
    local c = assert(core.io.container(path "said.h5"))
    return require("flexlab.data.inspect").report(path "said.h5", {}), c
  end
  local r, c = report("--data " .. fine .. " --picture " .. path "said.png")
  lu.assertEquals({ r.format, r.channels, r.quantities }, { "flexlab", { "t2m" },
    { { name = "t2m", units = "K", standard_name = "air_temperature" } } })
  lu.assertEquals(r.times, { first = 0, last = 6, count = 2 })
  lu.assertStrContains(table.concat(r.notes), "its longitudes go around the globe")
  lu.assertEquals(c:read("lat", { dtype = "f64" }):totable(), lat)
  lu.assertEquals(c:read("lon", { dtype = "f64" }):totable(), lon)
  lu.assertEquals(c:attributes("lat").units, "degrees_north")
  lu.assertEquals(c:attributes("t2m").cell_methods, "realization: mean")
  lu.assertEquals(c:attributes("times").units, "hours since 2000-01-01")
  c:close()
  local coarse = globe("coarse_globe.h5", 8, 8)     -- whose samples are every 4th of the answer's
  r, c = report("--low --data " .. coarse)
  lu.assertEquals({ r.height, r.width, r.quantities[1].units }, { 32, 32, "K" })
  local longitudes = c:read("lon", { dtype = "f64" }):totable()
  lu.assertAlmostEquals(longitudes[5], 45, 1e-9)
  lu.assertAlmostEquals(longitudes[2], 11.25, 1e-9)
  c:close()
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
