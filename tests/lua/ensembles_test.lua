-- The law of ensembles: a member is a function of (seed, sample, member) alone. Member 17 of sample 4 is
-- the same bits alone, in a batch of 64, in a larger ensemble, from another tiling, or after a resume.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestEnsembles", suite)

local SIDE = 16

local function field(seed, id) return core.normal({ SIDE, SIDE, 1 }, { seed = seed, stream = "user", sample = id }) end

-- The samples of these ids; what a sample holds depends on its id alone.
local function batch_of(ids)
  local estimate, re = core.zeros { #ids, SIDE, SIDE, 1 }, {}
  for i, id in ipairs(ids) do
    estimate[i]:copy_(field(2, id))
    re[i] = 0.01 * id
  end
  return { estimate = estimate, lowres = estimate, re = core.tensor(re):reshape { #ids, 1 }, ids = ids,
    scale = { mean = { 2.0 }, std = { 3.0 } } }
end

local function range(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

-- A model whose output is not zero: the last convolutions start at zero.
local function lively()
  local model = flex.models.flex { height = SIDE, width = SIDE, in_channels = 1, cond_channels = 1,
    size = "nano", dropout = 0 }
  core.no_grad(function()
    for _, p in ipairs(model:parameters()) do
      p.tensor:add_(core.normal(p.tensor.shape, { seed = 7, stream = "user" }), 0.02)
    end
  end)
  return model
end

local model = lively()

local function same(a, b, what)
  lu.assertEquals(a:count(), b:count())
  lu.assertEquals((a:reshape { -1 } - b:reshape { -1 }):abs():summary().max, 0, what)
end

local function sample(ids, options)
  options.steps, options.seed = options.steps or 2, 5
  local _, members = flex.diffusion.sample(model, batch_of(ids), options)
  return members
end

local function alone(sampler)
  return sample({ 4 }, { first_member = 17, sampler = sampler })[1]
end

function suite.test_member_17_of_sample_4_alone_and_in_larger_ensembles()
  local one = alone()
  lu.assertTrue(one:summary().max > one:summary().min)
  same(sample({ 4 }, { members = 20 })[17], one, "20 members from 1")
  same(sample({ 4 }, { first_member = 16, members = 3 })[2], one, "3 members from 16")
  same(sample(range(1, 5), { members = 17 })[17][4], one, "17 members of 5 samples")
end

function suite.test_member_17_of_sample_4_in_any_batch()
  local one = alone()
  for _, ids in ipairs { { 4, 9 }, { 9, 4 }, { 7, 8, 4 }, range(1, 7), range(1, 64) } do
    local at
    for i, id in ipairs(ids) do at = id == 4 and i or at end
    same(sample(ids, { first_member = 17 })[1][at], one, #ids .. " samples")
  end
end

function suite.test_every_sampler_and_parametrisation_of_noise_keeps_the_law()
  for _, name in ipairs(flex.samplers()) do
    local options = { first_member = 17, sampler = name, steps = 3 }
    local one = sample({ 4 }, options)[1]
    same(sample(range(2, 6), options)[1][3], one, name)
    same(sample({ 4, 4 }, options)[1][2], one, name .. ", twice in one batch")
  end
end

function suite.test_neither_threads_nor_other_work_change_it()
  local one, threads = alone(), core.threads()
  core.threads(threads == 1 and 2 or 1)
  core.normal({ 1000 }, { seed = 1 })
  same(alone(), one, "other threads")
  core.threads(threads)
end

function suite.test_others_differ()
  local members = sample({ 4, 5 }, { members = 3 })
  lu.assertTrue((members[1] - members[2]):abs():summary().max > 1e-3)
  lu.assertTrue((members[1][1] - members[1][2]):abs():summary().max > 1e-3)
end

-- A resumed evaluation starts with the member or the sample that it had not finished.
function suite.test_resumed_ensembles_are_the_same()
  local whole = sample({ 3, 4 }, { members = 6 })
  local first, rest = sample({ 3, 4 }, { members = 2 }), sample({ 3, 4 }, { first_member = 3, members = 4 })
  for m, member in ipairs(table.move(rest, 1, 4, 3, first)) do same(whole[m], member, "member " .. m) end
end

local folder = os.tmpname()
os.remove(folder)

-- Tiles of a real file keep their ids whatever the batch and however many are asked for.
function suite.test_tiles_are_the_same_in_every_batch_and_choice()
  local path = flex.generate("turbulence", { re = 300, size = 64, frames = 2, k0 = 5.0, quiet = true,
    out = folder .. "/flow.h5" })[1]
  local function by_id(batch, tiles)
    local data, found = flex.data.superres { file = path, test = path, crop = SIDE, factor = 4, batch = batch,
      test_tiles = tiles }, {}
    for b in data.test:batches() do
      local _, members = flex.diffusion.sample(model, b, { seed = 5, members = 2 })
      for i, id in ipairs(b.ids) do found[id] = members[2][i] end
    end
    return found
  end
  local few, count = by_id(1, 5), 0
  local all = by_id(16, 32)
  for id, member in pairs(few) do
    same(all[id], member, "tile " .. id)
    count = count + 1
  end
  lu.assertEquals(count, 5)
end

function suite.test_what_is_refused()
  lu.assertErrorMsgContains("first_member must be a whole number from 1 to", flex.diffusion.sample,
    model, batch_of { 4 }, { first_member = 0 })
end

local code = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(code)
