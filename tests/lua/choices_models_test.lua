-- Every word of every kind in a whole model: it builds, every parameter gets a gradient, it is saved and
-- loaded, and the same seed gives the same bits.
local lu = require "luaunit"
local flex = require "flexlab"
local checkpoint = require "flexlab.checkpoint"
local core = flex.core

local suite = {}
rawset(_G, "TestChoicesInModels", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local HEIGHT, WIDTH, FACTOR = 16, 24, 4

local function largest(a, b) return (a - b):abs():summary().max end

local function field(seed, channels)
  return core.normal({ 2, HEIGHT, WIDTH, channels or 1 }, { seed = seed, stream = "user" })
end

-- A super-resolution batch that also knows a past frame, in units of its own scale.
local function batch()
  local target, scale = field(1), { mean = { 1.0 }, std = { 2.0 } }
  local degradation = flex.degradations.block_mean
  local low = degradation.low(target, FACTOR)
  local estimate = degradation.up(low, HEIGHT, WIDTH, {})
  return { target = target, estimate = estimate, lowres = estimate, re = core.full({ 2, 1 }, 0.1), ids = { 4, 9 },
    last = field(2), low = low * 2 + 1, truth = target * 2 + 1, scale = scale, task = "superres" }
end

-- What makes the structure of a network is tried in one of four levels; all else in one of two.
local structure = { "encoder", "conditioning", "backbone", "positions", "kind" }

local function build(config)
  local cfg = { height = HEIGHT, width = WIDTH, in_channels = 1, cond_channels = 1, dropout = 0.1 }
  for _, key in ipairs(structure) do cfg.size = cfg.size or config[key] and "nano" end
  if not cfg.size then cfg.channels, cfg.res_blocks, cfg.depth, cfg.heads = { 32, 32 }, { 1, 1 }, 1, 2 end
  for k, v in pairs(config) do cfg[k] = v end
  local model = flex.models[cfg.kind or "flex"].new(cfg)
  model.data = { task = "superres", degradation = "block_mean", factor = FACTOR }
  -- the last convolution of every block starts at zero: not to see through
  for _, p in ipairs(model:parameters()) do
    if p.trained then
      core.no_grad(function()
        p.tensor:add_(core.normal(p.tensor.shape, { seed = 3, stream = "user" }), 0.03)
      end)
    end
  end
  return model
end

local function saved(model, name)
  local path = ("%s/%s.h5"):format(folder, name)
  assert(checkpoint.save(path, { watched = { { model = model, prefix = "" } }, recipe = { name = "test" },
    seed = 1, cfg = {}, phase = 1, log_file = { bytes = 0 },
    data = { description = model.data, scale = { mean = { 1.0 }, std = { 2.0 } } } }))
  return path
end

-- Trains one step and samples with a configuration, twice and through a file.
local function try(label, config, options)
  local model, twin, b = build(config), build(config), batch()
  local first, second = flex.diffusion.loss(model, b, 3), flex.diffusion.loss(twin, b, 3)
  lu.assertEquals(first:item(), second:item(), label)
  lu.assertTrue(first:item() > 0 and first:item() < math.huge, label)
  first:backward()
  for _, p in ipairs(model:parameters()) do
    if p.trained then
      lu.assertTrue(p.tensor.grad ~= nil, label .. ": no gradient of " .. p.name)
      lu.assertEquals(p.tensor.grad:summary().nonfinite, 0, label .. " " .. p.name)
    end
  end
  local function sample(m) return (flex.diffusion.sample(m, b, options or { steps = 2 })) end
  local answer = sample(model)
  lu.assertEquals(answer.shape, { 2, HEIGHT, WIDTH, 1 }, label)
  lu.assertEquals(answer:summary().nonfinite, 0, label)
  lu.assertEquals(largest(answer, sample(twin)), 0, label)
  local loaded = flex.load_model(saved(model, (label:gsub("%W", "_"))))
  lu.assertEquals(largest(answer, sample(loaded)), 0, label)
  return answer
end

-- kind -> the key of the model that takes its words.
local keys = { schedules = "schedule", parametrisations = "predict", weightings = "weighting",
  targets = "target", losses = "loss", encoders = "encoder", conditioning = "conditioning",
  backbones = "backbone", positions = "positions", models = "kind" }

-- What some words need beside themselves.
local function needs(kind, word)
  if word == "interpolant" then return { schedule = "interpolant" } end
  if kind == "targets" and word == "regression" then
    return { target_options = { checkpoint = saved(build { predict = "x", loss = "mse" }, "regression") } }
  end
  return {}
end

for kind, key in pairs(keys) do
  suite["test_every_word_of_" .. kind] = function()
    for _, word in ipairs(flex.choices.registry(kind)()) do
      local config = needs(kind, word)
      config[key] = word
      try(kind .. " " .. word, config)
    end
  end
end

-- sampler, grid and guidance: chosen when a model is sampled.
function suite.test_every_sampler_on_every_grid()
  local model, b = build {}, batch()
  for _, sampler in ipairs(flex.samplers()) do
    for _, grid in ipairs { table.unpack(flex.grids()), { 1, 0.6, 0.2 } } do
      local o = { sampler = sampler, grid = grid, steps = 3, seed = 5 }
      local answer = flex.diffusion.sample(model, b, o)
      lu.assertEquals(answer:summary().nonfinite, 0, sampler)
      lu.assertEquals(largest(answer, (flex.diffusion.sample(model, b, o))), 0, sampler)
    end
  end
end

function suite.test_every_guidance()
  for _, word in ipairs(flex.guidance()) do
    try("guidance " .. word, { drop_condition = 0.5 }, { steps = 2, guidance = word })
  end
end

function suite.test_a_weighting_asks_for_the_error_scale_of_a_parametrisation()
  flex.parametrisations.define("mine", { goal = function(_, x0) return x0 end,
    recover = function(s, x, p) return p, (x - p * s.alpha) / s.sigma end })
  lu.assertTrue(flex.diffusion.loss(build { predict = "mine" }, batch(), 1):item() > 0)
  lu.assertErrorMsgContains("has no error_scale", flex.diffusion.loss,
    build { predict = "mine", weighting = "min_snr" }, batch(), 1)
  flex.parametrisations.define("mine", nil)
end

function suite.test_the_error_scale_under_its_former_name_is_taken()
  flex.parametrisations.define("former", { goal = function(_, x0) return x0 end, gain = function() return 1 end,
    recover = function(s, x, p) return p, (x - p * s.alpha) / s.sigma end })
  lu.assertEquals(flex.parametrisations.former.error_scale(3), 1)
  lu.assertTrue(flex.diffusion.loss(build { predict = "former", weighting = "min_snr" }, batch(), 1):item() > 0)
  flex.parametrisations.define("former", nil)
end

-- A checkpoint on fields of another size: learned positions are interpolated, fixed ones computed.
function suite.test_positions()
  lu.assertErrorMsgContains("nearest is 'rotary'", build, { positions = "rotery" })
  for _, word in ipairs(flex.positions()) do
    try("positions " .. word, { positions = word, use_transf = true })
    local model = build { positions = word, height = 32, width = 32 }
    local path = saved(model, "size_" .. word)
    local other = flex.load_model(path, { height = 64, width = 32 })
    lu.assertEquals({ other.config.height, other.config.width }, { 64, 32 })
    local function embed(m)
      for _, p in ipairs(m:parameters()) do
        if p.name == "encoder.pos_embed" then return p.tensor:detach(), p.trained end
      end
    end
    local small, trained = embed(model)
    local large = embed(other)
    lu.assertEquals(trained, word == "learned")
    lu.assertEquals(large.shape, { 1, 1 + 8 * 4, small.shape[3] })
    lu.assertEquals(largest(large:narrow { axis = 2, start = 1, length = 1 }, small:narrow { axis = 2, start = 1,
      length = 1 }), 0)
    local same = embed(flex.load_model(path))
    lu.assertEquals(largest(same, small), 0)
    if word == "sincos" then   -- row 0, column 3 is token 1 + 3 at either size
      local at = { axis = 2, start = 5, length = 1 }
      lu.assertEquals(largest(large:narrow(at), small:narrow(at)), 0)
    end
  end
end

function suite.test_adding_a_choice_is_adding_a_file()
  local place = folder .. "/mine/flexlab/schedules"
  core.sys.mkdirs(place)
  core.sys.write(place .. "/kinked.lua", [[return { doc = "two straight lines in logSNR, meeting at t = 1/2",
    defaults = { steep = 12 },
    logsnr = function(t, cfg) return t < 0.5 and cfg.steep * (1 - 2 * t) or 8 * (1 - 2 * t) end }]])
  local path = package.path
  package.path = folder .. "/mine/?.lua;" .. path
  lu.assertItemsEquals(flex.schedules(), { "cosine", "edm", "interpolant", "kinked", "linear",
    "linear_beta", "rectified_flow", "sigmoid" })
  try("a file of one's own", { schedule = "kinked", schedule_options = { steep = 11 } })
  lu.assertErrorMsgContains("nearest is 'steep'", build, { schedule = "kinked", schedule_options = { stepp = 1 } })
  package.path = path
  flex.schedules.define("kinked", nil)
  lu.assertErrorMsgContains("no 'kinked'", build, { schedule = "kinked" })
end

os.exit(lu.LuaUnit.run())
