--[[
sampling - from noise to answers: what samplers, time grids and guidance are given, and the ensemble.

A sampler sees an environment and nothing of the network: predict(x, t) -> x0, eps; the noising; the
falling list of times; noise by number. So any sampler, on any grid, with any guidance, samples any
checkpoint. Guidance wraps `predict`, in the order in which it is named.
The noise of a member is addressed by (seed, sample, member, number): neither the batch nor the other
members change it. The answer is the base plus the sampler's x0, in physical units.
--]]
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local scales = require "flexlab.data.scales"
local seams = require "flexlab.diffusion.seams"
local settings = require "flexlab.settings"
local tiling = require "flexlab.diffusion.tiling"
local trial = require "flexlab.trial"

local M = {}

local function filled(n, value)
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

--- { alpha, sigma } of the model's schedule at a list of times, as tensors (N,1,1,1).
---@param model table     of flex.models
---@param times number[]  N of them, in [0,1]
---@return table
function M.coefficients(model, times)
  local alpha, sigma = {}, {}
  for i, t in ipairs(times) do alpha[i], sigma[i] = model:coefficients(t) end
  local shape = { #times, 1, 1, 1 }
  return { alpha = core.tensor(alpha):reshape(shape), sigma = core.tensor(sigma):reshape(shape) }
end

--- The network's answer to x_t (N,H,W,C) at a list of times; known = { features=, base= }, s its
--- coefficients. What the network reads is x_t as the parametrisation or the schedule scales it.
---@param model table         of flex.models
---@param batch table         with re, lowres
---@param known table         { features =, base = }
---@param x_t flexlab.Tensor  (N,H,W,C)
---@param times number[]      N of them, in [0,1]
---@param s table             of M.coefficients at these times
---@return flexlab.Tensor  (N,H,W,C), as the parametrisation means it
function M.ask(model, batch, known, x_t, times, s)
  local kind, noising, input = model.parametrisation, model.noising, x_t
  local seen = times
  if kind.input then
    input = kind.input(s, x_t, model.settings.parametrisation)
  elseif noising:sized() then
    local sizes = {}
    for i, t in ipairs(times) do sizes[i] = noising:size(t) end
    input = x_t * core.tensor(sizes):reshape { #times, 1, 1, 1 }
  end
  if kind.time then
    seen = {}
    for i, t in ipairs(times) do seen[i] = kind.time(noising:logsnr(t)) end
  end
  if model.target.shows and known.base then input = input + known.base end
  return model:predict(input, core.tensor(seen), batch, known.features)
end

-- x0 and eps (N,H,W,C) at one time for all samples.
local function denoise(model, batch, known, x, t)
  local times = filled(x.shape[1], t)
  local s = M.coefficients(model, times)
  local p = (known.ask or M.ask)(model, batch, known, x, times, s)
  return model.parametrisation.recover(s, x, p, model.settings.parametrisation)
end

-- x0, eps and the gradient of f(x0) (a scalar tensor) with respect to x. Weights get no gradients.
local function differentiate(model, batch, known, x, t, f)
  if known.ask then
    error("guidance by a gradient through the network is not to be had of tiles; 'consistency' is, and 'none'", 0)
  end
  local frozen = {}
  for _, p in ipairs(model:parameters()) do
    if p.tensor.requires_grad then
      frozen[#frozen + 1] = p.tensor
      p.tensor:track(false)
    end
  end
  local leaf = x:detach():clone():track(true)
  local ok, x0, eps = xpcall(function()
    local x0, eps = denoise(model, batch, known, leaf, t)
    f(x0):backward()
    return x0, eps
  end, blame.handler)
  for _, tensor in ipairs(frozen) do tensor:track(true) end
  if not ok then error(x0, 0) end
  return x0:detach(), eps:detach(), leaf.grad
end

-- Asks tile by tile (tiling.lua); what is known of the whole field's condition is worked out for each tile.
local function by_tiles(plan)
  return function(model, batch, known, x_t, times)
    local t = times[1]
    return tiling.fused(plan, batch, known.base, function(part, x)
      local here = filled(part.n, t)
      local features = not known.blind and model:condition(part) or nil
      return M.ask(model, part, { features = features, base = part.base }, x, here, M.coefficients(model, here))
    end)(x_t)
  end
end

--- What a sampler, and guidance, may ask of a model about a batch. `features` are model:condition's; with a
--- `plan` of tiles there are none, and the model is asked tile by tile.
---@param model table              of flex.models
---@param batch table              of data.test
---@param features table|nil       of model:condition
---@param base flexlab.Tensor|nil  (N,H,W,C), normalised
---@param plan table|nil           of tiling.plan
---@return table  what docs/extending.md lists for samplers
function M.environment(model, batch, features, base, plan)
  local noising, ask = model.noising, plan and by_tiles(plan)
  local known, blind = { features = features, base = base, ask = ask }, { base = base, ask = ask, blind = true }
  return {
    batch = batch, base = base, noising = noising, data = model.data,
    coefficients = function(t) return model:coefficients(t) end,
    logsnr = function(t) return noising:logsnr(t) end,
    time = function(logsnr) return noising:time(logsnr) end,
    size = function(t) return noising:size(t) end,
    predict = function(x, t) return core.no_grad(denoise, model, batch, known, x, t) end,
    unconditioned = function(x, t) return core.no_grad(denoise, model, batch, blind, x, t) end,
    differentiate = function(x, t, f) return differentiate(model, batch, known, x, t, f) end,
  }
end

-- Noise (N,H,W,C) of one member; each sample's depends on its own id only.
local function noise(batch, shape, seed, member, step)
  local all = core.zeros(shape)
  for i = 1, shape[1] do
    local scope <close> = core.scope()
    all[i]:copy_(core.normal({ shape[2], shape[3], shape[4] }, { seed = seed, stream = "sample",
      sample = batch.ids and batch.ids[i] or i, member = member, step = step }))
    scope:close()
  end
  return all
end

local declared = settings.of "eval"
M.defaults = declared.defaults

-- What is given beside settings: tensors that are there already.
local beside = { "noise", "features" }

-- Options with those of the sampler, the grid and the guidance that are named; the sampler; the guidance.
local function options_of(given)
  local whole, choice = settings.with_choices(declared, config.plain(given or {}))
  local o = settings.options("diffusion.sample", whole, given, beside, 3)
  o.grid = o.grid or "uniform"
  for _, key in ipairs { "sampler", "grid", "guidance" } do
    for _, one in ipairs(choice[key]) do trial.among(one, o) end
  end
  return o, choice.sampler[1], choice.guidance
end

--- Whether the sampler, grid or guidance that options name have a setting of their own of this name.
---@param options table  of M.sample
---@param key string     name of a setting
---@return boolean
function M.knows(options, key)
  return settings.with_choices(declared, options).entry[key] ~= nil and declared.entry[key] == nil
end

--- The times of a grid, falling: a word of flex.grids() for n steps, or a list of times as it is.
---@param grid string|number[]  a word of flex.grids(), or times as they are
---@param n integer             steps, for a word
---@param noising table         of noising.new
---@param own table|nil         settings of the grid; its defaults
---@return number[]  in [0,1], falling; anything else raises
function M.times(grid, n, noising, own)
  local list = grid
  if type(grid) ~= "table" then
    local choice = choices.look("grids", grid)
    list = choice.times(n, noising, own or choice.defaults)
  end
  for i, t in ipairs(list) do
    if type(t) ~= "number" or t < 0 or t > 1 or (i > 1 and t >= list[i - 1]) then
      error(("a time grid must fall within [0, 1], its entry %d is %s after %s"):format(i, tostring(t),
        tostring(list[i - 1] or "nothing")), 0)
    end
  end
  if #list == 0 then error("a time grid must have at least one time", 0) end
  return list
end

-- Tiles of the network's own size over the fields of a batch.
local function plan_of(model, batch, options)
  local shape, about = batch.estimate.shape, model.data or context.data() and context.data().description or {}
  return tiling.plan({ shape[2], shape[3] }, { model.config.height, model.config.width }, options, about.factor)
end

-- One ensemble member: the base plus the sampler's x0.
local function member(sampler, env, o, index)
  local batch, shape = env.batch, env.batch.estimate.shape
  env.x = o.noise and o.noise[index - o.first_member + 1] or noise(batch, shape, o.seed, index, 0)
  env.noise = function(step) return noise(batch, shape, o.seed, index, step) end
  local x0 = sampler.sample(o, env)
  if not core.is_tensor(x0) or table.concat(x0.shape, ",") ~= table.concat(shape, ",") then
    error(("sampler '%s' returned %s; a tensor (%s) was expected"):format(sampler.name, trial.named(x0),
      table.concat(shape, ",")), 0)
  end
  local answer = env.base and env.base + x0 or x0
  return batch.scale and scales.physical(answer, batch.scale) or answer
end

-- The members and their mean, with what they share computed once.
local function ensemble(model, batch, o, sampler, guides)
  local scope <close> = core.scope()
  local members, plan = {}, o.tiling and plan_of(model, batch, o.tiling)
  model:train(nil)
  local features, base = core.no_grad(function()
    return not plan and (o.features or model:condition(batch)), model:base(batch)
  end)
  local env = M.environment(model, batch, features or nil, base, plan)
  env.times = M.times(o.grid, o.steps, model.noising, o)
  for _, guide in ipairs(guides) do env.predict = guide.guide(o, env) end
  for i = 1, o.members do
    local inner <close> = core.scope()
    members[i] = inner:keep(member(sampler, env, o, o.first_member + i - 1))
  end
  local sum = members[1]
  for i = 2, o.members do sum = sum + members[i] end
  local mean = o.members > 1 and sum * (1 / o.members) or members[1]
  scope:keep(table.unpack(members))
  return scope:keep(mean), members, plan and seams.judge(plan, batch, mean, members) or nil
end

--- Samples a batch. Members are numbered from `first_member` on: member 17 alone is the seventeenth of any larger
--- ensemble, bit for bit. With `tiling` the batch holds fields larger than the network's; the third result says how the
--- tiles' edges came out (seams.lua), and so does the report of the run.
---@param model table        of flex.models, or optim.ema
---@param batch table        of data.test
---@param options table|nil  steps, members, first_member, sampler, grid (a word or a falling list of times), guidance
---  ("a+b"), seed, those of the choices named; tiling (true or options of tiling.lua); noise (a list of tensors, a
---  member's at t = 1); features (what model:condition(batch) gave, when one batch is sampled several times)
---@return flexlab.Tensor  mean of the members (N,H,W,C), in physical units
---@return flexlab.Tensor[]  members, likewise
---@return table|nil  of seams.judge
function M.sample(model, batch, options)
  expected.options("sample", options, 2)
  local o, sampler, guides = options_of(options)
  expected.methods("sample", "model", model, { "use", "condition" }, 2)
  expected.entries("sample", "batch", batch, { "estimate" }, 2)
  if o.tiling then o.tiling = tiling.options(o.tiling, 2) end
  local run = context.run()
  o.seed = o.seed or run and run.seed or model.seed or 1
  local mean, members, judged = model:use(ensemble, model, batch, o, sampler, guides)
  if judged and run then seams.note(run, judged) end
  return mean, members, judged
end

return M
