--[[
prune - frees what finished runs no longer need of their checkpoints: all but the averaged weights.
--]]
local arguments = require "flexlab.commands.arguments"
local core = require "flexlab.core"
local finished = require "flexlab.study.finished"
local keep = require "flexlab.checkpoint.keep"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"

local function megabytes(bytes) return ("%.1f MB"):format(bytes / 1e6) end

-- The folder of all runs above a run's.
local function root_of(dir) return dir:match "^(.+)/[^/]+/[^/]+/[^/]+$" or "." end

-- What can be freed: { dir, freed } each; a table that shows all runs; the sum.
local function look(paths)
  local t, list, sum, readers = tabulate { "run", "now", "frees", "" }, {}, 0, {}
  for _, task in ipairs(finished.tasks(paths)) do
    local root = root_of(task.dir)
    readers[root] = readers[root] or keep.read_by_others(root)
    local why, now, after = keep.obstacle(task.dir, readers[root]), nil, nil
    if not why then
      now, after = keep.sizes(task.dir)
      if not now then why = after end
    end
    if why then
      t:row { task.dir, "-", "-", "kept: " .. why }
    elseif now > after then
      list[#list + 1], sum = { dir = task.dir, frees = now - after }, sum + now - after
      t:row { task.dir, megabytes(now), megabytes(now - after), "" }
    else
      t:row { task.dir, megabytes(now), "-", "holds no more than it needs" }
    end
  end
  return list, t, sum
end

local function agreed(values)
  if values.yes then return true end
  if not (core.sys.isatty(0) and core.sys.isatty(1)) then return false end
  terminal.write "Training cannot go on from what is left. Free it? [y/N] "
  io.flush()
  local answer = io.read() or ""
  return answer:lower() == "y" or answer:lower() == "yes"
end

return {
  name = "prune",
  doc = "reduce the checkpoints of finished runs to the moving averages (EMA)",
  arguments = { { name = "paths", many = true, takes = { "folder" },
    doc = "runs, folders above them (runs/sr), or studies" } },
  options = { { name = "yes", doc = "delete at once; without it, show what would be freed and ask on a terminal" } },
  notes = "The optimiser's state and the final weights are deleted. Sampling, evaluation and train.from work as\n"
    .. "before; training cannot go on. Runs that are not finished stay as they are, and so do runs from which\n"
    .. "another run in the same folder has started. A recipe with train.keep = \"ema\" does the same at its end.",
  run = function(values)
    for _, path in ipairs(values.paths) do
      if core.sys.exists(path) ~= "folder" then arguments.wrong("prune: there is no folder '%s'", path) end
    end
    local list, t, sum = look(values.paths)
    t:print()
    terminal.say(("%s of %d runs can be freed"):format(megabytes(sum), #list))
    if #list == 0 then return end
    if not agreed(values) then return terminal.say "nothing was freed (--yes does it)" end
    local freed, failed = 0, 0
    for _, run in ipairs(list) do
      local bytes, message = keep.locked(run.dir)
      if not bytes then
        terminal.fail(("%s: %s"):format(run.dir, message))
        failed = failed + 1
      end
      freed = freed + (bytes or 0)
    end
    terminal.say(("freed %s of %d runs"):format(megabytes(freed), #list - failed))
    return failed > 0 and 1 or 0
  end,
}
