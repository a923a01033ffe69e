-- A checkpoint's texts are read as what they must be: each of many wrong ones ends with one sentence that names the
-- file and the text, and no error of Lua's own.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestCheckpointTexts", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

-- A checkpoint of a small network, from a run of one step.
local path, good
local function checkpoint()
  if path then return path, good end
  local data = flex.generate("turbulence", { re = 200, size = 32, frames = 3, k0 = 4, quiet = true,
    unresolved = "allow", out = folder .. "/flow.h5" })[1]
  local r = require "recipes.sr"({ ["data.file"] = data, ["data.test"] = false, ["data.crop"] = 16, ["data.batch"] = 1,
    ["data.test_tiles"] = 1, ["train.steps"] = 1, ["eval.members"] = 1, ["model.channels"] = { 32 },
    ["model.res_blocks"] = { 1 }, ["model.depth"] = 1, ["model.heads"] = 1 }, { root = folder, quiet = true })
  path = r.dir .. "/last.h5"
  good = assert(core.io.load(path))
  return path, good
end

-- The message of loading the checkpoint with one text in another's place (nil: without it).
local function message_with(key, text)
  local _, file = checkpoint()
  local texts = {}
  for k, v in pairs(file.text) do texts[k] = v end
  texts[key] = text
  local changed = folder .. "/changed.h5"
  assert(core.io.save(changed, { names = file.names, tensors = file.tensors, text = texts }))
  local ok, message = pcall(flex.load_model, changed)
  return not ok and tostring(message) or nil
end

-- JSON of a text with some keys changed.
local function with(key, changes)
  local _, file = checkpoint()
  local t = core.json.decode(file.text[key])
  for k, v in pairs(changes) do t[k] = v end
  return core.json.encode(t)
end

function suite.test_the_file_itself_loads()
  lu.assertEquals(tostring(flex.load_model((checkpoint()))):match "^FLEX", "FLEX")
  lu.assertNil(message_with("later_version", "anything"))
  lu.assertNil(message_with("config", nil))
end

function suite.test_what_is_no_table_is_said()
  for _, key in ipairs { "model", "data", "normalisation", "config" } do
    for text, said in pairs { null = "is nil, a table", ["5"] = "is 5, a table", ['"x"'] = "is 'x', a table",
      ["{bad"] = "is no JSON", [""] = "is no JSON", ["[1,2"] = "is no JSON" } do
      local message = message_with(key, text)
      lu.assertStrContains(message or "nothing", ("changed.h5: its text '%s' %s"):format(key, said))
    end
  end
end

function suite.test_settings_of_the_network_are_judged()
  for name, odd in pairs { height = { "x", 0, -16, 1.5, true, {} }, width = { "x" }, in_channels = { 0, "1" },
    cond_channels = { false }, depth = { "x", -1, 1e9 }, heads = { 0 }, channels = { "x", { 1, "x" }, {} },
    dropout = { 2, "x" }, padding = { "none", 5 }, conditioning = { 5 }, encoder_options = { 5, "x" },
    predict = { 7, "" }, shift = { -1 } } do
    for _, value in ipairs(odd) do
      local message = message_with("model", with("model", { [name] = value }))
      lu.assertStrContains(message or "nothing", "changed.h5: its text 'model' does not fit: " .. name)
      lu.assertNil(message:find "attempt to", message)
    end
  end
  lu.assertStrContains(message_with("model", "{}"), "height must be a whole number from 1 on, got nil")
end

-- Lua makes the network of `model`, C that of `network`: where they differ, one of them would answer for the other.
function suite.test_model_and_network_agree()
  local same = core.json.decode((select(2, checkpoint())).text.network)
  for name, value in pairs { mlp_ratio = 2.5, depth = 3, heads = 4, dropout = 0.25, channels = { 64 }, height = 32,
    in_channels = 3, rotary = true, circular = not same.circular, precision = "bf16", weak_skips = not same.weak_skips,
    skip = false, recompute = true, condition_encoder = false } do
    lu.assertStrContains(message_with("network", with("network", { [name] = value })) or name,
      ("changed.h5: its texts contradict each other: '%s' of 'network' is "):format(name))
  end
  lu.assertStrContains(message_with("network", with("network", { mlp_ratio = 2.5 })),
    "'mlp_ratio' of 'network' is 2.5, and 'model' means 2")
  for name, value in pairs { heads = 4, dropout = 0.25, precision = "bf16" } do
    lu.assertStrContains(message_with("model", with("model", { [name] = value })) or name,
      ("changed.h5: its texts contradict each other: '%s' of 'network' is "):format(name))
  end
  lu.assertStrContains(message_with("network", with("network", { version = 2 })) or "nothing",
    "changed.h5: its text 'network' is described as of version 2, which had no 'mlp_ratio'")
  local without = core.json.decode((select(2, checkpoint())).text.network)
  without.heads = nil
  lu.assertStrContains(message_with("network", core.json.encode(without)) or "nothing",
    "changed.h5: its text 'network' does not fit: heads is missing")
  lu.assertNil(message_with("network", nil))
end

-- Averaged weights are used of all tensors or of none, and none may hold NaN.
function suite.test_weights_that_are_missing_or_broken_are_named()
  local _, file = checkpoint()
  local changed, names, last, first = folder .. "/weights.h5", {}, {}, nil
  for _, name in ipairs(file.names) do
    local averaged = name:find "^ema/" ~= nil
    if averaged and not first then first = name else names[#names + 1] = name end
    if not averaged then last[#last + 1] = name end
  end
  local function load_with(list, tensors)
    local kept = {}
    for _, name in ipairs(list) do kept[name] = tensors[name] end
    assert(core.io.save(changed, { names = list, tensors = kept, text = file.text }))
    local ok, result = pcall(flex.load_model, changed)
    return ok and result or tostring(result)
  end
  lu.assertStrContains(load_with(names, file.tensors), ("weights.h5: '%s' is missing"):format(first))
  lu.assertEquals(load_with(last, file.tensors).averaged, false)
  lu.assertEquals(load_with(file.names, file.tensors).averaged, true)
  local tensors = setmetatable({ [first] = core.full(file.tensors[first].shape, 0 / 0) }, { __index = file.tensors })
  lu.assertStrContains(load_with(file.names, tensors), ("weights.h5: '%s' holds NaN or infinite values"):format(first))
end

-- A file that needs itself, or a chain of files, would be read for ever.
function suite.test_a_network_that_needs_itself_is_refused()
  local changed = folder .. "/changed.h5"
  local function regression(of)
    return with("model", { target = "regression", target_options = { checkpoint = of } })
  end
  lu.assertEquals(message_with("model", regression(changed)),
    changed .. ": its network needs the network of this same file")
  lu.assertStrContains(message_with("model", regression(folder .. "/./changed.h5")) or "nothing",
    "its network needs the network of this same file")
  local _, file = checkpoint()
  for i = 1, 6 do
    local texts = {}
    for k, v in pairs(file.text) do texts[k] = v end
    texts.model = regression(("%s/c%d.h5"):format(folder, i + 1))
    assert(core.io.save(("%s/c%d.h5"):format(folder, i), { names = file.names, tensors = file.tensors, text = texts }))
  end
  lu.assertStrContains(message_with("model", regression(folder .. "/c1.h5")) or "nothing",
    changed .. ": a chain of more than 4 networks, each of which needs the next")
  lu.assertNil(message_with("model", regression((checkpoint()))))   -- and the sets are empty again
end

-- The sides decide how much memory a network takes: the file's own positions must bear them out.
function suite.test_sides_must_be_those_of_the_tensors()
  lu.assertStrContains(message_with("model", with("model", { height = 65536, width = 65536 })) or "nothing",
    "its text 'model' says fields of 65536x65536")
  lu.assertStrContains(message_with("model", with("model", { depth = 1024 })) or "nothing",
    "make 515 skip connections, more than the 96")
end

function suite.test_the_data_and_their_scale_are_judged()
  for name, value in pairs { factor = "x", degradation = 5, crop = -1, noise = "x", task = "paint" } do
    lu.assertStrContains(message_with("data", with("data", { [name] = value })) or "nothing",
      "changed.h5: its text 'data' does not fit: " .. name)
  end
  for _, case in ipairs { { mean = { "x" } }, { mean = {} }, { mean = 3 }, { std = { 0 } }, { std = { 1, 1 } },
    { std = "x" } } do
    lu.assertStrContains(message_with("normalisation", with("normalisation", case)) or "nothing",
      "changed.h5: its text 'normalisation' does not fit")
  end
  lu.assertStrContains(message_with("normalisation", nil) or "nothing",
    "changed.h5: its text 'normalisation' is missing: mean and std of the channels")
  lu.assertStrContains(message_with("data", with("data", { factor = 4096 })) or "nothing",
    "changed.h5: its text 'data' does not fit: factor 4096 does not divide the network's fields of 16x16")
  lu.assertStrContains(message_with("normalisation", '{"mean":[0,0],"std":[1,1]}'), "has 2 channels, its network 1")
  lu.assertStrContains(message_with("seed", "x"), "its text 'seed' is 'x', a whole number")
end

-- A resumed run, too, wants numbers where it goes on from.
function suite.test_steps_of_a_run_are_whole_numbers()
  local _, file = checkpoint()
  for _, key in ipairs { "step", "phase", "log_bytes" } do
    local texts = {}
    for k, v in pairs(file.text) do texts[k] = v end
    texts[key] = "many"
    local changed = folder .. "/resumed.h5"
    assert(core.io.save(changed, { names = file.names, tensors = file.tensors, text = texts }))
    lu.assertErrorMsgContains(("resumed.h5: its text '%s' is 'many'"):format(key), flex.checkpoint.load, changed)
  end
end

-- Every tensor that a network wants, of another shape: which one, what it has and what is wanted.
function suite.test_a_tensor_of_a_wrong_shape_is_named_with_both()
  local _, file = checkpoint()
  local changed, tried = folder .. "/shape.h5", 0
  for i, name in ipairs(file.names) do
    if name:find "^ema/" and i % 5 == 0 then
      local tensors, shape, t = {}, {}, file.tensors[name]
      for other, value in pairs(file.tensors) do tensors[other] = value end
      for axis, n in ipairs(t.shape) do shape[axis] = axis == 1 and n + 1 or n end
      tensors[name] = core.zeros(shape)
      assert(core.io.save(changed, { names = file.names, tensors = tensors, text = file.text }))
      local ok, message = pcall(flex.load_model, changed)
      lu.assertFalse(ok)
      lu.assertStrContains(tostring(message), ("%s: '%s' is (%s), this network wants (%s)"):format(changed, name,
        table.concat(shape, ","), table.concat(t.shape, ",")))
      tried = tried + 1
    end
  end
  lu.assertTrue(tried > 10)
end

-- Sizes that the tensors do not bear out decide nothing: such a network is not made, whatever it would take.
function suite.test_sizes_beyond_the_tensors_take_no_memory()
  for _, changes in ipairs { { channels = { 16384 } }, { channels = { 4096 } }, { channels = { 1536 } } } do
    core.reset_peak()
    local live, message = core.memory().live, message_with("model", with("model", changes))
    lu.assertNotNil(message)
    lu.assertStrContains(message, "changed.h5: the network of its text 'model' is larger than its tensors")
    lu.assertTrue(core.memory().peak - live < 512 * 2 ^ 20)
  end
  lu.assertEquals(core.limit_memory(0), 0)      -- as it was
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
