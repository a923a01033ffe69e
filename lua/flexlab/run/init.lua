--[[
run - one call of a recipe: its folder, its loop of steps, its log, its checkpoints.

  for step, batch in run:steps(data.train, n) do ... end
opens a scope for each step (tensors made in it end with it), polls Ctrl-C, writes last.h5 every
`train.checkpoint` steps (100), after step 10 and at the end (of a loop of no steps: as the network begins), and goes
on behind the saved step after a restart. Before every write it looks whether the run's lock still is its own
(store/locks.lua).
All random numbers are addressed by (seed, stream, step, sample); what else the body remembers is in its variables
(checkpoint/locals.lua).

A body with several loops is resumed in the loop that was saved; the finished loops before it are skipped.
Until then `run:log` is silent, and lines logged after the checkpoint are dropped from metrics.jsonl.
--]]
local operations = require "flexlab.network.operations"
local attempt = require "flexlab.run.attempt"
local checkpoint = require "flexlab.checkpoint"
local checkpoint_settings = require "flexlab.checkpoint.settings"
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local divergence = require "flexlab.divergence"
local folder = require "flexlab.store.folder"
local interruption = require "flexlab.context.interruption"
local literal = require "flexlab.literal"
local locals = require "flexlab.checkpoint.locals"
local log = require "flexlab.run.log"
local notes = require "flexlab.context.notes"
local progress = require "flexlab.context.progress"
local rehearsal = require "flexlab.run.rehearsal"
local renamed = require "flexlab.renamed"
local samples = require "flexlab.evaluation.samples"
local steady = require "flexlab.origin.steady"
local terminal = require "flexlab.terminal"
local transcript = require "flexlab.run.transcript"
local witness = require "flexlab.origin.witness"

local Run = {}
Run.__index = Run
Run.__name = "flexlab.Run"

-- The first checkpoint comes at this step: a full disk or a folder that is read-only shows at once.
local EARLY = 10

--- f(...) within a run that is none: returns what f had it watch, a list of { model =, optim = }.
---@param f function  what is called
---@param ... any     its arguments
---@return table[]
function Run.rehearse(f, ...)
  local run = setmetatable({ watched = {}, seed = 1, quiet = true, steady = steady.new() }, Run)
  context.within(run, f, ...)
  return run.watched
end

--- The run whose body is being executed, or nil.
Run.current = context.run

--- Becomes the current run until closed.
---@param entries table  recipe, cfg, hash, seed, dir, root, quiet, label, lock, live, redirect (prints go to log.txt)
---@return table  the run, to be closed
function Run.open(entries)
  local run = setmetatable(entries, Run)
  run.watched, run.phase, run.replaying, run.began = {}, 0, true, core.sys.time()
  core.reset_peak()
  run.log_file = log.open(run.dir, function() run.lock:check() end)
  run.transcript = transcript.open(run.dir, run.redirect)
  run.progress = progress.new(run)
  run.transcript.clear = function() run.progress:clear() end
  run.witness = witness.open(run)
  run.steady = steady.new()
  context.enter(run)
  interruption.hold()
  return run
end

-- Ends the run; after an error what became of it is written down, and the user may be told better.
function Run:__close(e)
  self.witness:__close()
  local told = e ~= nil and attempt.ended(self, e) or nil
  self:end_scope()
  self.progress:done()
  self.transcript:close()
  interruption.release()
  context.leave(self)
  if told and told ~= e then error(told, 0) end
end

--- Ends the scope of the step that is going on: tensors that were made in it and not kept are given back.
function Run:end_scope()
  if self.scope then self.scope:close() end
  self.scope = nil
end

--- Reads the checkpoint of an earlier attempt, if there is one.
function Run:resume()
  local path = self.dir .. "/last.h5"
  local kind = core.sys.exists(path)
  if kind and kind ~= "file" then
    error(("%s is a %s, not a checkpoint; remove it, and the run starts again"):format(path,
      kind == "folder" and kind or "pipe or a device"), 0)
  elseif kind then
    local saved, message = checkpoint.load(path)
    if not saved then
      error(("%s; remove the file or give --fresh to start again"):format(message), 0)
    end
    self.saved = saved
    self.log_file:cut(saved.log_bytes)
  else
    self.log_file:cut(0)
  end
  self.samples_saved = samples.cut(self, self.saved and self.saved.evaluations or 0)
end

--- Registers what checkpoints hold. flex.models and flex.optim call it; recipes need not.
---@param model table      with the method parameters
---@param optim table|nil  its optimiser
function Run:add_to_checkpoint(model, optim)
  for _, entry in ipairs(self.watched) do
    if entry.model == model then
      entry.optim = optim or entry.optim
      return
    end
  end
  local n = #self.watched + 1
  self.watched[n] = { model = model, optim = optim, prefix = n == 1 and "" or n .. "/" }
end

--- Leaves a network out of the checkpoints: one that is only asked, not trained.
---@param model table  as it was added
function Run:leave_out_of_checkpoint(model)
  for i, entry in ipairs(self.watched) do
    if entry.model == model then table.remove(self.watched, i) end
  end
end

--- Notes that this run reads a file, or those of an opened source (data/frames.lua): see origin/provenance.lua.
---@param what string|table  a path, or an opened source
function Run:has_read(what)
  if type(what) == "table" then self.steady:add(what, witness.saw) else witness.saw { what } end
end

--- A source of data is in memory: its files may change from now on.
---@param source table  as of has_read
function Run:settled(source) self.steady:settle(source) end

--- Writes a value as <name>.lua into the run's folder, for reports: a spectrum, scores by lead. Names of FlexLab's own
--- files are refused.
---@param name string  letters, digits and _
---@param value any    nil, boolean, number, string, or a table of these
function Run:record(name, value)
  local why = folder.why_taken(name)
  if why then error(("run:record: '%s' %s; use another name"):format(tostring(name), why), 2) end
  self:keep_value(name, value)
end

--- Writes a value under any name, for the library's own files.
---@param name string  of the file, without .lua
---@param value any    as of record
function Run:keep_value(name, value)
  self.lock:check()
  assert(literal.write(("%s/%s.lua"):format(self.dir, name), config.plain(value), folder.mark))
end

--- An address of random numbers: {seed=, stream=, step=, sample=, member=}.
---@param stream string      one of core.streams: "user" for a recipe's own
---@param address table|nil  sample, member, step: what tells this draw from others
---@return flexlab.Key
function Run:key(stream, address)
  local key = { seed = self.seed, stream = stream, step = self.step }
  for k, v in pairs(address or {}) do key[k] = v end
  return key
end

--- Keeps tensors alive beyond the step they were made in; returns them.
---@param ... flexlab.Tensor  made in this step
---@return flexlab.Tensor  all of them
function Run:keep(...)
  if self.scope then return self.scope:keep(...) end
  return ...
end

--- Appends one line to metrics.jsonl and metrics.csv; tensors of one element are read.
---@param step integer  of the row
---@param values table  numbers by name, or tensors of one element; a loss that is not finite ends the run
function Run:log(step, values)
  local row = { step = step }
  for k, v in pairs(values) do row[k] = core.is_tensor(v) and v:item() or v end
  local why = type(row.loss) == "number" and divergence.of_loss(row.loss)
  if why then
    self.diverged = ("%s at step %s"):format(why, tostring(step))
    error(self.diverged, 2)
  end
  self.progress:show(row)
  if not self.replaying then self.log_file:append(row) end
end

--- Writes last.h5 now.
function Run:save()
  self.lock:check()
  self.steady:check()
  local ok, message = checkpoint.save(self.dir .. "/last.h5", self, samples.count(self))
  if not ok then error("the checkpoint could not be written: " .. tostring(message), 0) end
end

-- Updates that the optimisers of this run have made.
local function updates(self)
  local sum = 0
  for _, entry in ipairs(self.watched) do sum = sum + (entry.optim and entry.optim:updates() or 0) end
  return sum
end

--- Writes last.h5 as of the end of the last whole step, for a step that was cut off; false where that is not known any
--- more (an optimiser has moved in this step) or is there already.
---@return boolean
function Run:save_before_step()
  local before = self.scope and self.before
  if not before or self.replaying or updates(self) ~= before.updates then return false end
  if not before.held and before.step > before.first then return false end
  self:end_scope()
  self.log_file:cut(before.bytes)
  self.step, self.held = before.step, before.held
  self.samples = table.move(self.samples or {}, 1, before.samples, 1, {})
  if before.step > before.first then self:save() end
  return true
end

-- The error of an interruption, or nil; with it the interruption is told, so nothing more is cut off by it.
local function interrupted(self)
  if not interruption.pending() then return nil end
  return interruption.error(("stopped at step %d of '%s'; the same command goes on from there (%s)")
    :format(self.step or 0, self.recipe.name, self.dir), { dir = self.dir, step = self.step })
end

--- Stops with a sentence if Ctrl-C was pressed. Long loops of recipes may call it too.
function Run:poll()
  local e = interrupted(self)
  if e then error(e, 0) end
end

--- Copies saved tensors into whatever is watched and not yet restored.
function Run:restore()
  for _, entry in ipairs(self.watched) do
    if not entry.restored then
      entry.restored = true
      if self.saved then checkpoint.restore(self.saved, entry) end
    end
  end
end

--- Begins a loop; the first of its steps that is still to be done.
---@param n integer  the last step
---@return integer
function Run:enter(n)
  self.phase = self.phase + 1
  self:restore()
  local saved = self.saved
  if saved and saved.phase > self.phase then return n + 1 end
  if self.replaying and saved then self.samples = self.samples_saved end
  self.replaying = false
  if not saved or saved.phase ~= self.phase then return 1 end
  self.step = saved.phase_step
  return saved.phase_step + 1
end

local function interval(self, options)
  if self.unread and not options.checkpoint then self.unread.reads["train.checkpoint"] = true end
  local every = options.checkpoint or checkpoint_settings.of(config.plain(self.cfg), "checkpoint")
  if math.type(every) ~= "integer" or every < 1 then
    error("steps: checkpoint must be a whole number of steps, got " .. tostring(every), 3)
  end
  return every
end

--- Called by whoever is about to simulate data: raises what would refuse this run before its first step.
function Run:before_simulating() rehearsal.before_simulating(self) end

--- Iterates over (step, batch); see the head of this file.
---@param data table|function|nil  has batch(step), or is called with the step, or nothing is yielded
---@param n integer                the last step
---@param options table|nil        { checkpoint = 100 }
---@return function  iterator of a for loop
---@return nil
---@return nil
---@return table  closes the last step's scope
function Run:steps(data, n, options)
  if math.type(n) ~= "integer" or n < 0 then
    error("steps: the number of steps must be a whole number, got " .. tostring(n), 2)
  end
  if type(data) == "table" and not data.batch then
    error("steps: the data must have batch(step), as data.train has, or be a function of the step", 2)
  end
  local every = interval(self, config.options("steps", { checkpoint = false }, options, nil, 2))
  if self.rehearsal then self.rehearsal:entering(n) end
  local step = self:enter(n) - 1
  local first = step
  local untrained = n == 0 and not self.replaying      -- the checkpoint of a network as it begins
  self.steps_wanted = n
  self.progress:start(step, n)
  local function finished()
    self:end_scope()
    if self.unread and not self.asked then self.unread:refuse(self.recipe.name) end
    self.asked = true
    local stop = interrupted(self)
    if self.rehearsal then self.rehearsal:stepped(self, step, first, n) end
    if stop or step == n or step % every == 0 or step == EARLY then
      self.held = locals.take(self)
      self:save()
      self.held = nil
    end
    self.progress:step(step)
    if stop then error(stop, 0) end
  end
  local begun, spent = false, { began = core.sys.time(), seconds = 0 }
  local function iterate()
    if not begun then
      begun = true
      self:end_scope()      -- of a loop that was left by break
      locals.begin(self)
    end
    if self.scope then finished() end
    if step >= n then
      if untrained then self:save() end
      self.progress:done()
      return nil
    end
    self.before = { step = step, first = first, bytes = self.log_file.bytes, updates = updates(self),
      samples = #(self.samples or {}), held = locals.before_step(self, spent) }
    step = step + 1
    self.step = step
    self.scope = core.scope()
    if not data then return step end
    if type(data) == "function" then return step, data(step) end
    return step, data:batch(step)
  end
  local left = setmetatable({}, { __close = function(_, e)
    if e == nil and begun then locals.leave(self) end
  end })
  return iterate, nil, nil, left
end

--- What the run cost, in cost.lua: of this attempt, so a resumed run has the seconds of its last part.
function Run:write_cost()
  local model = self.watched[1] and self.watched[1].model
  local cost = { seconds = core.sys.time() - self.began, peak_bytes = core.memory().peak,
    resumed = self.saved ~= nil, threads = core.threads() }
  if model then
    cost.parameters = 0
    for _, p in ipairs(model:parameters()) do
      if p.trained then cost.parameters = cost.parameters + p.tensor:count() end
    end
    cost.gflop = operations.gflop(model)
  end
  self.lock:check()
  assert(literal.write(self.dir .. "/cost.lua", cost))
end

-- Methods by the names that they had before (renamed.lua): said once, then done.
for old, now in pairs(renamed.run) do
  Run[old] = function(self, ...)
    terminal.note_once(("run:%s is called run:%s now"):format(old, now))
    return self[now](self, ...)
  end
end

--- The last line: everything is logged, and a network that was trained and has not changed is noted.
function Run:finish()
  self.steady:check()
  self:end_scope()
  for _, entry in ipairs(self.watched) do
    notes.add(entry.optim and entry.optim.unmoved and entry.optim:unmoved(self.step) or nil)
  end
  self.log_file:finish()
  self.progress:done()
end

return Run
