--[[
trial - what a choice promises, tried on tiny tensors before step 1.

A choice (docs/extending.md) is a few functions in anyone's file, called in the middle of training or at
its end. What they do wrong is often silent: an encoder whose condition() forgets its `return` trains a network
without a condition, and the table then compares two things that are the same. So each kind has a contract here, a
function that calls the choice as the library will and looks at what comes back; the first breach is one sentence:

  flexlab/losses/mine.lua:3: losses 'mine': loss() returned a tensor (3,16,32,2); a scalar was expected

The same functions serve a run (once in a process, when a word is first used), `flexlab run --dry-run`, `flexlab
check FILE` and the generic test of every choice of the library (tests/lua/choices_test.lua). Since that test
runs on each of them, the library's own are not tried again at run time, but for what settings can break
(`rated`): a sigma_min above its sigma_max makes a good schedule rise.

  trial.check(choice, settings, strict) -> list of what was found kept
  trial.once(choice, settings)          the same when it is first used
  trial.among(choice, values)           the same; its settings stand among others
  chosen.try(cfg, defaults)             every word of a resolved configuration (chosen.lua)

A contract is called with a Trial, the choice, and its settings (its defaults without any). Fields are small:
8 x 8 for samplers, 16 x 24 for degradations, at most 32 x 32, as networks have them. A choice that cannot take these
says what it takes: `contract = { height = 64, width = 64, channels = 2 }` (and a sampler, in how many steps: `steps =
{ 2, 4 }`). Where a choice may ask for more than a made-up batch has (a target, guidance, a model, an observable, a
format), an error that it raises is its business at run time, for it will be raised at step 1 again; `strict`, which
is `flexlab check`, reports it.

Refused: contracts beside each step. They would cost at each, and what breaks at step 1000 and not at step 1 raises.
--]]
local blame = require "flexlab.blame"
local context = require "flexlab.context"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local plain = require "flexlab.plain"
local words = require "flexlab.words"

local M = {}

-- kind -> the file here that has its contract.
local homes = {
  schedules = "diffusion", parametrisations = "diffusion", weightings = "diffusion", targets = "diffusion",
  losses = "diffusion", samplers = "sampling", grids = "sampling", guidance = "sampling",
  degradations = "data", observables = "data", formats = "data", symmetries = "data",
  encoders = "networks", conditioning = "networks", backbones = "networks", positions = "networks",
  models = "networks", optimizers = "networks",
}

-- Kinds whose settings can break a good choice, and whose contract costs less than a millisecond.
local rated = { schedules = true, weightings = true, parametrisations = true, losses = true }

local Trial = {}
Trial.__index = Trial

local OWN = "the settings of a choice are its defaults"

--- The settings that a function of a choice is given in a trial: reading one that there is not raises, since it could
--- not be given either, and `cfg.wobbel` for `cfg.wobble` would be nil without a word.
---@param settings table  what the function may read
---@return table  the same, which raises at other keys
function M.guarded(settings)
  return setmetatable(settings, { __index = function(t, key)
    error(("cfg has %s; %s"):format(words.unknown(key, words.keys(t)), OWN), 2)
  end })
end

--- A value as a breach names it.
---@param v any  what a choice returned
---@return string
function M.named(v)
  if v == nil then return "nothing" end
  if core.is_tensor(v) then return ("a tensor (%s)"):format(table.concat(v.shape, ",")) end
  if type(v) == "string" then return ("the text '%s'"):format(v) end
  return type(v) == "number" and tostring(v) or type(v) == "boolean" and tostring(v) or "a " .. type(v)
end

local function shape_text(shape) return "(" .. table.concat(shape, ",") .. ")" end

-- " (with sigma_min = 80)": settings that are not the defaults.
local function apart(choice, settings)
  local list = {}
  for k, v in pairs(settings) do
    local default = choice.defaults and choice.defaults[k]
    if literal.encode(v) ~= literal.encode(default) then list[#list + 1] = ("%s = %s"):format(k, literal.line(v)) end
  end
  table.sort(list)
  return #list > 0 and (" (with %s)"):format(table.concat(list, ", ")) or ""
end

--- "file:line" of a function of the choice, or where the choice as a whole is.
---@param f any  a function, or nil
---@return string
function Trial:place(f) return blame.place(f) or self.choice.where or "(no file)" end

--- Ends the trial: `what` came from f, something else was expected.
---@param f any            the function of the choice that broke its promise, or nil
---@param what string      what came, in words
---@param expected string  what should have come, in words
function Trial:refuse(f, what, expected)
  error(("%s: %s '%s': %s%s; %s was expected"):format(self:place(f), self.choice.kind, self.choice.name, what,
    self.settings, expected), 0)
end

--- Notes what was found kept.
---@param what string  a phrase
function Trial:kept(what) self.list[#self.list + 1] = what end

-- The frame behind which nobody is to blame for what a choice raises: hence no tail call.
local function trying(trial, contract, settings)
  contract(trial, trial.choice, settings)
end

-- What ends a trial for good: a breach (its own or one of a part that it uses), Ctrl-C, an object that somebody awaits.
local function is_final(e)
  return type(e) ~= "string" or e:find "interrupted!$" ~= nil or e:find "was expected$" ~= nil
end

local function called(trial, name, f, ...)
  local results = table.pack(xpcall(f, function(e)
    local object = type(e) == "table" and (getmetatable(e) or {}).__tostring
    local said = object and e or blame.placed(blame.sentence(e), trying, trial:place(f))
    if is_final(said) or said:find "before step 1%)$" then return blame.note(said) end
    return blame.note(("%s (%s '%s': %s(), tried before step 1)"):format(said, trial.choice.kind, trial.choice.name,
      name))
  end, ...))
  if not results[1] then error(results[2], 0) end
  return table.pack(table.unpack(results, 2, results.n))
end

-- Functions of choices that are asked again at every step, or after a resume: of the same operands they give the same
-- bits. (A symmetry's draw() changes the element that it is given.)
local repeated = { logsnr = true, draw = true, size = true, goal = true, recover = true, loss_pair = true,
  input = true, time = true, error_scale = true, weight = true, base = true, loss = true, low = true, up = true,
  lift = true, of = true, times = true, condition = true, fixed = true, paths = true, sizes = true }

-- Whether two results are the same bit for bit, as far as they are numbers, texts, tensors, and tables of these.
local function alike(a, b)
  if core.is_tensor(a) and core.is_tensor(b) then
    if shape_text(a.shape) ~= shape_text(b.shape) then return false end
    local apart_by = (a:detach() - b:detach()):abs():summary()
    return apart_by.nonfinite > 0 or apart_by.max == 0      -- what is not finite is another fault
  elseif type(a) == "table" and type(b) == "table" then
    for key, value in pairs(a) do
      if not alike(value, b[key]) then return false end
    end
    return true
  end
  return type(a) == type(b) and (a == b or type(a) == "function" or type(a) == "userdata" or a ~= a)
end

--- Refuses a function whose two results `one` and `two`, of the same operands, are not the same bits. A counter in its
--- file would begin anew when a run is resumed, and draws of its own would be others.
---@param f function   of the choice
---@param name string  what the choice calls it
---@param one any      result of the first call: a tensor, a number, ...
---@param two any      result of the second
function Trial:same(f, name, one, two)
  if alike(one, two) then return end
  local numbers = type(one) == "number" and type(two) == "number" and (" (%.9g, then %.9g)"):format(one, two) or ""
  self:refuse(f, ("%s() gave two results%s of the same operands in two calls"):format(name, numbers),
    "the same bits at every call (no counter, no random numbers of its own), so that a resumed run goes on as it would "
    .. "have")
end

--- Calls a function of the choice once; its error names its line and that this was a trial.
---@param name string  what the choice calls the function
---@param f function   of the choice
---@param ... any      its arguments
---@return any  all its results
function Trial:one(name, f, ...)
  local results = called(self, name, f, ...)
  return table.unpack(results, 1, results.n)
end

--- The same; what is asked at every step is called twice.
---@param name string  what the choice calls the function
---@param f function   of the choice
---@param ... any      its arguments
---@return any  all its results, of the first call
function Trial:call(name, f, ...)
  local results = called(self, name, f, ...)
  if repeated[name] and self.choice.kind ~= "symmetries" then
    local again = called(self, name, f, ...)
    for i = 1, math.max(results.n, again.n) do self:same(f, name, results[i], again[i]) end
  end
  return table.unpack(results, 1, results.n)
end

--- The same of a function that may ask for more than is there: false if it raised, unless the trial is strict.
---@param name string  what the choice calls the function
---@param f function   of the choice
---@param ... any      its arguments
---@return boolean  whether it returned
---@return any  its results, or the error
function Trial:attempt(name, f, ...)
  local results = table.pack(pcall(self.call, self, name, f, ...))
  local e = not results[1] and results[2]
  if e and (self.strict or is_final(e) or e:find(OWN, 1, true)) then error(e, 0) end
  return table.unpack(results, 1, results.n)
end

--- A tensor of this shape, all of it finite.
---@param f function       of the choice, which is refused otherwise
---@param name string      what it is called in the sentence
---@param value any        what it returned
---@param shape integer[]  (n,h,w,c) or any other
---@return flexlab.Tensor  the value
function Trial:tensor(f, name, value, shape)
  if not core.is_tensor(value) or shape_text(value.shape) ~= shape_text(shape) then
    self:refuse(f, ("%s returned %s"):format(name, M.named(value)), "a tensor " .. shape_text(shape))
  end
  if value:detach():summary().nonfinite > 0 then
    self:refuse(f, name .. " returned numbers that are not finite", "a finite tensor " .. shape_text(shape))
  end
  return value
end

--- A finite number.
---@param f function   of the choice, which is refused otherwise
---@param name string  what it is called in the sentence
---@param value any    what it returned
---@return number  the value
function Trial:number(f, name, value)
  if type(value) ~= "number" then
    self:refuse(f, ("%s returned %s"):format(name, M.named(value)), "a number")
  elseif value ~= value or math.abs(value) == math.huge then
    self:refuse(f, ("%s is %s"):format(name, tostring(value)), "a finite number")
  end
  return value
end

--- Normal numbers of a shape; two streams differ.
---@param shape integer[]     of the tensor
---@param stream integer|nil  0; another one gives other numbers
---@return flexlab.Tensor
function Trial:normal(shape, stream) return core.normal(shape, { seed = 5 + (stream or 0), stream = "user" }) end

--- height, width, channels of the fields that this choice is tried on.
---@param height integer    pixels, where the choice's `contract` says nothing else
---@param width integer     pixels
---@param channels integer  of the fields
---@return integer  height
---@return integer  width
---@return integer  channels
function Trial:size(height, width, channels)
  local own = self.choice.contract or {}
  return own.height or height, own.width or width, own.channels or channels
end

local under_trial = {}   -- choices that are being tried: what they are tried with may use them

--- Tries a choice; raises its first breach.
---@param choice table         what a registry holds: has kind and name
---@param settings table|nil   its settings; its defaults without any
---@param strict boolean|nil   also what a choice raises for want of a real batch
---@return string[]            what was found kept
function M.check(choice, settings, strict)
  local contract = require("flexlab.contracts." .. homes[choice.kind])[choice.kind]
  settings = plain.plain(settings or choice.defaults or {})
  local trial = setmetatable({ choice = choice, strict = strict, list = {}, settings = apart(choice, settings) }, Trial)
  local before = under_trial[choice]
  under_trial[choice] = true
  local ok, e = pcall(context.aside, trying, trial, contract, M.guarded(settings))
  under_trial[choice] = before
  if not ok then error(e, 0) end
  return trial.list
end

local done = setmetatable({}, { __mode = "k" })   -- choice -> { settings as text = true }

-- Whether gradients are recorded; within core.no_grad a choice is not tried.
local function recording() return (core.zeros({ 1 }):track(true) * 2).requires_grad end

--- Whether a choice is tried at run time at all.
---@param choice table  of choices.get
---@return boolean
function M.tried(choice) return not choice.own or rated[choice.kind] end

--- Tries a choice when it is first used with these settings; without any, when it is first used at all.
---@param choice table        of choices.get
---@param settings table|nil  its own, all of them
function M.once(choice, settings)
  if under_trial[choice] or not M.tried(choice) or choice.own and not settings then return end
  local key, before = settings and literal.encode(plain.plain(settings)) or "", done[choice]
  if before and (before[key] or not settings) or not recording() then return end
  done[choice] = before or {}
  done[choice][key] = true
  local ok, e = pcall(M.check, choice, settings)
  if not ok then
    done[choice] = before
    if before then before[key] = nil end
    error(e, 0)
  end
end

--- The same with those of `values` that are settings of the choice.
---@param choice table  of choices.get
---@param values table  a section of a configuration
function M.among(choice, values)
  if choice.own then return end
  local settings = plain.plain(choice.defaults)
  for key in pairs(settings) do
    if values[key] ~= nil then settings[key] = values[key] end
  end
  M.once(choice, settings)
end

return M
