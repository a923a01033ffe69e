-- Laws of flexlab.data.units and flexlab.data.quantities: files of one set, and a checkpoint's, hold the same quantity.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local quantities = require "flexlab.data.quantities"
local units = require "flexlab.data.units"
local core = flex.core

local suite = {}
rawset(_G, "TestQuantities", suite)

local folder = support.folder()
local function path(name) return folder .. "/" .. name end

-- Frames of noise as variable `w`, 4 of side x side, with attributes of the variable.
local function write(name, attributes, side, seed)
  side = side or 16
  local writer = assert(core.io.field_writer(path(name), { frames = 4, height = side, width = side }))
  for i = 1, 4 do assert(writer:append(core.normal({ 1, side, side, 1 }, { seed = 10 * (seed or 1) + i }))) end
  for key, value in pairs(attributes) do assert(writer:text(key, value, "w")) end
  assert(writer:finish())
  return path(name)
end

function suite.test_units_that_are_one()
  for _, group in ipairs {
    { "K", "kelvin", "degK", "Kelvin", "degrees_K", " K" }, { "degC", "celsius", "degree_Celsius", "°C" },
    { "m s-1", "m/s", "m s**-1", "m.s-1", "m s^-1", "metres/second", "m per s", "m s⁻¹" },
    { "m2 s-2", "m**2 s**-2", "J kg-1", "J/kg" }, { "Pa", "N m-2", "0.01 hPa", "kg m-1 s-2" },
    { "hPa", "mbar", "millibar", "100 Pa" }, { "1", "kg kg-1", "kg/kg", "dimensionless" },
    { "W m-2 K-1", "W m-2 degC-1" }, { "s-1", "1/s", "Hz", "s**-1" } } do
    for _, other in ipairs(group) do
      lu.assertEquals(units.compare(group[1], other:match "^%s*(.-)$"), "same", group[1] .. " | " .. other)
    end
  end
end

function suite.test_units_that_are_not()
  for _, pair in ipairs { { "K", "degC" }, { "degC", "degF" }, { "Pa", "hPa" }, { "m s-1", "km h-1" }, { "m", "m2" },
    { "1", "%" }, { "g kg-1", "kg kg-1" }, { "m s-1", "Pa s-1" }, { "s-1", "s" } } do
    lu.assertEquals(units.compare(pair[1], pair[2]), "different", table.concat(pair, " | "))
  end
  for _, pair in ipairs { { "K", "m of water" }, { "C", "degC" }, { "gpm", "m" }, { "W (m2)-1", "W m-2" },
    { "m^", "m" }, { "m/", "m" }, { "m s-", "m s-1" } } do
    lu.assertEquals(units.compare(pair[1], pair[2]), "unknown", table.concat(pair, " | "))
  end
  lu.assertEquals(units.compare("gpm", "gpm"), "same")
  lu.assertEquals(units.compare("gpm", nil), "unsaid")
  lu.assertEquals(units.compare(nil, nil), "same")
end

function suite.test_names_that_differ()
  local function judged(a, b) return (quantities.compare({ { a }, "a.nc" }, { { b }, "b.nc" })) end
  lu.assertEquals(judged({ name = "t", standard_name = "air_temperature" },
    { name = "t", standard_name = "sea_surface_temperature" }), "refuse")
  lu.assertEquals(judged({ name = "t", long_name = "2 metre temperature" }, { name = "t", long_name = "2m T" }), "note")
  lu.assertEquals(judged({ name = "t", standard_name = "air_temperature", long_name = "T" },
    { name = "t", standard_name = "air_temperature", long_name = "2m T" }), nil)
  lu.assertEquals(judged({ name = "t", units = "K" }, { name = "t" }), "note")
  lu.assertEquals(judged({ name = "t", units = "K" }, { name = "t", units = "kelvin" }), nil)
end

local kelvin, celsius, spelt = write("k.h5", { units = "K" }), write("c.h5", { units = "degC" }, 16, 2),
  write("kelvin.h5", { units = "kelvin" }, 16, 3)
local why = "data: channel 'w' has units 'K' in '%s' and units 'degC' in '%s': to a network they would be one field."

function suite.test_files_of_a_set()
  local sentence = why:format(kelvin, celsius)
  lu.assertErrorMsgContains(sentence, flex.frames.open, { kelvin, celsius })
  lu.assertErrorMsgContains(sentence, flex.data.superres, { file = kelvin, test = celsius, crop = 8 })
  lu.assertErrorMsgContains(sentence, flex.data.forecast, { file = kelvin, test = celsius, crop = 8 })
  lu.assertErrorMsgContains("which makes this a note", flex.frames.open, { kelvin, celsius })
  local low = write("low_c.h5", { units = "degC" }, 4)
  lu.assertErrorMsgContains(why:format(kelvin, low), flex.data.superres, { file = kelvin, low = low, crop = 8,
    factor = 4 })
  lu.assertEquals(flex.data.superres({ file = kelvin, test = spelt, crop = 8 }).description.quantities,
    { { name = "w", units = "K" } })
  lu.assertEquals(flex.frames.open({ kelvin, celsius }, { channels = { 1 } }).total, 8)   -- the user's word
end

function suite.test_note_in_place_of_a_guess()
  local files = { kelvin, write("none.h5", {}), write("none2.h5", {}) }
  core.sys.write(path "note.lua", ('require("flexlab").frames.open { "%s", "%s", "%s" }'):format(table.unpack(files)))
  local status, said = support.flexlab("script " .. path "note.lua", path "said.txt")
  lu.assertEquals(status, 0, said)
  lu.assertStrContains(said, ("note: data: channel 'w' has units 'K' in '%s' and no units in '%s': they are taken as "
    .. "one"):format(kelvin, path "none.h5"))
  lu.assertNotStrContains(said, "none2")   -- once is enough
end

function suite.test_checkpoint_keeps_its_units()
  local recipe = flex.recipe("kept_units", {}, function(_, run)
    local data = flex.data.superres { file = kelvin, test = kelvin, crop = 16, batch = 1, test_tiles = 1 }
    local model = flex.models.flex(support.smallest(), data)
    local optim = flex.optim.adam(model, {})
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return {}
  end)
  local dir = recipe({}, { root = path "runs", quiet = true }).dir
  local model = flex.load_model(dir)
  lu.assertEquals(model.data.quantities, { { name = "w", units = "K" } })
  local sentence = ("channel 'w' has units 'K' in the training data and units 'degC' in '%s'"):format(celsius)
  lu.assertErrorMsgContains(sentence, flex.data.as_trained, model, { file = celsius, test = celsius })
  flex.data.as_trained(model, { file = spelt, test = spelt })
  for _, words in ipairs { "evaluate", "sample --out o.h5", "sample --low --out o.h5",
    "sample --domain tiles --out o.h5" } do
    local status, said = support.flexlab(words .. " --checkpoint " .. dir .. " --data " .. celsius, path "said.txt")
    lu.assertEquals(status, 1, words)
    lu.assertStrContains(said, sentence)
  end
  -- the doctor of a run whose file has changed its mind
  core.sys.write(dir .. "/data.txt", ("train %s\tx\ntest %s\tx\n"):format(kelvin, celsius))
  for _, f in ipairs(flex.doctor(dir)) do
    if f.check == "quantities" then
      lu.assertEquals(f.state, "fault")
      lu.assertStrContains(f.text, "and units 'degC' in '" .. celsius)
      return
    end
  end
  lu.fail("the doctor looked at no quantities")
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
