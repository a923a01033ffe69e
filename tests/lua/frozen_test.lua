-- Parameters that are not tracked when the optimiser is made are frozen: they stay bit for bit as they are, in the
-- average and after a resume too.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestFrozen", suite)
support.foldered(suite)

local SETTINGS = { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 1, height = 8, width = 8,
  in_channels = 1, cond_channels = 1 }

local function is_frozen(p) return p.name:find "^decoder" ~= nil end

local function bytes(tensor)
  local parts = {}
  for i, v in ipairs(tensor:detach():reshape { -1 }:totable()) do parts[i] = ("%a"):format(v) end
  return table.concat(parts, " ")
end

local ways = {
  track = function(p) p.tensor:track(false) end,
  trained = function(p)
    p.trained = false
    lu.assertFalse(p.trained)
  end,
}

local function batch_of()
  local shape = { 2, 8, 8, 1 }
  local target = core.normal(shape, { seed = 1 })
  return { target = target, lowres = core.normal(shape, { seed = 2 }), re = core.full({ 2, 1 }, 0.1), ids = { 1, 2 },
    index = { 1, 2 }, task = "superres", n = 2, height = 8, width = 8, channels = 1 }
end

-- A short run, some of whose parameters are frozen; `stop` ends it before that step as a fault would.
local stop
local recipe = flex.recipe("frozen", { way = "track", ema = 0.9, kind = "adam", steps = 4 }, function(cfg, run)
  local model = flex.models.flex(SETTINGS)
  local before = {}
  for _, p in ipairs(model:parameters()) do
    if is_frozen(p) and p.trained then
      before[p.name] = bytes(p.tensor)
      ways[cfg.way](p)
    end
  end
  local optim = flex.optim[cfg.kind](model, { lr = 1e-2, ema = cfg.ema, weight_decay = 0.1 })
  for step in run:steps(nil, cfg.steps, { checkpoint = 1 }) do
    if step == stop then error "stopped" end
    optim:step(flex.diffusion.loss(model, batch_of()))
  end
  local result = { frozen = 0, moved = 0, wrong = 0 }
  local function compare()
    for _, p in ipairs(model:parameters()) do
      if before[p.name] then
        result.frozen = result.frozen + 1
        if bytes(p.tensor) ~= before[p.name] then result.wrong = result.wrong + 1 end
      end
    end
  end
  compare()
  optim.ema:use(compare)
  for _, p in ipairs(optim.parameters) do
    lu.assertFalse(is_frozen(p), p.name)
    result.moved = result.moved + p.tensor:detach():abs():sum():item()
  end
  return result
end)

-- What averaged weights hand out are the averages, inside `use` and outside of it.
function suite.test_the_parameters_of_the_average_are_the_averages()
  local model = flex.models.flex(SETTINGS)
  local optim = flex.optim.adam(model, { lr = 1e-2, ema = 0.9 })
  for _ = 1, 2 do optim:step(flex.diffusion.loss(model, batch_of())) end
  local raw, average, inside = {}, {}, {}
  for i, p in ipairs(model:parameters()) do raw[i] = bytes(p.tensor) end
  for i, p in ipairs(optim.ema:parameters()) do average[i] = bytes(p.tensor) end
  optim.ema:use(function()
    for i, p in ipairs(optim.ema:parameters()) do inside[i] = bytes(p.tensor) end
  end)
  lu.assertEquals(average, inside)
  lu.assertNotEquals(average, raw)
  lu.assertEquals(#average, #raw)
  for i, p in ipairs(model:parameters()) do lu.assertEquals(bytes(p.tensor), raw[i]) end
end

function suite.test_they_stay_bit_for_bit()
  for way in pairs(ways) do
    for _, kind in ipairs { "adam", "adamw", "lion" } do
      local result = recipe({ way = way, kind = kind }, { root = suite.folder, quiet = true })
      lu.assertEquals(result.wrong, 0, way .. " " .. kind)
      lu.assertTrue(result.frozen > 10)
    end
  end
end

function suite.test_they_stay_so_after_a_resume()
  local whole = recipe({}, { root = suite.folder .. "/whole", quiet = true })
  stop = 3
  support.raises("stopped", recipe, {}, { root = suite.folder, quiet = true })
  stop = nil
  local resumed = recipe({}, { root = suite.folder, quiet = true })
  lu.assertEquals({ resumed.wrong, resumed.moved }, { 0, whole.moved })
end

function suite.test_nothing_left_to_train_and_what_a_buffer_is()
  local model = flex.models.flex(SETTINGS)
  for _, p in ipairs(model:parameters()) do
    if p.trained then p.trained = false end
  end
  support.raises("nothing is left to train", flex.optim.adam, model, { lr = 1e-3 })
  support.raises("true or false, got 'no'", function() model:parameters()[1].trained = "no" end)
  local buffer = flex.nn.parameter("table", core.zeros { 2 }, false)
  support.raises("'table' is a buffer", function() buffer.trained = true end)
end

os.exit(lu.LuaUnit.run())
