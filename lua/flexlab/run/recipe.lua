--[[
recipe - a function from a configuration to a result.

  local sr = flex.recipe("sr", { train = { steps = 100 } }, function(cfg, run) return { rfne = 1 } end)
  sr()                                      the defaults, seed 1
  sr({ train = { steps = 10 } }, { seed = 2, root = "runs", fresh = false, quiet = false, label = "" })
      wait = true: waits while another process writes this run; retry = "failed": also where it diverged before

A call makes runs/<name>/<hash8>/<seed>/ (config.lua recipe.lua env.txt metrics.jsonl metrics.csv
result.lua last.h5 cost.lua). hash8 covers the resolved configuration and the meaning of
every Lua file that is not FlexLab's own (origin/code.lua), copies of which lie in code/ (origin/copies.lua); if data
files have changed, their contents too (origin/provenance.lua). A folder with result.lua is done: its result is returned
again; any other is resumed from its checkpoint.
--]]
local attempt = require "flexlab.run.attempt"
local blame = require "flexlab.blame"
local capture = require "flexlab.origin.capture"
local checkpoint_settings = require "flexlab.checkpoint.settings"
local chosen = require "flexlab.chosen"
local code = require "flexlab.origin.code"
local config = require "flexlab.config"
local context = require "flexlab.context"
local copies = require "flexlab.origin.copies"
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local keep = require "flexlab.checkpoint.keep"
local keys_of = require("flexlab.words").keys
local latest = require "flexlab.store.latest"
local library = require "flexlab.origin.library"
local literal = require "flexlab.literal"
local loading = require "flexlab.loading"
local judging = require "flexlab.run.judging"
local must = require "flexlab.must"
local notes = require "flexlab.context.notes"
local outcome = require "flexlab.run.outcome"
local own = require "flexlab.store.own"
local place = require "flexlab.run.place"
local Run = require "flexlab.run"
local terminal = require "flexlab.terminal"
local unread = require "flexlab.run.unread"
local witness = require "flexlab.origin.witness"

local M = {}

local Recipe = {}
Recipe.__index = Recipe
Recipe.__name = "flexlab.Recipe"

M.options = { seed = 1, root = "runs", fresh = false, quiet = false, label = "", wait = false, retry = false,
  redirect = false, live = false, rehearsal = false }

-- The user's file that called flex.recipe; nil after a tail call (`return flex.recipe(...)`), which leaves no trace.
local function caller()
  local info = not debug.getinfo(2, "t").istailcall and debug.getinfo(3, "S")
  local path = info and info.what ~= "C" and info.source:match("^@(.+)$")
  return path and not loading.is_own(path) and path or nil
end

-- The setting among defaults that is a function or the like, which no run can be told by, as a sentence; nil for none.
local function unfit(defaults, path)
  for _, key in ipairs(keys_of(defaults)) do
    local value, full = defaults[key], path .. tostring(key)
    local kind = type(value)
    if kind == "function" or kind == "userdata" or kind == "thread" then
      return ("the default of '%s' is a %s; a number, a text, true or false, or a table of these was expected")
        :format(full, kind)
    end
    local deeper = kind == "table" and unfit(value, full .. ".")
    if deeper then return deeper end
  end
end

--- A new recipe.
---@param name string      letters, digits, _ and -
---@param defaults table   every key there is, with a value of its type
---@param body function    body(cfg, run) -> table of numbers
---@param about table|nil  { metric = "rfne", better = "lower" }: the number it is judged by (judging.lua)
---@return table  the recipe: call it to run it
function M.new(name, defaults, body, about)
  if type(name) ~= "string" or not name:match("^[%w_%-]+$") then
    error("recipe: the name must be letters, digits, _ and -, got " .. tostring(name), 2)
  elseif type(defaults) ~= "table" or type(body) ~= "function" then
    error(("recipe '%s': wanted flex.recipe(name, defaults, function(cfg, run) ... end)"):format(name), 2)
  end
  local wrong = unfit(defaults, "")
  if wrong then error(("%s: recipe '%s': %s"):format(blame.place(body), name, wrong), 0) end
  local base = code.base(body, caller())
  local path, text = code.source_of(body)
  local recipe = setmetatable({ name = name, defaults = defaults, body = body, source = path, base = base,
    text = path and text or debug.getinfo(body, "S").source:gsub("^=", ""),
    metric = judging.declared(name, about, 2) }, Recipe)
  capture.made(name, recipe)
  return recipe
end

--- The file that made the recipe, where it is not its body's, belongs to its code too.
---@param path string  of that file
function Recipe:made_in(path)
  if path ~= self.source then self.base = code.base(self.body, path) end
end

--- The configuration with overrides (read-only), its hash, and the files that it covers (origin/code.lua).
---@param overrides table|nil  nested or flat
---@param level integer|nil    whom an error blames, as in error(); 1
---@return table
---@return string  8 hex digits
---@return table
function Recipe:resolve(overrides, level)
  local plain = config.merge(self.defaults, overrides, (level or 1) + 1)
  local fault = chosen.fault(plain, self.defaults) or checkpoint_settings.fault(plain) or latest.moving(plain)
  if fault then error(fault, (level or 1) + 1) end
  local set = code.set(self.base, plain)
  return config.readonly(plain), code.hash(set, plain), set
end

--- Where a run with these overrides belongs, and whether it is there: see place.lua.
---@param overrides table|nil  nested or flat
---@param options table|nil    seed, root, fresh, ...
---@return table
function Recipe:place(overrides, options)
  local o = config.options("a run's options", M.options, options, { "device", "jobs" }, 2)
  local cfg, _, set = self:resolve(overrides, 2)
  return place.of(self, set, cfg, o)
end

--- Tries the choices that the configuration with these overrides names, before anything runs (flexlab.contracts).
---@param overrides table|nil  nested or flat
function Recipe:check(overrides)
  local cfg = self:resolve(overrides, 2)
  chosen.try(cfg, self.defaults)
end

--- The folder of a run with these overrides.
---@param overrides table|nil  nested or flat
---@param options table|nil    seed, root, ...
---@return string
function Recipe:folder(overrides, options) return (self:place(overrides, options).dir) end

local function environment(run, options)
  local lines = {}
  local function line(k, v) lines[#lines + 1] = ("%-12s %s"):format(k, tostring(v)) end
  line("recipe", run.recipe.name)
  line("source", run.recipe.source or "(not a file)")
  line("seed", run.seed)
  if options.label ~= "" then line("label", options.label) end
  if run.recipe.metric then line("metric", judging.text(run.recipe.metric)) end
  line("library", library.this().hash)
  line("started", os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(core.sys.now())))
  line("host", core.sys.host())
  local info = core.info()
  local keys = {}
  info.device = core.backend()
  for k, v in pairs(info) do if type(v) ~= "table" then keys[#keys + 1] = k end end
  table.sort(keys)
  for _, k in ipairs(keys) do line(k, info[k]) end
  return table.concat(lines, "\n") .. "\n"
end

local function prepare(run, options)
  run.transcript:say("attempt of process %d on %s, FlexLab %s", core.sys.pid(), core.sys.host(), core.info().version)
  for _, sentence in ipairs { run.lock.note or false, run.lock.earlier or false } do
    if sentence then run.transcript:say("%s", sentence) end
  end
  if core.sys.exists(run.dir .. "/failed.txt") then must(core.sys.remove(run.dir .. "/failed.txt")) end
  must(literal.write(run.dir .. "/config.lua", config.plain(run.cfg),
    ("%s, resolved; seed %d"):format(run.recipe.name, run.seed)))
  if not own.path(run.dir, "recipe.lua") then
    must(core.sys.write(run.dir .. "/recipe.lua", run.recipe.text))
  end
  copies.write(run.dir, run.recipe.name, run.code)
  must(core.sys.write(run.dir .. "/env.txt", environment(run, options)))
  local fault = latest.point(run.root, run.recipe.name, ("%s/%d"):format(run.hash, run.seed))
  if fault and not options.quiet then terminal.say("note: " .. fault) end
end

-- What a body returned, as plain values: numbers (tensors of one element count), strings, tables.
local function result_of(recipe, returned)
  local function plain(v, path)
    if core.is_tensor(v) then return v:item() end
    if type(v) == "table" then
      local t = {}
      for k, x in pairs(v) do t[k] = plain(x, path .. "." .. tostring(k)) end
      return t
    elseif type(v) == "number" or type(v) == "string" or type(v) == "boolean" then
      return v
    end
    error(("recipe '%s': its result%s is a %s; wanted numbers"):format(recipe.name, path, type(v)), 0)
  end
  if type(returned) ~= "table" then
    error(("recipe '%s' must return a table of numbers, got %s"):format(recipe.name, type(returned)), 0)
  end
  return plain(returned, "")
end

-- The result of a run that is done, with a remark where another version made it; nil if it cannot be read.
local function finished(found, o)
  local result = foreign.table(found.dir .. "/result.lua", "result of a run")
  if not result then return nil end
  if found.version and not o.quiet then
    terminal.say(("note: %s is done, %s; --fresh repeats it"):format(found.dir, found.version))
  end
  if not (o.live or o.redirect) then notes.remind(found.dir) end
  result.dir = found.dir
  return result
end

local said = {}   -- files of which it has been said that they were edited

-- A file that was edited after this process had loaded it means what it meant then: of a prompt, the user should know.
local function say_edited(set)
  for _, entry in ipairs(set.list) do
    local path = entry.path
    if path and not said[path] and loading.is_edited(path) and code.meaning(core.sys.read(path)) ~= entry.meaning then
      said[path] = true
      terminal.note(("%s has been edited since this process loaded it, and is used as it was; start again to "
        .. "use it as it is"):format(path))
    end
  end
end

function Recipe:__call(overrides, options)
  local o = config.options("a run's options", M.options, options, { "device", "jobs" }, 2)
  if math.type(o.seed) ~= "integer" or o.seed < 0 or o.seed > 1 << 53 then      -- what JSON keeps exactly
    error("a run's seed must be a whole number from 0 to 2^53, got " .. tostring(o.seed), 2)
  end
  capture.stop()
  local cfg, _, set = self:resolve(overrides, 2)
  local found = place.of(self, set, cfg, o)
  local dir = found.dir
  witness.inherit(set, dir)
  if not o.quiet then say_edited(set) end
  local done = not o.fresh and finished(found, o)
  if done then return done end
  chosen.try(cfg, self.defaults)
  local lock <close> = attempt.begin(dir, o)
  if not o.fresh then outcome.finish(dir, lock) end
  done = not o.fresh and finished(found, o)     -- by whom we have waited for, or just now
  if done then return done end
  if o.fresh then attempt.clear(dir) end
  local watch, around = unread.watch(self.defaults, config.plain(cfg)), context.run()
  local run <close> = Run.open { recipe = self, cfg = cfg, unread = watch, hash = found.hash, seed = o.seed, dir = dir,
    root = o.root, quiet = o.quiet, label = o.label, lock = lock, redirect = o.redirect, live = o.live, code = set,
    rehearsal = o.rehearsal and o.rehearsal() or around and around.rehearsal }
  prepare(run, o)
  run:resume()
  if run.saved then notes.go_on(run) else notes.forget(run.dir) end
  local result = result_of(self, blame.call(self.body, watch.cfg, run))
  lock:check()
  watch:note(self.name)
  for _, fault in ipairs { self.metric and judging.missing(self.metric, result) or false,
    judging.not_finite(result) or false } do
    if fault then notes.add(("recipe '%s': %s"):format(self.name, fault)) end
  end
  run:finish()
  run:write_cost()
  outcome.write(run, result, keep.wanted(config.plain(cfg)))
  run.transcript:say "done"
  result.dir = dir
  return result
end

function Recipe:__tostring()
  return ("recipe '%s' (%s)"):format(self.name, self.source or "not a file")
end

return M
