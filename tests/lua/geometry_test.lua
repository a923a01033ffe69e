-- Where coarse samples lie: every degradation says what it does, and the baseline `registered` puts samples there.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core
local geometry = require "flexlab.data.geometry"

local suite = {}
rawset(_G, "TestGeometry", suite)

local _, path = support.folder()
local raises = support.raises

-- A field (1,size,size,1) of value(y, x), y and x counted from 0.
local function field(size, value)
  local list = {}
  for y = 0, size - 1 do
    for x = 0, size - 1 do list[#list + 1] = value(y, x) end
  end
  return core.tensor(list):reshape { 1, size, size, 1 }
end

-- A batch as data.superres makes it of a field.
local function batch_of(truth, degradation, factor, circular)
  local size = truth.shape[2]
  local cfg = { degradation = degradation, factor = factor, noise = 0, circular = circular }
  local batch = { truth = truth, low = flex.degradations[degradation].low(truth, factor, cfg),
    scale = { mean = { 0 }, std = { 1 } } }
  return require("flexlab.tasks.kinds").superres.condition(batch, cfg, size, size)
end

local function rfne(p, y) return core.metrics.rfne(p, y):item() end

-- Away from edges, where an interpolation has samples on all sides.
local function inner(t, margin)
  local first, size = margin + 1, t.shape[2] - 2 * margin
  return t:narrow({ axis = 2, start = first, length = size }):narrow { axis = 3, start = first, length = size }
end

function suite.test_registered_reproduces_a_linear_ramp()
  for _, degradation in ipairs { "block_mean", "bicubic", "bilinear", "nearest", "registered", "noisy" } do
    for _, factor in ipairs { 2, 3, 4, 8 } do
      local size = 12 * factor
      local ramp = field(size, function(y, x) return (3 * y - 2 * x) / size end)
      local answer = flex.baselines.registered(batch_of(ramp, degradation, factor))
      local worst = (inner(answer, 2 * factor) - inner(ramp, 2 * factor)):abs():max():item()
      lu.assertTrue(worst < 1e-5, ("%s, factor %d: %g"):format(degradation, factor, worst))
    end
  end
end

function suite.test_a_quarter_of_a_pixel_off_is_worse_on_either_side()
  for _, degradation in ipairs { "block_mean", "bicubic", "spectral" } do
    for _, factor in ipairs { 2, 3, 4, 8 } do
      local size = 12 * factor
      local function smooth(dy, dx)
        return field(size, function(y, x)
          local v, u = 2 * math.pi * (y + dy) / size, 2 * math.pi * (x + dx) / size
          return math.sin(u + 0.3) * math.cos(v) + 0.4 * math.cos(2 * v - u + 1) + 0.2
        end)
      end
      local truth = smooth(0, 0)
      local answer = flex.baselines.registered(batch_of(truth, degradation, factor, true))
      local own = rfne(answer, truth)
      for _, d in ipairs { { 0.25, 0 }, { -0.25, 0 }, { 0, 0.25 }, { 0, -0.25 } } do
        lu.assertTrue(rfne(answer, smooth(d[1], d[2])) > own, ("%s, factor %d"):format(degradation, factor))
      end
    end
  end
end

function suite.test_every_degradation_does_what_it_says()
  for _, word in ipairs(flex.degradations()) do
    for _, factor in ipairs { 2, 3, 4, 8 } do
      local cfg = { degradation = word, factor = factor, noise = 0.05, circular = true }
      local found = geometry.measure(flex.degradations[word], cfg, 12 * factor, 16 * factor, 2)
      local place = geometry.of(cfg).cells and (factor - 1) / 2 or 0
      lu.assertAlmostEquals(found.y, place, 1e-3, word)
      lu.assertAlmostEquals(found.x, place, 1e-3, word)
      lu.assertNil(geometry.check(cfg, 12 * factor, 16 * factor, 1))
      local shifted = ({ bicubic = true, bilinear = true, nearest = true })[word]
      lu.assertAlmostEquals(found.shift.y, shifted and (factor - 1) / 2 or 0, 1e-3, word)
      lu.assertAlmostEquals(found.shift.x, shifted and (factor - 1) / 2 or 0, 1e-3, word)
    end
  end
end

-- The estimate of block means is bicubic in its place: it wins against no interpolation by a shift.
function suite.test_a_comparison_follows_the_degradation()
  local function compared(degradation)
    local set = flex.data.superres { file = support.flow(path(degradation .. ".h5")), factor = 4, crop = 32, batch = 2,
      test_tiles = 2, degradation = degradation, seed = 1 }
    local c = flex.report.compare(flex.baselines.persistence, set.test)
    return c.scores, c.parts[1].note
  end
  local scores, note = compared "block_mean"
  lu.assertAlmostEquals(scores.FLEX.rfne, scores.bicubic.rfne, 1e-6)
  lu.assertAlmostEquals(scores.registered.rfne, scores.bicubic.rfne, 0.05 * scores.bicubic.rfne)
  lu.assertStrContains(note, "in the middle of their blocks, where they belong")
  scores, note = compared "bicubic"
  lu.assertAlmostEquals(scores.FLEX.rfne, scores.bicubic.rfne, 1e-6)
  lu.assertTrue(scores.registered.rfne < 0.9 * scores.bicubic.rfne)
  lu.assertStrContains(note, "pixels off")
end

function suite.test_a_comparison_with_what_is_not_there_is_refused()
  local set = flex.data.superres { file = support.flow(path "against.h5"), factor = 4, crop = 32, batch = 2,
    test_tiles = 2, degradation = "block_mean", seed = 1 }
  local function compare(options) return flex.report.compare(flex.baselines.persistence, set.test, options) end
  lu.assertErrorMsgContains("compare: against: no 'bicubc'; the nearest is 'bicubic'", compare, { against = "bicubc" })
  lu.assertErrorMsgContains("compare: start: no 'bicubc'; the nearest is 'bicubic'", compare, { start = "bicubc" })
  local many = {}
  for i = 1, 12 do many[i] = { "rival " .. i, flex.baselines.nearest } end
  local c = compare { methods = many, against = "rival 12", start = "block_mean" }
  lu.assertNotNil(c.scores["rival 12"])
  lu.assertNotNil(c.picture)
end

function suite.test_a_wrong_word_is_refused_and_an_odd_place_is_said()
  local mean = flex.degradations.block_mean
  local cell = { file = support.flow(path "flow.h5"), factor = 4, crop = 16, batch = 2, degradation = "silent" }
  flex.degradations.define("silent", { low = mean.low, up = mean.up })
  raises("in the middle, as of a mean over the block; cells = true was expected", flex.data.superres, cell)
  flex.degradations.define("silent", { low = flex.degradations.bicubic.low, up = mean.up, cells = true })
  raises("lies at pixel (0.00, 0.00) of its block, and cells = true says in the middle", flex.data.superres, cell)
  flex.degradations.define("silent", { up = mean.up, low = function(x, f)   -- field[1::f, ::f]
    local rest = x:narrow { axis = 2, start = 2, length = x.shape[2] - 1 }
    return flex.degradations.bicubic.low(rest:concat(x:narrow { axis = 2, start = 1, length = 1 }, { axis = 2 }), f)
  end })
  lu.assertStrContains(geometry.check({ degradation = "silent", factor = 8 }, 32, 32, 1),
    "lies at pixel (1.00, 0.00) of its block, neither")
  flex.degradations.define("silent", nil)
end

os.exit(lu.LuaUnit.run())
