-- Runs never mix: other data, another recipe, or another recipe behind it make other folders.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local provenance = require "flexlab.origin.provenance"

local suite = {}
rawset(_G, "TestProvenance", suite)

local folder

function suite.setUp()
  folder = os.tmpname()
  os.remove(folder)
  core.sys.mkdirs(folder .. "/recipes")
end

function suite.tearDown() os.execute("rm -rf '" .. folder .. "'") end

local function write(value)
  local w = assert(core.io.field_writer(folder .. "/data.h5", { frames = 4, height = 8, width = 8 }))
  for f = 1, 4 do assert(w:append(core.full({ 1, 8, 8, 1 }, value * f))) end
  assert(w:finish())
end

local bodies
local function reader()
  bodies = 0
  return flex.recipe("reader", { scale = 1.0 }, function()
    bodies = bodies + 1
    local set = flex.data.superres { file = folder .. "/data.h5", factor = 2, crop = 8, batch = 1, test_tiles = 1 }
    return { mean = set.scale.mean[1] }
  end)
end

function suite.test_other_data_make_other_runs_and_the_old_ones_are_found_again()
  local recipe, o = reader(), { root = folder, quiet = true }
  write(1)
  local first = recipe({}, o)
  recipe({}, o)
  lu.assertEquals(bodies, 1)
  write(2)
  lu.assertNotEquals(recipe:folder({}, { root = folder }), first.dir)
  local second = recipe({}, o)
  lu.assertEquals(bodies, 2)
  lu.assertNotEquals(second.dir, first.dir)
  lu.assertAlmostEquals(second.mean, 2 * first.mean, 1e-6)
  local third = recipe({}, { root = folder, quiet = true, seed = 2 })
  lu.assertEquals(third.dir:match("^(.*)/%d+$"), second.dir:match("^(.*)/%d+$"))
  write(1)
  lu.assertEquals(recipe({}, o).dir, first.dir)
  lu.assertEquals(bodies, 3)
  write(3)
  local fourth = recipe({}, o)
  lu.assertNotEquals(fourth.dir, first.dir)
  lu.assertNotEquals(fourth.dir, second.dir)
  os.remove(folder .. "/data.h5")
  lu.assertEquals(recipe({}, o).mean, first.mean)      -- what is finished stays finished
end

function suite.test_an_unfinished_run_does_not_go_on_with_other_data()
  local stop = true
  local recipe = flex.recipe("stopper", { steps = 3 }, function(cfg, run)
    local set = flex.data.superres { file = folder .. "/data.h5", factor = 2, crop = 8, batch = 1, test_tiles = 1 }
    local net = flex.nn.module { a = flex.nn.linear(1, 1) }:init(run.seed)
    local optim = flex.optim.adam(net, { lr = 1e-3, ema = false })
    for step in run:steps(nil, cfg.steps, { checkpoint = 1 }) do
      if stop and step == 3 then error("killed", 0) end
      optim:step(net.a(core.full({ 1, 1 }, 1)):mean())
    end
    return { mean = set.scale.mean[1], resumed = run.saved and 1 or 0 }
  end)
  write(1)
  lu.assertErrorMsgContains("killed", recipe, {}, { root = folder, quiet = true })
  stop = false
  write(2)
  local other = recipe({}, { root = folder, quiet = true })
  lu.assertEquals(other.resumed, 0)
  write(1)
  local same = recipe({}, { root = folder, quiet = true })
  lu.assertEquals(same.resumed, 1)
  lu.assertNotEquals(same.dir, other.dir)
end

function suite.test_data_that_change_under_a_configuration_are_refused()
  write(1)
  core.sys.mkdirs(folder .. "/h")
  provenance.record(folder .. "/h", { provenance.fingerprint(folder .. "/data.h5") })
  lu.assertEquals(#provenance.recorded(folder .. "/h"), 1)
  write(2)
  lu.assertErrorMsgContains("is not the file that other runs", provenance.record, folder .. "/h",
    { provenance.fingerprint(folder .. "/data.h5") })
end

-- A recipe that reads patches from the file and meanwhile does `meddle` at its third step.
local function meddled(meddle, memory)
  return flex.recipe("meddled", { model = { size = "nano", height = 8, width = 8 } }, function(cfg, run)
    local set = flex.data.superres { file = folder .. "/data.h5", factor = 2, crop = 8, batch = 1, test_tiles = 1,
      memory = memory, mean = 0, std = 1 }
    local model, sum = flex.models.flex(cfg.model), 0
    flex.optim.adam(model, {})
    for step, batch in run:steps(set.train, 5, { checkpoint = 5 }) do
      sum = sum + batch.truth:mean():item()
      if step == 3 then meddle() end
    end
    return { sum = sum }
  end)
end

-- What a shell command makes of the file while a run reads it: whether the run ends well, its result or the sentence.
local function during(command, memory)
  write(1)
  return pcall(meddled(function() assert(os.execute("cd '" .. folder .. "' && " .. command)) end, memory), {},
    { root = folder, quiet = true, fresh = true })
end

function suite.test_a_file_that_changes_under_a_run_fails_it()
  write(2)
  os.rename(folder .. "/data.h5", folder .. "/other.h5")
  for _, command in ipairs { "cat other.h5 > data.h5", "truncate -s 600 data.h5", "truncate -s +600 data.h5" } do
    local ok, message = during(command, 0)
    lu.assertFalse(ok, command)
    message = tostring(message)
    lu.assertStrContains(message, "data.h5")
    if not message:find("short", 1, true) then lu.assertStrContains(message, "changed while the run read it") end
    for _, hash in ipairs(core.sys.list(folder .. "/meddled")) do
      lu.assertNil(core.sys.exists(folder .. "/meddled/" .. hash .. "/1/result.lua"), command)
    end
  end
end

function suite.test_a_touched_replaced_or_loaded_file_is_no_change()
  write(2)
  os.rename(folder .. "/data.h5", folder .. "/other.h5")
  local calm = select(2, during("true", 0)).sum
  for _, command in ipairs { "touch data.h5", "cp other.h5 new.h5 && mv new.h5 data.h5", "rm data.h5" } do
    local ok, result = during(command, 0)
    lu.assertTrue(ok, command .. ": " .. tostring(result))
    lu.assertEquals(result.sum, calm)
  end
  lu.assertEquals(select(2, during("cat other.h5 > data.h5", 1 << 30)).sum, calm)
end

function suite.test_a_recipe_behind_the_recipe_counts()
  local path = folder .. "/recipes/inner_for_test.lua"
  local old = package.path
  package.path = folder .. "/?.lua;" .. package.path
  local outer = folder .. "/outer.lua"
  assert(core.sys.write(outer, 'local flex = require "flexlab"\nlocal x = require "recipes.inner_for_test"\n'
    .. 'return flex.recipe("outer", { a = 1 }, function() return { x = x } end)\n'))
  local hashes = {}
  for i = 1, 2 do
    assert(core.sys.write(path, "return " .. i .. "\n"))
    package.loaded["recipes.inner_for_test"] = nil
    local _, hash = dofile(outer):resolve {}
    hashes[i] = hash
  end
  package.path = old
  lu.assertNotEquals(hashes[1], hashes[2])
end

function suite.test_what_cannot_be_read_has_no_fingerprint()
  for _, path in ipairs { "/proc/self/mem", "/nonexistent" } do   -- the first opens, and no byte of it can be read
    lu.assertNil(provenance.fingerprint(path))
  end
end

function suite.test_large_files_are_known_by_blocks_of_them()
  local whole = provenance.whole
  provenance.whole = 1 << 20
  local path = folder .. "/large"
  local function fingerprint(at)
    local bytes = ("x"):rep(4 << 20)
    if at then bytes = bytes:sub(1, at - 1) .. "y" .. bytes:sub(at + 1) end
    assert(core.sys.write(path, bytes))
    return provenance.fingerprint(path).hash
  end
  local plain = fingerprint()
  lu.assertEquals(fingerprint(), plain)
  for _, at in ipairs { 1, 2 << 20, 4 << 20 } do lu.assertNotEquals(fingerprint(at), plain) end
  provenance.whole = whole
end

function suite.test_runs_record_what_they_cost_and_what_they_like()
  local recipe = flex.recipe("cost", {}, function(_, run)
    local model = flex.models.flex { size = "nano", height = 32, width = 32, in_channels = 1, cond_channels = 1 }
    run:record("spectrum", { truth = { 1, 2 } })
    return { n = model:count() }
  end)
  local r = recipe({}, { root = folder, quiet = true })
  local cost = flex.literal.read(r.dir .. "/cost.lua")
  lu.assertEquals(cost.parameters, r.n)
  lu.assertTrue(cost.seconds > 0 and cost.peak_bytes > 4 * r.n and cost.gflop > 0.1)
  lu.assertEquals(flex.literal.read(r.dir .. "/spectrum.lua").truth, { 1, 2 })
end

-- FLEX-small at 128x128 takes 107.4 GFLOP, counted by hand.
function suite.test_arithmetic_of_flex_small()
  local model = flex.models.flex { size = "small", height = 128, width = 128, in_channels = 1, cond_channels = 1 }
  lu.assertAlmostEquals(require("flexlab.network.operations").gflop(model), 107.4, 0.1)
end

os.exit(lu.LuaUnit.run())
