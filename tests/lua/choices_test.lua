-- Every choice of every kind keeps the contract of its kind (docs/extending.md).
local lu = require "luaunit"
local flex = require "flexlab"
local noising = require "flexlab.diffusion.noising"
local sampling = require "flexlab.diffusion.sampling"
local support = require "tests.lua.support"
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

function suite.test_a_file_that_begins_with_an_underscore_serves_words_and_is_none()
  local folder, path = support.folder()
  assert(core.sys.mkdirs(path "flexlab/losses"))
  assert(core.sys.write(path "flexlab/losses/_shared.lua", "return function(p, y) return (p - y):abs():mean() end"))
  assert(core.sys.write(path "flexlab/losses/shares.lua", 'return { doc = "the mean of what a helper computes", '
    .. 'loss = require "flexlab.losses._shared" }'))
  local before = package.path
  package.path = package.path .. ";" .. folder .. "/?.lua"
  local words, described = table.concat(flex.losses(), " "), {}
  for _, one in ipairs(flex.choices.described "losses") do described[#described + 1] = one.name end
  local found, message = pcall(function() return flex.losses._shared end)
  lu.assertNotNil(flex.losses.shares.loss)
  package.path = before
  flex.losses.define("shares", nil)
  lu.assertStrContains(words, "shares")
  lu.assertNotStrContains(words .. table.concat(described, " "), "_shared")
  lu.assertFalse(found)
  lu.assertStrContains(message, "no '_shared'")
  os.execute("rm -r '" .. folder .. "'")
end

function suite.test_every_choice_has_a_line_of_doc()
  for kind in pairs(flex.choices.kinds) do
    local registry = flex.choices.registry(kind)
    lu.assertIs(flex[kind == "optimizers" and "optim" or kind], registry)
    for _, name in ipairs(registry()) do
      lu.assertTrue(#registry[name].doc > 10, kind .. "." .. name)
    end
  end
end

-- The contracts that a user's part must keep (flexlab.contracts) are kept by every one of ours.
function suite.test_every_choice_keeps_its_contract()
  for kind in pairs(flex.choices.kinds) do
    for _, name in ipairs(flex.choices.registry(kind)()) do
      local choice = flex.choices.registry(kind)[name]
      local strict = name ~= "regression"     -- it asks for a checkpoint: choices_models_test has one
      local kept = flex.contracts.check(choice, nil, strict)
      lu.assertTrue(choice.own, name)
      lu.assertTrue(not strict or #kept > 0, kind .. "." .. name .. " was not tried")
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
    lu.assertTrue(s.logsnr(0, s.defaults) > 9 and last < -6, name)   -- the interpolant: margin / noise^2
    local n = noising.new(s)
    local times = n:draw({ seed = 1, stream = "time", step = 4 }, 64)
    for _, t in ipairs(times) do lu.assertTrue(t >= 0 and t <= 1, name) end
    lu.assertEquals(table.move(times, 1, 8, 1, {}), n:draw({ seed = 1, stream = "time", step = 4 }, 8), name)
  end
end

-- With the network's answer at its goal, x0 and eps come back exactly.
function suite.test_parametrisations_recover_what_they_predict()
  local x0 = core.normal({ 2, 4, 4, 1 }, key)
  local eps = core.normal({ 2, 4, 4, 1 }, { seed = 4, stream = "user" })
  local s = { alpha = core.tensor({ 0.6, 0.8 }):reshape { 2, 1, 1, 1 },
    sigma = core.tensor({ 0.8, 0.6 }):reshape { 2, 1, 1, 1 } }
  local x_t = x0 * s.alpha + eps * s.sigma
  for _, name in ipairs(flex.parametrisations()) do
    if not name:find "official" then
      local p = flex.parametrisations[name]
      local x, e = p.recover(s, x_t, p.goal(s, x0, eps, p.defaults), p.defaults)
      lu.assertTrue(largest(x, x0) < 1e-5, name)
      lu.assertTrue(largest(e, eps) < 1e-5, name)
    end
  end
  local _, wrong = flex.parametrisations.x_official.recover(s, x_t, x0)
  lu.assertTrue(largest(wrong, -eps) < 1e-5)   -- the authors' sign
end

-- What the literature gives in closed form.
function suite.test_parametrisations_agree_with_their_papers()
  local x0, eps = core.normal({ 1, 4, 4, 1 }, key), core.normal({ 1, 4, 4, 1 }, { seed = 4, stream = "user" })
  local alpha, sigma, d = 0.6, 0.8, 0.5
  local s = { alpha = core.full({ 1, 1, 1, 1 }, alpha), sigma = core.full({ 1, 1, 1, 1 }, sigma) }
  local x_t, edm, v = x0 * alpha + eps * sigma, flex.parametrisations.edm, flex.parametrisations.v
  -- Karras et al. 2022, eq. 7: D(y; sg) = c_skip y + c_out F(c_in y)
  local sg, y, f = sigma / alpha, x_t * (1 / alpha), core.normal({ 1, 4, 4, 1 }, { seed = 6, stream = "user" })
  local denoised = y * (d ^ 2 / (sg ^ 2 + d ^ 2)) + f * (sg * d / math.sqrt(sg ^ 2 + d ^ 2))
  lu.assertTrue(largest(edm.recover(s, x_t, f, { sigma_data = d }), denoised) < 1e-5)
  lu.assertTrue(largest(edm.input(s, x_t, { sigma_data = d }), y * (1 / math.sqrt(sg ^ 2 + d ^ 2))) < 1e-5)
  lu.assertAlmostEquals(edm.time(2 * math.log(alpha / sigma)), math.log(sg) / 4, 1e-12)
  lu.assertTrue(largest(edm.goal(s, x0, eps, { sigma_data = 1 }), -v.goal(s, x0, eps)) < 1e-5)
  -- Liu et al. 2022: on (1 - t) x0 + t eps the slope is eps - x0; x0 = x_t - t slope
  local t = 0.3
  local flow, size = flex.parametrisations.rectified_flow, math.sqrt(t ^ 2 + (1 - t) ^ 2)
  local own = { alpha = core.full({ 1, 1, 1, 1 }, (1 - t) / size), sigma = core.full({ 1, 1, 1, 1 }, t / size) }
  local path = x0 * (1 - t) + eps * t
  lu.assertTrue(largest(flow.recover(own, path * (1 / size), f), path - f * t) < 1e-5)
end

-- `error_scale` is the squared error of what is predicted for a squared error of x0.
function suite.test_error_scales_are_those_of_recover()
  local x_t, p = core.normal({ 1, 4, 4, 1 }, key), core.normal({ 1, 4, 4, 1 }, { seed = 4, stream = "user" }) * 0.1
  for _, name in ipairs(flex.parametrisations()) do
    local kind = flex.parametrisations[name]
    for _, alpha in ipairs { 0.6, 0.8 } do
      local sigma = math.sqrt(1 - alpha ^ 2)
      local s = { alpha = core.full({ 1, 1, 1, 1 }, alpha), sigma = core.full({ 1, 1, 1, 1 }, sigma) }
      local moved = largest(kind.recover(s, x_t, p + 0.1, kind.defaults), (kind.recover(s, x_t, p, kind.defaults)))
      local seen = (name == "eps_official" and alpha * 0.1 or 0.1) / moved   -- its loss compares alpha p
      lu.assertAlmostEquals(kind.error_scale((alpha / sigma) ^ 2, kind.defaults), seen ^ 2, 1e-3, name)
    end
  end
end

function suite.test_weightings_agree_with_their_papers()
  local w, p = flex.weightings, flex.parametrisations
  for _, snr in ipairs { 0.01, 1, 7, 300 } do
    local logsnr, least = math.log(snr), math.min(snr, 5)
    local function min_snr(name) return w.min_snr.weight(logsnr, { gamma = 5 }, p[name].error_scale(snr)) end
    lu.assertAlmostEquals(min_snr "x", least, 1e-9)                       -- Hang et al. 2023, section 3.3
    lu.assertAlmostEquals(min_snr "eps", least / snr, 1e-9)
    lu.assertAlmostEquals(min_snr "v", least / (snr + 1), 1e-9)
    for _, d in ipairs { 0.5, 1 } do                                      -- Karras et al. 2022, table 1
      local scale = p.edm.error_scale(snr, { sigma_data = d })
      lu.assertAlmostEquals(w.edm.weight(logsnr, { sigma_data = d }, scale), 1, 1e-9)
      local sg = 1 / math.sqrt(snr)
      lu.assertAlmostEquals(w.edm.weight(logsnr, { sigma_data = d }, 1) / ((sg ^ 2 + d ^ 2) / (sg * d) ^ 2), 1, 1e-9)
    end
    lu.assertAlmostEquals(w.sigmoid.weight(logsnr, { shift = -1 }), 1 / (1 + math.exp(1) / snr), 1e-9)
    lu.assertEquals(w.none.weight(logsnr, {}, 3), 1)
  end
end

-- A perfect network is sampled perfectly, in any number of steps.
function suite.test_samplers_reach_the_truth_with_a_perfect_network()
  local x0 = core.normal({ 1, 4, 4, 1 }, key)
  local n = noising.new(flex.schedules.cosine)
  local function coefficients(t) return n:coefficients(t) end
  for _, name in ipairs(flex.samplers()) do
    for _, steps in ipairs { 1, 2, 5 } do
      local answer = flex.samplers[name].sample(flex.samplers[name].defaults, { coefficients = coefficients,
        times = sampling.times("uniform", steps, n), size = function() return 1 end,
        logsnr = function(t) return n:logsnr(t) end, time = function(v) return n:time(v) end,
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

function suite.test_conditioning_opens_paths()
  local config = { size = "nano", height = 16, width = 16, in_channels = 1, cond_channels = 1 }
  for word, paths in pairs { none = {}, weak = { "weak_skips" }, both = { "weak_skips", "strong_skips",
    "strong_bottleneck" }, ["weak+strong_bottleneck"] = { "weak_skips", "strong_bottleneck" } } do
    config.conditioning = word
    local open = flex.models.flex(config).net:config()
    local wanted = {}
    for _, r in ipairs(paths) do wanted[r] = true end
    for _, r in ipairs { "weak_skips", "strong_skips", "strong_bottleneck" } do
      lu.assertEquals(open[r], wanted[r] or false, word .. " " .. r)
    end
  end
  config.conditioning, config.embed_condition = "film", false
  lu.assertTrue(flex.models.flex(config).net:config().embed_condition)
  config.conditioning = "concat+weak"
  local model = flex.models.flex(config)
  lu.assertEquals({ model.net:config().in_channels, model.net:config().weak_skips }, { 2, true })
  lu.assertFalse(model.net:config().embed_condition)
  config.conditioning = "weakk"
  lu.assertErrorMsgContains("nearest is 'weak'", flex.models.flex, config)
  for _, case in ipairs { { { paths = { weak_skip = true } }, "conditioning 'mine' has no 'weak_skip'; the nearest" },
    { { doc = "no paths" }, "conditioning 'mine': its paths are nothing; a table paths = { ... } of weak_skips, " } } do
    flex.conditioning.define("mine", case[1])
    config.conditioning = "mine"
    lu.assertErrorMsgContains(case[2], flex.models.flex, config)
  end
  flex.conditioning.define("former", { roads = { weak_skips = true } })     -- the field's name until version 0.2
  config.conditioning = "former"
  local open = flex.models.flex(config).net:config()
  lu.assertEquals({ open.weak_skips, open.strong_skips }, { true, false })
  flex.conditioning.define("former", nil)
  flex.conditioning.define("mine", nil)
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
