-- Laws of the loader: what is read ahead is what is read now, to the bit, in every order, after a kill, and in
-- parts; epochs visit every frame once; balance is what it says; failures arrive with their sentence.
local lu = require "luaunit"
local flex = require "flexlab"
local support = require "tests.lua.support"
local core = flex.core

local suite = {}
rawset(_G, "TestLoader", suite)

local folder, path = support.folder()
local largest = support.largest

-- Compressed frames of value(frame, y, x).
local function write(name, frames, height, width, re, value)
  local w = assert(core.io.field_writer(path(name), { frames = frames, height = height, width = width, deflate = 4 }))
  for f = 1, frames do
    local list = {}
    for y = 1, height do
      for x = 1, width do list[#list + 1] = value(f, y, x) end
    end
    assert(w:append(core.tensor(list):reshape { 1, height, width, 1 }))
  end
  assert(w:number("Re", re))
  assert(w:text("boundary", "periodic"))
  assert(w:finish())
  return path(name)
end

local function wave(f, y, x) return f * 1000 + y * 37 % 101 + math.sin(x) end

local files = { write("a_re100.h5", 9, 32, 48, 100, wave), write("b_re100.h5", 3, 48, 32, 100, wave),
  write("c_re900.h5", 4, 40, 40, 900, wave) }

local function superres(more)
  local cfg = { file = files, split = 0.7, factor = 4, crop = 16, batch = 5, seed = 3, memory = 0 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.superres(cfg)
end

local function forecast(more)
  local cfg = { file = files, test = files, crop = 16, batch = 4, past = 2, lead = { 1, 2 }, seed = 3, memory = 0 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return flex.data.forecast(cfg)
end

local function assert_equal(a, b)
  for _, name in ipairs { "target", "lowres", "truth", "re", "estimate" } do
    lu.assertEquals(largest(a[name], b[name]), 0, name)
  end
  lu.assertEquals(a.ids, b.ids)
end

local variants = { {}, { balance = "files" }, { balance = "re" }, { order = "epochs" },
  { augment = true }, { augment = "shift", prefetch = 5 } }

function suite.test_what_is_read_ahead_has_the_same_bits()
  for _, make in ipairs { superres, forecast } do
    for _, more in ipairs(variants) do
      local ahead = make(more)
      more.prefetch, more.memory = false, nil
      local now = make(more)
      more.memory = 1 << 30
      local inside = make(more)
      for _, step in ipairs { 1, 2, 3, 4, 4, 9, 8, 2, 3 } do   -- in order, again, jumps
        local scope <close> = core.scope()
        local batch = ahead.train:batch(step)
        assert_equal(batch, now.train:batch(step))
        assert_equal(batch, inside.train:batch(step))
        scope:close()
      end
      local one, other = ahead.test:batches(), inside.test:batches()
      for batch in one do assert_equal(batch, other()) end
      lu.assertNil(other())
    end
  end
end

function suite.test_pieces_of_steps_are_read_ahead_too()
  local ahead, now = superres { prefetch = 2 }, superres { memory = 1 << 30 }
  for _, step in ipairs { 1, 2, 3, 7, 7, 8, 2 } do
    for _, piece in ipairs { { 1, 2 }, { 3, 5 } } do
      local scope <close> = core.scope()
      assert_equal(ahead.train:batch(step, table.unpack(piece)), now.train:batch(step, table.unpack(piece)))
      scope:close()
    end
  end
  lu.assertEquals(ahead.train.asked, { ["1:2"] = 4, ["3:5"] = 4 })
end

function suite.test_the_next_batches_are_really_asked_for()
  local set = superres { prefetch = 3, batch = 5 }
  collectgarbage()
  local waiting, ready = core.io.reading()
  lu.assertEquals(waiting + ready, 0)
  set.train:batch(1)
  waiting, ready = core.io.reading()
  lu.assertEquals(waiting + ready, 3 * 5)
  set.train:batch(2)
  waiting, ready = core.io.reading()
  lu.assertEquals(waiting + ready, 3 * 5)
  for _, file in ipairs(set.opened.train.files) do file.reader:close() end
  waiting, ready = core.io.reading()
  lu.assertEquals(waiting + ready, 0)
end

-- What ranks do: each makes its samples of a step; noise and moves are those of the whole.
function suite.test_a_step_can_be_shared()
  local settings = { degradation = "noisy", augment = true }
  local whole, part = superres(settings), superres(settings)
  for step = 1, 3 do
    local all = whole.train:batch(step)
    local first, rest = part.train:batch(step, 1, 2), part.train:batch(step, 3, 5)
    for _, name in ipairs { "target", "lowres", "low", "re" } do
      lu.assertEquals(largest(first[name]:concat(rest[name], { axis = 1 }), all[name]), 0, name)
    end
  end
end

function suite.test_an_epoch_is_every_frame_once()
  local set = superres { order = "epochs", batch = 4, split = 1, test = files, memory = 1 << 30 }
  local n = #set.train.entries
  lu.assertEquals(n, 16)
  local orders = {}
  for epoch = 0, 2 do
    local seen, order = {}, {}
    for step = epoch * 4 + 1, epoch * 4 + 4 do
      for _, id in ipairs(set.train:batch(step).ids) do
        lu.assertNil(seen[id])
        seen[id] = true
        order[#order + 1] = id
      end
    end
    lu.assertEquals(#order, n)
    orders[epoch] = table.concat(order, " ")
  end
  lu.assertNotEquals(orders[0], orders[1])
  lu.assertNotEquals(orders[1], orders[2])
  -- 16 frames in batches of 5: epochs begin within batches, and a batch depends on (seed, step) alone
  local a, b = superres { order = "epochs", test = files }, superres { order = "epochs", test = files }
  local count = {}
  for step = 1, 16 do
    for _, id in ipairs(a.train:batch(step).ids) do count[id] = (count[id] or 0) + 1 end
  end
  for id = 1, n do lu.assertEquals(count[id], 5) end
  lu.assertEquals(b.train:batch(7).ids, a.train:batch(7).ids)
  lu.assertNotEquals(superres({ order = "epochs", test = files, seed = 4 }).train:batch(7).ids, a.train:batch(7).ids)
end

-- 2000 draws; three standard deviations of a share of one third are 0.032.
function suite.test_balance()
  local function shares(balance)
    local set = superres { balance = balance, test = files, batch = 100, memory = 1 << 30, crop = 8 }
    local share = { 0, 0, 0 }
    for step = 1, 20 do
      local scope <close> = core.scope()
      for _, draw in ipairs(set.train:batch(step).index) do share[draw.file] = share[draw.file] + 1 / 2000 end
      scope:close()
    end
    return share
  end
  local frames, by_files, re = shares "frames", shares "files", shares "re"
  for i, expected in ipairs { 9 / 16, 3 / 16, 4 / 16 } do lu.assertAlmostEquals(frames[i], expected, 0.035) end
  for i = 1, 3 do lu.assertAlmostEquals(by_files[i], 1 / 3, 0.035) end
  for i, expected in ipairs { 9 / 24, 3 / 24, 1 / 2 } do lu.assertAlmostEquals(re[i], expected, 0.035) end
end

function suite.test_statistics_of_some_frames_and_of_all()
  local set = superres { fit = 0, test = files }
  local scales = require "flexlab.data.scales"
  local mean, std = scales.fit(set.train.source, set.train.entries)
  lu.assertEquals(set.scale, { mean = mean, std = std })
  local sum, squares = 0, 0
  for _, e in ipairs(set.train.entries) do   -- frames count alike, whatever their sizes
    local scope <close> = core.scope()
    local frame = set.train.source:patch(e, 1, 1, set.train.source:height(e), set.train.source:width(e)):to "f64"
    sum, squares = sum + frame:mean():item() / 16, squares + frame:square():mean():item() / 16
    scope:close()
  end
  lu.assertAlmostEquals(mean[1], sum, 1e-7)
  lu.assertAlmostEquals(std[1], math.sqrt(squares - sum ^ 2), 1e-5)
  lu.assertNotEquals(superres({ fit = 2, test = files }).scale.mean[1], mean[1])
end

function suite.test_wrong_settings_and_files_have_their_sentence()
  local cases = {
    { { prefetch = -1 }, "prefetch must be true or false, or a whole number from 0 to 1024, got -1" },
    { { fit = 0.5 }, "fit must be a whole number from 0" },
    { { order = "epoch" }, "order must be 'draws' or 'epochs', got 'epoch'; the nearest is 'epochs'" },
    { { balance = "file" }, "the nearest is 'files'" },
    { { order = "epochs", balance = "re" }, "goes with order = \"draws\"" },
  }
  for _, case in ipairs(cases) do support.raises(case[2], superres, case[1]) end
  local bad = write("nan.h5", 2, 16, 16, 1, function(_, y) return y == 3 and 0 / 0 or 1 end)
  local set = superres { file = bad, test = bad, mean = 0, std = 1 }
  support.raises("nan.h5: channel 'w' holds NaN at frame", set.train.batch, set.train, 1)
end

-- A recipe that is killed in the middle goes on to the same weights, with and without reading ahead.
local function weights_of(name, prefetch, kill)
  local script = path(name .. ".lua")
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
local cfg = { file = %q, test = %q, factor = 4, crop = 16, batch = 2, memory = 0, prefetch = %s, augment = true }
local recipe = flex.recipe("ahead", { kill = 0, train = { checkpoint = 2 } }, function(c, run)
  local data = flex.data.superres(cfg)
  local model = flex.models.flex { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0 }
  local optim = flex.optim.adam(model, { lr = 1e-3 })
  for step, batch in run:steps(data.train, 6) do
    optim:step(flex.diffusion.loss(model, batch))
    if step == tonumber(arg[1]) then os.execute("kill -9 " .. flex.core.sys.pid()) end
  end
  return { n = 1 }
end)
recipe({}, { root = %q, quiet = true })
]]):format(files[1], files[2], tostring(prefetch), path(name))))
  if kill then lu.assertFalse(os.execute(("lua5.4 '%s' 5 2>/dev/null"):format(script)) or false) end
  assert(os.execute(("lua5.4 '%s' 0"):format(script)))
  local find = io.popen(("find '%s' -name last.h5"):format(path(name)))
  local last = find:read "l"
  find:close()
  return core.sys.hash(core.sys.read(last))
end

function suite.test_killed_runs_go_on_with_the_same_bits()
  local plain = weights_of("plain", false)
  lu.assertEquals(weights_of("ahead", 3), plain)
  lu.assertEquals(weights_of("killed", true, true), plain)
end

-- A state that closes while the thread reads ends without a word.
function suite.test_a_state_may_close_in_the_middle()
  local script = path "close.lua"
  assert(core.sys.write(script, ([[
local flex = require "flexlab"
local set = flex.data.superres { file = %q, test = %q, crop = 16, batch = 64, memory = 0, prefetch = 8 }
set.train:batch(1)
os.exit(true, true)
]]):format(files[1], files[2])))
  lu.assertTrue(os.execute(("lua5.4 '%s'"):format(script)))
end

local status = lu.LuaUnit.run()
os.execute("rm -rf '" .. folder .. "'")
os.exit(status)
