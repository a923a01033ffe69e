-- Our FLEX is the authors': recorded numbers, also through their checkpoint. A changed number fails.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local official = require "flexlab.official"

local suite = {}
rawset(_G, "TestParity", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local function fixture(name) return "tests/fixtures/" .. name end

local function check(name)
  local rows, ok = flex.parity.check(fixture(name))
  for _, row in ipairs(rows) do
    lu.assertTrue(row.ok, ("%s: %s is off by %.2g (limit %g)"):format(name, row.name, row.error, row.limit))
  end
  lu.assertTrue(ok)
  return rows
end

function suite.test_single_operations() lu.assertTrue(#check "ops.safetensors" > 60) end
function suite.test_super_resolution_with_gradients() lu.assertTrue(#check "sr_v.safetensors" > 200) end
function suite.test_transformer_in_the_condition_encoder() check "sr_transf.safetensors" end
function suite.test_forecast() check "fc_v.safetensors" end
function suite.test_x_with_the_authors_sign() check "sr_x.safetensors" end
function suite.test_eps_as_the_authors_weigh_it() check "sr_eps.safetensors" end
function suite.test_two_channels() check "sr_2chan.safetensors" end

local function changed(file, name, f)
  local out = { names = file.names, tensors = {}, text = file.text }
  for k, t in pairs(file.tensors) do out.tensors[k] = t end
  out.tensors[name] = out.tensors[name]:clone()
  f(out.tensors[name])
  local path = folder .. "/changed.safetensors"
  assert(core.io.save(path, out))
  return path
end

function suite.test_one_changed_number_fails()
  local file = assert(core.io.load(fixture "sr_v.safetensors"))
  for _, name in ipairs { "out/pred", "out/cond_skip.2", "out/sample.4", "grad/encoder.pos_embed" } do
    local path = changed(file, name, function(t)
      local at = {}
      for i = 1, t.ndim do at[i] = 1 end
      local size = t:abs():summary().max
      at[#at + 1] = t:get(table.unpack(at)) + 0.01 * size
      t:set(table.unpack(at))
    end)
    local rows, ok = flex.parity.check(path)
    lu.assertFalse(ok)
    local bad = {}
    for _, row in ipairs(rows) do
      if not row.ok then bad[#bad + 1] = row.name end
    end
    lu.assertEquals(bad, { name })
  end
  local _, ok = flex.parity.check(changed(file, "out/x_t", function(t) t:fill_(0 / 0) end))
  lu.assertFalse(ok)
end

function suite.test_what_cannot_be_compared_is_said()
  local file = assert(core.io.load(fixture "sr_v.safetensors"))
  file.names[#file.names + 1] = "out/unheard_of"
  file.tensors["out/unheard_of"] = core.zeros { 2 }
  assert(core.io.save(folder .. "/more.safetensors", file))
  local _, ok = flex.parity.check(folder .. "/more.safetensors")
  lu.assertFalse(ok)
  lu.assertErrorMsgContains("No such file", flex.parity.check, folder .. "/none.safetensors")
end

local function batch(file, scale)
  local lowres = official.ours(file.tensors["in/lowres"])
  return { lowres = lowres, estimate = lowres, re = file.tensors["in/re"], scale = scale }
end

-- The recorded checkpoint is sr_v's network after one Adam step (the trainer's own; its state is in the
-- file). Taken back, it samples what sr_v samples: names, layouts and the order of parameters are right.
function suite.test_the_authors_checkpoint_samples_as_recorded()
  local source, out = fixture "checkpoint_official.pt", folder .. "/official.h5"
  local done = flex.convert.file(source, out, { raw = true })
  lu.assertEquals(done.tensors, 220)
  lu.assertEquals({ done.config.channels, done.config.res_blocks, done.config.depth, done.config.heads,
    done.config.height }, { { 32, 32 }, { 1, 1 }, 3, 2, 16 })
  local file, saved = assert(core.io.load(source)), assert(core.io.load(out))
  local index = 0
  for _, part in ipairs { "encoder", "decoder", "superres_encoder" } do
    for _, entry in ipairs(file.names) do
      local name = entry:match("^" .. part .. "/") and not entry:find("MPFourier", 1, true)
        and official.name(entry)
      if name then
        local m = official.ours(file.tensors[("optimizer/state/%d/exp_avg"):format(index)]) / (1 - 0.9)
        local v = official.ours(file.tensors[("optimizer/state/%d/exp_avg_sq"):format(index)]) / (1 - 0.999)
        saved.tensors["model/" .. name] = saved.tensors["model/" .. name] + m * 2e-4 / (v:sqrt() + 1e-8)
        index = index + 1
      end
    end
  end
  assert(core.io.save(out, saved))
  local model, _, scale = flex.load_model(out)
  local recorded = assert(core.io.load(fixture "sr_v.safetensors"))
  local answer = flex.diffusion.sample(model, batch(recorded, scale), { steps = 2,
    noise = { official.ours(recorded.tensors["in/x_T"]) } })
  lu.assertTrue(flex.parity.error(answer, official.ours(recorded.tensors["out/sample.2"])) < 1e-4)
end

-- The recorded averages are half the weights, all of them: so the order of their list is known.
function suite.test_averaged_weights_find_their_names()
  local source = fixture "checkpoint_official.pt"
  flex.convert.file(source, folder .. "/raw.h5", { raw = true })
  lu.assertTrue(flex.convert.file(source, folder .. "/ema.h5").averaged)
  local raw, ema = core.io.load(folder .. "/raw.h5"), core.io.load(folder .. "/ema.h5")
  for _, name in ipairs(raw.names) do
    local factor = name:find("MPFourier", 1, true) and 1 or 0.5
    lu.assertEquals((raw.tensors[name] * factor - ema.tensors[name]):abs():summary().max, 0, name)
  end
end

function suite.test_conversion_there_and_back_changes_nothing()
  local first, middle, last = folder .. "/a.h5", folder .. "/a.safetensors", folder .. "/b.h5"
  flex.convert.file(fixture "sr_v.safetensors", first)
  flex.convert.file(first, middle)
  flex.convert.file(middle, last)
  local a, b = core.io.load(first), core.io.load(last)
  lu.assertEquals(#a.names, #b.names)
  for _, name in ipairs(a.names) do
    lu.assertEquals((a.tensors[name] - b.tensors[name]):abs():summary().max, 0)
  end
  local theirs = core.io.load(middle).tensors["encoder.input_blocks.0.0.weight"]
  lu.assertEquals(theirs.shape, { 32, 1, 3, 3 })
  local model = flex.load_model(last)
  lu.assertEquals(model.config.res_blocks, { 1, 1 })
end

function suite.test_wrong_files_have_their_sentence()
  lu.assertErrorMsgContains("must end in .h5 or .safetensors", flex.convert.file, "a.pt", "b.txt")
  lu.assertErrorMsgContains("does not hold a FLEX network", flex.convert.file, fixture "ops.safetensors",
    folder .. "/x.h5")
  lu.assertErrorMsgContains("no averaged weights", flex.convert.file, fixture "sr_v.safetensors",
    folder .. "/x.h5", { ema = true })
  lu.assertNil(core.sys.exists(folder .. "/x.h5"))
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
