-- What stays of a finished run's checkpoint: train.keep and flexlab prune.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestKeep", suite)

support.foldered(suite)

local flow

local function recipe(name)
  flow = flow or support.flow(os.tmpname() .. ".h5")
  return flex.recipe(name or "small", { train = flex.settings.train { steps = 2, ema = 0.5 } }, function(cfg, run)
    local data = flex.data.superres { file = flow, test = flow, factor = 2, crop = 16, batch = 1, test_tiles = 1 }
    local model = flex.models.flex { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0 }
    local optim = flex.optim.adam(model, cfg.train)
    for _, batch in run:steps(data.train, cfg.train.steps) do optim:step(flex.diffusion.loss(model, batch)) end
    return { rfne = flex.evaluate(function(batch)
      return flex.diffusion.sample(optim.ema, batch, { steps = 1 })
    end, data.test).rfne }
  end)
end

-- "all", or "ema" where of each weight with an average that alone is there; buffers have none and stay.
local function kept(dir)
  local there, optim, both = {}, false, false
  for _, name in ipairs(core.io.load(dir .. "/last.h5").names) do there[name] = true end
  for name in pairs(there) do
    optim = optim or name:match "^optim/" ~= nil
    both = both or name:match "^ema/" and there[name:gsub("^ema", "model")] or false
  end
  lu.assertEquals(optim, both)
  return optim and "all" or "ema"
end

-- A sample drawn from a checkpoint, as a list.
local function sampled(dir)
  local data = flex.data.superres { file = flow, test = flow, factor = 2, crop = 16, batch = 1, test_tiles = 1 }
  local model = flex.load_model(dir)
  return core.no_grad(function()
    return flex.diffusion.sample(model, data.test:batches()(), { steps = 1 }):totable()
  end)
end

local function go(overrides, options)
  local o = { root = suite.folder .. "/runs", quiet = true }
  for k, v in pairs(options or {}) do o[k] = v end
  return recipe(o.name)(overrides, { root = o.root, quiet = true, fresh = o.fresh or false, seed = o.seed or 1 })
end

function suite.test_the_averaged_weights_are_enough_for_all_but_training()
  local all, ema = go(), go { ["train.keep"] = "ema" }
  lu.assertEquals(all.rfne, ema.rfne)
  lu.assertEquals(kept(all.dir), "all")
  lu.assertEquals(kept(ema.dir), "ema")
  local a, b = #core.sys.read(all.dir .. "/last.h5"), #core.sys.read(ema.dir .. "/last.h5")
  lu.assertTrue(b < 0.35 * a, ("%d of %d bytes"):format(b, a))
  lu.assertEquals(sampled(ema.dir), sampled(all.dir))
  lu.assertErrorMsgContains("holds the averaged weights alone", flex.load_model, ema.dir, { ema = false })
  lu.assertEquals(go({ ["train.keep"] = "ema" }).rfne, ema.rfne)                    -- found again, not repeated
  lu.assertEquals(go({ ["train.from"] = ema.dir }).dir ~= ema.dir, true)            -- others can start from it
  core.sys.remove(ema.dir .. "/result.lua")
  lu.assertErrorMsgContains("training cannot go on from it; remove the file or give --fresh to start again", go,
    { ["train.keep"] = "ema" })
  lu.assertEquals(go({ ["train.keep"] = "ema" }, { fresh = true }).rfne, all.rfne)
  lu.assertErrorMsgContains("'all' or 'ema'", go, { ["train.keep"] = "emma" })
end

local function flexlab(line) return support.flexlab(line, suite.folder .. "/out") end

-- Name -> list of the numbers of a file.
local function contents(path)
  local file, out = assert(core.io.load(path)), {}
  for _, name in ipairs(file.names) do out[name] = file.tensors[name]:totable() end
  return out, file.text.kept
end

-- Whoever reads weights gets them from a reduced file as from a whole one, or is told in a sentence.
function suite.test_every_reader_takes_a_reduced_file_or_refuses()
  local dir = go().dir
  local name = suite.folder .. "/"
  local function convert(out, options) return flex.convert.file(dir, name .. out, options) end
  local whole = convert "whole.safetensors"
  lu.assertEquals(whole.from, dir .. "/last.h5")
  convert "whole.h5"
  local last = convert("last.safetensors", { raw = true })
  lu.assertEquals({ whole.averaged, last.averaged, whole.others }, { true, false, 0 })
  local averaged, final = contents(name .. "whole.safetensors"), contents(name .. "last.safetensors")
  lu.assertNotEquals(averaged, final)
  convert("former.safetensors", { ema = true })
  lu.assertEquals(contents(name .. "former.safetensors"), averaged)
  local weights = require "flexlab.checkpoint.weights"
  lu.assertEquals(weights.others { names = { "model/a", "2/model/a", "2/ema/a" } }, 1)
  lu.assertErrorMsgContains("give one of them", convert, "both.h5", { ema = true, raw = true })
  lu.assertEquals(last.tensors, whole.tensors)
  local model = flex.load_model(dir)
  lu.assertEquals(whole.tensors, #model:parameters())
  local code, info = flexlab("info " .. dir .. " --json")
  lu.assertEquals(code, 0)
  lu.assertTrue(require("flexlab.checkpoint.keep").reduce(dir) > 0)
  lu.assertEquals(convert("reduced.safetensors").tensors, whole.tensors)
  lu.assertEquals({ contents(name .. "reduced.safetensors") }, { contents(name .. "whole.safetensors") })
  convert "reduced.h5"
  lu.assertEquals({ contents(name .. "reduced.h5") }, { contents(name .. "whole.h5") })
  local out
  code, out = flexlab(("convert %s/last.h5 %srefused.safetensors --raw"):format(dir, name))
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, ("%s/last.h5 holds the averaged weights alone (train.keep, flexlab prune), not the last "
    .. "ones: leave raw (--raw) out"):format(dir))
  lu.assertNil(core.sys.exists(name .. "refused.safetensors"))
  lu.assertEquals({ flexlab("info " .. dir .. " --json") }, { 0, info })
  lu.assertEquals(require("flexlab.checkpoint").transfer(dir, model), #model:parameters())
  for _, command in ipairs { "sample --out o.h5", "evaluate" } do
    code, out = flexlab(("%s --raw --checkpoint %s --data %s"):format(command, dir, flow))
    lu.assertEquals(code, 1)
    lu.assertStrContains(out, "holds the averaged weights alone (train.keep, flexlab prune), not the last ones")
  end
end

function suite.test_prune_shows_asks_and_frees()
  local first, second = go(), go(nil, { seed = 2 })
  local before, wanted = core.sys.read(first.dir .. "/last.h5"), sampled(first.dir)
  local code, out = flexlab("prune " .. suite.folder .. "/runs </dev/null")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "MB of 2 runs can be freed")
  lu.assertStrContains(out, "nothing was freed (--yes does it)")
  lu.assertTrue(core.sys.read(first.dir .. "/last.h5") == before)
  core.sys.remove(second.dir .. "/result.lua")
  code, out = flexlab("prune " .. suite.folder .. "/runs --yes")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "kept: it is not done (stopped)")
  local announced, freed = out:match "(%d+%.%d MB) of 1 runs can be freed", out:match "freed (%d+%.%d MB) of 1 runs"
  lu.assertNotNil(freed, out)
  lu.assertEquals(freed, announced)
  lu.assertEquals(kept(first.dir), "ema")
  lu.assertEquals(kept(second.dir), "all")
  lu.assertEquals(sampled(first.dir), wanted)
  code, out = flexlab("prune " .. first.dir .. " --yes")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "holds no more than it needs")
  lu.assertEquals(core.sys.exists(first.dir .. "/lock"), nil)
  code, out = flexlab("prune " .. suite.folder .. "/none --yes")
  lu.assertEquals(code, 2)
  lu.assertStrContains(out, "there is no folder")
end

-- What another run like it needs is what it had before it was reduced.
function suite.test_a_reduced_run_costs_what_a_whole_one_does()
  local keep, budget = require "flexlab.checkpoint.keep", require "flexlab.study.budget"
  local dir = go().dir
  local function disk()
    local tasks = {}
    for i, at in ipairs { dir, suite.folder .. "/none" } do
      tasks[i] = { arm = { label = "a" }, dir = at, seed = i, overrides = {} }
    end
    return budget.of(recipe(), tasks).disk
  end
  local bytes, needs = core.sys.size(dir .. "/last.h5"), disk()
  lu.assertTrue(needs > bytes)
  lu.assertEquals(keep.whole_bytes(dir), bytes)
  lu.assertTrue(keep.reduce(dir) > 0)
  lu.assertEquals(keep.whole_bytes(dir), bytes)
  lu.assertEquals(disk(), needs)
  local file = core.io.load(dir .. "/last.h5")
  file.text.whole_bytes = nil                                  -- of a version that did not write it down
  assert(core.io.save(dir .. "/last.h5", file))
  lu.assertAlmostEquals(keep.whole_bytes(dir) / bytes, 1, 0.2)
  lu.assertEquals(keep.whole_bytes(suite.folder .. "/none"), 0)
end

-- The settings that every run reads itself are judged in a plain table too.
function suite.test_settings_of_the_machinery_are_judged_wherever_they_stand()
  local plain = flex.recipe("plain", { train = { steps = 1, keep = "all", checkpoint = 5 } }, function() return {} end)
  for override, sentence in pairs {
    ["train.keep=emma"] = "train.keep must be 'all' or 'ema', got 'emma'; the nearest is 'ema' (every run reads it)",
    ["train.checkpoint=0"] = "train.checkpoint must be a whole number from 1 to 1e9, got 0 (every run reads it)" } do
    local key, value = flex.config.parse(override)
    support.raises(sentence, plain, { [key] = value }, { root = suite.folder })
  end
  support.raises("train.keep must be 'all' or 'ema', got 'emma'", flex.recipe("plain", { train = { keep = "emma" } },
    function() return {} end), {}, { root = suite.folder })
end

-- Weights of a run that is not finished are used, and said to be what they are.
function suite.test_weights_of_a_run_that_is_not_finished_are_said_to_be()
  local dir = go().dir
  for _, command in ipairs { "evaluate --steps 1 --members 1 --tiles 1 --data " .. flow .. " --checkpoint ",
    "sample --steps 1 --members 1 --data " .. flow .. " --out " .. suite.folder .. "/o.h5 --checkpoint ",
    "convert " } do
    for _, path in ipairs { dir, dir .. "/last.h5" } do
      local line = command .. path .. (command == "convert " and " " .. suite.folder .. "/o.safetensors" or "")
      local result = core.sys.read(dir .. "/result.lua")
      local code, out = flexlab(line)
      lu.assertEquals(code, 0, out)
      lu.assertNotStrContains(out, "not finished")
      core.sys.remove(dir .. "/result.lua")
      code, out = flexlab(line)
      lu.assertEquals(code, 0, out)
      lu.assertStrContains(out, ("note: %s is not finished (stopped): these are its weights after step 2 of 2"):format(
        dir))
      assert(core.sys.write(dir .. "/result.lua", result))
    end
  end
end

function suite.test_what_another_run_started_from_stays()
  local base = go()
  local child = go({ ["train.from"] = base.dir }, { name = "child" })
  local _, out = flexlab("prune " .. base.dir .. " --yes")
  lu.assertStrContains(out, "kept: " .. child.dir:match "child/%x+" .. " has read its last.h5 (train.from)")
  lu.assertEquals(kept(base.dir), "all")
  lu.assertEquals(go({ ["train.from"] = base.dir }, { name = "child" }).dir, child.dir)
end

-- runs/small/latest would be the new run itself by the time it is read.
function suite.test_a_link_that_moves_is_no_setting()
  local base = go()
  local link = suite.folder .. "/runs/small/latest"
  lu.assertErrorMsgContains(("train.from = '%s' is a link that moves with every run; name the run itself (now '%s')")
    :format(link, base.dir), go, { ["train.from"] = link })
  lu.assertErrorMsgContains("is a link that moves", go, { ["train.from"] = link .. "/last.h5" })
  local latest = require "flexlab.store.latest"
  lu.assertEquals(latest.fixed { link, { a = link .. "/last.h5" }, 3, "runs/latest" },
    { base.dir, { a = base.dir .. "/last.h5" }, 3, "runs/latest" })
  assert(core.sys.write(suite.folder .. "/echo.lua", [[
return require("flexlab").recipe("echo", { from = "x" }, function(cfg) return { from = cfg.from } end)]]))
  local _, out = flexlab(("run %s/echo.lua --set from=%s --quiet --out %s/runs && cat %s/runs/echo/*/1/config.lua")
    :format(suite.folder, link, suite.folder, suite.folder))
  lu.assertStrContains(out, ('from = "%s"'):format(base.dir))
end

function suite.test_a_run_that_somebody_has_is_left_alone()
  local dir = go().dir
  local lock = assert(require("flexlab.store.locks").take(dir))
  local freed, message = require("flexlab.checkpoint.keep").locked(dir)
  lock:release()
  lu.assertNil(freed)
  lu.assertStrContains(tostring(message), "process")
end

function suite.test_buffers_and_second_networks()
  local keep = require "flexlab.checkpoint.keep"
  local dir = suite.folder .. "/odd"
  assert(core.sys.mkdirs(dir))
  local tensors, list = {}, { "model/a", "model/buffer", "ema/a", "optim/first/a", "2/model/b", "2/ema/b",
    "2/optim/second/b", "other/c" }
  for _, name in ipairs(list) do tensors[name] = core.zeros { 4, 3 } end
  assert(core.io.save(dir .. "/last.h5", { names = list, tensors = tensors, text = { kind = "flexlab checkpoint" } }))
  lu.assertEquals({ keep.sizes(dir) }, { 8 * 48, 4 * 48 })
  lu.assertTrue(keep.reduce(dir) > 0)
  lu.assertEquals(core.io.load(dir .. "/last.h5").names, { "model/buffer", "ema/a", "2/ema/b", "other/c" })
  lu.assertEquals(keep.reduce(dir), 0)
  lu.assertEquals({ keep.reduce(suite.folder) }, { nil, "it has no last.h5" })
end

local code = lu.LuaUnit.run()
if flow then os.remove(flow) os.remove((flow:gsub("%.h5$", ""))) end
os.exit(code)
