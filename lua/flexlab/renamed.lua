--[[
renamed - modules that were called otherwise once: the old name -> the present one, both without "flexlab.".

Code of users, and the copies of it that runs keep (flexlab run --from), may require a module by the name it had then.
loading.lua looks here when no file has the name, says so once, and gives the module of today. A module that moves gets
its line here in the same change; nothing of ours uses an old name (tests/layers.lua).
--]]
return {
  ["contracts.words"] = "chosen",
  ["data"] = "tasks",
  ["data.batches"] = "tasks.batches",
  ["data.tasks"] = "tasks.kinds",
  ["flow.reference_ensemble"] = "evaluation.reference_ensemble",
  ["multitask"] = "diffusion.multitask",
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
  ["run.lock"] = "store.lock",
  ["run.machinery"] = "checkpoint.settings",
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
}
