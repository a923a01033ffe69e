--[[
samplers - one checkpoint, many ways to sample it: nothing is trained.

  t = flex.sampler_study("runs/sr/1a2b3c4d/1", data, { samplers = { "ddim", "heun" }, steps = { 1, 2, 4 } })
  t:print():save("samplers.csv")

Arms are all combinations of samplers, grids and numbers of steps; a grid that is a list of times has
its own number. Every arm sees the same batches and the same noise, and the condition encoder, which does
not depend on t, is run once per batch for all of them. So arms are coroutines: each is an evaluation that
is handed one batch after the other. `passes` counts passes through the network for a member, which is
what sampling costs; `seconds` is measured beside it, for a sample of one member, without the encoder.
--]]
local checkpoint = require "flexlab.checkpoint"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local core = require "flexlab.core"
local evaluation = require "flexlab.evaluation"
local sampling = require "flexlab.diffusion.sampling"
local tabulate = require "flexlab.tabulate"

local M = {}

M.defaults = { samplers = false, grids = { "uniform", "karras" }, steps = { 1, 2, 4, 8 }, members = 4,
  batches = false, seed = 1, guidance = "none", options = {}, ema = true }

local function listed(value) return type(value) == "table" and value or { value } end

local function named(grid)
  if type(grid) == "string" then return grid end
  local times = {}
  for i, t in ipairs(grid) do times[i] = ("%.4g"):format(t) end
  return table.concat(times, " ")
end

-- All arms: { sampler =, grid =, steps = }. `options` that a choice does not know are for the others.
local function arms_of(o)
  local arms = {}
  for _, sampler in ipairs(listed(o.samplers or choices.registry("samplers")())) do
    choices.get("samplers", sampler)
    for _, grid in ipairs(listed(o.grids)) do
      local steps = type(grid) == "table" and { #grid } or listed(o.steps)
      for _, n in ipairs(steps) do
        arms[#arms + 1] = { sampler = sampler, grid = grid, steps = n, passes = 0, seconds = 0, samples = 0 }
      end
    end
  end
  return arms
end

-- What the sampler of an arm is asked to do.
local function request(arm, o)
  local r = { sampler = arm.sampler, grid = arm.grid, steps = arm.steps, members = o.members, seed = o.seed,
    guidance = o.guidance }
  for k, v in pairs(o.options) do
    if sampling.knows(r, k) then r[k] = v end
  end
  return r
end

-- A model that counts how often it is asked.
local function counting(model, arm)
  local counted = {}
  function counted:predict(...) -- luacheck: ignore self
    arm.passes = arm.passes + 1
    return model:predict(...)
  end
  return setmetatable(counted, { __index = model })
end

-- An evaluation as a coroutine: resumed with a batch and its features until there is none; it returns
-- the scores.
local function begin_evaluation(model, arm, o)
  local asked, counted, features = request(arm, o), counting(model, arm), nil
  local function sampler(batch)
    asked.features = features
    local start = core.sys.time()
    local mean, members = sampling.sample(counted, batch, asked)
    arm.seconds = arm.seconds + core.sys.time() - start
    arm.samples = arm.samples + batch.target.shape[1]
    arm.calls = (arm.calls or 0) + 1
    return mean, members
  end
  local test = { batches = function()
    return function()
      local batch
      batch, features = coroutine.yield()
      return batch
    end
  end }
  arm.next = coroutine.create(function() arm.scores = evaluation.evaluate(sampler, test) end)
end

local function advance(arm, ...)
  local ok, message = coroutine.resume(arm.next, ...)
  if not ok then
    error(("sampler_study: %s on grid %s: %s"):format(arm.sampler, named(arm.grid), tostring(message)), 0)
  end
end

local function run(model, data, o, arms)
  local count = 0
  for batch in data.test:batches() do
    local scope <close> = core.scope()
    local features = core.no_grad(function()
      model:train(nil)
      return model:condition(batch)
    end)
    for _, arm in ipairs(arms) do advance(arm, batch, features or false) end
    scope:close()
    count = count + 1
    if o.batches and count >= o.batches then break end
  end
  for _, arm in ipairs(arms) do advance(arm) end
end

--- Every sampler, grid and number of steps on one checkpoint: a table, one row per arm, and the arms with
--- all their scores.
---@param checkpoint_or_model string|table  a run's folder, its last.h5, or a model
---@param data table                        its `test` batches are sampled
---@param options table|nil  samplers = all, grids = words or lists of times, steps = list, members, batches = the first
---  so many only, seed, guidance, options = settings for those that know them
---@return table  of flex.table
---@return table[]  arms
function M.study(checkpoint_or_model, data, options)
  local o = config.options("sampler_study", M.defaults, options, nil, 2)
  local model = checkpoint_or_model
  if type(model) == "string" then model = checkpoint.load_model(model, { ema = o.ema }) end
  local arms = arms_of(o)
  for _, arm in ipairs(arms) do
    begin_evaluation(model, arm, o)
    advance(arm)
  end
  model:use(run, model, data, o, arms)
  local t = tabulate { "sampler", "grid", "steps", "passes", "RFNE", "CRPS", "spread", "seconds" }
  for _, arm in ipairs(arms) do
    local s = arm.scores
    t:row { arm.sampler, named(arm.grid), arm.steps, arm.passes // (arm.calls * o.members), s.rfne, s.crps,
      s.spread or 0 / 0, arm.seconds / (arm.samples * o.members) }
  end
  return t, arms
end

return M
