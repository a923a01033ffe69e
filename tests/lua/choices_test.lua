-- Every choice of every kind keeps the contract of its kind (docs/internals.md section 2).
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestChoices", suite)

local key = { seed = 3, stream = "user" }

local function largest(a, b) return (a - b):abs():summary().max end

function suite.test_words_are_listed_and_unknown_ones_name_the_nearest()
  lu.assertItemsEquals(flex.losses(), { "l1", "mse", "huber" })
  lu.assertItemsEquals(flex.optim(), { "adam", "adamw", "lion" })
  lu.assertErrorMsgContains("nearest is 'huber'", function() return flex.losses.hubber end)
  lu.assertErrorMsgContains("nearest is 'recipe'", function() return flex.recpie end)
end

function suite.test_every_choice_has_a_line_of_doc()
  for _, kind in ipairs { "schedules", "parametrisations", "samplers", "losses", "degradations",
    "encoders", "conditioning", "models", "optim" } do
    for _, name in ipairs(flex[kind]()) do
      lu.assertTrue(#flex[kind][name].doc > 10, kind .. "." .. name)
    end
  end
end

function suite.test_schedules_fall_from_signal_to_noise()
  for _, name in ipairs(flex.schedules()) do
    local s, last = flex.schedules[name], math.huge
    for i = 0, 20 do
      local v = s.logsnr(i / 20, s.defaults)
      lu.assertTrue(v < last, name)
      last = v
    end
    lu.assertTrue(s.logsnr(0, s.defaults) > 9 and last < -9, name)
  end
end

-- With the network's answer at its goal, x0 and eps come back exactly.
function suite.test_parametrisations_recover_what_they_predict()
  local x0 = core.normal({ 2, 4, 4, 1 }, key)
  local eps = core.normal({ 2, 4, 4, 1 }, { seed = 4, stream = "user" })
  local s = { alpha = core.tensor({ 0.6, 0.8 }):reshape { 2, 1, 1, 1 },
    sigma = core.tensor({ 0.8, 0.6 }):reshape { 2, 1, 1, 1 } }
  local x_t = x0 * s.alpha + eps * s.sigma
  for _, name in ipairs { "v", "x", "eps" } do
    local p = flex.parametrisations[name]
    local x, e = p.recover(s, x_t, p.goal(s, x0, eps))
    lu.assertTrue(largest(x, x0) < 1e-5, name)
    lu.assertTrue(largest(e, eps) < 1e-5, name)
  end
  local _, wrong = flex.parametrisations.x_official.recover(s, x_t, x0)
  lu.assertTrue(largest(wrong, -eps) < 1e-5)   -- the authors' sign
end

-- A perfect network is sampled perfectly, in any number of steps.
function suite.test_samplers_reach_the_truth_with_a_perfect_network()
  local x0 = core.normal({ 1, 4, 4, 1 }, key)
  local schedule = flex.schedules.cosine
  local function coefficients(t)
    local l = schedule.logsnr(t, {})
    return math.sqrt(1 / (1 + math.exp(-l))), math.sqrt(1 / (1 + math.exp(l)))
  end
  for _, name in ipairs(flex.samplers()) do
    for _, steps in ipairs { 1, 2, 5 } do
      local answer = flex.samplers[name].sample({ steps = steps }, { coefficients = coefficients,
        x = core.normal({ 1, 4, 4, 1 }, { seed = 9, stream = "sample" }),
        noise = function(k) return core.normal({ 1, 4, 4, 1 }, { seed = 9, stream = "sample", step = k }) end,
        predict = function(x, t)
          local a, s = coefficients(t)
          return x0, (x - x0 * a) / s
        end })
      lu.assertTrue(largest(answer, x0) < 1e-5, name)
    end
  end
end

function suite.test_losses_vanish_at_the_goal_and_have_gradients()
  for _, name in ipairs(flex.losses()) do
    local a = core.normal({ 2, 3 }, key):track(true)
    local choice = flex.losses[name]
    lu.assertEquals(choice.loss(a, a:detach(), choice.defaults):item(), 0)
    choice.loss(a, core.zeros { 2, 3 }, choice.defaults):backward()
    lu.assertTrue(a.grad:abs():summary().max > 0, name)
  end
end

function suite.test_degradations_go_down_and_up()
  local field = core.normal({ 2, 16, 24, 3 }, key)
  for _, name in ipairs(flex.degradations()) do
    local d = flex.degradations[name]
    local low = d.low(field, 4)
    lu.assertEquals(low.shape, { 2, 4, 6, 3 }, name)
    lu.assertEquals(d.up(low, 16, 24, {}).shape, { 2, 16, 24, 3 }, name)
    local flat = core.full({ 1, 16, 16, 1 }, 2.5)
    lu.assertTrue(largest(d.up(d.low(flat, 4), 16, 16, {}), flat) < 1e-5, name)
  end
  local kept = flex.degradations.registered
  local up = kept.up(kept.low(field, 4), 16, 24, {})
  lu.assertAlmostEquals(up:get(1, 5, 9, 2), field:get(1, 5, 9, 2), 1e-5)
  lu.assertErrorMsgContains("divisible", flex.degradations.bicubic.low, field, 5)
end

function suite.test_conditioning_opens_roads()
  local config = { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
  for word, roads in pairs { none = {}, weak = { "weak_skips" }, both = { "weak_skips", "strong_skips",
    "strong_bottleneck" }, ["weak+strong_bottleneck"] = { "weak_skips", "strong_bottleneck" } } do
    config.conditioning = word
    local open = flex.models.flex(config).net:config()
    local wanted = {}
    for _, r in ipairs(roads) do wanted[r] = true end
    for _, r in ipairs { "weak_skips", "strong_skips", "strong_bottleneck" } do
      lu.assertEquals(open[r], wanted[r] or false, word .. " " .. r)
    end
  end
  config.conditioning = "weakk"
  lu.assertErrorMsgContains("nearest is 'weak'", flex.models.flex, config)
end

local function batch_for(model, n)
  local shape = { n, model.config.height, model.config.width, model.config.in_channels }
  local estimate = core.normal(shape, key)
  return { target = core.normal(shape, { seed = 5, stream = "user" }), estimate = estimate,
    lowres = estimate, re = core.full({ n, 1 }, 0.1) }
end

-- Encoders: built from defaults, the right shapes, a gradient for every parameter, same seed same bits.
function suite.test_encoders_keep_their_contract()
  for _, name in ipairs(flex.encoders()) do
    local cfg = { size = "nano", encoder = name, height = 16, width = 24, in_channels = 2,
      cond_channels = 2, dropout = 0 }
    local model, twin = flex.models.flex(cfg), flex.models.flex(cfg)
    local first, second = model:parameters(), twin:parameters()
    for i, p in ipairs(first) do
      lu.assertEquals(p.name, second[i].name)
      lu.assertEquals(largest(p.tensor:detach(), second[i].tensor:detach()), 0, p.name)
    end
    local batch = batch_for(model, 2)
    local features = model:condition(batch)
    for i, shape in ipairs(model.net:skip_shapes(2)) do
      lu.assertEquals(features.skips[i].shape, shape, name)
    end
    -- the last convolution of every block starts at zero, so gradients need weights that are not
    for _, p in ipairs(first) do
      core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, key), 0.05) end)
    end
    flex.diffusion.loss_at(model, batch, { 0.3, 0.7 }, core.normal(batch.target.shape, key)):backward()
    for _, p in ipairs(first) do
      if p.trained then lu.assertTrue(p.tensor.grad ~= nil, name .. " " .. p.name) end
    end
  end
end

function suite.test_a_choice_can_be_defined_by_a_recipe()
  flex.losses.define("signed", { loss = function(a, b) return (a - b):mean() end })
  lu.assertItemsEquals(flex.losses(), { "l1", "mse", "huber", "signed" })
  flex.losses.define("signed", nil)
  lu.assertItemsEquals(flex.losses(), { "l1", "mse", "huber" })
  lu.assertErrorMsgContains("lacks the function 'loss'", flex.losses.define, "bad", {})
end

os.exit(lu.LuaUnit.run())
