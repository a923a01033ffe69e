-- The doctor finds each defect where it is planted, and nothing where it is not.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestDoctor", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local function generate(name, seed)
  local path = folder .. "/" .. name
  flex.generate("turbulence", { re = 300, size = 64, frames = 4, seed = seed, out = path, quiet = true, k0 = 5.0 })
  return path
end

local train, test = generate("train.h5", 1), generate("test.h5", 2)

-- The finding of a check.
local function finding(findings, check)
  for _, f in ipairs(findings) do
    if f.check == check then return f end
  end
end

local function found(what, check)
  local f = finding(flex.doctor(what), check)
  return f and f.state, f and f.text
end

function suite.test_leakage()
  lu.assertEquals(found({ file = train, test = test, crop = 32 }, "leakage"), "ok")
  local state, text = found({ file = train, test = train, crop = 32 }, "leakage")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "4 of 4 test frames are training frames too (frame 1 of")
  -- a single frame of the training film under another name
  local reader = flex.fields.open(train)
  local writer = assert(core.io.field_writer(folder .. "/mixed.h5", { frames = 2, height = 64, width = 64 }))
  local other = flex.fields.open(test)
  assert(writer:append(other:read { frame = 1, height = 64, width = 64 }))
  assert(writer:append(reader:read { frame = 3, height = 64, width = 64 }))
  assert(writer:finish())
  state, text = found({ file = train, test = folder .. "/mixed.h5", crop = 32 }, "leakage")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "1 of 2 test frames")
  lu.assertStrContains(text, "frame 2 of '" .. folder .. "/mixed.h5' is frame 3 of '" .. train)
end

-- A mask, or a variable that nothing fills, is no field.
function suite.test_channels_without_variance()
  local function two(name, value)
    local path = folder .. "/" .. name
    local w = assert(core.io.field_writer(path, { frames = 4, height = 64, width = 64, channels = 2 }))
    for i = 1, 4 do
      local moving = core.normal({ 1, 64, 64, 1 }, { seed = i + value })
      assert(w:append(moving:concat(core.full({ 1, 64, 64, 1 }, 7.0), { axis = -1 })))
    end
    assert(w:text("channels", "u,mask"))
    assert(w:finish())
    return path
  end
  local state, text = found({ file = two("a.h5", 0), test = two("b.h5", 9), crop = 32 }, "variance")
  lu.assertEquals(state, "note")
  lu.assertEquals(text, "'mask': no variance in the training frames; 'mask': no variance in the test frames; "
    .. "scores of such channels say nothing")
  state, text = found({ file = train, test = test, crop = 32 }, "variance")
  lu.assertEquals({ state, text }, { "ok", "every channel varies in the training and in the test frames" })
end

function suite.test_registration()
  for _, factor in ipairs { 2, 4 } do
    local state, text = found({ file = train, test = test, crop = 64, factor = factor, degradation = "bicubic" },
      "registration")
    lu.assertEquals(state, "note")
    lu.assertStrContains(text, ("the estimate lies (%.2f, %.2f) pixels"):format((factor - 1) / 2, (factor - 1) / 2))
    lu.assertStrContains(text, "degradation 'bicubic' resizes field[::f]")
    for _, word in ipairs { "registered", "block_mean", "spectral" } do
      lu.assertEquals(found({ file = train, test = test, crop = 64, factor = factor, degradation = word },
        "registration"), "ok", word)
    end
  end
end

-- Coarse files of block means, said to be every 4th sample and rightly.
function suite.test_coarse_files_that_are_not_what_the_degradation_says()
  local function coarse_of(path)
    local reader = flex.fields.open(path)
    local writer = assert(core.io.field_writer(path .. ".low", { frames = reader.frames, height = 16, width = 16 }))
    for f = 1, reader.frames do
      assert(writer:append(reader:read({ frame = f, height = 64, width = 64 }):mean_pool { factor = 4 }))
    end
    assert(writer:finish())
    return path .. ".low"
  end
  local cfg = { file = train, test = test, low = coarse_of(train), test_low = coarse_of(test), crop = 64, factor = 4 }
  for word, wanted in pairs { block_mean = "ok", registered = "fault", bicubic = "fault" } do
    cfg.degradation = word
    local state, text = found(cfg, "registration")
    lu.assertEquals(state, wanted, word .. ": " .. text)
    if wanted == "fault" then
      lu.assertStrContains(text, ("do not lie where degradation '%s' has them"):format(word))
    end
  end
end

function suite.test_an_estimate_that_is_shifted_is_a_fault()
  local registered = flex.degradations.registered
  flex.degradations.define("askew", { low = registered.low, up = function(low, h, w, cfg)
    local up = registered.up(low, h, w, cfg)      -- two pixels down
    return up:narrow({ axis = 2, start = h - 1, length = 2 }):concat(up:narrow { axis = 2, start = 1, length = h - 2 },
      { axis = 2 })
  end })
  local state, text = found({ file = train, test = test, crop = 64, degradation = "askew" }, "registration")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "lies (2.00, 0.00) pixels from the truth")
  flex.degradations.define("askew", nil)
end

local small = { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0, conditioning = "" }

-- A run whose checkpoint says what `more` wants: task, scale of its data.
local function run_of(name, more)
  local defaults = { eval = { feedback = "member" }, task = "superres", conditioning = "both" }
  local recipe = flex.recipe(name, defaults, function(cfg, run)
    local given = { file = train, test = test, crop = 16, batch = 1, test_tiles = 2 }
    if cfg.task == "superres" then given.factor, given.degradation = 4, "registered" end
    for k, v in pairs(more or {}) do given[k] = v end
    local data = flex.data[cfg.task](given)
    local model = flex.models.flex(flex.config.merge(small, { conditioning = cfg.conditioning }))
    local optim = flex.optim.adam(model, { lr = 1e-4, ema = 0.5 })
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return { n = 1 }
  end)
  return function(overrides) return recipe(overrides or {}, { root = folder, quiet = true }).dir end
end

function suite.test_normalisation()
  local scale = {}
  scale.mean, scale.std = require("flexlab.data.scales").fit(flex.frames.open(test), flex.frames.open(test):list())
  lu.assertEquals(found(run_of("right")(), "normalisation"), "ok")
  local state, text = found(run_of("wrong", { mean = scale.mean, std = scale.std })(), "normalisation")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "those of the test frames")
  local all = flex.frames.open(train)
  local mean, std = require("flexlab.data.scales").fit(all, all:list())
  state, text = found(run_of("both", { test = false, split = 0.5, mean = mean, std = std })(), "normalisation")
  lu.assertEquals(state == "fault" and text:match("training and test frames together") ~= nil, true, text)
  lu.assertEquals(found(run_of("given", { mean = 0, std = 7 })(), "normalisation"), "note")
end

-- Writes a checkpoint again with one tensor changed.
local function damage(dir, name, change)
  local file = assert(core.io.load(dir .. "/last.h5"))
  for _, prefix in ipairs { "model/", "ema/" } do change(file.tensors[prefix .. name]) end
  assert(core.io.save(dir .. "/last.h5", file))
end

function suite.test_weights_and_layers_that_are_not_finite()
  local dir = run_of("weights")()
  lu.assertEquals(found(dir, "weights"), "ok")
  damage(dir, "decoder.output_blocks.1.0.in_layers.2.weight", function(t) t:set(1, 1, 1, 1, 0 / 0) end)
  local state, text = found(dir, "weights")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "'decoder.output_blocks.1.0.in_layers.2.weight' has 1 of ")
  -- finite weights that overflow inside one block
  for _, case in ipairs { { "encoder.input_blocks.2.0.in_layers.0.weight", "block 3 of the base encoder" },
    { "superres_encoder.input_blocks.1.0.in_layers.0.weight", "block 2 of the condition encoder" },
    { "decoder.output_blocks.0.0.in_layers.0.weight", "the decoder" } } do
    local place = run_of("overflow" .. case[2]:gsub("%W", "_"))()
    damage(place, case[1], function(t) t:fill_(3e38) end)
    local head = case[1]:gsub("in_layers.0", "out_layers.3")
    damage(place, head, function(t) t:fill_(1) end)
    state, text = found(place, "weights")
    lu.assertEquals(state, "fault", case[1])
    lu.assertStrContains(text, case[2])
  end
end

-- A file in a folder flexlab/conditioning is a word like any other; the pass takes those paths that are open.
function suite.test_every_conditioning_is_looked_at()
  local own = folder .. "/own/flexlab/conditioning"
  assert(core.sys.mkdirs(own))
  assert(core.sys.write(own .. "/dropped_in.lua", "return { doc = 'three paths of another', "
    .. "paths = { concat = true, cross_attention = true, strong_skips = true } }\n"))
  local was = package.path
  package.path = folder .. "/own/?.lua;" .. was
  local words = flex.conditioning()
  words[#words + 1] = "concat+cross_attention+weak+film"
  lu.assertStrContains(table.concat(words, " "), "dropped_in")
  for _, word in ipairs(words) do
    local findings = flex.doctor(run_of("roads")({ conditioning = word }))
    local weights = finding(findings, "weights")
    lu.assertEquals(weights.state, "ok", word)
    lu.assertStrContains(weights.text, "the outputs of all blocks", word)
    for _, f in ipairs(findings) do lu.assertNotStrContains(f.text, "could not be looked at", word) end
  end
  local dir = run_of("roads")({ conditioning = "dropped_in" })
  for _, prefix in ipairs { "q", "k" } do
    damage(dir, ("cross_attention.attention.%s.weight"):format(prefix), function(t) t:fill_(3e38) end)
  end
  local state, text = found(dir, "weights")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "the attention to the condition")
  package.path = was
  dir = run_of("roads_beside")({ conditioning = "concat" })
  damage(dir, "encoder.input_blocks.0.0.weight", function(t) t:fill_(3e38) end)
  state, text = found(dir, "weights")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "block 1 of the base encoder")
end

function suite.test_pull()
  local run = require "flexlab.doctor.run"
  local function judge(spread)
    local key = { seed = 1, stream = "user" }
    local truth = core.normal({ 4, 16, 16, 1 }, key)
    local batch = { truth = truth, estimate = core.zeros { 4, 16, 16, 1 }, ids = { 1, 2, 3, 4 } }
    local given = false
    local set = { test = { batches = function()
      given = false
      return function()
        if given then return nil end
        given = true
        return batch
      end
    end } }
    local model = require("flexlab.network.model").new { net = { predict = function(_, x) return x end,
      train = function() end }, config = { predict = "v" }, conditioned = false, seed = 5,
      parametrisation = { recover = function(_, x) return x * spread, x end, defaults = {} },
      schedule = flex.schedules.cosine, loss = flex.losses.l1, target = flex.targets.residual }
    return run.pull { set = set, model = model }
  end
  -- one step: members are noise of this width around 0, the truth is noise of width 1
  run.steps = 1
  local state, text = judge(1)
  lu.assertEquals(state, "ok", text)
  state, text = judge(0.5)
  lu.assertEquals(state, "note")
  lu.assertStrContains(text, "over-confident")
  state, text = judge(2)
  lu.assertEquals(state, "note")
  lu.assertStrContains(text, "under-confident")
  run.steps = 2
end

function suite.test_feedback()
  local make = run_of "film"
  lu.assertEquals(found(make { task = "forecast" }, "feedback"), "ok")
  local state, text = found(make { task = "forecast", ["eval.feedback"] = "mean" }, "feedback")
  lu.assertEquals(state, "fault")
  lu.assertStrContains(text, "eval.feedback feeds the mean")
end

function suite.test_what_is_no_run_is_said()
  lu.assertErrorMsgContains("is not the folder of a run", flex.doctor, folder)
end

function suite.test_the_command_ends_with_1_where_there_is_a_fault()
  local program = require("flexlab.study.workers").program()
  local function run(line)
    local _, _, code = os.execute(("{ %s %s; } >%s/out 2>&1"):format(program, line, folder))
    return code, core.sys.read(folder .. "/out")
  end
  local code, out = run(("doctor %s --test %s --crop 32 --degradation registered"):format(train, test))
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "none of 4 test frames")
  code, out = run(("doctor %s --test %s --crop 32"):format(train, train))
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "fault  leakage")
  code, out = run(("predict-ablation %s --crop 32 --degradation registered --json"):format(train))
  lu.assertEquals(code, 0)
  local p = assert(core.json.decode(out))
  lu.assertTrue(p.residual.variance < p.raw.variance)
  code, out = run(("predict-ablation %s --task forecast --crop 32"):format(train))
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "interpolant")
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
