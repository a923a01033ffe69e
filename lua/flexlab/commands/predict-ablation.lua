--[[
predict-ablation - which target has the quieter velocity, from the data alone.
--]]
local arguments = require "flexlab.commands.arguments"
local flex = require "flexlab"
local settings = require "flexlab.settings"
local variables = require "flexlab.commands.variables"
local terminal = require "flexlab.terminal"

local fine = settings.of("superres").entry

return {
  name = "predict-ablation",
  doc = "estimate from the data which target is easier to learn",
  arguments = { { name = "data", takes = { "file" }, doc = "fields, HDF5 or a pattern" } },
  options = variables.with {
    { name = "task", value = "NAME", kind = "words", words = { "superres", "forecast" }, default = "superres",
      doc = "task whose targets are compared: superres or forecast" },
    arguments.setting(fine.factor, "N", { doc = "ratio of fine to coarse grid, for super-resolution" }),
    arguments.setting(fine.degradation, "WORD",
      { doc = "how the coarse field is made (flexlab list choices)" }),
    arguments.setting(settings.of("forecast").entry.lead, "N", { kind = "integer",
      doc = "lead of the forecast, in frames" }),
    arguments.setting(fine.crop, "N", { doc = "side of the patches in pixels" }),
    { name = "batches", value = "N", kind = "integer", least = 1, default = 16,
      doc = "number of batches, of 8 patches each" },
    arguments.setting(fine.seed, "N", { default = 1, doc = "seed of the patches" }),
    { name = "json", doc = "print one line of JSON instead of the table" },
  },
  notes = "The targets are raw, residual and interpolant. For each the table has the variance of the optimal\n"
    .. "velocity, the part of it that the condition determines, and the least loss, which no network can\n"
    .. "avoid; all per pixel, in the units of training, for Gaussian fields (flex.prediction has the assumptions).",
  run = function(values)
    local cfg = variables.of(values)
    cfg.file, cfg.test, cfg.crop, cfg.batch = values.data, values.data, values.crop, 8
    cfg.seed, cfg.test_tiles = values.seed, 1
    if values.task == "superres" then
      cfg.factor, cfg.degradation = values.factor, values.degradation
    else
      cfg.lead, cfg.past = values.lead, 1
    end
    local p = flex.prediction(flex.data[values.task](cfg).train, { batches = values.batches })
    if not values.json then return p.table:print() and nil end
    local plain = {}
    for _, name in ipairs(flex.prediction.names) do
      plain[name] = { variance = p[name].variance, removable = p[name].removable, loss = p[name].loss }
    end
    terminal.json(plain)
  end,
}
