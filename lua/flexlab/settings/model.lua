--[[
model - the settings of a network (flex.models.flex, flex.models.multitask). A choice's own settings stand in its
file (`flexlab list choices`), and are given in the table <choice>_options. What decides the network alone is FLEX's
configuration: csrc/model/flex_fields.def has its default, range and meaning, also where there is no line here.
--]]
local core = require "flexlab.core"
local words = require "flexlab.words"

local rows = require("flexlab.settings._rows").of(core.flex_fields)

-- A field that recipes leave to something else: to the size, or to the data.
local function left(name, to, types)
  return rows.entry(name, { default = false, types = types or "false|integer", note = "; false: " .. to })
end

local list = {
  early = true,
  doc = "the network: flex.models.flex",
  { "kind", "flex", "word", kind = "models", internal = true, doc = "model: one task, or several" },
  { "backbone", "flex", "word", kind = "backbones", doc = "architecture of the network" },
  { "backbone_options", {}, "table", choice = "backbone", doc = "settings of the backbone" },
  { "size", "nano", "string", doc = "preset of channels, res_blocks, depth and heads: "
    .. words.list(core.flex_sizes, "or") },
  rows.entry("channels", { default = false, types = "false|integer|integers",
    note = " (uvit: one number); false: by the size" }),
  left("res_blocks", "by the size", "false|integer|integers"),
  left("depth", "by the size"),
  left("heads", "by the size"),
  { "conditioning", "both", "word|words|table", kind = "conditioning", joined = true,
    doc = "how the condition enters: a word, several (\"a+b\"), or { weak_skips = true, ... }" },
  { "encoder", "flex", "word", kind = "encoders", doc = "encoder of the condition; flex: the backbone's own" },
  { "encoder_options", {}, "table", choice = "encoder", doc = "settings of the encoder" },
  rows.entry "use_transf",
  rows.entry "embed_condition",
  rows.entry "skip",
  { "padding", "zeros", "word", words = { "zeros", "circular", "data" },
    doc = "padding of convolutions; data: circular where patches are whole periodic fields" },
  { "positions", "learned", "word", kind = "positions", doc = "positions of the transformer's tokens" },
  rows.entry "dropout",
  rows.entry "recompute",
  rows.entry "precision",
  { "predict", "v", "word", kind = "parametrisations", doc = "parametrisation: what the network predicts" },
  { "predict_options", {}, "table", choice = "predict", doc = "settings of the parametrisation" },
  { "official", false, "boolean", doc = "compute the parametrisations x and eps as the authors' code does" },
  { "schedule", "cosine", "word", kind = "schedules", doc = "noise schedule" },
  { "shift", 1.0, "number", above = 0, most = 1e6, doc = "shift of the schedule (cosine)" },
  { "limit", false, "false|number", above = 0, most = 1e3, doc = "largest |logSNR| of the schedule (cosine, linear)" },
  { "schedule_options", {}, "table", choice = "schedule", doc = "settings of the schedule" },
  { "target", "residual", "word", kind = "targets", doc = "target of the diffusion: field or difference" },
  { "target_options", {}, "table", choice = "target", doc = "settings of the target" },
  { "weighting", "none", "word", kind = "weightings", doc = "weight of the loss by noise level" },
  { "weighting_options", {}, "table", choice = "weighting", doc = "settings of the weighting" },
  { "loss", "l1", "word", kind = "losses", doc = "loss between prediction and goal" },
  { "delta", 1.0, "number", above = 0, most = 1e6, doc = "loss `huber`: error at which it becomes linear" },
  { "loss_options", {}, "table", choice = "loss", doc = "settings of the loss" },
  { "drop_condition", 0.0, "number", least = 0, most = 1,
    doc = "probability that a training sample's condition is dropped; guidance `classifier_free` needs it" },
  left("height", "the data's"),
  left("width", "the data's"),
  left("in_channels", "the data's"),
  left("cond_channels", "the data's"),
  { "seed", false, "false|integer", least = 0, most = 1 << 53, doc = "seed of the initial weights; false: the run's" },
}

for _, entry in ipairs(rows.rest()) do list[#list + 1] = entry end
return list
