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
    "sample: batch must be a table with the field 'estimate', got nothing" },
  { function() flex.diffusion.sample(batch, model) end,
    "sample: model must be an object with the method use(), got a table" },
  { function() flex.diffusion.sample(model, model) end,
    "sample: batch must be a table with the field 'estimate', got a flexlab.Model" },
  { function() flex.optimizer { lr = 3 } end,
    "optimizer: model must be an object with the method parameters(), got a table" },
  { function() flex.optimizer(model, 3) end, "optimizer: options must be a table, got 3" },
  { function() flex.diffusion.loss(batch, batch) end,
    "diffusion.loss: model must be an object with the method condition(), got a table" },
  { function() flex.diffusion.loss(model, 3) end,
    "diffusion.loss: batch must be a table with the field 'target', got 3" },
  { function() flex.rollout.evaluate(model) end,
    "rollout.evaluate: data must be an object with the method batches(), got nothing" },
  { function() flex.rollout.evaluate(model, test) end,
    "rollout.evaluate: data must be a table with the field 'set', got a table" },
  { function() flex.rollout.evaluate({}, test) end,
    "rollout.evaluate: model must be an object with the method condition(), got a table" },
  { function() flex.evaluate(nil, test) end,
    "evaluate: the first argument must be a function that samples a batch, got nil" },
  { function() flex.evaluate(sample) end,
    "evaluate: data must be an object with the method batches(), got nothing" },
  { function() flex.evaluate(sample, test, true) end, "evaluate: options must be a table, got true" },
  { function()
    local optim = flex.optimizer(model, { lr = 1e-3 })
    optim.step(core.zeros { 1 })
  end, "step: it is called with a colon: optim:step(loss)" },
  { function() flex.optimizer(model, { lr = 1e-3 }):step(core.zeros { 2, 3 }) end,
    "step: loss must be a tensor of one number, got a tensor (2,3)" },
}

function suite.test_the_sentence_is_of_the_function_that_was_called()
  for _, case in ipairs(wrong) do
    local ok, said = pcall(case[1])
    lu.assertFalse(ok, case[2])
    lu.assertStrContains(said, case[2])
    lu.assertNotNil(said:find "expected_test%.lua:%d+: ", said)
  end
end

os.exit(lu.LuaUnit.run())
