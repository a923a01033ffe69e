-- The configuration of FLEX and the options of a flow stand in one list each, and everything else follows it: recipes'
-- settings, checkpoints of this and of earlier versions, the reference.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"

local core = flex.core
local raises, largest = support.raises, support.largest

local folder, path = support.folder()

local TestFields = {}
rawset(_G, "TestFields", TestFields)

-- The smallest network that has every part.
local SMALL = { channels = { 32, 64 }, res_blocks = { 1, 1 }, depth = 3, heads = 2, height = 8, width = 8,
  in_channels = 1, cond_channels = 1, dropout = 0.0, seed = 3 }

local function with(changes)
  local cfg = {}
  for _, t in ipairs { SMALL, changes or {} } do
    for k, v in pairs(t) do cfg[k] = v end
  end
  return cfg
end

-- A model none of whose weights is zero.
local function awake(changes)
  local model = flex.models.flex(with(changes))
  for i, p in ipairs(model:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 9, sample = i }), 0.05) end)
  end
  return model
end

local function batch()
  local field = core.normal({ 2, 8, 8, 1 }, { seed = 5 })
  return { n = 2, target = field, lowres = field * 0.5, re = core.full({ 2, 1 }, 0.3) }
end

local function answer(model)
  local b = batch()
  return core.no_grad(function() return model:predict(b.target, core.full({ 2 }, 0.4), b, model:condition(b)) end)
end

-- The checkpoint of a model, its texts changed by `change`; the path.
local function saved(model, name, change)
  local file = path("whole_" .. name)
  assert(flex.checkpoint.save(file, { watched = { { model = model, prefix = "" } }, seed = 1, cfg = {},
    recipe = { name = "fields" }, log_file = { bytes = 0 } }))
  local content = assert(core.io.load(file))
  if change then change(content.text) end
  assert(core.io.save(path(name), content))
  return path(name)
end

-- A change of the JSON of a text.
local function edited(text, key, change)
  local t = core.json.decode(text[key])
  change(t)
  text[key] = core.json.encode(t)
end

function TestFields.test_a_network_has_every_field_with_its_default()
  local config = core.flex { size = "small", height = 16, width = 16 }:config()
  local small = core.flex_preset "small"
  for _, field in ipairs(core.flex_fields) do
    local wanted = small[field.name]
    if wanted == nil then wanted = field.default end
    if field.name == "height" or field.name == "width" then wanted = 16 end
    lu.assertEquals(config[field.name], wanted, field.name)
    lu.assertTrue(#field.doc > 3 and field.since >= 1 and field.since <= core.flex_version, field.name)
    config[field.name] = nil
  end
  lu.assertEquals(config, { seed = 0 })
end

-- What is a setting of the same name has the list's default, where recipes do not leave it to a size or the data, and
-- the list's range.
function TestFields.test_settings_follow_the_list()
  local declared, seen = require("flexlab.settings").of "model", 0
  for _, field in ipairs(core.flex_fields) do
    local entry = declared.entry[field.setting]
    lu.assertNotNil(entry, field.name)
    if field.own then
      seen = seen + 1
      lu.assertTrue(entry.default == false or entry.default == field.default, field.name)
      lu.assertEquals({ entry.least, entry.most, entry.below }, { field.least, field.most, field.below }, field.name)
      lu.assertEquals(entry.doc:sub(1, #field.doc), field.doc)
    end
  end
  lu.assertTrue(seen > 10)
  local rows = require("flexlab.settings._rows").of(core.flex_fields)
  raises("the core has no option 'droput'", rows.entry, "droput")
  lu.assertEquals(rows.entry("heads", { default = 2, note = "!" })[2], 2)
  local rest = {}
  for _, entry in ipairs(rows.rest()) do rest[entry[1]] = true end
  lu.assertTrue(rest.dropout and not rest.heads and not rest.circular)     -- made; decided by `padding`
end

function TestFields.test_a_checkpoint_says_every_field_and_the_version()
  local text = assert(core.io.load(saved(awake { positions = "rotary", conditioning = "weak" }, "new.h5"))).text
  local network = core.json.decode(text.network)
  lu.assertEquals(network.version, core.flex_version)
  lu.assertEquals({ network.rotary, network.weak_skips, network.strong_skips, network.depth }, { true, true, false, 3 })
  for _, field in ipairs(core.flex_fields) do
    lu.assertNotNil(network[field.name], field.name)
    network[field.name] = nil
  end
  lu.assertEquals(network, { version = core.flex_version })
end

-- A file of before there were versions lacks what is younger; its network is the one that it was.
function TestFields.test_an_older_file_has_the_defaults()
  local model = awake()
  local old = saved(model, "old.h5", function(text)
    for _, key in ipairs { "model", "network" } do
      edited(text, key, function(t)
        t.version = nil
        for _, field in ipairs(core.flex_fields) do
          if field.since > 1 then t[field.name] = nil end
        end
      end)
    end
    lu.assertNil(text.network:find("precision", 1, true))
  end)
  local loaded = flex.load_model(old)
  lu.assertEquals(largest(answer(loaded), answer(model)), 0)
  lu.assertEquals({ loaded.config.recompute, loaded.config.precision }, { false, "f32" })
end

-- What the writer must have said is asked for, whatever its version; a newer list is not guessed at.
function TestFields.test_a_file_that_lacks_a_field_is_damaged()
  local model = awake()
  local function lacks(name, version)
    return saved(model, "bad.h5", function(text)
      edited(text, "network", function(t)
        t.version = version
        for _, field in ipairs(math.type(version) == "integer" and core.flex_fields or {}) do
          if field.since > version then t[field.name] = nil end
        end
      end)
      edited(text, "model", function(t) t[name] = nil end)
    end)
  end
  raises("bad.h5: its text 'model' does not fit: skip is missing", flex.load_model, lacks("skip", nil))
  raises("bad.h5: its text 'model' does not fit: precision is missing", flex.load_model, lacks("precision", 2))
  lu.assertEquals(flex.load_model(lacks("precision", nil)).config.precision, "f32")
  for _, version in ipairs { core.flex_version + 1, 0, 1.5, "two" } do
    raises("bad.h5: its text 'network' is described as of version", flex.load_model, lacks("none", version))
  end
end

-- depth // 2 blocks down, one in the middle, depth // 2 up.
function TestFields.test_an_even_depth_through_a_checkpoint()
  local even, odd = awake { depth = 2 }, awake { depth = 3 }
  lu.assertEquals(largest(answer(even), answer(odd)), 0)
  local loaded = flex.load_model(saved(even, "even.h5"))
  lu.assertEquals({ loaded.config.depth, loaded.net:config().depth }, { 2, 2 })
  lu.assertEquals(largest(answer(loaded), answer(even)), 0)
  local loss = (even:predict(batch().target, core.full({ 2 }, 0.4), batch(), even:condition(batch()))):square():mean()
  loss:backward()
  for _, p in ipairs(even:parameters()) do lu.assertEquals(p.tensor.grad ~= nil, p.trained, p.name) end
  local uvit = { backbone = "uvit", channels = { 32 }, res_blocks = false, backbone_options = { patch = 4 } }
  local names = {}
  for i, depth in ipairs { 4, 5 } do
    uvit.depth, names[i] = depth, {}
    for j, p in ipairs(flex.models.flex(with(uvit)):parameters()) do names[i][j] = p.name end
  end
  lu.assertEquals(names[1], names[2])
end

-- The names of the authors' state_dict, from the rules of their constructors: Encoder and Decoder make range(depth //
-- 2) blocks, an encoder with a transformer one `mid_block`, at any depth.
local function authors(c)
  local names = {}
  local function add(prefix, parts)
    for part in parts:gmatch "%S+" do names[prefix .. part] = true end
  end
  local function wb(prefix, parts)
    for part in parts:gmatch "%S+" do add(prefix .. part, ".weight .bias") end
  end
  local function resblock(prefix, from, to)
    wb(prefix, "in_layers.0 in_layers.2 emb_layers.1 out_layers.0 out_layers.3")
    if from ~= to then wb(prefix, "skip_connection") end
  end
  local function block(prefix, skip)
    add(prefix, "attn.qkv.weight")
    wb(prefix, "norm1 attn.proj norm2 mlp.fc1 mlp.fc2" .. (skip and " skip_linear" or ""))
  end
  local half = c.depth // 2
  local pushed = {}
  local function encoder(name, time, transformer)
    local width, n = c.channels[1], 0
    pushed = { width }
    wb(name .. ".", "input_blocks.0.0 cond_embed.0 cond_embed.2")
    if time then
      add(name .. ".", "MPFourier.freqs MPFourier.phases")
      wb(name .. ".", "time_embed.0 time_embed.2")
    end
    for level, channels in ipairs(c.channels) do
      for _ = 0, c.res_blocks[level] do
        n = n + 1
        resblock(("%s.input_blocks.%d.0."):format(name, n), width, channels)
        width = channels
        pushed[#pushed + 1] = channels
      end
    end
    if not transformer then return end
    add(name, ".pos_embed")
    for i = 0, half - 1 do block(("%s.tr_blocks.%d."):format(name, i)) end
    block(name .. ".mid_block.")
  end
  encoder("superres_encoder", false, c.use_transf)
  encoder("encoder", true, true)
  add("decoder.", "MPFourier.freqs MPFourier.phases")
  wb("decoder.", "time_embed.0 time_embed.2 cond_embed.0 cond_embed.2 norm final_layer.0 final_layer.2")
  for i = 0, half - 1 do block(("decoder.tr_blocks.%d."):format(i), true) end
  local width = c.channels[#c.channels]
  local n = 0
  resblock("decoder.output_blocks.0.0.", 2 * width, width)
  table.remove(pushed)
  for level = #c.channels, 1, -1 do
    for k = 0, c.res_blocks[level] do
      n = n + 1
      resblock(("decoder.output_blocks.%d.0."):format(n), width + table.remove(pushed), c.channels[level])
      width = c.channels[level]
      if level > 1 and k == c.res_blocks[level] then
        resblock(("decoder.output_blocks.%d.1."):format(n), width, width)
      end
    end
  end
  return names
end

function TestFields.test_names_are_the_authors_at_any_depth()
  for depth = 0, 5 do
    for _, use_transf in ipairs { false, true } do
      local c = with { depth = depth, use_transf = use_transf, res_blocks = { 1, 2 } }
      local wanted = authors(c)
      for _, p in ipairs(core.flex(c):parameters()) do
        lu.assertTrue(wanted[p.name], ("depth %d: '%s' is not the authors'"):format(depth, p.name))
        wanted[p.name] = nil
      end
      lu.assertEquals(next(wanted), nil, ("depth %d: a weight of the authors' is not there"):format(depth))
    end
  end
  -- The rules against a state_dict that was recorded: the names of tests/fixtures/sr_v.safetensors.
  local recorded = assert(core.io.load "tests/fixtures/sr_v.safetensors")
  local said = core.json.decode(recorded.text.config)
  local wanted = authors(said)
  for _, name in ipairs(recorded.names) do
    local weight = name:match "^param/(.*)$"
    lu.assertTrue(not weight or wanted[weight], name)
    if weight then wanted[weight] = nil end
  end
  lu.assertEquals(next(wanted), nil)
end

-- The authors' weights of an even depth pass through the converter: names, shapes and numbers are those of the odd one.
function TestFields.test_the_converter_takes_an_even_depth()
  local even = awake { depth = 4 }
  flex.convert.file(saved(even, "ours.h5"), path "theirs.safetensors")
  local theirs = assert(core.io.load(path "theirs.safetensors"))
  theirs.text = {}
  assert(core.io.save(path "bare.safetensors", theirs))
  local done = flex.convert.file(path "bare.safetensors", path "back.h5", { heads = 2 })
  lu.assertEquals({ done.config.depth, done.config.channels, done.config.res_blocks }, { 5, { 32, 64 }, { 1, 1 } })
  lu.assertEquals(largest(answer(flex.load_model(path "back.h5")), answer(even)), 0)
end

-- Any width of the inner layer that the authors' constructors take, rounded as theirs.
function TestFields.test_the_inner_layer_has_any_width()
  for ratio, inner in pairs { [2] = 128, [4] = 256, [1.1] = 70, [0.5] = 32 } do
    local model = awake { mlp_ratio = ratio }
    local shape
    for _, p in ipairs(model:parameters()) do
      if p.name == "decoder.tr_blocks.0.mlp.fc1.weight" then shape = p.tensor.shape end
    end
    lu.assertEquals(shape, { inner, 64 })
    local file = saved(model, "ratio.h5")
    lu.assertEquals(largest(answer(flex.load_model(file)), answer(model)), 0)
    flex.convert.file(file, path "ratio.safetensors")
    local theirs = assert(core.io.load(path "ratio.safetensors"))
    theirs.text = {}
    assert(core.io.save(path "bare.safetensors", theirs))
    flex.convert.file(path "bare.safetensors", path "back.h5", { heads = 2 })
    lu.assertEquals(largest(answer(flex.load_model(path "back.h5")), answer(model)), 0)
  end
  raises("mlp_ratio must be a number from 0.03125 on and below 64, not 0", core.flex, with { mlp_ratio = 0 })
  raises("to backbone 'uvit' it means nothing", flex.models.flex, with { backbone = "uvit", channels = { 32 },
    mlp_ratio = 4, res_blocks = false })
end

-- Numbers recorded from the authors' code at depth 3 are those of depth 2: their constructors make the same blocks.
function TestFields.test_parity_at_an_even_depth()
  local file = assert(core.io.load "tests/fixtures/sr_v.safetensors")
  edited(file.text, "config", function(t) t.depth = 2 end)
  assert(core.io.save(path "sr_v.safetensors", file))
  local rows, ok = flex.parity.check(path "sr_v.safetensors")
  lu.assertTrue(ok and #rows > 200)
end

--------------------------------------------------------------------------------------------------
local TestFlowOptions = {}
rawset(_G, "TestFlowOptions", TestFlowOptions)

function TestFlowOptions.test_settings_are_what_a_flow_takes()
  for _, given in ipairs { { forcing = "none" }, { forcing = "ring", forcing_width = 0.5 }, { drag = 0.25 },
    { walls = "channel", wall = 0.5 }, { precision = "single", scalar = true, schmidt = 2 } } do
    given.height, given.width, given.re, given.k0 = 32, 32, 100, 3
    local flow <close> = core.flow(given)
    local said, taken = core.flow_settings(given), flow:settings()
    lu.assertEquals(said, taken)
    for name, value in pairs(given) do lu.assertEquals(said[name], value) end
    lu.assertEquals(said.drag, given.drag or given.forcing == "ring" and 0.1 or 0)
    lu.assertEquals(said.penalty > 0, given.walls == "channel")
  end
  raises("flow: navier_stokes: cfl must be above 0", core.flow_settings, { cfl = 9 })
  raises("flow: no option 'forceing'; the nearest is 'forcing'", core.flow_settings, { forceing = "none" })
  raises("flow: 'cylinders' are x, y, radius of each, got 2 numbers", core.flow_settings, { cylinders = { 1, 2 } })
end

function TestFlowOptions.test_the_list_says_the_defaults()
  local said = core.flow_settings {}
  for _, row in ipairs(core.flow_options) do
    local wanted = row.default
    if row.name == "drag" then wanted = 0 end     -- what the solver takes, where -1 leaves it to it
    lu.assertEquals(said[row.name], wanted, row.name)
    lu.assertTrue(#row.doc > 3, row.name)
  end
end

function TestFlowOptions.test_settings_of_generate_follow_the_list()
  local declared, seen = require("flexlab.settings").of "flow", 0
  for _, row in ipairs(core.flow_options) do
    local entry = declared.entry[row.name]
    local same_name = row.own or row.setting == row.name or row.setting:find "^forcing="
    lu.assertTrue(not same_name or entry ~= nil, row.name)
    if same_name and (row.own or row.setting:find "^forcing=") then
      seen = seen + 1
      lu.assertEquals(entry.default, row.default, row.name)
    end
  end
  lu.assertEquals(seen, 7)
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
