-- Laws of flexlab.run.unread: what was given and read by nobody is refused before it costs anything, or said.
local lu = require "luaunit"
local flex = require "flexlab"
local config = require "flexlab.config"
local support = require "tests.lua.support"
local core = flex.core
local settings = flex.settings

local suite = {}
rawset(_G, "TestUnread", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local steps = 0

-- Reads train.lr of its configuration, and eval as `body` says.
local function recipe(name, body)
  return flex.recipe(name, {
    train = settings.train { steps = 3, lr = 1e-3 }, eval = settings.eval { steps = 2 }, own = { a = 1, b = 2 },
  }, function(cfg, run)
    for _ in run:steps(function(step) return cfg.train.lr * step end, cfg.train.steps) do steps = steps + 1 end
    return body(cfg) or { a = cfg.own.a }
  end)
end

-- What stderr said while f ran.
local function said(f)
  local path = folder .. "/stderr"
  local real, file = io.stderr, assert(io.open(path, "w"))
  rawset(io, "stderr", file)
  local ok, message = pcall(f)
  rawset(io, "stderr", real)
  file:close()
  return core.sys.read(path) or "", ok, message
end

local options = { root = folder .. "/runs", quiet = true }

function suite.test_training_settings_that_nobody_reads_end_the_run_after_its_first_step()
  local one = recipe("early", function() end)
  steps = 0
  lu.assertErrorMsgContains("train.ema and train.optimizer were given, and recipe 'early' does not read them",
    function() one({ ["train.ema"] = 0.5, ["train.optimizer"] = "lion" }, options) end)
  lu.assertEquals(steps, 1)
  lu.assertEquals(one({ ["train.checkpoint"] = 1 }, options).a, 1)      -- run:steps reads it
  lu.assertEquals(one({ ["train.lr"] = 1e-3 }, options).a, 1)           -- the default is no news
end

function suite.test_other_settings_that_nobody_reads_are_said_and_kept()
  local one = recipe("late", function() end)
  local result
  local text = said(function() result = one({ ["eval.sampler"] = "heun", ["own.b"] = 3 }, options) end)
  lu.assertEquals(result.a, 1)
  lu.assertStrContains(text, "note: eval.sampler and own.b were given, and recipe 'late' does not read them")
  local _, times = text:gsub("does not read them", "")
  lu.assertEquals(times, 1)
  local noted = require("flexlab.context.notes").of(result.dir)
  lu.assertEquals(#noted, 1)
  lu.assertStrContains(noted[1], "eval.sampler and own.b were given")
  text = said(function() one({ ["eval.sampler"] = "heun", ["own.b"] = 3 }, options) end)     -- found again
  lu.assertStrContains(text, "eval.sampler and own.b were given")
end

-- A key that the named choice has not is said, too.
function suite.test_a_key_of_another_choice_is_said()
  local one = flex.recipe("other", { model = settings.model { height = 16, width = 16, in_channels = 1,
    cond_channels = 1 } }, function(cfg) return { n = flex.models.flex(cfg.model):count() } end)
  local text = said(function() one({ ["model.delta"] = 2, ["model.loss"] = "l1" }, { root = folder }) end)
  lu.assertStrContains(text, "note: delta = 2.0 changes nothing: loss 'l1' has no such setting")
  text = said(function() one({ ["model.delta"] = 2, ["model.loss"] = "huber" }, { root = folder }) end)
  lu.assertNil(text:find "note: delta", text)
end

-- What another setting has put out of use is said: two arms of a sweep would be equal without a word.
function suite.test_settings_that_others_put_out_of_use_are_said()
  local film = support.flow(folder .. "/film.h5")
  local one = flex.recipe("put_out", { data = settings.superres { file = film, test = film, crop = 16 },
    model = settings.model { height = 16, width = 16, in_channels = 1, cond_channels = 1 } },
    function(cfg)
      flex.data.superres(cfg.data)
      return { n = flex.models.flex(cfg.model):count() }
    end)
  local function noted(overrides)
    local text, ok, message = said(function() one(overrides, { root = folder }) end)
    if not ok then error(message, 0) end
    return text
  end
  lu.assertStrContains(noted { ["data.split"] = 0.5 }, "note: data.split = 0.5 changes nothing: test files are given")
  lu.assertStrContains(noted { ["data.noise"] = 1.5 },
    "note: data.noise = 1.5 changes nothing: degradation 'bicubic' has none")
  lu.assertNil(noted { ["data.noise"] = 1.5, ["data.degradation"] = "noisy" }:find "changes nothing")
  lu.assertErrorMsgContains("encoder flex has no 'foo'", noted, { ["model.encoder_options"] = { foo = 2 } })
  lu.assertErrorMsgContains("encoder flex has no '1'", noted, { ["model.encoder_options"] = { 1, 2 } })
  lu.assertErrorMsgContains("test_low is given for the tests, so low must be given too", noted,
    { ["data.test_low"] = film })
  lu.assertErrorMsgContains("conditioning = {} names no path; 'none' opens none", noted,
    { ["model.conditioning"] = {} })
  lu.assertErrorMsgContains("a whole number from 1 to 1e9", noted, { ["data.test_tiles"] = 1 << 60 })
end

function suite.test_a_section_that_is_handed_on_is_read()
  local ways = {
    function(cfg) return { config.plain(cfg.eval).steps } end,
    function(cfg) return { config.merge(cfg.eval).steps } end,
    function(cfg) return { cfg.eval.sampler and 1 } end,
    function(cfg) local n = 0 for _ in pairs(cfg.eval) do n = n + 1 end return { n } end,
    function(cfg) return { settings.options("f", settings.of "eval", cfg.eval).steps } end,
    function(cfg) return { config.plain(cfg).eval.steps } end,
  }
  for i, way in ipairs(ways) do
    local one, result = recipe("handed" .. i, way), nil
    local text = said(function() result = one({ ["eval.sampler"] = "heun" }, options) end)
    lu.assertEquals(text, "")
    lu.assertEquals(require("flexlab.context.notes").of(result.dir), {})
  end
end

function suite.test_what_differs_from_the_defaults_was_given()
  local defaults = { train = settings.train { steps = 3 }, own = { a = { 1, 2 }, b = "x" }, c = false }
  local function changed(overrides) return config.changed(defaults, config.merge(defaults, overrides)) end
  lu.assertEquals(changed {}, {})
  lu.assertEquals(changed { ["train.steps"] = 3, own = { b = "x" } }, {})
  lu.assertEquals(changed { ["train.ema"] = 0.5, own = { a = { 1, 3 } }, c = "y" }, { "c", "own.a", "train.ema" })
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
