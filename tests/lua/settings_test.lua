-- The declared tables of settings: every entry is whole, takes its default and refuses what its range excludes; and
-- sections of recipes accept what their table has.
local lu = require "luaunit"
local config = require "flexlab.config"
local settings = require "flexlab.settings"

local suite = {}
rawset(_G, "TestSettings", suite)

local tables = { "data", table.unpack(settings.names) }

-- What anybody may type for anything.
local odd = { 0 / 0, 1 / 0, -1 / 0, 0, -1, 1e18, 0.5, "", "no such word", true, false, {}, { 0 }, { "", 1 }, { {} },
  { 16, 56, 3 }, { x = 1 }, print }

function suite.test_every_entry_is_whole_and_takes_its_default()
  for _, name in ipairs(tables) do
    lu.assertTrue(#settings.of(name).doc > 0, name)
    for _, entry in ipairs(settings.of(name).list) do
      local where = name .. "." .. entry.name
      lu.assertTrue(#entry.doc > 10 and #entry.doc <= 110, where)
      lu.assertNil(entry.doc:find "[^.]%.$", where)
      if where:match "[^.]*$" ~= "file" then          -- the one that has to be given
        lu.assertEquals(settings.check(entry, entry.default), entry.default, where)
      end
      if entry.kind then require("flexlab.choices").registry(entry.kind) end
    end
  end
end

function suite.test_every_setting_of_a_choice_is_declared_with_its_meaning()
  local choices = require "flexlab.choices"
  local sections = { samplers = "eval", optimizers = "train", models = "model" }
  for kind in pairs(choices.kinds) do
    for _, word in ipairs(choices.registry(kind)()) do
      local choice = choices.registry(kind)[word]
      for _, entry in ipairs(settings.entries(choice.defaults)) do
        local section = sections[kind] and settings.of(sections[kind]).entry[entry.name]
        local where = ("%s '%s': %s"):format(kind, word, entry.name)
        lu.assertTrue(#(section or entry).doc > 5, where)
        lu.assertEquals(settings.check(section or entry, choice.defaults[entry.name]), choice.defaults[entry.name],
          where)
      end
    end
  end
end

-- Whether a number lies in the range, said a second time.
local function inside(entry, v)
  return v == v and math.abs(v) < math.huge and (not entry.least or v >= entry.least)
    and (not entry.most or v <= entry.most) and (not entry.above or v > entry.above)
    and (not entry.below or v < entry.below)
end

function suite.test_odd_values_are_taken_by_the_declared_range_or_refused()
  for _, name in ipairs(tables) do
    for _, entry in ipairs(settings.of(name).list) do
      local types = "|" .. table.concat(entry.types, "|") .. "|"
      for _, value in ipairs(odd) do
        local where = ("%s.%s = %s"):format(name, entry.name, tostring(value))
        local stored = settings.check(entry, value)
        if type(value) == "number" then
          local whole = types:find "|integer|" and math.tointeger(value) ~= nil
          lu.assertEquals(stored ~= nil, (whole or types:find "|number|" ~= nil) and inside(entry, value), where)
        elseif type(value) == "function" then
          lu.assertNil(stored, where)
        elseif value == "" then
          lu.assertEquals(stored ~= nil, types:find "|string|" ~= nil, where)
        end
        local sentence = settings.sentence(entry.name, entry, value)
        lu.assertStrContains(sentence, entry.name .. " must be ")
        lu.assertNil(sentence:find "table: 0x", sentence)
      end
    end
  end
end

function suite.test_a_section_accepts_its_table_and_no_more()
  local defaults = { train = settings.train { steps = 10, lr = 1e-3 }, eval = settings.eval { steps = 2 } }
  local c = config.merge(defaults, { ["train.ema"] = 0.5, train = { optimizer = "lion" }, ["train.beta1"] = 0.8,
    ["eval.sampler"] = "edm", ["eval.churn"] = 1, ["eval.tiling.overlap"] = 8 })
  lu.assertEquals(c.train, { steps = 10, lr = 1e-3, ema = 0.5, optimizer = "lion", beta1 = 0.8 })
  lu.assertEquals(c.eval, { steps = 2, sampler = "edm", churn = 1, tiling = { overlap = 8 } })
  lu.assertEquals(config.merge(defaults).train, { steps = 10, lr = 1e-3 })   -- absent until given: hashes stay
  local function refused(said, overrides)
    lu.assertErrorMsgContains(said, config.merge, defaults, overrides)
  end
  refused("'train.clip' must be a number from 0 to 1e30, or false, got -1", { ["train.clip"] = -1 })
  refused("the nearest is 'warmup'", { ["train.wamup"] = 1 })
  refused("'train': there is no 'beta3'", { ["train.beta3"] = 1 })
  refused("'eval': there is no 'churn'", { ["eval.churn"] = 1 })             -- ddim has none
  refused("eta must be", { ["eval.eta"] = "x" })
  refused("'eval.tiling' has no 'overlaps'", { ["eval.tiling.overlaps"] = 1 })
  refused("'train.lr' is 0.001, it has no key 'x'", { ["train.lr.x"] = 1 })
end

function suite.test_tables_of_a_choice_suit_the_choice_that_is_named()
  local defaults = { model = settings.model { schedule = "cosine" } }
  local function refused(said, overrides) lu.assertErrorMsgContains(said, config.merge, defaults, overrides) end
  local shifted = config.merge(defaults, { ["model.schedule_options.shift"] = 2 })
  lu.assertEquals(shifted.model.schedule_options, { shift = 2 })
  refused("schedule_options of schedule 'cosine': limit must be a number above 0 and up to 1000, got -10",
    { ["model.schedule_options"] = { limit = -10 } })
  refused("loss_options of loss 'l1' has no 'delta'", { ["model.loss_options.delta"] = 2 })
  refused("the nearest is 'shift'", { ["model.schedule_options.shft"] = 2 })
end

function suite.test_sections_stay_open_through_a_merge()
  local sr = config.merge({ train = settings.train { steps = 10 } }, { ["train.lr"] = 1e-2 })
  local c = config.merge(sr, { ["train.ema"] = 0.5 })
  lu.assertEquals(c.train, { steps = 10, lr = 1e-2, ema = 0.5 })
  lu.assertErrorMsgContains("no 'ema'", config.merge, { train = { steps = 10 } }, { ["train.ema"] = 0.5 })
end

function suite.test_a_recipe_may_have_settings_of_its_own()
  local d = { eval = settings.eval({ members = 4 }, {
    { "steps", { 1, 2 }, "integers", least = 1, doc = "numbers of steps" } }),
    own = settings.own { { "batches", 2, "integer", least = 1, most = 9, doc = "so many" } } }
  lu.assertEquals(config.merge(d, { ["eval.steps"] = { 4 }, ["eval.sampler"] = "heun" }).eval,
    { members = 4, steps = { 4 }, sampler = "heun" })
  lu.assertErrorMsgContains("'eval.steps' must be a list of whole numbers from 1 on, got 4", config.merge, d,
    { ["eval.steps"] = 4 })
  lu.assertErrorMsgContains("'own.batches' must be a whole number from 1 to 9, got 0", config.merge, d,
    { ["own.batches"] = 0 })
  lu.assertErrorMsgContains("the nearest is 'batches'", config.merge, d, { ["own.batch"] = 1 })
  local fixed = { data = settings.superres({}, nil, { "file" }) }
  lu.assertErrorMsgContains("'data.file' is set by the recipe itself", config.merge, fixed, { ["data.file"] = "a.h5" })
  lu.assertErrorMsgContains("settings.eval: members must be", settings.eval, { members = 0 })
  lu.assertErrorMsgContains("the nearest is 'members'", settings.eval, { membres = 1 })
end

os.exit(lu.LuaUnit.run())
