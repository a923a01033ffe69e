-- Every recipe is short, says how to run it, and runs; here on a simulation of a few seconds.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestRecipes", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local data, unseen

-- A film to learn from, and another to be judged on.
local function films()
  if data then return end
  data, unseen = folder .. "/flow.h5", folder .. "/unseen.h5"
  for seed, path in ipairs { data, unseen } do
    flex.generate("turbulence", { re = 500, size = 64, frames = 4, seed = seed, out = path, quiet = true, k0 = 5.0 })
  end
end

local function small()
  films()
  return { ["data.file"] = data, ["data.test"] = unseen, ["data.crop"] = 16, ["data.batch"] = 2,
    ["data.test_tiles"] = 2, ["train.steps"] = 2, ["eval.members"] = 2 }
end

function suite.test_recipes_are_short_and_say_how_to_run_them()
  for _, file in ipairs(core.sys.list "recipes") do
    local source = core.sys.read("recipes/" .. file)
    local _, lines = source:gsub("\n", "")
    lu.assertTrue(lines <= 40, file)
    lu.assertStrContains(source:match("^(.-)\nlocal"), "flexlab run recipes/" .. file)
  end
end

-- The first command of the comment is one that a page shows, with the figures of a run of it; `demo` needs none.
function suite.test_first_comments_type_what_the_docs_ran()
  local shown = core.sys.read("docs/recipes.md"):gsub("\\\n%s*", "")
  for _, file in ipairs(core.sys.list "recipes") do
    local command = core.sys.read("recipes/" .. file):match("\n%-%- +(flexlab run [^\n]+)")
    lu.assertStrContains("\n" .. shown, "\n" .. command .. "\n")
  end
end

function suite.test_sr_trains_and_scores()
  local sr = require "recipes.sr"
  lu.assertStrMatches(sr.source, ".*recipes/sr.lua")
  local r = sr(small(), { root = folder })
  for _, name in ipairs { "rfne", "psnr", "ssim", "pearson", "crps", "spread", "bicubic", "gain" } do
    lu.assertIsNumber(r[name], name)
  end
  lu.assertEquals(core.sys.read(r.dir .. "/recipe.lua"), core.sys.read "recipes/sr.lua")
end

-- Its films have names of their own, so that a first, shortened run is not in the way of the next.
function suite.test_demo_shortened_and_then_less_so()
  local cfg = { ["data.crop"] = 16, ["data.batch"] = 1, ["data.test_tiles"] = 2, ["train.steps"] = 2,
    ["eval.members"] = 1 }
  for _, name in ipairs { "seen", "unseen" } do
    cfg[name] = { re = 200, size = 32, frames = 2, k0 = 4, quiet = true,
      out = folder .. "/demo_" .. name .. "_{hash}.h5" }
  end
  lu.assertIsNumber(require "recipes.demo"(cfg, { root = folder, quiet = true }).rfne.flex)
  cfg.seen.frames = 3
  local r = require "recipes.demo"(cfg, { root = folder, quiet = true })
  local judging = require "flexlab.run.judging"
  lu.assertEquals(judging.value(r, judging.of(r.dir).name), r.rfne.flex)
  lu.assertErrorMsgContains("'data.file' is set by the recipe itself", require "recipes.demo", { ["data.file"] = "x" })
end

-- A size with a prime factor above 5 has every score and a spectrum.
function suite.test_sr_on_patches_of_56()
  local cfg = small()
  cfg["data.crop"], cfg["eval.members"] = 56, 1
  local r = require "recipes.sr"(cfg, { root = folder, quiet = true })
  lu.assertIsNumber(r.rfne)
  local spectrum = flex.literal.read(r.dir .. "/spectrum.lua")
  lu.assertEquals(#spectrum.truth, 41)          -- rings 0 to hypot(28, 28), rounded
  for _, power in ipairs(spectrum.truth) do lu.assertTrue(power >= 0 and power < math.huge) end
end

function suite.test_every_conditioning_of_sr_runs()
  for _, word in ipairs { "none", "weak", "strong_skips", "strong_bottleneck", "both+cross_attention" } do
    local cfg = small()
    cfg["model.conditioning"], cfg["eval.members"] = word, 1
    lu.assertIsNumber(require "recipes.sr"(cfg, { root = folder }).rfne, word)
  end
end

function suite.test_custom_encoder_trains_and_is_found_in_its_checkpoint()
  local r = require "recipes.custom_encoder"(small(), { root = folder })
  lu.assertIsNumber(r.rfne)
  local model = flex.load_model(r.dir)
  local names = {}
  for _, p in ipairs(model:parameters()) do names[p.name] = true end
  lu.assertTrue(names["condition_encoder.rungs.1.weight"])
  lu.assertNil(names["superres_encoder.pos_embed"])
  lu.assertEquals(tostring(flex.load_model(r.dir .. "/last.h5")), tostring(model))
  lu.assertErrorMsgContains("last.h5", flex.load_model, folder)
end

function suite.test_custom_schedule_and_sampler_train_and_score()
  for _, name in ipairs { "custom_schedule", "custom_sampler" } do
    local r = require("recipes." .. name)(small(), { root = folder })
    lu.assertIsNumber(r.rfne, name)
    lu.assertIsNumber(r.bicubic, name)
  end
  local s = flex.schedules.lingering
  lu.assertEquals(s.logsnr(0.5, s.defaults), 0)
  local x0 = core.full({ 1, 2, 2, 1 }, 3)                  -- looks twice at each time, and keeps a sure answer
  local looks = 0
  local answer = flex.samplers.second_look.sample({}, { times = { 1, 0.5 }, x = core.zeros { 1, 2, 2, 1 },
    coefficients = function() return 0.6, 0.8 end, noise = function() return core.full({ 1, 2, 2, 1 }, 1) end,
    predict = function(x)
      looks = looks + 1
      return x0, x
    end })
  lu.assertEquals({ looks, answer:totable() }, { 4, { 3, 3, 3, 3 } })
end

function suite.test_sampler_study_compares_arms_that_see_the_same()
  local cfg = small()
  cfg["study.steps"], cfg["study.batches"] = { 1, 2 }, 1
  local r = require "recipes.sampler_study"(cfg, { root = folder })
  lu.assertEquals(r.ddim_uniform_1, r.ddpm_uniform_1)      -- one look at the same noise
  lu.assertNotEquals(r.ddim_uniform_2, r.ddpm_uniform_2)
  lu.assertStrContains(core.sys.read(r.dir .. "/samplers.csv"), "dpmpp_2m,karras,2,2,")
  -- the same numbers as evaluating one sampler by itself, from the file
  local set = flex.data.superres { file = data, test = data, factor = 4, crop = 16, batch = 2, test_tiles = 2 }
  local t, arms = flex.sampler_study(r.dir, set, { samplers = "heun", grids = { { 1, 0.5 }, "uniform" }, steps = 2,
    members = 2, options = { eta = 1 } })
  local model = flex.load_model(r.dir)
  local alone = flex.evaluate(function(batch)
    return flex.diffusion.sample(model, batch, { sampler = "heun", steps = 2, members = 2, seed = 1 })
  end, set.test)
  lu.assertEquals(#t.rows, 2)
  for _, arm in ipairs(arms) do
    lu.assertEquals(arm.scores.rfne, alone.rfne)
    lu.assertEquals(arm.scores.crps, alone.crps)
    lu.assertEquals(arm.passes, 3 * 2)                        -- 3 passes, 2 members, 1 batch
  end
  lu.assertErrorMsgContains("nearest is 'heun'", flex.sampler_study, model, set, { samplers = "heum" })
  lu.assertErrorMsgContains("must fall", flex.sampler_study, model, set, { grids = { { 0.2, 1 } } })
  lu.assertErrorMsgContains("nearest is 'steps'", flex.sampler_study, model, set, { stesp = 1 })
end

function suite.test_ensemble_calibration_mends_its_spread_and_reports()
  local cfg = small()
  cfg.test, cfg["data.test"], cfg["eval.members"] = cfg["data.test"], nil, 4
  local r = require "recipes.ensemble_calibration"(cfg, { root = folder })
  for _, name in ipairs { "factor", "before", "after", "crps_before", "crps_after" } do
    lu.assertIsNumber(r[name], name)
  end
  lu.assertAlmostEquals(r.after / r.before, r.factor, 1e-4 * r.factor)   -- the ratio is linear in the spread
  lu.assertStrContains(core.sys.read(r.dir .. "/report.html"), "Rank of the truth")
end

function suite.test_evaluation_is_per_sample()
  local set = flex.data.superres { file = data or small()["data.file"], factor = 4, crop = 16, batch = 2,
    test_tiles = 3 }
  local scores = flex.evaluate(flex.baselines.bicubic, set.test)
  lu.assertEquals(scores.n, 3)
  local sum = 0
  for _, v in ipairs(scores.per_sample.rfne) do sum = sum + v end
  lu.assertAlmostEquals(scores.rfne, sum / 3, 1e-12)
  lu.assertNil(scores.crps)
  local perfect = flex.evaluate(function(b) return b.truth, { b.truth, b.truth } end, set.test)
  lu.assertEquals({ perfect.rfne, perfect.crps, perfect.spread }, { 0, 0, 0 })
  lu.assertAlmostEquals(perfect.pearson, 1, 1e-6)
  lu.assertEquals(perfect.spectrum.truth, perfect.spectrum.prediction)
end

function suite.test_registered_bicubic_leaves_the_samples_where_they_were()
  local set = flex.data.superres { file = data or small()["data.file"], factor = 4, crop = 16, batch = 2,
    test_tiles = 2, degradation = "registered" }
  for batch in set.test:batches() do
    local field, low = flex.baselines.registered(batch), batch.low
    for y = 1, low.shape[2] do
      lu.assertAlmostEquals(field:get(1, 4 * y - 3, 5, 1), low:get(1, y, 2, 1), 1e-4)
    end
  end
  local scores = {}
  for _, name in ipairs { "registered", "bicubic" } do
    scores[name] = flex.evaluate(flex.baselines[name], set.test).rfne
  end
  lu.assertTrue(scores.registered < scores.bicubic)
end

function suite.test_comparison_scores_the_mean_and_one_member()
  local set = flex.data.superres { file = data or small()["data.file"], factor = 4, crop = 16, batch = 2,
    test_tiles = 4, degradation = "registered" }
  local function sample(batch)                             -- the truth, plus and minus one
    return batch.truth, { batch.truth + 1, batch.truth - 1 }
  end
  local c = flex.report.compare(sample, set.test, { start = "registered" })
  lu.assertAlmostEquals(c.scores.FLEX.rfne, 0, 1e-6)
  lu.assertAlmostEquals(c.scores.member.rmse, 1, 1e-6)
  lu.assertAlmostEquals(c.scores.FLEX.spread, math.sqrt(2), 1e-6)
  lu.assertAlmostEquals(c.gain_percent, 100, 1e-3)
  lu.assertEquals(c.gain, c.gain_percent)      -- its name until version 0.2
  local estimate = flex.evaluate(flex.baselines.persistence, set.test)
  lu.assertAlmostEquals(c.scores.registered.rfne, estimate.rfne, 0.03 * estimate.rfne)   -- of another cubic
  lu.assertTrue(c.scores.registered.rfne < c.scores.bicubic.rfne)
  local text = tostring(c.table)
  for _, words in ipairs { "FLEX, mean of 2", "FLEX, one member", "registered bicubic", "vs bicubic" } do
    lu.assertStrContains(text, words)
  end
  lu.assertEquals(#c.scores.FLEX.spectrum.low, #core.metrics.spectrum(core.zeros { 1, 4, 4, 1 }):totable())
end

-- Runs a recipe with the small settings and others; some have sections that `small` does not fit.
local function run(name, more, without)
  local cfg = small()
  for _, key in ipairs(without or {}) do cfg[key] = nil end
  for k, v in pairs(more or {}) do cfg[k] = v end
  return require("recipes." .. name)(cfg, { root = folder, quiet = true })
end

local function study(name, more)
  local cfg = small()
  for k, v in pairs(more or {}) do cfg[k] = v end
  return require("recipes." .. name)(cfg, { root = folder, quiet = true, seeds = "1,2" })
end

local function numbers(r, names)
  for _, name in ipairs(names) do
    lu.assertIsNumber(r[name], name)
    lu.assertTrue(r[name] == r[name] and math.abs(r[name]) < math.huge, name)
  end
end

function suite.test_forecast_rolls_out()
  local r = run("forecast", { ["rollout.length"] = 2, ["rollout.members"] = 2, ["data.test_batch"] = 2 },
    { "eval.members" })
  numbers(r, { "rfne", "persistence", "rfne_last", "pearson_last", "horizon" })
  lu.assertEquals(core.sys.exists(r.dir .. "/rollout.csv"), "file")
end

function suite.test_ablations_of_target_and_parametrisation()
  local r = study "ablate_residual"
  numbers(r, { "residual", "raw", "p" })
  lu.assertEquals(core.sys.exists(r.dir .. "/report.html"), "file")
  local page = core.sys.read(r.dir .. "/report.html")
  for _, text in ipairs { "model.target=raw", "Power spectrum", "Training loss", data } do
    lu.assertStrContains(page, text)
  end
  numbers(study "ablate_parametrisation", { "v", "x", "eps" })
end

function suite.test_ablation_of_backbones()
  local r = study("ablate_backbone", { ["data.crop"] = 32, ["train.steps"] = 1 })
  numbers(r, { "flex", "unet", "uvit", "bicubic", "p_unet", "p_uvit" })
  lu.assertNotEquals(r.flex, r.unet)
  lu.assertStrContains(core.sys.read(r.dir .. "/report.html"), "model.backbone=uvit")
end

function suite.test_ablation_of_precision()
  local r = study "ablate_precision"
  numbers(r, { "f32", "bf16", "p" })
  lu.assertNotEquals(r.f32, r.bf16)
  lu.assertStrContains(core.sys.read(r.dir .. "/report.html"), "Training loss")
end

function suite.test_steps_of_one_network()
  local r = run("ablate_steps", { ["eval.steps"] = { 1, 3 } })
  numbers(r, { "rfne_1", "rfne_3", "crps_1" })
end

function suite.test_fine_tuning_beside_a_fresh_start()
  local first = small()
  local r = run("finetune", { first = first })
  numbers(r, { "tuned", "fresh", "vorticity", "bicubic" })
  lu.assertNotEquals(r.tuned, r.fresh)
end

function suite.test_unseen_reynolds_numbers()
  local r = run("ood_reynolds", { ["seen.re"] = { 200, 300 }, ["seen.size"] = 32, ["seen.frames"] = 4,
    ["seen.out"] = folder .. "/seen.h5", ["unseen.re"] = { 250, 400 }, ["unseen.size"] = 32, ["unseen.frames"] = 2,
    ["unseen.out"] = folder .. "/unseen.h5" }, { "data.file", "data.test" })
  numbers(r, { "flex_seen", "flex_Re_250", "flex_Re_400", "unet_seen", "unet_Re_250", "unet_Re_400" })
  lu.assertNotEquals(r.flex_seen, r.unet_seen)
end

function suite.test_two_tasks_together_and_alone()
  local r = run "multitask"
  numbers(r, { "superres_together", "superres_alone", "superres_baseline", "forecast_together", "forecast_alone",
    "forecast_baseline" })
  lu.assertNotEquals(r.superres_together, r.superres_alone)
  lu.assertStrContains(core.sys.read(r.dir .. "/tasks.csv"), "forecast,")
end

function suite.test_vorticity_known_velocity_met()
  local r = run("ood_velocity", { ["first.steps"] = 2 })
  numbers(r, { "vorticity", "unchanged", "tuned", "bicubic", "registered", "vorticity_scale" })
  lu.assertNotEquals(r.tuned, r.unchanged)
  lu.assertTrue(r.registered < r.bicubic)
end

function suite.test_a_whole_domain_by_tiles()
  local r = run("whole_domain", { ["seen.size"] = 64, ["seen.k0"] = 5.0, ["seen.out"] = folder .. "/wide.h5",
    ["unseen.size"] = 64, ["unseen.k0"] = 4.0, ["unseen.out"] = folder .. "/domain.h5", ["unseen.re"] = 60,
    ["data.crop"] = 32, ["eval.tiling"] = { overlap = 8, border = 2 } },
    { "data.file", "data.test", "data.test_tiles" })
  numbers(r, { "rfne", "member", "registered", "seam", "seam_truth", "seam_noise" })
  lu.assertStrContains(core.sys.read(r.dir .. "/report.html"), "Sampled by 9 tiles, fused at every step.")
end

function suite.test_flows_beside_walls()
  local r = run("ood_boundary", { ["seen.re"] = { 200 }, ["seen.size"] = 64, ["seen.frames"] = 4,
    ["seen.out"] = folder .. "/walls.h5", ["unseen.re"] = 200, ["unseen.size"] = 64, ["unseen.frames"] = 2,
    ["unseen.out"] = folder .. "/beside.h5" }, { "data.file", "data.test" })
  numbers(r, { "periodic", "channel", "box", "cylinders", "free_slip", "channel_bicubic" })
  lu.assertErrorMsgContains("has no dataset 'solid'", flex.fields.open, folder .. "/beside_periodic.h5",
    { dataset = "solid" })
  -- Errors are those in the fluid: a method that is right there is right, whatever it says in the solid.
  local path = folder .. "/beside_channel.h5"
  local set = flex.data.superres { file = path, test = path, factor = 4, crop = 16, batch = 2, test_tiles = 16 }
  local reader <close> = flex.fields.open(path, { dataset = "solid" })
  local function off(batch)
    local field = batch.truth:clone()
    for i, e in ipairs(batch.index) do
      local solid = reader:read { frame = 1, y = e.y, x = e.x, height = 16, width = 16 }
      field[i]:copy_(field[i] + solid[1])
    end
    return field
  end
  local plain = flex.evaluate(off, set.test).rmse
  local fluid = flex.evaluate(flex.baselines.in_fluid(off, path), set.test).rmse
  lu.assertTrue(plain > 0.1 and fluid < 0.5 * plain, ("%g and %g"):format(plain, fluid))
end

function suite.test_a_metric_of_ones_own()
  local r = run "custom_metric"
  numbers(r, { "peaks_mean", "peaks_member", "peaks_registered" })
  lu.assertTrue(r.peaks_registered > 0.2 and r.peaks_registered < 1.2)
end

function suite.test_conditioning_and_the_demo()
  numbers(study "ablate_conditioning", { "none", "weak", "strong", "both" })
  local r = run("demo", { ["seen.re"] = { 250, 300 }, ["seen.size"] = 64, ["seen.frames"] = 2,
    ["seen.out"] = folder .. "/demo_train.h5", ["unseen.size"] = 64, ["unseen.frames"] = 2,
    ["unseen.out"] = folder .. "/demo_test.h5" }, { "data.file", "data.test", "data.test_tiles" })
  lu.assertTrue(r.rfne.registered < r.rfne.bicubic)
end

-- Runs last, by its name. A fault of the doctor is a mistake in how numbers were made, and no recipe as it comes has
-- one: neither its data nor its answers.
function suite.test_z_the_doctor_finds_no_fault_in_any_recipe()
  local notes = require "flexlab.context.notes"
  local found, list = {}, io.popen(("find '%s' -name config.lua | sort"):format(folder))
  for path in list:lines() do
    local dir = path:match "^(.*)/config.lua$"
    local name = dir:match "([^/]+)/%x+/%d+$"
    for _, note in ipairs(notes.of(dir)) do lu.assertNotStrContains(note, "the metric it declares", dir) end
    if name and not found[name] then
      found[name] = true
      local trained = core.sys.exists(dir .. "/last.h5")    -- custom_metric trains in sr's folder
      for _, f in ipairs(trained and flex.doctor(dir) or {}) do
        lu.assertNotEquals(f.state, "fault", ("%s: %s: %s"):format(name, f.check, f.text))
        lu.assertNotStrContains(f.text, "could not be looked at", name)
      end
    end
  end
  list:close()
  for _, file in ipairs(core.sys.list "recipes") do
    local recipe = require("recipes." .. file:match "^(.*)%.lua$")
    local name = (recipe.recipe or recipe).name             -- of a study, what it trains
    lu.assertTrue(found[name], name)
  end
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
