--[[
optim - one update: backward, clip, step, average (EMA), clear.

  optim = flex.optimizer(model, cfg.train)       the optimiser that cfg.train.optimizer names, Adam without one
  optim = flex.optim.lion(model, cfg.train)      this one
  optim:step(loss)
A parameter that is not tracked when the optimiser is made (p.trained = false, p.tensor:track(false)) is frozen: it
gets no gradient and stays bit for bit as it is. What cfg holds is declared in settings/train.lua; the optimiser's own
numbers stand in its file. The learning rate rises linearly to lr over `warmup` updates, then falls towards 0 as half
a cosine. A loss or gradient that is not finite stops the run with a sentence.

The rates of updates 1 .. steps are lr/warmup, 2 lr/warmup, ..., lr, then lr (1 + cos(pi k / K)) / 2 for k = 0 .. K-1
with K = steps - warmup: the k-th of K updates has index k, as in PyTorch's CosineAnnealingLR(T_max = K) behind
LinearLR(start_factor = 1/warmup, total_iters = warmup - 1). So no update has the rate 0, and a run of one step
trains. The authors' schedule (diffusers' get_cosine_schedule_with_warmup, `factor` below) has the same cosine, but
its warm-up begins at 0, so that its first update changes no weight; beginning at lr/warmup is our choice.
--]]
local checkpoint = require "flexlab.checkpoint"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local divergence = require "flexlab.divergence"
local expected = require "flexlab.expected"
local network_model = require "flexlab.network.model"
local settings = require "flexlab.settings"
local terminal = require "flexlab.terminal"

local M = {}

local declared = settings.of "train"
M.defaults = declared.defaults

--- The authors' factor of the learning rate after k updates [diffusers' get_cosine_schedule_with_warmup].
---@param k integer          updates done, 0 or above
---@param warmup integer     updates of the warm-up
---@param steps integer|nil  all updates; without, the rate stays
---@param cosine boolean     whether it falls as half a cosine
---@return number  0..1
function M.factor(k, warmup, steps, cosine)
  if k < warmup then return k / math.max(1, warmup) end
  if not cosine or not steps then return 1 end
  local progress = (k - warmup) / math.max(1, steps - warmup)
  return math.max(0, 0.5 * (1 + math.cos(math.pi * math.min(progress, 1))))
end

--- The factor of the learning rate of an update, counted from 1; above 0 for all updates up to `steps`.
---@param update integer     from 1
---@param warmup integer     updates of the warm-up
---@param steps integer|nil  all updates; without, the rate stays
---@param cosine boolean     whether it falls as half a cosine
---@return number  0..1
function M.rate(update, warmup, steps, cosine)
  if update <= warmup then return update / warmup end
  return M.factor(update - 1, warmup, steps, cosine)
end

-- What the trained weights are, in short: any change of any of them changes it, but for those that cancel to the bit.
local function fingerprint(parameters)
  local list = {}
  for i, p in ipairs(parameters) do
    local s = p.tensor:summary()
    list[i] = ("%a %a %a"):format(s.min, s.max, s.mean)
  end
  return table.concat(list, "\n")
end

local Optim = { __name = "flexlab.Optim" }
Optim.__index = Optim

-- Trained parameters of a module, in its order, without those that are not tracked: they are frozen.
local function trained(model)
  local list, frozen = {}, {}
  for _, p in ipairs(model:parameters()) do
    if p.trained then table.insert(p.tensor.requires_grad and list or frozen, p) end
  end
  if #list == 0 then
    error(#frozen == 0 and "optim: the model has no trained parameters"
      or ("optim: all %d trained parameters are frozen (tensor:track(false)): nothing is left to train")
        :format(#frozen), 4)
  end
  return list, frozen
end

-- A network that is partly frozen is said to be: a forgotten track() would train less without a word.
local function say_frozen(list, frozen)
  local run = context.run()
  if #frozen == 0 or run and run.quiet then return end
  terminal.note(("%d of %d trained parameters are not tracked and stay as they are: %s%s"):format(#frozen,
    #frozen + #list, frozen[1].name, #frozen > 1 and " ..." or ""))
end

-- The weights of another run, and a line that says what they did not cover.
local function start_from(path, model)
  local run = context.run()
  if run then run:has_read(path) end
  local copied, left = checkpoint.transfer(path, model)
  if #left > 0 and not (run and run.quiet) then
    terminal.note(("of %s %d tensors were taken; %d start anew: %s%s"):format(path, copied, #left,
      table.concat(left, ", ", 1, math.min(3, #left)), #left > 3 and " ..." or ""))
  end
end

-- The averages of the trained weights, by name.
local function averages_of(optim)
  local of, averages = {}, optim.core:state().average
  for i, p in ipairs(optim.parameters) do of[p.name] = averages[i] end
  return of
end

--- For the files in optimizers/: an optimiser of the core's kind `choice.rule`.
---@param choice table     of optimizers/: its rule, and the defaults of its own settings
---@param model table      with the method parameters
---@param given table|nil  settings of training (settings/train.lua) and of that optimiser
---@return table  with :step, :updates, :state
function M.new(choice, model, given)
  expected.methods("optim." .. choice.rule, "model", model, { "parameters" }, 3)
  local cfg = settings.options("optim." .. choice.rule, settings.join(declared, { choice }), given, nil, 3)
  local word = config.plain(given or {}).optimizer
  if word and choice.name and word ~= choice.name then
    error(("optim.%s: optimizer = '%s' is given; flex.optimizer(model, settings) takes that word"):format(choice.name,
      word), 3)
  end
  local parameters, frozen = trained(model)
  local self = setmetatable({ model = model, cfg = cfg, parameters = parameters, lr = 0, first_losses = {} }, Optim)
  say_frozen(parameters, frozen)
  if cfg.from then start_from(cfg.from, model) end
  self.began, self.largest = fingerprint(parameters), { lr = 0, norm = 0 }
  local tensors = {}
  for i, p in ipairs(self.parameters) do tensors[i] = p.tensor end
  self.core = core.optimizer { kind = choice.rule, parameters = tensors, beta1 = cfg.beta1,
    beta2 = cfg.beta2, eps = cfg.eps, weight_decay = cfg.weight_decay, ema = cfg.ema or 0 }
  self.ema = model
  if cfg.ema and cfg.ema > 0 and getmetatable(model) then
    self.ema = network_model.averaged(model, function() self.core:swap() end, function() return averages_of(self) end)
  end
  local run = context.run()
  if run then run:add_to_checkpoint(model, self) end
  return self
end

--- The optimiser that the settings name (`optimizer`, a word of flex.optim), for a model.
---@param model table      with the method parameters
---@param given table|nil  settings of training (settings/train.lua) and of that optimiser
---@return table  as of M.new
function M.of(model, given)
  expected.methods("optimizer", "model", model, { "parameters" }, 2)
  expected.options("optimizer", given, 2)
  local word = config.plain(given or {}).optimizer or declared.defaults.optimizer
  return (choices.get("optimizers", word).new(model, given))
end

--- A sentence where all weights still are what they were before the first update, and why; nil where they have moved,
--- or there was neither an update nor a step.
---@param steps integer|nil  of the run's loop, each of which should have made an update; 0
---@return string|nil
function Optim:unmoved(steps)
  local updates, largest = self:updates(), self.largest
  steps = steps or 0
  if updates == 0 and steps > 0 then
    return ("the optimiser was made and moved nothing in %d step%s: the loop calls no optim:step(loss)"):format(steps,
      steps > 1 and "s" or "")
  end
  if updates == 0 or fingerprint(self.parameters) ~= self.began then return nil end
  local why = largest.lr == 0 and "the learning rate was 0" or largest.norm == 0 and "every gradient was 0"
    or "each was smaller than the last digit of the weights"
  return ("the optimiser has moved no weight in %d update%s: %s"):format(updates, updates > 1 and "s" or "", why)
end

--- Updates done; the checkpoint sets them.
---@return integer
function Optim:updates() return self.core.steps end
--- Sets the number of updates done, by which the learning rate goes on.
---@param n integer  0 or above
function Optim:set_updates(n) self.core.steps = n end

--- The tensors of the state: { first=, second=, average= }, parallel to `parameters`.
---@return table
function Optim:state() return self.core:state() end

local function where()
  local run = context.run()
  return run and run.step and (" at step %d"):format(run.step) or ""
end

-- Ends a run whose training is beyond repair: it has diverged (divergence.lua).
local function diverged(sentence)
  local run = context.run()
  if run then run.diverged = sentence end
  error(sentence, 3)
end

--- One update from a loss; returns the norm of the gradient before clipping.
---@param loss flexlab.Tensor  a scalar; one that is not finite, or beyond all bounds, raises
---@return number
function Optim:step(loss)
  if getmetatable(self) ~= Optim then error("step: it is called with a colon: optim:step(loss)", 2) end
  expected.scalar("step", "loss", loss, 2)
  local why = divergence.of_loss(loss:item(), self.first_losses)
  if why then diverged(("%s%s; a smaller lr, or clip, may help"):format(why, where())) end
  loss:backward()
  local cfg = self.cfg
  self.lr = cfg.lr * M.rate(self.core.steps + 1, cfg.warmup, cfg.steps, cfg.cosine)
  local norm, message, index = self.core:step { lr = self.lr, clip = cfg.clip or 0 }
  if not norm then
    local p = index and self.parameters[index]
    diverged(("the gradient of '%s' is not finite%s (%s)"):format(p and p.name or "a parameter", where(),
      tostring(message)))
  end
  self.core:clear_grads()
  self.largest = { lr = math.max(self.largest.lr, self.lr), norm = math.max(self.largest.norm, norm) }
  return norm
end

return M
