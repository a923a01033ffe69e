-- workers.lua - the runs of a study in several processes.
--
-- Worker i of n is `flexlab run FILE ... --worker i/n`: it does every n-th run and prints a line for
-- each. The parent starts all of them, passes their lines on, and raises if one failed. Runs are
-- folders and a finished run is found again, so nothing else needs to be handed over.

local blame = require "flexlab.blame"
local config = require "flexlab.config"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local words = require "flexlab.text"

local M = {}

local function quoted(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

-- A shell command that reads as `flexlab`: this program, or the stock interpreter that runs us.
-- Both get our module paths, which a script may have changed.
function M.program()
  local paths = ("LUA_PATH_5_4=%s LUA_CPATH_5_4=%s "):format(quoted(package.path), quoted(package.cpath))
  local argument = rawget(_G, "arg") or {}
  local lowest = 0
  while argument[lowest - 1] do lowest = lowest - 1 end
  if package.preload["flexlab.core"] then return paths .. quoted(argument[lowest] or "flexlab") end
  local lua = lowest < 0 and argument[lowest] or "lua5.4"
  return paths .. quoted(lua) .. " -e 'return require(\"flexlab.commands\").exit(arg)' /dev/null"
end

-- The command line that repeats this study, without its --worker.
function M.arguments(study, overrides, seeds, o)
  local list = { "run", study.source, "--seeds", table.concat(seeds, ","), "--out", o.root }
  local function setting(option, key, text)
    list[#list + 1], list[#list + 2] = option, key .. "=" .. text
  end
  local plain = config.plain(overrides or {})
  for _, key in ipairs(words.keys(plain)) do setting("--set", key, literal.encode(plain[key])) end
  if study.sweep then
    for _, key in ipairs(words.keys(study.grid)) do
      local values = {}
      for i, value in ipairs(study.grid[key]) do values[i] = literal.encode(value) end
      setting("--sweep", key, table.concat(values, ","))
    end
    if study.kind == "zip" then list[#list + 1] = "--zip" end
  end
  if o.fresh then list[#list + 1] = "--fresh" end
  if o.quiet then list[#list + 1] = "--quiet" end
  if o.device then list[#list + 1], list[#list + 2] = "--device", o.device end
  if blame.wanted() then list[#list + 1] = "--traceback" end
  return list
end

local function command(study, overrides, seeds, o, i)
  local list = M.arguments(study, overrides, seeds, o)
  for k, word in ipairs(list) do list[k] = quoted(word) end
  local threads = o.threads or math.max(1, (core.info().cores or 1) // o.jobs)
  return ("%s %s --threads %d --worker %d/%d 2>&1"):format(M.program(), table.concat(list, " "),
    threads, i, o.jobs)
end

-- Starts o.jobs workers, waits for all; raises when the study is not a file or a worker failed.
function M.run(study, overrides, seeds, o)
  if not study.source then
    error(("study '%s' is not in a file, so other processes cannot run it; use jobs = 1")
      :format(study.name), 0)
  end
  local pipes, failed = {}, 0
  for i = 1, o.jobs do
    pipes[i] = assert(io.popen(command(study, overrides, seeds, o, i), "r"))
  end
  for i = 1, o.jobs do
    for line in pipes[i]:lines() do
      io.write(line, "\n")
      io.flush()
    end
    if not pipes[i]:close() then failed = failed + 1 end
  end
  if failed > 0 then
    error(("%d of %d workers of '%s' failed; finished runs are kept, the same command does the rest")
      :format(failed, o.jobs, study.name), 0)
  end
end

return M
