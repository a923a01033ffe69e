-- Networks beside FLEX: their sizes, the conditioning paths in them, encoders, positions, arithmetic.
local lu = require "luaunit"
local operations = require "flexlab.network.operations"
local checkpoint = require "flexlab.checkpoint"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestBackbones", suite)

local folder, path = support.folder()
local largest = support.largest

local SIDE = 16

local function build(more)
  local cfg = { size = "nano", height = SIDE, width = SIDE, in_channels = 1, cond_channels = 1, dropout = 0.0,
    seed = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.models.flex(cfg)
end

-- Weights that start at zero hide what is behind them.
local function shaken(model)
  for _, p in ipairs(model:parameters()) do
    if p.trained then
      core.no_grad(function()
        p.tensor:add_(core.normal(p.tensor.shape, { seed = 2, stream = "user" }), 0.05)
      end)
    end
  end
  return model
end

local function batch(n, height, width)
  local function field(sample)
    return core.normal({ n or 2, height or SIDE, width or SIDE, 1 }, { seed = 4, stream = "user", sample = sample })
  end
  local estimate = field(1)
  return { target = field(2), estimate = estimate, lowres = estimate, re = core.full({ n or 2, 1 }, 0.2) }
end

local function answer(model, b)
  return core.no_grad(function()
    local n = b.target.shape[1]
    return model:predict(b.target, core.full({ n }, 0.4), b, model:condition(b))
  end)
end

function suite.test_flex_is_what_it_was()
  local model = build()
  local net = core.flex { size = "nano", height = SIDE, width = SIDE, in_channels = 1, cond_channels = 1, seed = 1,
    dropout = 0 }
  local own = model:parameters()
  for i, p in ipairs(net:parameters()) do
    lu.assertEquals(own[i].name, p.name)
    lu.assertEquals(largest(own[i].tensor:detach(), p.tensor:detach()), 0)
  end
  lu.assertEquals(#own, #net:parameters())
  lu.assertStrContains(tostring(model), "FLEX nano: 2.13 M")
  local network = flex.choices.get("models", "flex").network(model.config)
  lu.assertNil(network.lua)
  lu.assertEquals(core.flex(network):config().rotary, false)
end

-- Those of the authors' public code, where it was read (lua/flexlab/backbones/*.lua say which).
function suite.test_sizes()
  for word, wanted in pairs { unet = { small = { 32, 64, 128, 128, 256 }, medium = { 64, 128, 256, 256, 512 } },
    uvit = { small = { 384 }, medium = { 768 }, big = { 1152 } } } do
    for size, channels in pairs(wanted) do lu.assertEquals(flex.backbones[word].sizes(size).channels, channels) end
  end
  lu.assertEquals(flex.backbones.uvit.sizes("big").depth, 29)
  lu.assertErrorMsgContains("backbone 'unet' has no size 'tiny'", build, { backbone = "unet", size = "tiny" })
  lu.assertErrorMsgContains("'heads' must be given too", build, { backbone = "unet", channels = { 32 },
    res_blocks = { 1 } })
  lu.assertErrorMsgContains("nearest is 'unet'", build, { backbone = "unnet" })
  lu.assertErrorMsgContains("nearest is 'patch'", build, { backbone = "uvit", backbone_options = { pach = 2 } })
  lu.assertErrorMsgContains("not divisible by the patch = 4", build, { backbone = "uvit", height = 18 })
  lu.assertErrorMsgContains("depth must be at least 2", build, { backbone = "uvit", depth = 1 })
  lu.assertErrorMsgContains("has no tokens", build, { backbone = "unet", positions = "rotary" })
  lu.assertErrorMsgContains("use_transf", build, { backbone = "unet", use_transf = true })
end

-- A conditioning path that is open changes the answer; with all closed the condition does not matter.
function suite.test_conditioning_paths()
  for _, word in ipairs(flex.backbones()) do
    local b, other = batch(), batch()
    other.lowres = other.lowres * -1
    for _, way in ipairs { "none", "weak_skips", "strong_skips", "strong_bottleneck", "cross_attention", "concat" } do
      local model = shaken(build { backbone = word, conditioning = way })
      local moved = largest(answer(model, b), answer(model, other))
      lu.assertEquals(moved > 0, way ~= "none", word .. " " .. way)
    end
  end
end

-- By the path `cross_attention` one pixel of the head reaches the far side of the answer. A condition that is not
-- known is one of zeros.
function suite.test_cross_attention_sees_the_whole_condition()
  for _, word in ipairs(flex.backbones()) do
    local model = shaken(build { backbone = word, conditioning = "cross_attention", width = 64, encoder = "identity" })
    local b = batch(1, SIDE, 64)
    local features = core.no_grad(function() return model:condition(b) end)
    local function say(known)
      return core.no_grad(function() return model:predict(b.target, core.full({ 1 }, 0.4), b, known) end)
    end
    local plain = say(features)
    features.head = features.head:clone():set(1, 1, 1, 1, features.head:get(1, 1, 1, 1) + 3)
    local moved = (say(features) - plain):narrow { axis = 3, start = 57, length = 8 }
    lu.assertTrue(moved:abs():summary().max > 0, word)
    features.head = features.head * 0
    lu.assertEquals(largest(say(features), say(nil)), 0, word)
    local names = 0
    for _, p in ipairs(model:parameters()) do names = names + (p.name:match "^cross_attention%." and 1 or 0) end
    lu.assertEquals(names, 12)
  end
  local both, one = build { conditioning = "both+cross_attention" }, build()
  lu.assertEquals(both:count() - one:count(), 4 * 64 * 64 + 4 * 64 + 4 * 64)
  local network = flex.choices.get("models", "flex").network(both.config)
  lu.assertEquals({ network.lua, network.weak_skips, network.condition_encoder },
    { "conditioning 'cross_attention'", true, true })
end

function suite.test_any_sum_of_conditionings()
  for _, word in ipairs(flex.backbones()) do
    local model = shaken(build { backbone = word, conditioning = "concat+cross_attention+weak+film",
      embed_condition = false, drop_condition = 0.5 })
    local b = batch()
    flex.diffusion.loss(model, b, 4):backward()
    for _, p in ipairs(model:parameters()) do
      if p.trained then lu.assertNotNil(p.tensor.grad, word .. ": " .. p.name) end
    end
    lu.assertEquals(answer(model, b).shape, b.target.shape)
  end
end

-- A sample of a batch is, bit for bit, that sample alone.
function suite.test_samples_are_independent()
  for _, word in ipairs(flex.backbones()) do
    local model, b = shaken(build { backbone = word }), batch()
    local second = { axis = 1, start = 2, length = 1 }
    local alone = {}
    for k, v in pairs(b) do alone[k] = v:narrow(second) end
    lu.assertEquals(largest(answer(model, b):narrow(second), answer(model, alone)), 0, word)
  end
end

function suite.test_every_encoder_fits_every_backbone()
  for _, word in ipairs(flex.backbones()) do
    for _, encoder in ipairs(flex.encoders()) do
      local options = encoder == "transformer" and { patch = 2 } or {}
      local model = shaken(build { backbone = word, encoder = encoder, encoder_options = options })
      local b = batch()
      flex.diffusion.loss_at(model, b, { 0.3, 0.7 }, core.normal(b.target.shape, support.KEY)):backward()
      for _, p in ipairs(model:parameters()) do
        if p.trained then lu.assertNotNil(p.tensor.grad, ("%s %s: %s"):format(word, encoder, p.name)) end
      end
    end
  end
  lu.assertEquals(build({ backbone = "uvit" }).config.encoder, "vit")
end

local function saved(model, name)
  assert(checkpoint.save(path(name), { watched = { { model = model, prefix = "" } }, recipe = { name = "test" },
    seed = 1, cfg = {}, phase = 1, log_file = { bytes = 0 } }))
  return path(name)
end

function suite.test_positions_of_a_vision_transformer()
  for _, word in ipairs(flex.positions()) do
    local model = shaken(build { backbone = "uvit", positions = word })
    local large = flex.load_model(saved(model, word .. ".h5"), { height = 2 * SIDE, width = SIDE })
    local found
    for _, p in ipairs(large:parameters()) do
      if p.name:match "pos_embed$" then found = p end
    end
    lu.assertEquals({ found.tensor.shape, found.trained }, { { 1, 1 + 8 * 4, 128 }, word == "learned" })
    lu.assertEquals(answer(large, batch(1, 2 * SIDE, SIDE)).shape, { 1, 2 * SIDE, SIDE, 1 })
    lu.assertEquals(largest(answer(flex.load_model(path(word .. ".h5")), batch()), answer(model, batch())), 0)
  end
end

-- A set of tokens does not know which is where: a shift by a patch shifts the answer, if no convolution and no
-- border tells. What is added to tokens, or turns them by an absolute place, breaks that.
function suite.test_only_without_positions_tokens_are_a_set()
  local function shift_error(word)
    local model = shaken(build { backbone = "uvit", positions = word, padding = "circular", conditioning = "none" })
    local b = batch(1)
    local function rolled(t)
      return t:narrow({ axis = 3, start = 5, length = SIDE - 4 }):concat(t:narrow { axis = 3, start = 1, length = 4 },
        { axis = 3 })
    end
    local plain = answer(model, b)
    b.target = rolled(b.target)
    return largest(answer(model, b), rolled(plain)) / plain:abs():summary().max
  end
  lu.assertTrue(shift_error "none" < 1e-5)
  for _, word in ipairs { "learned", "sincos", "rotary" } do lu.assertTrue(shift_error(word) > 1e-3, word) end
end

function suite.test_several_tasks_share_any_backbone()
  for _, word in ipairs(flex.backbones()) do
    local model = flex.models.multitask({ backbone = word, size = "nano", height = SIDE, width = SIDE, in_channels = 1,
      tasks = { superres = 1, forecast = 2 }, seed = 1 }, nil)
    local b = batch()
    lu.assertEquals(answer(model:task "superres", b).shape, b.target.shape)
    b.lowres = b.lowres:concat(b.lowres, { axis = -1 })
    lu.assertEquals(answer(model:task "forecast", b).shape, b.target.shape)
    lu.assertTrue(operations.gflop(model) > 0)
    local network = flex.choices.get("models", "multitask").network(model.config)
    lu.assertEquals(network.lua, "model 'multitask'")
  end
end

-- U-ViT by hand: linear layers and attention of 17 tokens of 128, 7 + 3 blocks.
function suite.test_arithmetic()
  local t, d = 17, 128
  local block = t * (4 * d * d + 2 * d * 4 * d) + 2 * t * t * d
  local embedding = 4 * d * d + 2 * d + 2 * d * d
  local sum = 10 * block + 3 * t * 2 * d * d + 3 * 16 * 16 * d + 2 * embedding + 2 * d + 2 * d * d + SIDE * SIDE * 9
  lu.assertAlmostEquals(operations.gflop(build { backbone = "uvit" }), 2 * sum / 1e9, 1e-9)
  lu.assertTrue(operations.gflop(build { backbone = "unet" }) > 0.05)
  lu.assertTrue(operations.gflop(build { encoder = "pyramid" }) < operations.gflop(build()))
  lu.assertNil(operations.gflop(flex.nn.module { a = flex.nn.linear(1, 1) }))
end

-- Two layers of one shape must not drop the same numbers.
function suite.test_every_layer_has_masks_of_its_own()
  local net = flex.nn.module { a = flex.nn.transformer_block(32, { heads = 2, dropout = 0.5 }),
    b = flex.nn.transformer_block(32, { heads = 2, dropout = 0.5 }) }
  net:init(1, "")
  net.b:init(1, "a.")
  local x = core.normal({ 1, 8, 32 }, support.KEY)
  lu.assertEquals(largest(net.a(x), net.b(x)), 0)
  net:train { seed = 3, step = 2 }
  local first, second = net.a(x), net.b(x)
  lu.assertTrue(largest(first, second) > 0)
  net:train { seed = 3, step = 2 }
  lu.assertEquals(largest(net.a(x), first), 0)
  net.a:train { seed = 3, step = 2, stream = "dropout" }                  -- the first layer's are the key's own
  lu.assertEquals(largest(net.a(x), first), 0)
  net:train(nil)
  lu.assertEquals(largest(net.a(x), net.b(x)), 0)
end

-- Nor must layers of the network and of its condition encoder.
function suite.test_an_encoder_has_masks_of_its_own()
  local model, seen = build { backbone = "unet" }, {}
  model.encoder = { train = function(_, key) seen[#seen + 1] = key or "off" end }
  model:train { seed = 3, stream = "dropout", step = 2 }
  lu.assertEquals(seen[1], { seed = 3, stream = "dropout", step = 2, member = 1 << 20 })
  model:train(nil)
  lu.assertEquals(seen[2], "off")
end

-- A checkpoint of before there were backbones says nothing of them.
function suite.test_a_checkpoint_without_the_word_is_of_flex()
  local model = shaken(build())
  local file = assert(core.io.load(saved(model, "new.h5")))
  local description = core.json.decode(file.text.model)
  lu.assertEquals(description.backbone, "flex")
  local network = core.json.decode(file.text.network)
  for _, key in ipairs { "backbone", "backbone_options", "recompute", "precision" } do description[key] = nil end
  for _, key in ipairs { "version", "rotary", "recompute", "precision" } do network[key] = nil end
  file.text.model, file.text.network = core.json.encode(description), core.json.encode(network)
  assert(core.io.save(path "old.h5", file))
  local old = flex.load_model(path "old.h5")
  lu.assertEquals(largest(answer(old, batch()), answer(model, batch())), 0)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
