--[[
renamed - what was called otherwise once: the old name -> the present one.

`modules`, both names without "flexlab.": code of users, and the copies of it that runs keep (flexlab run --from), may
require a module by the name it had then. loading.lua looks here when no file has the name, says so once, and gives the
module of today. A module that moves gets its line in the same change; nothing of ours uses an old name.

`words` of choices, by kind: a setting that has the old word is stored with the present one, before a run's hash is
made (settings/declare.lua), and a run that was finished under the old word is found (run/place.lua).

`entries` of choices, by kind: the functions and tables that such a file returns (choices.lua).

`run`: methods of runs (run/init.lua). `parts`: of `flex` itself (init.lua).
--]]
return {
  modules = {
    ["contracts.fields"] = "contracts.data",
    ["contracts.words"] = "chosen",
    ["data"] = "tasks",
    ["data.batches"] = "tasks.batches",
    ["data.scale"] = "data.scales",
    ["data.tasks"] = "tasks.kinds",
    ["flow.reference_ensemble"] = "evaluation.reference_ensemble",
    ["multitask"] = "diffusion.multitask",
    ["network.arithmetic"] = "network.operations",
    ["parametrisations.flow"] = "parametrisations.rectified_flow",
    ["run.checkpoint"] = "checkpoint",
    ["run.checkpoint_texts"] = "checkpoint.texts",
    ["run.code"] = "origin.code",
    ["run.copies"] = "origin.copies",
    ["run.divergence"] = "divergence",
    ["run.folder"] = "store.folder",
    ["run.foreign"] = "store.foreign",
    ["run.interruption"] = "context.interruption",
    ["run.keep"] = "checkpoint.keep",
    ["run.latest"] = "store.latest",
    ["run.library"] = "origin.library",
    ["run.locals"] = "checkpoint.locals",
    ["run.lock"] = "store.locks",
    ["run.machinery"] = "checkpoint.settings",
    ["run.metric"] = "run.judging",
    ["run.notes"] = "context.notes",
    ["run.own"] = "store.own",
    ["run.progress"] = "context.progress",
    ["run.provenance"] = "origin.provenance",
    ["run.report"] = "report",
    ["run.same_parts"] = "origin.same_parts",
    ["run.state"] = "store.state",
    ["run.steady"] = "origin.steady",
    ["run.temporary"] = "store.temporary",
    ["run.tokens"] = "origin.tokens",
    ["run.weights"] = "checkpoint.weights",
    ["run.witness"] = "origin.witness",
    ["schedules.flow"] = "schedules.rectified_flow",
    ["settings.rows"] = "settings._rows",
    ["store.lock"] = "store.locks",
    ["table"] = "tabulate",
    ["text"] = "words",
  },
  words = {
    schedules = { flow = "rectified_flow" },
    parametrisations = { flow = "rectified_flow" },
  },
  entries = {
    conditioning = { roads = "paths" },
    parametrisations = { gain = "error_scale" },
  },
  parts = { text = "words" },
  run = { watch = "add_to_checkpoint", unwatch = "leave_out_of_checkpoint", saw = "has_read", price = "write_cost" },
}
