-- Laws of what f32 sees of a field: a variation that is lost is refused before training, and `flexlab data` says so.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local inspect = require "flexlab.data.inspect"
local variation = require "flexlab.data.variation"

local suite = {}
rawset(_G, "TestVariation", suite)

local folder

function suite.setUp()
  folder = os.tmpname()
  os.remove(folder)
  core.sys.mkdirs(folder)
end

function suite.tearDown() os.execute("rm -rf '" .. folder .. "'") end

-- A file of 4 frames: each channel is mean + sd * noise.
local function write(...)
  local channels, path = { ... }, folder .. "/data.h5"
  local w = assert(core.io.field_writer(path, { frames = 4, height = 16, width = 16, channels = #channels }))
  for f = 1, 4 do
    local whole
    for c, about in ipairs(channels) do
      local t = core.normal({ 1, 16, 16, 1 }, { seed = c, stream = "data", step = f }) * about.sd + about.mean
      whole = whole and whole:concat(t, { axis = 4 }) or t
    end
    assert(w:append(whole))
  end
  assert(w:finish())
  return path
end

local function set(path, more)
  local cfg = { file = path, factor = 2, crop = 8, batch = 1, test_tiles = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.superres(cfg)
end

function suite.test_a_variation_is_seen_or_a_sentence_says_why_not()
  local function fault(s) return variation.fault("'w'", s) end
  lu.assertNil(fault { mean = 300, std = 0.05, min = 299.8, max = 300.2 })
  lu.assertNil(fault { mean = 0, std = 1e-30, min = -1e-29, max = 1e-29 })
  lu.assertNil(fault { mean = 0, std = 1e36, min = -1e37, max = 1e37 })
  lu.assertEquals(fault { mean = 1e7, std = 0.05, min = 1e7 - 0.1, max = 1e7 + 0.1 }, "the variation of 'w' (sd 0.05) "
    .. "is below what f32 holds at its mean (1e+07, in steps of 1): subtract the mean first")
  lu.assertStrContains(fault { mean = 2.0 ^ 63, std = 5106, min = 2.0 ^ 63 - 1e4, max = 2.0 ^ 63 + 1e4 }, "in steps of")
  lu.assertStrContains(fault { mean = -1e7, std = 0.05 }, "mean (-1e+07, in steps of 1)")
  lu.assertEquals(fault { mean = 0, std = 0, min = -1e-310, max = 1e-310 }, "the variation of 'w' (from -1e-310 to "
    .. "1e-310) is below the smallest numbers that f32 holds (1.2e-38): scale it first")
  lu.assertEquals(fault { mean = 0, std = math.huge, min = -1e300, max = 1e299 },
    "'w' holds numbers up to 1e+300, which exceeds f32 (3.4e+38): scale it first")
  lu.assertEquals({ fault { mean = 5, std = 0, min = 5, max = 5 } }, { "'w' has no variance: it is 5 everywhere",
    "constant" })
end

-- What is refused says the same in a run and in `flexlab data`, which then claims nothing of training.
local function refused(path, words, more)
  lu.assertErrorMsgContains(words, set, path, more)
  local report = inspect.report(path, {})
  lu.assertEquals(report.trainable, {})
  lu.assertStrContains(table.concat(report.warnings, "; "), words)
end

function suite.test_fields_without_a_variation_are_refused()
  refused(write { mean = 0, sd = 0 }, "'w' has no variance: it is 0")
  refused(write { mean = 5, sd = 0 }, "'w' has no variance: it is 5")
  refused(write { mean = 5, sd = 0 }, "'w' has no variance: it is 5", { memory = 0 })
  refused(write { mean = 1e7, sd = 1 }, "is below what f32 holds at its mean (1e+07, in steps of 1)")
  refused(write { mean = 0, sd = 1e-40 }, "below the smallest numbers that f32 holds")
  lu.assertErrorMsgContains("below what f32 holds", set, write { mean = 0, sd = 1 }, { mean = 1e7, std = 0.05 })
  lu.assertNotNil(set(write { mean = 300, sd = 0.05 }).scale)
  lu.assertErrorMsgContains("has no variance", function()
    flex.prediction(set(write { mean = 5, sd = 0 }).train, { batches = 1 })
  end)
end

function suite.test_a_constant_channel_among_others_is_no_fault()
  local made = set(write({ mean = 0, sd = 1 }, { mean = 3, sd = 0 }))
  lu.assertEquals(made.scale.std[2], 1)
  lu.assertEquals(#inspect.report(folder .. "/data.h5", {}).trainable, 2)
end

os.exit(lu.LuaUnit.run())
