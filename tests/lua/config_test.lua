-- Laws of flexlab.config and flexlab.literal: what overrides may do, and what is said when they may not.
local lu = require "luaunit"
local config = require "flexlab.config"
local literal = require "flexlab.literal"

local suite = {}
rawset(_G, "TestConfig", suite)

local defaults = {
  model = { size = "nano", depth = 3, conditioning = "both", roads = {} },
  train = { lr = 1e-3, steps = 100, cosine = true, note = config.optional "string" },
  data = { file = "a.h5", test = false, crop = { 64, 64 } },
}

local function message(...)
  local ok, text = pcall(config.merge, ...)
  lu.assertFalse(ok)
  return text
end

function suite.test_nested_and_flat_overrides_are_one()
  local a = config.merge(defaults, { model = { size = "small" }, train = { steps = 5 } })
  local b = config.merge(defaults, { ["model.size"] = "small", ["train.steps"] = 5 })
  lu.assertEquals(a, b)
  lu.assertEquals(a.model.size, "small")
  lu.assertEquals(a.model.depth, 3)
  lu.assertEquals(defaults.model.size, "nano")
end

function suite.test_settings_by_flat_keys_leave_lists_whole()
  local plain = require "flexlab.plain"
  lu.assertEquals(plain.flat({ crop = { 8, { 4 } }, none = {} }, true), { ["crop.1"] = 8, ["crop.2.1"] = 4 })
  lu.assertEquals(plain.flat { train = { lr = 1, deep = { on = false } }, crop = { 8, 8 }, none = {} },
    { ["train.lr"] = 1, ["train.deep.on"] = false, crop = { 8, 8 }, none = {} })
end

function suite.test_unknown_keys_name_the_nearest()
  lu.assertStrContains(message(defaults, { ["model.sise"] = "small" }), "nearest is 'size'")
  lu.assertStrContains(message(defaults, { modle = { size = "small" } }), "nearest is 'model'")
  lu.assertStrContains(message(defaults, { ["train.lr.x"] = 1 }), "'train.lr'")
end

function suite.test_types_are_kept()
  lu.assertStrContains(message(defaults, { ["train.steps"] = "many" }), "'train.steps' wants a number")
  lu.assertStrContains(message(defaults, { ["model.size"] = 5 }), "'model.size' wants a string")
  lu.assertStrContains(message(defaults, { ["train.cosine"] = 1 }), "true or false")
  lu.assertStrContains(message(defaults, { model = 3 }), "'model' wants a table")
  lu.assertStrContains(message(defaults, { ["data.crop"] = 3 }), "a list")
end

function suite.test_what_counts_as_the_same_type()
  local c = config.merge(defaults, { ["train.steps"] = 1e3, ["train.lr"] = 1, ["data.test"] = "b.h5",
    ["data.file"] = { "a.h5", "b.h5" }, ["train.note"] = "hello", ["model.roads"] = { weak = true } })
  lu.assertEquals(math.type(c.train.steps), "integer")
  lu.assertEquals(math.type(c.train.lr), "float")
  lu.assertEquals(c.data.test, "b.h5")
  lu.assertEquals(c.data.file, { "a.h5", "b.h5" })
  lu.assertEquals(c.train.note, "hello")
  lu.assertEquals(config.merge(defaults).train.note, false)
end

function suite.test_a_resolved_configuration_is_read_only()
  local c = config.readonly(config.merge(defaults))
  lu.assertEquals(c.data.crop[2], 64)
  lu.assertEquals(#c.data.crop, 2)
  lu.assertErrorMsgContains("read-only", function() c.train.lr = 2 end)
  lu.assertErrorMsgContains("nearest is 'steps'", function() return c.train.step end)
  local seen = {}
  for k in pairs(c.train) do seen[#seen + 1] = k end
  lu.assertEquals(#seen, 4)
  lu.assertEquals(config.plain(c), config.merge(defaults))
end

function suite.test_settings_are_literals_or_words()
  local cases = { ["a.b=3"] = 3, ["a.b=1e-3"] = 1e-3, ["a.b=true"] = true, ["a.b=small"] = "small",
    ["a.b='x y'"] = "x y", ["a.b=data/t*.h5"] = "data/t*.h5", ["a.b=a=b"] = "a=b", ["a.b="] = "" }
  for setting, value in pairs(cases) do
    local key, got = config.parse(setting)
    lu.assertEquals(key, "a.b")
    lu.assertEquals(got, value, setting)
  end
  lu.assertEquals(select(2, config.parse "a={1,2}"), { 1, 2 })
  lu.assertErrorMsgContains("key=value", config.parse, "nonsense")
end

function suite.test_options_refuse_what_they_do_not_know()
  local o = config.options("f", { a = 1 }, { a = 2, steps = 3 }, { "steps" })
  lu.assertEquals(o.a, 2)
  lu.assertErrorMsgContains("nearest is 'a'", config.options, "f", { a = 1 }, { aa = 2 })
end

function suite.test_literals_read_back_equal()
  local value = { 1, 2.5, "a\nb\"", true, { x = 1 / 3, ["odd key"] = { 1, 2 }, ["end"] = 1e300 }, n = -0.1 }
  local text = literal.encode(value)
  lu.assertEquals(load("return " .. text)(), value)
  lu.assertEquals(literal.encode(load("return " .. text)()), text)
  lu.assertEquals(literal.encode { b = 1, a = 2 }, "{\n  a = 2,\n  b = 1\n}")
  lu.assertError(literal.encode, print)
end

os.exit(lu.LuaUnit.run())
