-- Several tasks in one model.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestMultitask", suite)

local folder, path = support.folder()
local largest = support.largest

local flow = support.flow(path "flow.h5")

local function nano(data, more) return flex.models.flex(support.smallest(more), data) end

-- The encoder in Lua computes what the C network's own does, bit for bit.
function suite.test_unet_is_the_networks_own_encoder()
  local shape = { height = 16, width = 16, in_channels = 1, cond_channels = 2, padding = "circular" }
  local own = nano(nil, shape)
  shape.encoder = "unet"
  local lua = nano(nil, shape)
  local by_name = {}
  for _, p in ipairs(own:parameters()) do by_name[p.name] = p.tensor end
  local copied = 0
  for _, p in ipairs(lua.encoder:parameters()) do
    local block, rest = p.name:match("^blocks%.(%d+)%.(.*)$")
    local name = block and ("superres_encoder.input_blocks.%s.0.%s"):format(block, rest)
      or p.name:match("^first%.") and p.name:gsub("^first", "superres_encoder.input_blocks.0.0")
      or p.name:gsub("^embedding%.cond_embed", "superres_encoder.cond_embed")
      :gsub("^embedding%.(%d)", "superres_encoder.cond_embed.%1")
    local source = by_name[name]
    lu.assertNotNil(source, p.name .. " -> " .. name)
    core.no_grad(function() p.tensor:copy_(source) end)
    copied = copied + 1
  end
  lu.assertTrue(copied > 10)
  local batch = { lowres = core.normal({ 2, 16, 16, 2 }, { seed = 1, stream = "user" }),
    re = core.tensor({ 0.1, 0.5 }):reshape { 2, 1 } }
  local a, b = own:condition(batch), lua:condition(batch)
  lu.assertEquals(#a.skips, #b.skips)
  for i, skip in ipairs(a.skips) do lu.assertEquals(largest(skip, b.skips[i]), 0) end
  lu.assertEquals(largest(a.head, b.head), 0)
end

local function multitask(more)
  local cfg = { file = flow, test = flow, crop = 16, batch = 2, superres = { factor = 4 }, forecast = { past = 2 },
    test_tiles = 2, seed = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  local data = flex.data.multitask(cfg)
  local model = flex.models.multitask(support.smallest(), data)
  return data, model
end

function suite.test_multitask_parts_are_the_same_patches()
  local b = multitask().train:batch(2)
  local sr, fc = b.parts.superres, b.parts.forecast
  lu.assertEquals(largest(flex.data.physical(fc.estimate, fc.scale), sr.truth) < 1e-3, true)
  lu.assertEquals(sr.ids, fc.ids)
  lu.assertEquals(fc.lowres.shape[4], 2)
  lu.assertErrorMsgContains("nearest is 'factor'", flex.data.multitask, { file = flow, superres = { facter = 4 } })
end

function suite.test_multitask_weights_mix_and_gradients_go_where_they_belong()
  local data, model = multitask()
  local batch = data.train:batch(1)
  for _, p in ipairs(model:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 9, stream = "user" }), 0.05) end)
    if p.trained then p.tensor:track(true) end
  end
  local total, each = flex.multitask.loss(model, batch, { superres = 3, forecast = 1 })
  lu.assertAlmostEquals(total:item(), (3 * each.superres:item() + each.forecast:item()) / 4, 1e-5)
  local alone = flex.multitask.loss(model, batch, { superres = 1, forecast = 0 })
  lu.assertAlmostEquals(alone:item(), each.superres:item(), 1e-6)
  alone:backward()
  for _, p in ipairs(model:parameters()) do
    if p.trained then
      local expected = not p.name:find("condition_encoder.forecast", 1, true)
      lu.assertEquals(p.tensor.grad ~= nil, expected, p.name)
    end
  end
  lu.assertErrorMsgContains("all weights are 0", flex.multitask.loss, model, batch, { superres = 0, forecast = 0 })
  lu.assertErrorMsgContains("nearest is 'forecast'", model.task, model, "forcast")
  lu.assertErrorMsgContains("must be told the task", flex.diffusion.loss, model, batch.parts.superres, 1)
end

function suite.test_multitask_trains_and_comes_back_from_its_checkpoint()
  local r = flex.recipe("multi", { steps = 3 }, function(cfg, run)
    local data, model = multitask { seed = false }
    local optim = flex.optim.adam(model, { lr = 1e-3, ema = 0.5 })
    for _, batch in run:steps(data.train, cfg.steps) do optim:step(flex.multitask.loss(model, batch)) end
    local out = {}
    for name, test in pairs(data.tests) do
      out[name] = flex.evaluate(flex.multitask.sampler(optim.ema, name, { steps = 1 }), test).rfne
    end
    return out
  end)
  local result = r({}, { root = folder, quiet = true })
  lu.assertTrue(result.superres > 0 and result.forecast > 0)
  local data = multitask()
  local model = flex.load_model(result.dir)
  local again = flex.evaluate(flex.multitask.sampler(model, "forecast", { steps = 1 }), data.tests.forecast).rfne
  lu.assertAlmostEquals(again, result.forecast, 1e-6)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
