--[[
export - a run, or a study with all its runs, as one archive that opens elsewhere.
--]]
local destination = require "flexlab.store.destination"
local export = require "flexlab.run.export"
local finished = require "flexlab.study.finished"
local latest = require "flexlab.store.latest"
local record = require "flexlab.study.record"
local state = require "flexlab.store.state"
local terminal = require "flexlab.terminal"

-- The folders of the runs that a path means, and of the study; raises for one that is running or not there.
local function runs_of(path)
  local study = not finished.is_run(path) and record.find(path) or nil
  local dirs = {}
  for i, task in ipairs(finished.tasks { path }) do
    local word = state.of(task.dir).word
    if word == "running" then error(("export: %s is running; export it when it is done"):format(task.dir), 0) end
    if word ~= "done" then terminal.note(("%s is not done (%s)"):format(task.dir, word)) end
    dirs[i] = task.dir
  end
  return dirs, study
end

return {
  name = "export",
  writes = true,
  doc = "write a run or a study into one archive",
  arguments = { { name = "run", takes = { "folder" },
    doc = "folder of a run (runs/sr/1a2b3c4d/1), of a study, or one above runs" } },
  options = { { name = "out", value = "FILE", doc = "archive to write [named after the run: sr-1a2b3c4d-1.tar]" } },
  notes = "The archive is a plain tar file with the settings, recipe, parts, versions, log, result and weights of\n"
    .. "each run. The data are not in it. Open it with tar xf, or with flexlab import, which checks every file.",
  run = function(values)
    local path = latest.resolve(values.run)
    local given = values.out and destination.of("--out", values.out)
    local dirs, study = runs_of(path)
    local name = latest.place(study or #dirs == 1 and dirs[1] or path):gsub("^%.*/*", ""):gsub("/", "-")
    local out = values.out or (name ~= "" and name or "runs") .. ".tar"
    local count, bytes = export.write(given or out, dirs, study)
    terminal.say(("%s: %d run%s%s, %d files, %.1f MB"):format(out, #dirs, #dirs == 1 and "" or "s",
      study and " and their study" or "", count, bytes / 1e6))
  end,
}
