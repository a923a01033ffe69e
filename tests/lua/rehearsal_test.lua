-- Laws of flexlab.run.rehearsal: what a run would refuse before its first step is refused by --dry-run in the same
-- words, and before anything is simulated.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local rehearsal = require "flexlab.run.rehearsal"
local support = require "tests.lua.support"

local suite = {}
rawset(_G, "TestRehearsal", suite)

support.foldered(suite)

-- A recipe that simulates what it trains on, and a file that it may start from.
local RECIPE = [[
local flex = require "flexlab"
local settings = flex.settings
return flex.recipe("made", {
  flow = settings.flow { re = { 100, 200 }, size = 32, frames = 6, k0 = 4.0, out = "flows/train.h5", quiet = true },
  data = settings.superres { file = "flows/train_re*.h5", test = false, crop = 16, batch = 2 },
  model = settings.model { size = "nano" },
  train = settings.train { steps = 2, lr = 1e-3, warmup = 0 },
}, function(cfg, run)
  print "a body prints"
  local files = flex.generate("turbulence", cfg.flow)
  local data = flex.data.superres(cfg.data)
  local model = flex.models.flex(cfg.model)
  local optim = flex.optimizer(model, cfg.train)
  for _, batch in run:steps(data.train, cfg.train.steps) do optim:step(flex.diffusion.loss(model, batch)) end
  return { files = #files, rfne = 1 }
end)]]

local function run(line)
  return support.shell(suite.folder, ("%s run made.lua %s"):format(require("flexlab.study.workers").program(), line))
end

local function path(name) return suite.folder .. "/" .. name end

-- Settings that only the body refuses, and the sentence.
local WRONG = {
  { "data.crop=30", "data.superres: crop 30x30 is not divisible by factor 4" },
  { "data.crop=64", "data: crop 64x64 does not fit the 32x32 frames of 'flows/train_re100.h5'" },
  { "data.factor=3", "data.superres: crop 16x16 is not divisible by factor 3" },
  { "data.crop=20", "a field of 20x20 is not divisible by 2^levels = 8; choose another crop" },
  { "data.file=absent.h5", "data: there is no file 'absent.h5'" },
  { "data.test=absent_*.h5", "data: no file matches 'absent_*.h5'" },
  { "flow.k0=0.1", "k0 must be in" },
}

function suite.test_what_a_run_refuses_its_dry_run_refuses_and_nothing_is_simulated()
  assert(core.sys.write(path "made.lua", RECIPE))
  for i, case in ipairs(WRONG) do
    for _, option in ipairs { "--dry-run", i % 3 == 1 and "--quiet" or nil } do
      local code, said = run(("--set %s %s"):format(case[1], option))
      lu.assertEquals(code, 1, said)
      lu.assertStrContains(said, case[2])
      lu.assertNil(said:find("lua_", 1, true), said)                  -- no temporary name
    end
    lu.assertNil(core.sys.exists(path "flows"), case[1])
  end
  local code, said = run "--set data.crop=a --dry-run"                -- wrong use stays wrong use
  lu.assertEquals(code, 2, said)
end

function suite.test_a_good_dry_run_leaves_nothing_and_the_run_says_its_prints_once()
  assert(core.sys.write(path "made.lua", RECIPE))
  local code, said = run "--dry-run"
  lu.assertEquals(code, 0, said)
  lu.assertNil(said:find("a body prints", 1, true))
  lu.assertEquals(core.sys.list(suite.folder), { "made.lua" })
  code, said = run "--quiet"
  lu.assertEquals(code, 0, said)
  local _, prints = said:gsub("a body prints", "")
  lu.assertEquals(prints, 1, said)
  local recorded = core.sys.read(path "runs/made/latest/data.txt")
  lu.assertStrContains(recorded, "flows/train_re100.h5")
  lu.assertNil(recorded:find("stand-in", 1, true))
  local dir = path "runs/made/latest"
  for _, name in ipairs(core.sys.list(dir)) do
    if name:find "%.lua$" or name:find "%.txt$" then
      lu.assertNil(core.sys.read(dir .. "/" .. name):find("stand-in", 1, true), name)
    end
  end
end

function suite.test_a_study_names_the_arm_that_would_be_refused()
  assert(core.sys.write(path "made.lua", RECIPE))
  local code, said = run "--dry-run --sweep data.crop=16,30"
  lu.assertEquals(code, 1, said)
  lu.assertStrMatches(said, ".*\ndata.crop=16 .*a measured step\n.*")
  lu.assertStrMatches(said, ".*\ndata.crop=30 .*refused: .*crop 30x30 is not divisible by factor 4\n.*")
  lu.assertStrContains(said, "flexlab: 'data.crop=30' would be refused before its first step: ")
  lu.assertNil(core.sys.exists(path "flows"))
end

-- A body that opens its film in a way of its own misses it in a rehearsal only: that is no refusal.
function suite.test_a_film_that_the_body_opens_itself_is_not_missed()
  local film = path "own.h5"
  local recipe = flex.recipe("opens", { k = 1 }, function(_, this)
    flex.generate("turbulence", { re = 100, size = 16, frames = 2, k0 = 2.0, out = film, quiet = true })
    local reader = flex.fields.open(film)
    reader:close()
    for _ in this:steps(nil, 1) do end
    return { n = 1 }
  end)
  lu.assertNil(rehearsal.refusal(recipe, {}, 1))
  lu.assertEquals(recipe({}, { root = path "runs", quiet = true }).n, 1)
end

-- What is raised once steps have begun is no refusal; a recipe that is called from a body is rehearsed with it.
function suite.test_the_first_step_ends_a_rehearsal()
  local steps = 0
  local inner = flex.recipe("inner", { k = 1 }, function(_, this)
    for _ in this:steps(nil, 3) do steps = steps + 1 end
    return { n = 1 }
  end)
  local outer = flex.recipe("outer", { k = 1 }, function(_, this)
    inner({}, { root = this.root, quiet = true })
    error "behind the steps"
  end)
  lu.assertNil(rehearsal.refusal(outer, {}, 1))
  lu.assertEquals(steps, 0)
end

os.exit(lu.LuaUnit.run())
