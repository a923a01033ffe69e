--[[
multitask - one FLEX for several tasks: encoder and decoder are shared, each task has a condition encoder
of its own [arXiv 2505.17351, multi-task training].

  model = flex.models.multitask({ size = "nano" }, data)     data = flex.data.multitask {...}
  model:task "forecast"       a model like any other: sample it, evaluate it
It is a network without condition encoder; encoders are modules in Lua ("unet" computes what the C
network's own does). Parameters: the network's, and condition_encoder.<task>.<name>. What is trained for one
task only gets no gradient from the other.
--]]
local backbone = require "flexlab.network.backbone"
local choices = require "flexlab.choices"
local config = require "flexlab.config"
local context = require "flexlab.context"
local network_model = require "flexlab.network.model"
local nn = require "flexlab.nn"
local words = require "flexlab.words"

local flex = choices.get("models", "flex")

-- Channels of each task's condition: of the configuration (a checkpoint's), else of the data. Data of one
-- task, or a number of channels alone, make a model of that one task.
local function conditions(given, set)
  if given.tasks then return given.tasks end
  local channels = {}
  for name, one in pairs(set and set.sets or {}) do channels[name] = one.cond_channels end
  if next(channels) then return channels end
  local alone = given.cond_channels or set and set.cond_channels
  if not alone then
    error("models.multitask: make the data first (flex.data.multitask), or give tasks = { name = channels }", 3)
  end
  return { [set and set.task and set.task.name or "superres"] = alone }
end

-- A model of one task that shares everything but the condition encoder with `shared`.
local function view(shared, name)
  local encoders = rawget(shared, "encoders") or shared.encoders
  local encoder = encoders[name]
  if not encoder then error("multitask: " .. words.unknown(name, words.keys(shared.config.tasks)), 3) end
  local one = { encoder = encoder, task_name = name, scale = shared.scale, data = shared.data
    and shared.data.tasks and shared.data.tasks[name] }
  function one:condition(batch) -- luacheck: ignore self
    return shared:use(function() return encoder:condition(batch.lowres, batch.re) end)
  end
  function one:predict(...) return shared:predict(...) end -- luacheck: ignore self
  function one:use(...) return shared:use(...) end -- luacheck: ignore self
  return setmetatable(one, { __index = shared, __tostring = function()
    return ("%s, task %s"):format(tostring(shared), name)
  end })
end

-- A network without condition encoder, and one encoder per task for the skips it has.
local function parts(cfg, channels, seed)
  local network = flex.network(cfg)
  network.condition_encoder = false
  local net = backbone.build(cfg, network, seed)
  local bundle = nn.module {}
  for name, cond in pairs(channels) do
    local own = { cond_channels = cond }
    for k, v in pairs(cfg) do own[k] = own[k] or v end
    bundle[name] = backbone.encoder(own, net, seed, "condition_encoder." .. name .. ".")
  end
  return net, bundle
end

local function new(given, set)
  given, set = config.plain(given or {}), set or context.data()     -- a recipe's section raises for keys it has not
  local channels = conditions(given, set)
  local options = {}
  for k, v in pairs(given) do
    if k ~= "tasks" and k ~= "kind" then options[k] = v end
  end
  if (options.encoder or "flex") == "flex" then
    options.encoder = backbone.of(options).encoder or "unet"     -- FLEX's own is inside a network, for one task
  end
  options.cond_channels = 1     -- no condition encoder is inside the network; each task has its own number
  local cfg = flex.resolve(options, set)
  cfg.kind, cfg.tasks = "multitask", channels
  local run = context.run()
  local seed = cfg.seed or run and run.seed or 1
  local net, bundle = parts(cfg, channels, seed)
  local only = next(channels, (next(channels))) == nil and next(channels)
  function bundle:condition(lowres, re)
    if only then return self[only]:condition(lowres, re) end
    error("a multitask model must be told the task: model:task \"superres\"", 2)
  end
  local entries, settings = flex.chosen(cfg)
  entries.settings, entries.config, entries.net, entries.seed = settings, cfg, net, seed
  entries.conditioned, entries.encoder, entries.encoders = true, bundle, bundle
  entries.cross = flex.open_paths(cfg.conditioning).cross_attention and backbone.cross(cfg, net, seed) or nil
  entries.fixed_positions = choices.get("positions", cfg.positions).fixed ~= nil
  entries.title, entries.scale = backbone.of(cfg).title, set and set.scale
  local model = network_model.new(entries)
  function model:task(name) return view(self, name) end
  return model
end

return { doc = "one network, one condition encoder per task [arXiv 2505.17351]", defaults = flex.defaults,
  new = new, resolve = flex.resolve,
  network = function(cfg)
    local network = flex.network(cfg)
    network.lua = "model 'multitask'"
    return network
  end }
