--[[
flexlab - a laboratory for diffusion models of physical fields. Tensors are (N,H,W,C) everywhere.

  local flex = require "flexlab"
Parts load when first named. Ops and tensor constructors of the core are here too (flex.conv2d,
flex.zeros); `flex.losses()` and its like list the choices of a kind.
--]]
require "flexlab.loading"   -- from here on recipes find one another, and runs are told what is loaded
local core = require "flexlab.core"
local renamed = require "flexlab.renamed"
local terminal = require "flexlab.terminal"

-- core.io.field of 0.1.0, for code that still calls it.
setmetatable(core.io, { __index = function(_, name)
  return name == "field" and require "flexlab.data.former_field" or nil
end })

local flex = { core = core, _VERSION = "FlexLab " .. tostring(core.info().version) }

-- name -> module, and the field of it that is meant (the module itself without one).
local parts = {
  recipe = { "run.recipe", "new" }, optional = { "config", "optional" }, config = { "config" },
  load_model = { "checkpoint", "load_model" }, checkpoint = { "checkpoint" },
  evaluate = { "evaluation", "evaluate" }, run = { "context", "run" }, literal = { "literal" },
  apply = { "apply" }, data = { "tasks" }, diffusion = { "diffusion" }, baselines = { "evaluation.baselines" },
  nn = { "nn" }, rng = { "rng" }, parity = { "official.parity" }, convert = { "official.convert" },
  choices = { "choices" }, contracts = { "contracts" }, generate = { "flow.generate" }, samples = { "flow.samples" },
  words = { "words" }, frames = { "data.frames" }, fields = { "data.fields" }, log = { "run.log" }, study = { "study" },
  stats = { "stats" }, table = { "tabulate" }, plot = { "plot" }, picture = { "picture" },
  report = { "report" }, html = { "html" }, help = { "help" },
  sampler_study = { "study.samplers", "study" }, calibration = { "evaluation.calibration" },
  turbulence = { "evaluation.turbulence" },
  reference_ensemble = { "evaluation.reference_ensemble", "make" }, rollout = { "evaluation.rollout" },
  runs = { "study.finished" }, prediction = { "diffusion.prediction" }, doctor = { "doctor" },
  settings = { "settings" }, optimizer = { "optim", "of" },
  multitask = { "diffusion.multitask" }, tiling = { "diffusion.tiling" }, seams = { "diffusion.seams" },
}

local kinds = { schedules = true, parametrisations = true, weightings = true, targets = true,
  samplers = true, grids = true, guidance = true, losses = true, degradations = true,
  observables = true, formats = true, symmetries = true, encoders = true, conditioning = true, models = true,
  backbones = true, positions = true }

-- The part that was called otherwise once (renamed.lua): said once, since what is given is kept.
local function former_part(name)
  local now = renamed.parts[name]
  if not now then return nil end
  terminal.note(("flex.%s is called flex.%s now"):format(name, now))
  return flex[now]
end

local function load_part(name)
  if parts[name] then
    local module = require("flexlab." .. parts[name][1])
    return parts[name][2] and module[parts[name][2]] or module
  elseif kinds[name] then
    return require("flexlab.choices").registry(name)
  elseif name == "optim" then
    return require("flexlab.choices").registry "optimizers"
  end
  if core[name] ~= nil then return core[name] end
  return former_part(name)
end

local function known()
  local names = { "optim" }
  for _, t in ipairs { parts, kinds, core } do
    for k in pairs(t) do names[#names + 1] = k end
  end
  return names
end

return setmetatable(flex, {
  parts = parts,   -- for the reference
  __index = function(t, name)
    local value = load_part(name)
    if value == nil then
      local words = require "flexlab.words"
      error(("flexlab has no '%s'%s"):format(tostring(name), words.meant(name, known())), 2)
    end
    rawset(t, name, value)
    return value
  end,
})
