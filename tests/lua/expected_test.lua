-- Wrong arguments of public functions: the function's own words, in the user's line, and not those of its inside.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestExpected", suite)

local model = flex.models.flex { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
local batch, test = { estimate = core.zeros { 1, 16, 16, 1 } }, { batches = function() end }
local function sample() end

-- A function of this file that fails, and what is said.
local wrong = {
  { function() flex.diffusion.sample(model, batch, 2) end, "sample: options must be a table, got 2" },
  { function() flex.diffusion.sample(model) end,
    "sample: batch must be a table with the entry 'estimate', got nothing" },
  { function() flex.diffusion.sample(batch, model) end,
    "sample: model must be an object with the method use(), got a table" },
  { function() flex.diffusion.sample(model, model) end,
    "sample: batch must be a table with the entry 'estimate', got a flexlab.Model" },
  { function() flex.optimizer { lr = 3 } end,
    "optimizer: model must be an object with the method parameters(), got a table" },
  { function() flex.optimizer(model, 3) end, "optimizer: options must be a table, got 3" },
  { function() flex.diffusion.loss(batch, batch) end,
    "diffusion.loss: model must be an object with the method condition(), got a table" },
  { function() flex.diffusion.loss(model, 3) end,
    "diffusion.loss: batch must be a table with the entry 'target', got 3" },
  { function() flex.rollout.evaluate(model) end,
    "rollout.evaluate: data must be an object with the method batches(), got nothing" },
  { function() flex.rollout.evaluate(model, test) end,
    "rollout.evaluate: data must be a table with the entry 'set', got a table" },
  { function() flex.rollout.evaluate({}, test) end,
    "rollout.evaluate: model must be an object with the method condition(), got a table" },
  { function() flex.evaluate(nil, test) end,
    "evaluate: the first argument must be a function that samples a batch, got nil" },
  { function() flex.evaluate(sample) end,
    "evaluate: data must be an object with the method batches(), got nothing" },
  { function() flex.evaluate(sample, test, true) end, "evaluate: options must be a table, got true" },
  { function() flex.data.superres(3) end, "data.superres: options must be a table, got 3" },
  { function() flex.data.superres() end, "data.superres: no file is named (file = ...)" },
  { function() flex.data.superres { fil = "a.h5" } end, "data.superres has no 'fil'; the nearest is 'file'" },
  { function() flex.data.forecast { file = 3 } end,
    "data.forecast: file must be a text that is not empty, or a list of such texts, got 3" },
  { function() flex.data.multitask(3) end, "data.multitask: options must be a table, got 3" },
  { function() flex.data.multitask { superres = 3 } end, "data.multitask: superres: options must be a table, got 3" },
  { function() flex.data.multitask { forecast = { pats = 1 } } end, "data.multitask: forecast has no 'pats'" },
  { function() flex.data.ensure() end, "data.ensure: settings must be a table, got nothing" },
  { function() flex.samples.ensure(3) end, "data.ensure: settings must be a table, got 3" },
  { function() flex.data.as_trained(3, {}) end,
    "data.as_trained: model must be a table with the entry 'data', got 3" },
  { function() flex.data.as_trained({ data = {}, scale = {} }, "a.h5") end,
    "data.as_trained: options must be a table, got 'a.h5'" },
  { function() flex.data.as_trained({ data = { task = "x" }, scale = {} }) end, "a model of the task 'x' cannot be" },
  { function() flex.data.build(3) end, "data.build: task must be a table with the entry 'name', got 3" },
  { function() flex.data.normalise(3) end, "data.normalise: field must be a tensor of 4 axes, got 3" },
  { function() flex.data.physical(core.zeros { 1, 2, 2, 1 }, { mean = { 0 } }) end,
    "data.physical: scale must be a table with the entry 'std', got a table" },
  { function() flex.data.physical(core.zeros { 2, 3 }, {}) end,
    "data.physical: field must be a tensor of 4 axes, got a tensor (2,3)" },
  { function() flex.tiling.plan() end,
    "tiling.plan: domain must be two whole numbers {height, width} above 0, got nothing" },
  { function() flex.tiling.plan({ 32, 32 }, { 16, "a" }) end,
    "tiling.plan: tile must be two whole numbers {height, width} above 0, got a list" },
  { function() flex.tiling.plan({ 32, 32 }, { 16, 16 }, nil, "a") end,
    "tiling.plan: align must be a whole number from 1 on, got 'a'" },
  { function() flex.tiling.plan({ 32, 32 }, { 16, 16 }, 3) end, "tiling: options must be a table, got 3" },
  { function() flex.tiling.plan({ 32, 32 }, { 16, 16 }, { overlap = -3 }) end,
    "tiling: overlap must be a whole number from 0 to 65536, got -3" },
  { function() flex.tiling.options { periodic = 1 } end,
    "tiling: periodic must be true or false, or 'y' or 'x', got 1" },
  { function() flex.tiling.options { overlaps = 1 } end, "tiling has no 'overlaps'; the nearest is 'overlap'" },
  { function() flex.tiling.options { border = 20 } end, "does not fit into an overlap of 24" },
  { function() flex.diffusion.sample(model, batch, { tiling = { border = 20 } }) end,
    "does not fit into an overlap of 24" },
  { function() flex.tiling.cut(3, 1, 1, 1) end, "tiling.cut: field must be a tensor, got 3" },
  { function() flex.tiling.fused() end, "tiling.fused: plan must be a table with the entry 'rows', got nothing" },
  { function() flex.seams.measure(core.zeros { 1, 2, 2, 1 }) end,
    "seams.measure: plan must be a table with the entry 'rows', got nothing" },
  { function()
    local optim = flex.optimizer(model, { lr = 1e-3 })
    optim.step(core.zeros { 1 })
  end, "step: it is called with a colon: optim:step(loss)" },
  { function() flex.optimizer(model, { lr = 1e-3 }):step(core.zeros { 2, 3 }) end,
    "step: loss must be a tensor of one number, got a tensor (2,3)" },
  { function() flex.stats.bootstrap({ 1, 2 }, { drawz = 9 }) end,
    "stats.bootstrap has no 'drawz'; the nearest is 'draws'" },
  { function() flex.stats.bootstrap({ 1, 2 }, { level = 95 }) end,
    "stats.bootstrap: level must be a number from 0 on and below 1, got 95" },
  { function() flex.stats.t_interval({ 1, 2 }, 95) end,
    "stats.t_interval: level must be a number from 0 on and below 1, got 95" },
  { function() flex.stats.t_quantile(1, 3) end,
    "stats.t_quantile: level must be a number from 0 on and below 1, got 1" },
  { function() flex.stats.sign_flip({ 1, 2 }, { sed = 1 }) end, "stats.sign_flip has no 'sed'; the nearest is 'seed'" },
  { function() flex.stats.p_text(0.1, 5, { comparison = 2 }) end, "the nearest is 'comparisons'" },
  { function() flex.stats.paired({}, { agianst = "a" }) end, "the nearest is 'against'" },
  { function() flex.stats.paired({}, { against = "a", correct = "nome" }) end,
    "stats.paired: correct: no 'nome'; the nearest is 'none'" },
  { function() flex.plot.lines({}, { titel = "a" }) end, "plot.lines has no 'titel'; the nearest is 'title'" },
  { function() flex.plot.lines({}, { y = { Log = true } }) end, "plot.lines: axis y has no 'Log'" },
  { function() flex.plot.lines { { x = { 1 }, y = { 1 }, color = "red" } } end,
    "plot.lines: series 1 has no 'color'; the nearest is 'colour'" },
  { function() flex.plot.lines({}, "a") end, "plot.lines: options must be a table, got 'a'" },
  { function() flex.plot.loss({}, {}, { lable = "a" }) end, "plot.loss has no 'lable'; the nearest is 'label'" },
  { function() flex.plot.spectrum({}, { ylabel = "a" }) end, "plot.spectrum has no 'ylabel'" },
  { function() flex.plot.spectrum({}, { y = { hihg = 1 } }) end, "plot.spectrum: axis y has no 'hihg'" },
  { function() flex.plot.slopes({}, { lable = "a" }) end, "plot.slopes has no 'lable'" },
  { function() flex.generate { kind = "turbulence" } end,
    "generate: the first argument must be a word, as in flex.generate(\"turbulence\", { re = 1000 }), got a table" },
  { function() flex.baselines.in_fluid(sample, "no_such_film.h5") end, "data: there is no file 'no_such_film.h5'" },
  { function() flex.picture.compare { low = core.zeros { 1, 2, 2, 1 }, spraed = 1 } end, "picture has no 'spraed'" },
}

-- What takes nothing refuses an argument, which it would ignore.
function suite.test_what_takes_nothing_says_so()
  local called = false
  local nothing = { "memory", "reset_peak", "info" }
  for _, name in ipairs { "time", "now", "columns", "pid", "host", "rss", "peak_rss",
    "interrupts", "interrupted", "signal",
    "clear_interrupts" } do
    nothing[#nothing + 1] = "sys." .. name
  end
  for _, name in ipairs { "measure.start", "measure.stop", "io.reading" } do nothing[#nothing + 1] = name end
  for _, name in ipairs(nothing) do
    local part, own = name:match "^(%a+)%.(.*)$"
    local f = part and core[part][own] or core[name]
    lu.assertErrorMsgContains((own or name) .. " takes nothing, got 1", f, 1)
  end
  lu.assertErrorMsgContains("scope takes nothing, got a function; write: local s <close> = flex.scope()", flex.scope,
    function() called = true end)
  lu.assertErrorMsgContains("scope takes nothing, got nil", flex.scope, nil)
  lu.assertFalse(called)
  lu.assertErrorMsgContains("losses takes nothing, and lists the words; a choice is flex.losses.WORD", function()
    flex.losses "mse"
  end)
  lu.assertErrorMsgContains("run takes nothing: it is the run", flex.run, "recipes/sr.lua")
  lu.assertNil(flex.run())
  local scope <close> = flex.scope()
  lu.assertEquals(type(scope.keep), "function")
end

function suite.test_the_sentence_is_of_the_function_that_was_called()
  for _, case in ipairs(wrong) do
    local ok, said = pcall(case[1])
    lu.assertFalse(ok, case[2])
    lu.assertStrContains(said, case[2])
    lu.assertNotNil(said:find "expected_test%.lua:%d+: ", said)
  end
end

os.exit(lu.LuaUnit.run())
