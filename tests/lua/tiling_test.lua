-- Laws of whole domains: tiles weigh one everywhere, noise is the domain's, one tile is no tiling, edges are judged.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local workers = require "flexlab.study.workers"
local core = flex.core

local suite = {}
rawset(_G, "TestTiling", suite)

local TILE = 16
local raises, largest = support.raises, support.largest
local folder, path = support.folder()

local function field(ids, h, w, c, seed)
  local all = core.zeros { #ids, h, w, c }
  for i, id in ipairs(ids) do all[i]:copy_(core.normal({ h, w, c }, { seed = seed, stream = "user", sample = id })) end
  return all
end

-- Whole fields of samples `ids`.
local function batch_of(ids, h, w)
  local estimate, re = field(ids, h, w, 1, 2), {}
  for i, id in ipairs(ids) do re[i] = id / 10 end
  return { n = #ids, target = field(ids, h, w, 1, 1), estimate = estimate, lowres = estimate, ids = ids,
    re = core.tensor(re):reshape { #ids, 1 }, low = estimate:narrow({ axis = 2, start = 1, length = h // 4 })
      :narrow { axis = 3, start = 1, length = w // 4 }, scale = { mean = { 2.0 }, std = { 3.0 } } }
end

-- A network for tiles of 16x16 that answers something.
local function lively(more)
  local cfg = support.smallest { height = TILE, width = TILE, in_channels = 1, cond_channels = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  local model = flex.models.flex(cfg)
  model.data = { task = "superres", degradation = "registered", factor = 4 }
  for _, p in ipairs(model:parameters()) do
    core.no_grad(function() p.tensor:add_(core.normal(p.tensor.shape, { seed = 7, stream = "user" }), 0.02) end)
  end
  return model
end

local function rolled(t, along, by)
  local size = t.shape[along]
  return flex.tiling.cut(t, along, by % size, size)
end

function suite.test_weights_of_tiles_sum_to_one_at_every_pixel()
  for _, o in ipairs { {}, { overlap = 0, border = 0 }, { overlap = 8, border = 4 }, { overlap = 9, border = 2 } } do
    o.overlap, o.border = o.overlap or 6, o.border or 1
    for _, periodic in ipairs { true, false } do
      o.periodic = periodic
      for size = 16, 60, 4 do
        local axis = flex.tiling.plan({ size, 16 }, { 16, 16 }, o, 4).rows
        local sums = {}
        for i, start in ipairs(axis.starts) do
          local after = axis.starts[i + 1] or periodic and size > 16 and size
          lu.assertEquals(start % 4, 0)
          lu.assertTrue(not after or after - start <= 16 - o.overlap, size)
          lu.assertTrue(periodic or start + 16 <= size)
          for j, w in ipairs(axis.weights[i]) do
            local at = (start + j - 1) % size
            sums[at] = (sums[at] or 0) + w
            lu.assertTrue(w >= 0)
            if periodic and size > 16 and j <= o.border then lu.assertEquals(w, 0.0) end
          end
        end
        for p = 0, size - 1 do lu.assertAlmostEquals(sums[p], 1, 1e-12) end
      end
    end
  end
end

-- What the tiles see is put back where it was cut, on domains that no tile divides.
function suite.test_tiles_cover_any_domain()
  for _, periodic in ipairs { true, false } do
    local x = field({ 1, 2 }, 23, 38, 2, 3)
    local plan = flex.tiling.plan({ 23, 38 }, { 16, 12 }, { overlap = 5, border = 2, batch = 2, periodic = periodic })
    local same = flex.tiling.fused(plan, { estimate = x, lowres = x }, x, function(part, cut)
      lu.assertTrue(part.n <= 2)
      lu.assertEquals(cut.shape, { part.n, 16, 12, 2 })
      lu.assertEquals(largest(part.base, cut) + largest(part.lowres, cut), 0)
      return cut
    end)(x)
    lu.assertTrue(largest(same, x) < 1e-6)
  end
end

function suite.test_one_tile_as_large_as_the_domain_gives_the_bits_of_none()
  local batch = batch_of({ 1, 2 }, TILE, TILE)
  local function check(more, options)
    local model = lively(more)
    options.members = 2
    local _, whole = flex.diffusion.sample(model, batch, options)
    options.tiling = true
    local _, tiled = flex.diffusion.sample(model, batch, options)
    for m = 1, 2 do lu.assertEquals(tiled[m]:totable(), whole[m]:totable()) end
  end
  for _, sampler in ipairs(flex.samplers()) do check({}, { sampler = sampler, steps = 3 }) end
  for _, predict in ipairs(flex.parametrisations()) do check({ predict = predict }, { steps = 2 }) end
  check({ target = "raw" }, { steps = 2 })
  check({ target = "interpolant", schedule = "interpolant" }, { steps = 2 })
  for _, word in ipairs { "none", "concat", "strong" } do check({ conditioning = word }, { steps = 2 }) end
  check({ encoder = "pyramid" }, { steps = 2 })
  check({ positions = "sincos" }, { steps = 2 })
  check({}, { steps = 2, guidance = "classifier_free+consistency" })
end

-- Sample 4, member 17: alone, in company, in other batches of tiles; then whole, where the domain is a patch.
function suite.test_a_member_has_the_same_bits_alone_and_in_any_batch()
  local model = lively()
  local function sampled(ids, size, options)
    local _, members = flex.diffusion.sample(model, batch_of(ids, size[1], size[2]), options)
    return members
  end
  local function options(batch, more)
    local o = { steps = 3, sampler = "ddpm", seed = 5, first_member = 17,
      tiling = batch and { overlap = 8, border = 2, batch = batch } or false }
    for k, v in pairs(more or {}) do o[k] = v end
    return o
  end
  local alone = sampled({ 4 }, { 28, 44 }, options(8))[1]
  local one = { axis = 1, start = 2, length = 1 }
  lu.assertEquals(sampled({ 4 }, { 28, 44 }, options(1))[1]:totable(), alone:totable())
  lu.assertEquals(sampled({ 9, 4, 1 }, { 28, 44 }, options(3))[1]:narrow(one):totable(), alone:totable())
  local company = sampled({ 9, 4 }, { 28, 44 }, options(5, { first_member = 15, members = 4 }))
  lu.assertEquals(company[3]:narrow(one):totable(), alone:totable())
  lu.assertNotEquals(company[2]:narrow(one):totable(), alone:totable())
  local whole = sampled({ 4 }, { TILE, TILE }, options(false))[1]
  lu.assertEquals(sampled({ 9, 4 }, { TILE, TILE }, options(2))[1]:narrow(one):totable(), whole:totable())
end

-- What a tile starts from is a cut of the one noise field of the domain.
function suite.test_the_noise_of_a_tile_is_a_cut_of_the_domains()
  local model, seen = lively { conditioning = "none" }, {}
  local spy = setmetatable({ predict = function(_, x, ...)
    for i = 1, x.shape[1] do seen[#seen + 1] = x[i]:totable() end
    return model:predict(x, ...)
  end }, { __index = model })
  flex.diffusion.sample(spy, batch_of({ 3 }, 24, 40), { steps = 1, seed = 6, first_member = 2,
    tiling = { overlap = 8, border = 1, batch = 2 } })
  local noise = core.normal({ 24, 40, 1 }, { seed = 6, stream = "sample", sample = 3, member = 2, step = 0 })
  local plan = flex.tiling.plan({ 24, 40 }, { TILE, TILE }, { overlap = 8, border = 1 }, 4)
  local i = 0
  for _, y in ipairs(plan.rows.starts) do
    for _, x in ipairs(plan.columns.starts) do
      i = i + 1
      lu.assertEquals(seen[i], flex.tiling.cut(flex.tiling.cut(noise, 1, y, TILE), 2, x, TILE):totable())
    end
  end
  lu.assertEquals({ i, plan.count }, { #seen, #seen })
end

-- A periodic domain has no first pixel: shifted by a step of the tiles, everything else shifts with it.
function suite.test_a_periodic_domain_is_a_ring()
  local model, tiling = lively(), { overlap = 8, border = 2 }
  local batch, noise = batch_of({ 1 }, 24, 32), field({ 1 }, 24, 32, 1, 9)
  local straight = flex.diffusion.sample(model, batch, { steps = 2, noise = { noise }, tiling = tiling })
  local function shift(t) return rolled(rolled(t, 2, 8), 3, 16) end
  local moved = { estimate = shift(batch.estimate), re = batch.re, scale = batch.scale, ids = { 1 } }
  moved.lowres = moved.estimate
  local other = flex.diffusion.sample(model, moved, { steps = 2, noise = { shift(noise) }, tiling = tiling })
  lu.assertTrue(largest(other, shift(straight)) < 1e-4)
  tiling.periodic = false
  local walled = flex.diffusion.sample(model, batch, { steps = 2, noise = { noise }, tiling = tiling })
  lu.assertTrue(largest(walled, straight) > 1e-3)
end

-- Periodic along one axis: what moves along it by half its length moves with everything else, and the other has ends.
function suite.test_a_domain_may_be_a_ring_along_one_axis()
  local model, noise = lively(), field({ 1 }, 32, 32, 1, 9)
  local batch = batch_of({ 1 }, 32, 32)
  local function sampled(of, start, periodic)
    return (flex.diffusion.sample(model, of, { steps = 2, noise = { start },
      tiling = { overlap = 8, border = 2, periodic = periodic } }))
  end
  for name, along in pairs { y = 2, x = 3 } do
    local function shift(t) return rolled(t, along, 16) end
    local plan = flex.tiling.plan({ 32, 32 }, { TILE, TILE }, { overlap = 8, border = 2, periodic = name }, 4)
    lu.assertEquals({ #plan.rows.starts, #plan.columns.starts }, name == "y" and { 4, 3 } or { 3, 4 })
    lu.assertEquals(flex.seams.measure(noise, plan).lines, 4 + 2)      -- a ring has an edge more than its ends would
    local other = { estimate = shift(batch.estimate), re = batch.re, scale = batch.scale, ids = { 1 } }
    other.lowres = other.estimate
    local straight = sampled(batch, noise, name)
    lu.assertTrue(largest(sampled(other, shift(noise), name), shift(straight)) < 1e-4)
    for _, periodic in ipairs { true, false } do
      lu.assertTrue(largest(sampled(batch, noise, periodic), straight) > 1e-3)
    end
    lu.assertTrue(largest(sampled(other, shift(noise), false), shift(sampled(batch, noise, false))) > 1e-3)
  end
end

-- What is put over a coarse field that is periodic along one axis: the same wherever it is cut along that axis.
function suite.test_interpolation_over_the_edges_of_one_axis()
  local low = field({ 1 }, 6, 8, 2, 3)
  for _, name in ipairs { "bicubic", "bilinear", "nearest", "registered", "block_mean" } do
    local up = flex.degradations[name].up
    local both, none = up(low, 24, 32, { circular = true }), up(low, 24, 32, { circular = false })
    local x, y = up(low, 24, 32, { circular = "x" }), up(low, 24, 32, { circular = "y" })
    lu.assertEquals({ x.shape, y.shape }, { both.shape, both.shape })
    lu.assertTrue(largest(up(rolled(low, 3, 4), 24, 32, { circular = "x" }), rolled(x, 3, 16)) < 1e-5, name)
    lu.assertTrue(largest(up(rolled(low, 2, 3), 24, 32, { circular = "y" }), rolled(y, 2, 12)) < 1e-5, name)
    local inside, columns = { axis = 2, start = 9, length = 8 }, { axis = 3, start = 9, length = 16 }
    lu.assertTrue(largest(x:narrow(inside), both:narrow(inside)) < 1e-5, name)
    lu.assertTrue(largest(x:narrow(columns), none:narrow(columns)) < 1e-5, name)
    if name ~= "nearest" then lu.assertTrue(largest(x, both) > 1e-3 and largest(x, none) > 1e-3, name) end
  end
end

function suite.test_seams_are_found_where_they_are_and_not_elsewhere()
  local plan = flex.tiling.plan({ 96, 128 }, { 32, 32 }, { overlap = 8, border = 0 })
  local smooth = core.resize(field({ 1 }, 24, 32, 1, 4), { size = { 96, 128 }, method = "bicubic", circular = true })
  local clean = flex.seams.measure(smooth, plan)
  lu.assertTrue(math.abs(clean.ratio - 1) < 3 * clean.noise, clean.ratio .. " " .. clean.noise)
  lu.assertEquals(clean.lines, 4 + 6)       -- the middles of what 4 rows and 6 columns of tiles share
  -- every other tile raised by one
  local stepped = flex.tiling.plan({ 96, 128 }, { 32, 32 }, { overlap = 0, border = 0, batch = 1 })
  local n = 0
  local patchy = flex.tiling.fused(stepped, { estimate = smooth, lowres = smooth }, nil, function(_, x)
    n = n + 1
    return x + (n % 2)
  end)(smooth)
  local seam = flex.seams.measure(patchy, stepped)
  lu.assertTrue(seam.ratio > 1 + 5 * seam.noise, seam.ratio .. " " .. seam.noise)
  -- blocks of 4x4 have all their steps where tiles of that grid meet, and that is no seam
  local blocks = core.upsample(field({ 1 }, 24, 24, 1, 5), { factor = 4 })
  local aligned = flex.seams.measure(blocks, flex.tiling.plan({ 96, 96 }, { 32, 32 }, { overlap = 8, border = 0 }, 4))
  lu.assertTrue(math.abs(aligned.ratio - 1) < 3 * aligned.noise, aligned.ratio .. " " .. aligned.noise)
  lu.assertEquals(aligned.lines, 8)
  lu.assertNil(flex.seams.measure(core.zeros { 1, 96, 128, 1 }, plan))
  lu.assertNil(flex.seams.measure(smooth, flex.tiling.plan({ 96, 128 }, { 96, 128 }, { periodic = false })))
end

function suite.test_wrong_uses_are_one_sentence()
  local model, domain = lively(), batch_of({ 1 }, 24, 40)
  local function refused(message, tiling, batch, more)
    local o = { steps = 1, tiling = tiling }
    for k, v in pairs(more or {}) do o[k] = v end
    lu.assertNil(raises(message, flex.diffusion.sample, model, batch or domain, o):find "\n")
  end
  refused("an overlap of 16 leaves tiles 16 high no step; give one of at most 12", { overlap = 16 })
  refused("an overlap of 90 leaves tiles", { overlap = 90 })
  refused("a border of 3 at both sides of a tile does not fit into an overlap of 5", { overlap = 5, border = 3 })
  refused("tiles 16 high are larger than the domain, 12", { overlap = 4, border = 0 }, batch_of({ 1 }, 12, 40))
  refused("a domain 26 wide and tiles of 16 must both be divisible by the factor 4", { overlap = 4, border = 0 },
    batch_of({ 1 }, 24, 26))
  refused("overlap must be a whole number from 0 to 65536, got 2.5", { overlap = 2.5 })
  refused("batch must be a whole number from 1 to 65536, got 0", { batch = 0 })
  refused("the nearest is 'overlap'", { overlaps = 1 })
  refused("periodic must be true or false, or 'y' or 'x', got 'no'", { periodic = "no" })
  refused("tiling must be true or false, or a table of tiling settings", 8)
  refused("guidance by a gradient", { overlap = 8, border = 2 }, domain, { guidance = "observation" })
end

-- Runs `flexlab sample ...`; returns exit code, stdout, stderr.
local function sample(line)
  local out, err = path "stdout", path "stderr"
  local _, _, code = os.execute(("{ %s sample %s; } >%s 2>%s"):format(workers.program(), line, out, err))
  return code, core.sys.read(out), core.sys.read(err)
end

-- A checkpoint of the smallest network, and a field that is not square and no multiple of its patch.
local function files()
  local recipe = flex.recipe("small", {}, function(_, run)
    local data = flex.data.superres { file = support.flow(path "flow.h5"), factor = 4, degradation = "registered",
      crop = TILE, batch = 1, test_tiles = 1 }
    local model = flex.models.flex(support.smallest(), data)
    local optim = flex.optim.adam(model, {})
    for _, batch in run:steps(data.train, 1) do optim:step(flex.diffusion.loss(model, batch)) end
    return {}
  end)
  local writer = assert(core.io.field_writer(path "wide.h5", { frames = 2, height = 24, width = 40 }))
  for i = 1, 2 do assert(writer:append(core.normal({ 1, 24, 40, 1 }, { seed = i }))) end
  assert(writer:finish())
  return recipe({}, { root = path "runs", quiet = true }).dir
end

function suite.test_the_command_samples_whole_fields()
  local common = ("--checkpoint %s --data %s --steps 1 "):format(files(), path "wide.h5")
  for _, how in ipairs { "tiles --overlap 8 --border 2", "network" } do
    local out = path(how:match "%a+" .. ".h5")
    local code, said, err = sample(common .. ("--out %s --domain %s"):format(out, how))
    lu.assertEquals({ code, err }, { 0, "" })
    lu.assertEquals(said:find("seams", 1, true) ~= nil, how ~= "network")
    local reader = flex.fields.open(out, { dataset = "w" })
    lu.assertEquals({ reader.frames, reader.height, reader.width, reader:text "domain" },
      { 2, 24, 40, how:match "%a+" })
    lu.assertEquals(reader:number "seam_noise" ~= nil, how ~= "network")
    reader:close()
  end
  local function refused(line, text, code)
    local got, _, err = sample(common .. "--out " .. path "x.h5" .. " " .. line)
    lu.assertEquals(got, code)
    lu.assertStrContains(err, text)
    lu.assertEquals(select(2, err:gsub("\n", "")), code)     -- wrong use: the sentence, and where help is
    lu.assertNil(core.sys.exists(path "x.h5"))
  end
  refused("--domain tile", "--domain wants tiles or network, got 'tile'; the nearest is 'tiles'", 2)
  refused("--overlap 8", "--overlap is for --domain tiles", 2)
  refused("--domain network --border 2", "--border is for --domain tiles", 2)
  refused("--domain tiles --overlap 16", "leaves tiles 16 high no step", 1)
  local odd = assert(core.io.field_writer(path "odd.h5", { frames = 1, height = 24, width = 42 }))
  assert(odd:append(core.zeros { 1, 24, 42, 1 }))
  assert(odd:finish())
  local globe = assert(core.io.field_writer(path "globe.h5", { frames = 1, height = 24, width = 40 }))
  assert(globe:append(core.normal({ 1, 24, 40, 1 }, { seed = 3 })))
  assert(globe:text("wraps", "x"))
  assert(globe:finish())
  local _, said = sample(("%s --out %s --domain tiles --overlap 8 --border 2"):format((common:gsub("wide", "globe")),
    path "g.h5"))
  lu.assertStrContains(said, "(10 tiles)")       -- 2 rows with ends, a ring of 5 columns
  common = common:gsub("wide", "odd")
  for _, how in ipairs { "", "--domain tiles --overlap 8 --border 2", "--domain network" } do   -- padded, and cut again
    local out = path "cut.h5"
    os.remove(out)
    local code, _, err = sample(common .. ("--out %s %s"):format(out, how))
    lu.assertEquals({ code, err }, { 0, "" }, how)
    local reader <close> = flex.fields.open(out, { dataset = "w" })
    lu.assertEquals({ reader.frames, reader.height, reader.width }, { 1, 24, 42 }, how)
  end
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
