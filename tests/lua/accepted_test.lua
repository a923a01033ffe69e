-- Every documented setting of data, model, train and eval is accepted by recipes/sr.lua, and counts: set to another
-- value it changes what the run gives, or is refused with a sentence that says why. A setting that only changes how
-- the same numbers are reached (memory, read-ahead, checkpoints) changes none: that is asserted, too.
local lu = require "luaunit"
local flex = require "flexlab"
local config = require "flexlab.config"
local core = flex.core
local settings = flex.settings
local sr = require "recipes.sr"

local suite = {}
rawset(_G, "TestAccepted", suite)

local folder = os.tmpname()
os.remove(folder)
core.sys.mkdirs(folder)

local function film(name, options)
  local o = { re = 200, size = 32, frames = 4, k0 = 4, quiet = true, unresolved = "allow", fields = "w,c",
    out = ("%s/%s.h5"):format(folder, name) }
  for k, v in pairs(options or {}) do o[k] = v end
  return flex.generate("turbulence", o)[1]
end

local train, other = film "train", film("other", { seed = 2, re = 300 })
local alone = film("alone", { fields = "w" })

-- Coarse fields of their own, of noise.
local function coarse(name, seed)
  local path = ("%s/%s.h5"):format(folder, name)
  local low = assert(core.io.field_writer(path, { dataset = "w", frames = 4, height = 8, width = 8 }))
  for _ = 1, 4 do assert(low:append(core.normal({ 8, 8, 1 }, { seed = seed, stream = "data" }))) end
  assert(low:finish())
  return path
end
local low, other_low = coarse("low", 1), coarse("other_low", 2)

-- A run that is as small as one can be, and that one thread does fastest.
core.threads(1)
local base = { ["data.file"] = train, ["data.test"] = false, ["data.split"] = 0.5, ["data.channels"] = "w",
  ["data.crop"] = 16, ["data.batch"] = 2, ["data.test_tiles"] = 1, ["train.steps"] = 2, ["train.warmup"] = 1,
  ["eval.members"] = 2, ["model.channels"] = { 32, 32 }, ["model.res_blocks"] = { 1, 1 }, ["model.depth"] = 1,
  ["model.heads"] = 1 }

local function with(...)
  local cfg = {}
  for _, t in ipairs { base, ... } do
    for k, v in pairs(t) do cfg[k] = v end
  end
  return cfg
end

-- The scores of a run and the size of its averaged weights, as a text and as a table; or nil and the sentence.
local function outcome(overrides)
  local ok, result = pcall(sr, overrides, { root = folder .. "/runs", quiet = true, fresh = true })
  if not ok then return nil, tostring(result) end
  local file = assert(core.io.load(result.dir .. "/last.h5"))
  local averaged = table.concat(file.names, " "):find "ema/"
  local prefix, sum = averaged and "^ema/" or "^model/", 0
  for _, name in ipairs(file.names) do
    if name:find(prefix) then sum = sum + file.tensors[name]:to("f64"):abs():sum():item() end
  end
  result.dir, result.weights = nil, sum
  return flex.literal.encode(result), result
end

-- What each setting is set to. `with`: settings that it takes to count; `from`: what it was before, where that is not
-- its default; `same`: it must change nothing; `near`: only last digits; `says`: it is refused here, with these words.
local whole_size = { ["model.channels"] = false, ["model.res_blocks"] = false, ["model.depth"] = false,
  ["model.heads"] = false }
local adamw = { ["train.optimizer"] = "adamw", ["train.eps"] = 0.1 }
local single = { ["data.file"] = alone, ["data.channels"] = false, ["data.dataset"] = "w" }
local cases = {
  ["data.file"] = { other }, ["data.test"] = { other }, ["data.split"] = { 0.75 }, ["data.crop"] = { { 16, 32 } },
  ["data.batch"] = { 1 }, ["data.test_tiles"] = { 2 }, ["data.mean"] = { 0.5 }, ["data.std"] = { 3 },
  ["data.fit"] = { 1 }, ["data.channels"] = { "c" }, ["data.observable"] = { "velocity_x" }, ["data.seed"] = { 7 },
  ["data.test_batch"] = { 1, same = true, with = { ["data.test_tiles"] = 2 } },
  ["data.dataset"] = { "nowhere", says = "nowhere" }, ["data.axes"] = { "txy", with = single },
  ["data.format"] = { { dataset = "nowhere", axes = "tyx" }, says = "nowhere" },
  ["data.order"] = { "epochs" }, ["data.balance"] = { "re", with = { ["data.file"] = { train, other } } },
  ["data.augment"] = { true }, ["data.kinds"] = { { "scalar" }, with = { ["data.augment"] = "reflection" } },
  ["data.prefetch"] = { false, same = true, with = { ["data.memory"] = 0 } }, ["data.memory"] = { 0, same = true },
  ["data.factor"] = { 2 }, ["data.degradation"] = { "block_mean" },
  ["data.noise"] = { 0.5, with = { ["data.degradation"] = "noisy" } },
  ["data.circular"] = { true, with = { ["data.crop"] = 32 } },
  ["data.low"] = { low, with = { ["data.file"] = alone } },
  ["data.test_low"] = { other_low, from = low, with = { ["data.file"] = alone, ["data.test"] = alone,
    ["data.low"] = low } },
  ["model.backbone"] = { "unet" }, ["model.channels"] = { { 32, 64 } }, ["model.res_blocks"] = { { 1, 2 } },
  ["model.backbone_options"] = { { middle = 1 }, with = { ["model.backbone"] = "unet" } },
  ["model.size"] = { "small", with = whole_size }, ["model.depth"] = { 3 }, ["model.heads"] = { 2 },
  ["model.conditioning"] = { "weak" }, ["model.encoder"] = { "pyramid" }, ["model.use_transf"] = { true },
  ["model.encoder_options"] = { { width = 8 }, with = { ["model.encoder"] = "pyramid" } },
  ["model.embed_condition"] = { false }, ["model.skip"] = { false, with = { ["model.depth"] = 3 } },
  ["model.padding"] = { "circular" }, ["model.positions"] = { "sincos" }, ["model.dropout"] = { 0.5 },
  ["model.mlp_ratio"] = { 3 }, ["model.recompute"] = { true, near = true }, ["model.precision"] = { "bf16" },
  ["model.predict"] = { "eps" },
  ["model.predict_options"] = { { limit = 8 }, with = { ["model.predict"] = "eps" } },
  ["model.official"] = { true, with = { ["model.predict"] = "x" } }, ["model.schedule"] = { "linear" },
  ["model.shift"] = { 2 }, ["model.limit"] = { 5 }, ["model.schedule_options"] = { { shift = 2 } },
  ["model.target"] = { "raw" },
  ["model.target_options"] = { { checkpoint = "nowhere" }, with = { ["model.target"] = "regression" },
    says = "nowhere" },
  ["model.weighting"] = { "sigmoid" },
  ["model.weighting_options"] = { { shift = 1 }, with = { ["model.weighting"] = "sigmoid" } },
  ["model.loss"] = { "mse" }, ["model.delta"] = { 0.1, with = { ["model.loss"] = "huber" } },
  ["model.loss_options"] = { { delta = 0.1 }, with = { ["model.loss"] = "huber" } },
  ["model.drop_condition"] = { 0.9 }, ["model.seed"] = { 7 }, ["model.height"] = { 32, says = "16" },
  ["model.width"] = { 32, says = "16" }, ["model.in_channels"] = { 2, says = "2" },
  ["model.cond_channels"] = { 2, says = "2" },
  ["train.steps"] = { 3 }, ["train.checkpoint"] = { 1, same = true }, ["train.optimizer"] = { "lion" },
  ["train.lr"] = { 1e-2 }, ["train.warmup"] = { 2 }, ["train.cosine"] = { false, with = { ["train.steps"] = 3 } },
  ["train.clip"] = { 1e-3, with = adamw }, ["train.ema"] = { false },
  ["train.weight_decay"] = { 0.9, with = { ["train.optimizer"] = "adamw" } },
  ["train.from"] = { "nowhere", says = "nowhere" }, ["train.keep"] = { "ema", same = true },
  ["eval.steps"] = { 3 }, ["eval.members"] = { 3 }, ["eval.first_member"] = { 2 }, ["eval.sampler"] = { "ddpm" },
  ["eval.grid"] = { "karras" }, ["eval.guidance"] = { "consistency" }, ["eval.seed"] = { 7 },
  ["eval.tiling"] = { true, same = true },     -- one tile as large as the patch
}

local sections = { data = "superres", model = "model", train = "train", eval = "eval" }

-- A value that is none of this world is refused at once, with the key, by the recipe itself.
local function refuses_odd_values(key, entry)
  for _, odd in ipairs { 0 / 0, print, { {} }, 1e300 } do
    if settings.check(entry, odd) == nil then
      local ok, message = pcall(sr.resolve, sr, { [key] = odd })
      lu.assertFalse(ok, key)
      lu.assertStrContains(message, "'" .. key)
    end
  end
end

function suite.test_the_recipe_takes_every_setting_of_the_tables()
  for section, name in pairs(sections) do
    for _, entry in ipairs(settings.of(name).list) do
      if not entry.internal then
        local key = section .. "." .. entry.name
        lu.assertNotNil(cases[key], key .. " has no case here")
        config.merge(sr.defaults, with(cases[key].with or {}, { [key] = cases[key][1] }))
        refuses_odd_values(key, entry)
      end
    end
  end
end

local usual = {}

-- The outcome before a setting is changed; found again where several share it.
local function before(key, case)
  local cfg = with(case.with or {})
  cfg[key] = case.from or base[key]
  local name = flex.literal.encode(cfg)
  usual[name] = usual[name] or { outcome(cfg) }
  return usual[name]
end

local function counts(key, case)
  local text, after = outcome(with(case.with or {}, { [key] = case[1] }))
  if case.says then
    lu.assertNil(text, key)
    return lu.assertStrContains(after, case.says, key)
  end
  local was = before(key, case)
  lu.assertNotNil(text, key .. ": " .. tostring(after))
  lu.assertNotNil(was[1], key .. " before: " .. tostring(was[2]))
  if case.near then return lu.assertAlmostEquals(after.weights, was[2].weights, 1e-4 * after.weights, key) end
  lu.assertEquals(text == was[1], case.same or false, key)
end

-- A section a test, so that a test is a quarter of the time.
for section in pairs(sections) do
  suite["test_every_setting_counts_in_" .. section] = function()
    for key, case in pairs(cases) do
      if key:match "^[^.]+" == section then counts(key, case) end
    end
  end
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
