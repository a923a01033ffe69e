-- A step taken in pieces is the step: batch(step, first, last) has the samples, times, noise, masks and dropped
-- conditions that these samples have in the whole batch, so the mean over pieces, weighted by their samples, has the
-- loss and the gradients of the whole. That is gradient accumulation, and what processes that share a step rely on.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestPieces", suite)

local _, path = support.folder()
local film = support.flow(path "film.h5")
local raises = support.raises

local function data_of(task, more)
  local cfg = { file = film, test = film, crop = 16, batch = 5, seed = 4 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data[task](cfg)
end

-- Loss and gradients of a step taken in pieces { first, last }, by the same model each time.
local function step_in(pieces, model, data, step, loss_of)
  local total = 0
  for _, p in ipairs(model:parameters()) do p.tensor:track(true):clear_grad() end
  for _, piece in ipairs(pieces) do
    local batch = data.train:batch(step, table.unpack(piece))
    local loss = loss_of(model, batch, step) * (batch.n / batch.whole)
    loss:backward()
    total = total + loss:item()
  end
  local grads = {}
  for _, p in ipairs(model:parameters()) do
    if p.trained and p.tensor.grad then grads[p.name] = p.tensor.grad:clone() end
  end
  return total, grads
end

-- The zero-initialised convolutions moved, so that gradients flow everywhere.
local function stirred(model)
  core.no_grad(function()
    for i, p in ipairs(model:parameters()) do
      if p.trained then p.tensor:add_(core.normal(p.tensor.shape, { seed = 9, stream = "user", sample = i }), 0.02) end
    end
  end)
  return model
end

local function assert_halves_are_the_whole(model, data, loss_of, name)
  loss_of = loss_of or flex.diffusion.loss
  stirred(model)
  local want, grads = step_in({ {} }, model, data, 3, loss_of)
  lu.assertTrue(next(grads) ~= nil)
  for _, pieces in ipairs { { { 1, 2 }, { 3, 5 } }, { { 4, 5 }, { 1, 1 }, { 2, 3 } } } do
    local got, own = step_in(pieces, model, data, 3, loss_of)
    lu.assertAlmostEquals(got, want, 1e-6 * math.abs(want), name)
    local away, size = 0, 0
    for parameter, g in pairs(grads) do
      away, size = away + (g - own[parameter]):square():sum():item(), size + g:square():sum():item()
    end
    lu.assertTrue(size > 1e-6 and away <= 1e-12 * size, ("%s: %g of %g"):format(name, away ^ 0.5, size ^ 0.5))
  end
end

local variants = {
  plain = { {}, {} },
  ["dropout and dropped conditions"] = { {}, { dropout = 0.3, drop_condition = 0.5 } },
  ["an encoder in Lua"] = { {}, { dropout = 0.3, encoder = "unet", encoder_options = { dropout = 0.2 } } },
  ["another backbone"] = { {}, { dropout = 0.3, backbone = "unet" } },
  ["noisy, turned, in epochs"] = { { degradation = "noisy", augment = true, order = "epochs" }, { dropout = 0.1 } },
  ["times of their own, weighted"] = { {}, { schedule = "edm", predict = "edm", weighting = "edm", loss = "mse" } },
  ["recomputed"] = { {}, { dropout = 0.3, recompute = true } },
}

function suite.test_super_resolution()
  for name, variant in pairs(variants) do
    local data = data_of("superres", variant[1])
    local settings = support.smallest(variant[2])
    if settings.backbone == "unet" then settings = { size = "nano", dropout = 0.3, backbone = "unet", seed = 1 } end
    assert_halves_are_the_whole(flex.models.flex(settings, data), data, nil, name)
  end
end

function suite.test_forecasts_with_several_leads()
  local data = data_of("forecast", { past = 2, lead = { 1, 2 } })
  assert_halves_are_the_whole(flex.models.flex(support.smallest { dropout = 0.2 }, data), data, nil, "forecast")
end

function suite.test_two_tasks()
  local data = data_of("multitask", { superres = { factor = 4 }, forecast = { past = 2 } })
  local model = flex.models.multitask(support.smallest { dropout = 0.2 }, data)
  assert_halves_are_the_whole(model, data, function(m, batch, step)
    return flex.diffusion.loss(m:task "superres", batch.parts.superres, step)
      + flex.diffusion.loss(m:task "forecast", batch.parts.forecast, step) * 2
  end, "two tasks")
  local batch = data.train:batch(1, 2, 3)
  lu.assertEquals({ batch.n, batch.first, batch.whole }, { 2, 2, 5 })
end

function suite.test_a_batch_without_a_place_is_whole()
  local data = data_of "superres"
  local model, batch = flex.models.flex(support.smallest { dropout = 0.3 }, data), data.train:batch(2)
  local loss = flex.diffusion.loss(model, batch, 2):item()
  batch.first, batch.whole = nil, nil
  lu.assertEquals(flex.diffusion.loss(model, batch, 2):item(), loss)
end

function suite.test_pieces_that_are_none_are_refused()
  local train = data_of("superres").train
  for _, piece in ipairs { { 0, 2 }, { 4, 6 }, { 3, 2 }, { 1.5, 2 }, { 6 } } do
    raises("a step has samples 1 to 5", train.batch, train, 1, table.unpack(piece))
  end
end

os.exit(lu.LuaUnit.run())
