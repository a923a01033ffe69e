--[[
renamed - modules that were called otherwise once: the old name -> the present one, both without "flexlab.".

Code of users, and the copies of it that runs keep (flexlab run --from), may require a module by the name it had then.
loading.lua looks here when no file has the name, says so once, and gives the module of today. A module that moves gets
its line here in the same change; nothing of ours uses an old name (tests/layers.lua).
--]]
return {
  ["run.interruption"] = "context.interruption",
  ["run.notes"] = "context.notes",
  ["run.progress"] = "context.progress",
  ["run.folder"] = "store.folder",
  ["run.foreign"] = "store.foreign",
  ["run.latest"] = "store.latest",
  ["run.lock"] = "store.lock",
  ["run.own"] = "store.own",
  ["run.state"] = "store.state",
  ["run.temporary"] = "store.temporary",
}
