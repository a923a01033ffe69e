-- Breaches of the contracts of choices, as a user would write them: files in a folder beside the recipe, and parts
-- that the recipe defines. The program must say file, line, function, what came and what was expected, with code 1,
-- before step 1; a misspelt word, with code 2. In a run, in --dry-run, and by `flexlab check FILE`.
local lu = require "luaunit"
local support = require "tests.lua.support"
local flex = require "flexlab"
local core = flex.core

local suite = {}
rawset(_G, "TestContracts", suite)

local program = assert(os.getenv("FLEXLAB_PROGRAM"), "FLEXLAB_PROGRAM names the program under test")
local folder, at = support.folder()
local here = assert(io.popen "pwd"):read "l"

local function shell(command) return support.shell(folder, command) end

local function flexlab(arguments) return shell(program .. " " .. arguments) end

support.flow(at "flow.h5")
core.sys.write(at "sr.lua", [[
local flex = require "flexlab"
return flex.recipe("sr", {
  data = { file = "flow.h5", test = "flow.h5", factor = 4, crop = 16, batch = 1, degradation = "registered",
    observable = flex.optional "string", format = flex.optional "string", augment = false, test_tiles = 2 },
  model = { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 1, conditioning = "both",
    encoder = "flex", encoder_options = {}, predict = "v", schedule = "cosine", schedule_options = {},
    target = "residual", loss = "l1", weighting = "none", backbone = "flex", positions = "learned",
    kind = "flex" },
  train = { steps = 1, lr = 1e-3, optimizer = "adam" },
  eval = { steps = 2, sampler = "ddim", grid = "uniform", guidance = "none" },
}, function(cfg, run)
  local data = flex.data.superres(cfg.data)
  local model = flex.models[cfg.model.kind](cfg.model)
  local optim = flex.optim[cfg.train.optimizer](model, { lr = cfg.train.lr })
  for step, batch in run:steps(data.train, cfg.train.steps) do
    optim:step(flex.diffusion.loss(model, batch))
    run:log(step, { loss = 1 })
  end
  local function sample(batch) return flex.diffusion.sample(optim.ema, batch, cfg.eval) end
  return { rfne = flex.evaluate(sample, data.test).rfne }
end)
]])

-- name -> { kind, setting, the file, line of the fault, what is said }
local breaches = {
  nothing_returned = { "encoders", "model.encoder", [[
local nn = require "flexlab.nn"
return { new = function(cfg)
  local net = nn.module { look = nn.conv(cfg.in_channels, 4) }
  function net:condition(lowres)
    local features = { head = self.look(lowres) }
  end
  return net
end }]], 4, "condition() returned nothing; a table of features" },
  same_features = { "encoders", "model.encoder", [[
local core, nn = require "flexlab.core", require "flexlab.nn"
return { new = function(cfg)
  local net = nn.module { look = nn.conv(cfg.in_channels, 4) }
  function net:condition(lowres)
    local skips = {}
    for i, s in ipairs(cfg.skips) do skips[i] = core.zeros { lowres.shape[1], s.height, s.width, s.channels } end
    return { head = skips[#skips], skips = skips }
  end
  return net
end }]], 4, "the same features of two different fields" },
  samplers_shape = { "samplers", "eval.sampler", [[
return {
  sample = function(cfg, env)
    local x0 = env.predict(env.x, env.times[1])
    return x0[1]
  end }]], 2, "sample() returned a tensor (8,8,1); a tensor (2,8,8,1) was expected" },
  samplers_noise = { "samplers", "eval.sampler", [[
return { sample = function(cfg, env) return env.x end }]], 1, "misses it by" },
  no_reduction = { "degradations", "data.degradation", [[
return {
  low = function(field, factor)
    return field end,
  up = function(low) return low end }]], 2,
    "low() does not reduce: of a tensor (2,16,24,2) and the factor 4 it returned" },
  cells_unsaid = { "degradations", "data.degradation", [[
return {
  low = function(field, factor)
    return field:mean_pool { factor = factor } end,
  up = function(low, h, w) return low:resize { size = { h, w } } end }]], 2,
    "first sample lies at pixel (1.50, 1.50) of its block, in the middle, as of a mean over the block; cells = true" },
  rising = { "schedules", "model.schedule", [[
return { doc = "wrong way round",
  logsnr = function(t) return -10 * (1 - 2 * t) end }]], 2, "logsnr rises from -10 at t = 0 to -9.8 at t = 0.01" },
  not_finite = { "schedules", "model.schedule", [[
return {
  logsnr = function(t) return 2 * math.log((1 - t) / t) end }]], 2, "logsnr(0) is inf; a finite number" },
  no_scalar = { "losses", "model.loss", [[
return {
  loss = function(prediction, goal)
    return (prediction - goal):square() end }]], 2, "loss() returned a tensor (3,16,32,2); a scalar was expected" },
  no_gradient = { "losses", "model.loss", [[
return {
  loss = function(prediction, goal) return (prediction:detach() - goal):square():mean() end }]], 2,
    "the gradient of loss() does not reach the prediction" },
  turned_round = { "losses", "model.loss", [[
return {
  loss = function(prediction, goal) return (prediction:permute { 1, 4, 2, 3 } - goal):abs():mean() end }]], 2,
    "do not broadcast" },
  upside_down = { "losses", "model.loss", [[
return {
  loss = function(prediction, goal) return -(prediction - goal):square():mean() end }]], 2,
    "a loss that is smallest where the prediction is its goal (or the field inexact = true) was expected" },
  writes = { "losses", "model.loss", [[
return {
  loss = function(p, g) p:add_(g, -1)
    return p:abs():mean() end }]], 2,
    "loss() wrote to its prediction; operands as they were (a loss must not write to its operands) was expected" },
  counting_loss = { "losses", "model.loss", [[
local n = 0
return {
  loss = function(p, g)
    n = n + 1
    return (p - g):abs():mean() * math.min(1, n / 30) end }]], 3,
    "loss() gave two results of the same operands in two calls; the same bits at every call" },
  counting_weighting = { "weightings", "model.weighting", [[
local n = 0
return {
  weight = function()
    n = n + 1
    return n end }]], 3, "weight() gave two results (1, then 2) of the same operands" },
  counting_schedule = { "schedules", "model.schedule", [[
local n = 0
return {
  logsnr = function(t)
    n = n + 1
    return 10 - 20 * t - n * 1e-6 end }]], 3, "logsnr() gave two results" },
  counting_goal = { "parametrisations", "model.predict", [[
local n = 0
return {
  goal = function(s, x0)
    n = n + 1
    return x0 * n end,
  recover = function(s, x_t, p) return p, p end }]], 3, "goal() gave two results" },
  counting_target = { "targets", "model.target", [[
local n = 0
return {
  base = function(batch)
    n = n + 1
    return batch.lowres * n end }]], 3, "base() gave two results" },
  counting_degradation = { "degradations", "data.degradation", [[
local n = 0
return { cells = true,
  low = function(field, factor)
    n = n + 1
    return field:mean_pool { factor = factor } * n end,
  up = function(low, h, w) return low:resize { size = { h, w } } end }]], 3, "low() gave two results" },
  counting_sampler = { "samplers", "eval.sampler", [[
local n = 0
return {
  sample = function(cfg, env)
    n = n + 1
    return env.predict(env.x, env.times[1]) + n * 1e-6 end }]], 3, "sample() gave two results" },
  counting_encoder = { "encoders", "model.encoder", [[
local nn, views = require "flexlab.nn", require "flexlab.network.views"
local n = 0
return { new = function(cfg)
  local net = nn.module { first = nn.conv(cfg.in_channels, 4), views = views.new(cfg, 4) }
  function net:condition(lowres)
    n = n + 1
    return self.views:show(self.first(lowres) * n)
  end
  return net
end }]], 5, "condition() gave two results" },
  weight_below_0 = { "weightings", "model.weighting", [[
return {
  weight = function(logsnr) return logsnr end }]], 2, "weight(-15) is -15; a weight from 0 on" },
  goals_shape = { "parametrisations", "model.predict", [[
return {
  goal = function(s, x0, eps) return (x0 - eps):mean_pool { factor = 2 } end,
  recover = function(s, x_t, p) return p, p end }]], 2, "goal() returned a tensor (2,4,4,1); a tensor (2,8,8,1)" },
  bases_shape = { "targets", "model.target", [[
return {
  base = function(batch) return batch.low end }]], 2, "base() returned a tensor (2,4,4,1); a tensor (2,16,16,1)" },
  skipped_parameters = { "optimizers", "train.optimizer", [[
local core = require "flexlab.core"
return { new = function(model, cfg)
  local weights, optim = {}, { ema = model }
  for _, p in ipairs(model:parameters()) do
    if p.trained and p.name:match "weight$" then weights[#weights + 1] = p.tensor:track(true) end
  end
  local rule = core.optimizer { kind = "adam", parameters = weights }
  function optim:step(loss)
    loss:backward()
    rule:step { lr = cfg.lr }
    rule:clear_grads()
  end
  return optim
end }]], 8, "step() left the parameter 'first.bias' as it was" },
  forgotten_state = { "optimizers", "train.optimizer", [[
return {
  new = function(model, cfg)
  local optim = { ema = model }
  local rule = require("flexlab.optim").new({ rule = "adam", defaults = { beta1 = 0.9, beta2 = 0.99, eps = 1e-8 } },
    setmetatable({}, { __index = model }), cfg)
  function optim:step(loss) return rule:step(loss) end
  return optim
end }]], 2, "without the method 'state', so no checkpoint keeps it" },
  unwatched = { "optimizers", "train.optimizer", [[
return { new = function(model, cfg)
  local context = require "flexlab.context"
  local rule
  context.aside(function()
    local adam = { rule = "adam", defaults = { beta1 = 0.9, beta2 = 0.99, eps = 1e-8 } }
    rule = require("flexlab.optim").new(adam, model, cfg)
  end)
  return rule
end }]], 1, "new() did not show its optimiser to the run" },
  local_layer = { "encoders", "model.encoder", [[
local nn, views = require "flexlab.nn", require "flexlab.network.views"
return { new = function(cfg)
  local look = nn.conv(cfg.in_channels, 4)
  local net = nn.module { views = views.new(cfg, 4) }
  function net:condition(lowres) return self.views:show(look(lowres)) end
  return net
end }]], 2, "new() made layers with 12 parameters, of which its module has 10; every layer as a field" },
  grids_count = { "grids", "eval.grid", [[
return { times = function(n) return { 1, 0.5 } end }]], 1, "times(1) returned 2 times; a list of 1 times" },
  guides_nothing = { "guidance", "eval.guidance", [[
return { guide = function(cfg, env) end }]], 1, "guide() returned nothing; a function of x and t" },
  quarter_turns = { "symmetries", "data.augment", [[
return { draw = function(element, number) element.turns = 1 end }]], 1, "half turns of patches that are not square" },
  observables_size = { "observables", "data.observable", [[
return { of = function(frame) return frame:mean_pool { factor = 2 } end }]], 1,
    "of() a frame (1,32,32,1) returned a tensor (1,16,16,1)" },
  eager_format = { "formats", "data.format", [[
return { recognise = function() return true end, describe = function() end }]], 1, "of a file that holds nothing" },
  idle_parameter = { "backbones", "model.backbone", [[
local network, nn = require "flexlab.network", require "flexlab.nn"
return {
  needs = { "channels" }, sizes = function() return { channels = { 8 } } end, divisor = function() return 1, "1" end,
  new = function(config, options, seed)
    local skips = { { height = config.height, width = config.width, channels = 8 } }
    local net = network.new { config = config, skips = skips,
      encoder = { embed = network.embedding(config), first = nn.conv(config.in_channels, 8), idle = nn.linear(2, 2) },
      decoder = { embed = network.embedding(config), last = nn.conv(8, config.in_channels) },
      encode = function(net, x, emb, features)
        local head = net.encoder.first(x) + emb:mean() + (features and features.head:mean() or 0)
        return { head = head, skips = { head } }
      end,
      decode = function(net, encoded, emb) return net.decoder.last(encoded.head) + emb:mean() end }
    return net:init(seed)
  end }]], 4, "no gradient of the loss reaches the parameter 'encoder.idle.weight'" },
  untracked_model = { "models", "model.kind", [[
local flex = require "flexlab"
return { new = function(cfg, data)
  local model = flex.models.flex.new({ channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 1,
    height = cfg.height, width = cfg.width, in_channels = cfg.in_channels, cond_channels = 1 }, data)
  local all = model.parameters
  function model:parameters()
    local list = all(self)
    list[#list + 1] = { name = "idle", tensor = flex.zeros { 3 }, trained = true }
    return list
  end
  return model
end }]], 2, "the parameter 'idle' of the network is trained and not tracked" },
  half_a_model = { "models", "model.kind", [[
return { new = function(cfg) return { predict = function() end } end }]], 1,
    "new() returned a table without the method 'condition'" },
  deaf_model = { "models", "model.kind", [[
local flex = require "flexlab"
return { new = function(cfg, data)
  local model = flex.models.flex.new({ channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 1,
    height = cfg.height, width = cfg.width, in_channels = cfg.in_channels, cond_channels = 1 }, data)
  local all = model.parameters
  function model:parameters()
    local list = all(self)
    list[#list + 1] = { name = "idle", tensor = flex.zeros({ 3 }):track(true), trained = true }
    return list
  end
  return model
end }]], 2, "no gradient of the loss reaches the parameter 'idle'" },
  no_paths = { "conditioning", "model.conditioning", "return { paths = { weak = true } }", nil, "has no 'weak'" },
  short_positions = { "positions", "model.positions", [[
local core = require "flexlab.core"
return { fixed = function(rows, columns, d) return core.zeros { 1, rows * columns, d } end }]], 2,
    "fixed(3, 4, 16) returned a tensor (1,12,16); a tensor (1,13,16)" },
  its_own_mistake = { "losses", "model.loss", [[
return {
  loss = function(prediction, goal)
    return prediction - goal.truth
  end }]], 3, "(losses 'mine': loss(), tried before step 1)" },
  misspelt_setting = { "samplers", "eval.sampler", [[
return { defaults = { wobble = 1 },
  sample = function(cfg, env)
    local x0 = env.predict(env.x, env.times[1])
    return x0 * (cfg.wobbel or 1) end }]], 4,
    "the settings of a choice are its defaults (samplers 'mine': sample(), tried before step 1)" },
  misspelt_setting_of_a_target = { "targets", "model.target", [[
return { defaults = { width = 1 },
  base = function(batch, cfg) return batch.nothing[cfg.with] end }]], 2, "cfg has no 'with'; the nearest is 'width'" },
  lacking = { "losses", "model.loss", "return { los = print }", nil, "losses 'mine' lacks the function 'loss'" },
  no_table = { "losses", "model.loss", "local M = {}", nil,
    "its file must return a table and returns nothing (is `return M` missing at its end?)" },
  broken = { "losses", "model.loss", "return {\n  loss = = 3 }", 2, "unexpected symbol near '='" },
}

for name, breach in pairs(breaches) do
  suite["test_" .. name] = function()
    local kind, setting, text, line, said = table.unpack(breach, 1, 5)
    core.sys.mkdirs(at("flexlab/" .. kind))
    local file = ("flexlab/%s/mine.lua"):format(kind)
    core.sys.write(at(file), text)
    local set = ("--set %s=mine"):format(setting)
    for _, arguments in ipairs { "run sr.lua " .. set, "run sr.lua --dry-run " .. set, "check " .. file,
      ("run sr.lua --seeds 1..2 --dry-run --sweep %s=%s,mine"):format(setting, flex.choices.registry(kind)()[1]) } do
      local code, answer = flexlab(arguments)
      lu.assertEquals(code, 1, arguments .. "\n" .. answer)
      local place = line and ("%s:%d: "):format(file, line) or file
      lu.assertStrContains(answer:gsub("flexlab: %./", "flexlab: "), "flexlab: " .. place)
      lu.assertStrContains(answer, said)
      lu.assertNotStrContains(answer, "traceback")
    end
    local _, steps = shell "find runs -name metrics.csv 2>/dev/null | xargs -r cat"
    lu.assertEquals(steps, "")   -- not one step
    core.sys.remove(at(file))
  end
end

-- The same of a part that the recipe defines, and one that keeps its contract runs.
function suite.test_parts_that_a_recipe_defines()
  local sr = core.sys.read(at "sr.lua")
  local function with(body, name)
    core.sys.write(at(name), (sr:gsub('local flex = require "flexlab"\n', ('local flex = require "flexlab"\n'
      .. 'flex.losses.define("own", { loss = function(p, y) %s end })\n'):format(body))))
  end
  with("return (p - y):abs()", "bad.lua")
  local code, said = flexlab "run bad.lua --set model.loss=own"
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "bad.lua:2: losses 'own': loss() returned a tensor (3,16,32,2); a scalar was expected")
  with("return (p - y):abs():mean()", "good.lua")
  code, said = flexlab "run good.lua --set model.loss=own --quiet --out good"
  lu.assertEquals(code, 0, said)
  for name, expected in pairs { ["good.lua"] = 0, ["bad.lua"] = 1 } do
    code, said = flexlab(("check %s"):format(name))
    lu.assertEquals(code, expected, said)
    lu.assertStrContains(said, "losses 'own'")
  end
end

function suite.test_a_misspelt_word_of_any_arm_is_wrong_use()
  for _, arguments in ipairs { "", "--dry-run" } do
    local code, said = flexlab("run sr.lua --sweep model.conditioning=none,bothh " .. arguments)
    lu.assertEquals(code, 2, said)
    lu.assertStrContains(said, "flexlab: model.conditioning: conditioning has no 'bothh'; the nearest is 'both'")
  end
  for setting, nearest in pairs { ["model.encoder=fourrier"] = "fourier", ["eval.sampler=huen"] = "heun",
    ["eval.guidance=none+observatio"] = "observation", ["data.degradation=bicubicc"] = "bicubic",
    ["train.optimizer=adamm"] = "adam", ["model.kind=flexx"] = "flex",
    ["data.augment=\"{'shift','rotatio'}\""] = "rotation" } do
    local code, said = flexlab(("run sr.lua --dry-run --set %s"):format(setting))
    lu.assertEquals(code, 2, setting .. said)
    lu.assertStrContains(said, ("the nearest is '%s'"):format(nearest))
  end
  lu.assertEquals(core.sys.exists(at "runs"), nil)
end

-- A network's size is a word too.
function suite.test_a_misspelt_size_is_wrong_use()
  for _, arguments in ipairs { "--set model.size=nanoo", "--sweep model.size=nano,nanoo",
    "--set model.backbone=uvit --set model.size=nanoo" } do
    for _, mode in ipairs { "", " --dry-run" } do
      local code, said = flexlab("run sr " .. arguments .. mode)
      lu.assertEquals(code, 2, said)
      lu.assertStrContains(said, "has no 'nanoo'; the nearest is 'nano'")
      lu.assertStrContains(said, "model.size: backbone '")
    end
  end
  lu.assertEquals(core.sys.exists(at "runs"), nil)
end

function suite.test_names_of_elsewhere_are_known()
  local words = require "flexlab.words"
  local train = words.keys(require("flexlab.settings").of("train").defaults)
  lu.assertStrContains(words.unknown("learning_rate", train), "the nearest is 'lr'")
  lu.assertStrContains(words.unknown("epochs", train), "the nearest is 'steps'")
  lu.assertEquals(words.nearest("batch_size", { "batch", "crop" }), "batch")
  lu.assertEquals(words.nearest("learning_rate", { "leaning", "other" }), "leaning")     -- where there is no lr
  lu.assertEquals(words.nearest("learning_rate", { "other" }), nil)
  lu.assertEquals(words.unknown("xyzzy", { "b", "a", "c" }), "no 'xyzzy' (known: a, b and c)")
  lu.assertEquals(words.unknown("sise", { "size", "a" }), "no 'sise'; the nearest is 'size' (known: a and size)")
  lu.assertEquals(words.unknown("a", {}), "no 'a'; there is none at all")
  lu.assertEquals(core.unknown("x1", { "x" }, "option"), "no option 'x1'; the nearest is 'x' (known: x)")
end

-- A list compiles the files of users and runs none: each is named, and a broken one hides no other.
function suite.test_lists_name_every_file_and_run_none()
  local files = { ["broken.lua"] = "-- a\nreturn { = }\n", ["ran.lua"] = "io.open('ran', 'w'):close() error 'ran'",
    ["l1.lua"] = "return {}", ["my-loss.lua"] = "return {}", ["nice.lua"] = "-- flexlab/losses/nice.lua: a nice one\n",
    ["told.lua"] = '-- doc = "no"\nlocal old_doc = "no"\nreturn { doc = "what \\"it\\" does", loss = 1 }' }
  core.sys.mkdirs(at "flexlab/losses")
  for name, source in pairs(files) do core.sys.write(at("flexlab/losses/" .. name), source) end
  local expected = { "losses +broken +does not compile: ./flexlab/losses/broken.lua:2: unexpected symbol near '='\n",
    "losses +ran +./flexlab/losses/ran.lua\n", "losses +l1 +mean |p %- y|", "losses +mse +mean",
    "losses +l1 +./flexlab/losses/l1.lua: not used; the library's own word comes first\n",
    "losses +my%-loss +./flexlab/losses/my%-loss.lua: not a word",
    "losses +nice +./flexlab/losses/nice.lua: a nice one\n",
    "losses +told +./flexlab/losses/told.lua: what \"it\" does\n" }
  for _, arguments in ipairs { "list choices", "list" } do
    local code, said = flexlab(arguments)
    lu.assertEquals(code, 0, said)
    for _, line in ipairs(expected) do lu.assertNotNil(said:find(line), line) end
    for line in said:gmatch "[^\n]+" do lu.assertTrue(arguments == "list" or utf8.len(line) <= 120, line) end
  end
  local _, page = shell(("printf 'help \"losses\"\\n' | %s repl"):format(program))
  lu.assertStrContains(page, "does not compile: ./flexlab/losses/broken.lua:2:")
  lu.assertNil(core.sys.exists(at "ran"))
  for name in pairs(files) do core.sys.remove(at("flexlab/losses/" .. name)) end
end

-- Settings can break a good choice.
function suite.test_settings_are_tried_too()
  for _, arguments in ipairs { "", "--dry-run" } do
    local code, said = flexlab("run sr.lua --set model.schedule=edm "
      .. "--set model.schedule_options='{sigma_min=80,sigma_max=0.002}' " .. arguments)
    lu.assertEquals(code, 1, said)
    lu.assertStrContains(said, "schedules 'edm': logsnr rises from -8.764 at t = 0")
    lu.assertStrContains(said, "(with sigma_max = 0.002, sigma_min = 80.0); a fall from signal to noise was expected")
  end
end

function suite.test_an_alias_leaves_the_word_that_it_is_of()
  flex.losses.define("other", flex.losses.l1)
  lu.assertEquals({ flex.losses.l1.name, flex.losses.other.name, flex.losses.l1.own }, { "l1", "other", true })
  flex.losses.define("other", nil)
end

-- A format is asked of every file, named or not: one that takes all of them is found before it does.
function suite.test_an_eager_format_takes_no_file()
  core.sys.mkdirs(at "flexlab/formats")
  core.sys.write(at "flexlab/formats/all.lua",
    "return { order = 1, recognise = function() return true end, describe = function() end }")
  local code, said = flexlab "run sr.lua"
  lu.assertEquals(code, 1, said)
  lu.assertStrContains(said, "flexlab/formats/all.lua:1: formats 'all': recognise() said true of a file that holds")
  core.sys.remove(at "flexlab/formats/all.lua")
end

-- A network is made of choices that are tried when they are first used, itself among them: once is enough.
function suite.test_check_tries_networks_of_the_library()
  for _, kind in ipairs { "backbones", "models", "encoders" } do
    for _, name in ipairs(flex[kind]()) do
      local code, said = flexlab(("check %s/lua/flexlab/%s/%s.lua"):format(here, kind, name))
      lu.assertEquals(code, 0, said)
      lu.assertStrContains(said, "  kept  ")
    end
  end
end

function suite.test_check_says_what_it_wants()
  core.sys.write(at "part.lua", "return { loss = function(p, y) return (p - y):abs():mean() end }")
  local code, said = flexlab "check part.lua"
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "'part.lua' does not return a recipe (it returns some other table); if it is a choice, ")
  code, said = flexlab "check part.lua --kind losses"
  lu.assertEquals({ code, said }, { 0, "losses 'part' (part.lua)\n"
    .. "  kept  loss(): a finite scalar whose gradient reaches the prediction\n"
    .. "  kept  loss(): smallest where the prediction is its goal\n" })
  lu.assertEquals((flexlab "check losses/none.lua"), 1)
  lu.assertEquals((flexlab "check part.lua --kind loses"), 2)
  lu.assertEquals((flexlab "check part.lua --kind losses --set weight=2"), 2)
  code, said = flexlab "check sr.lua --set model.encoder=fourrier"
  lu.assertEquals(code, 2, said)
  lu.assertStrContains(said, "the nearest is 'fourier'")
  core.sys.write(at "my-part.lua", "return {}")
  lu.assertEquals((flexlab "check my-part.lua --kind losses"), 2)
end

function suite.test_a_part_says_on_what_it_can_be_tried()
  local seen
  flex.losses.define("two", { inexact = true, contract = { channels = 2, height = 12, width = 20 },
    loss = function(p, y)
    seen = p.shape
    return (p:narrow { axis = 4, start = 2, length = 1 } - y:narrow { axis = 4, start = 1, length = 1 }):abs():mean()
  end })
  flex.contracts.once(flex.losses.two)
  lu.assertEquals(seen, { 3, 12, 20, 2 })
  seen = nil
  flex.contracts.once(flex.losses.two)     -- once
  lu.assertNil(seen)
  flex.losses.define("two", nil)
end

-- The settings with which a part is tried are those it will have: an option that it cannot do without is there.
function suite.test_parts_are_tried_with_their_settings()
  core.sys.mkdirs(at "flexlab/encoders")
  core.sys.write(at "flexlab/encoders/mine.lua", [[
local nn, views = require "flexlab.nn", require "flexlab.network.views"
return { defaults = { width = false }, new = function(cfg)
  local net = nn.module { first = nn.conv(cfg.in_channels, cfg.width), views = views.new(cfg, cfg.width) }
  function net:condition(lowres)
    if lowres.shape[2] < 20 then return end
    return self.views:show(self.first(lowres))
  end
  return net
end }
]])
  local code, said = flexlab "run sr.lua --dry-run --set model.encoder=mine --set model.encoder_options='{width=4}'"
  lu.assertEquals(code, 0, said)
  code, said = flexlab "run sr.lua --dry-run --set model.encoder=mine"
  lu.assertEquals(code, 1, said)
  lu.assertStrContains(said, "flexlab/encoders/mine.lua:3: ")
  lu.assertEquals((flexlab "check flexlab/encoders/mine.lua"), 1)
  lu.assertEquals((flexlab "check flexlab/encoders/mine.lua --set width=4"), 0)
  -- What a tiny field does not show is seen at step 1.
  code, said = flexlab "run sr.lua --set model.encoder=mine --set model.encoder_options='{width=4}'"
  lu.assertEquals(code, 1, said)
  lu.assertStrContains(said, "the condition encoder 'mine' returned nothing")
  core.sys.remove(at "flexlab/encoders/mine.lua")
end

function suite.test_a_trial_is_not_watched_by_the_run_that_makes_it()
  local recipe = flex.recipe("aside", { a = 1 }, function(_, run)
    flex.optim.define("mine", { new = function(model, cfg) return flex.optim.adam(model, { lr = cfg.lr }) end })
    flex.contracts.once(flex.optim.mine)
    flex.optim.define("mine", nil)
    return { watched = #run.watched }
  end)
  lu.assertEquals(recipe({}, { root = at "aside", quiet = true }).watched, 0)
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. folder)
os.exit(code)
