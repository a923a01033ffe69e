--[[
loader - what reading costs: training steps on the same patches from memory and from gzip-compressed HDF5, read
ahead by a thread and read when they are wanted.

The files are compressed copies (level 4, chunks as large as patches) in a folder of their own. One alternation is
a few steps of each way, in an order that turns; a ratio is formed within each. The patches, and so the work, are
the same in all ways. Processor seconds are those of all threads: what others do on the machine does not enter them,
but for threads that wait for each other (so --threads 1 tells best how much work reading is).
--]]
local core = require "flexlab.core"
local flex = require "flexlab"
local data_paths = require "flexlab.data.paths"
local repack = require "flexlab.data.repack"
local stats = require "flexlab.stats"
local terminal = require "flexlab.terminal"

local M = {}

M.steps = 8   -- of each way in an alternation

local ways = { "memory", "ahead", "at once" }
local settings = { memory = {}, ahead = { memory = 0, prefetch = true },
  ["at once"] = { memory = 0, prefetch = false } }

-- Compressed copies of files in a folder; returns their paths.
local function copies(paths, folder, chunk)
  local list = {}
  for i, path in ipairs(paths) do
    list[i] = folder .. "/" .. path:match("[^/]*$"):gsub("%.[^.]*$", "") .. ".h5"
    repack(path, list[i], { deflate = 4, chunk = chunk })
  end
  return list
end

local function set_of(way, paths, values)
  local cfg = { file = paths, test = paths, test_tiles = 1, factor = 4, crop = values.size,
    batch = values.batch, seed = 1, memory = flex.settings.of("data").entry.memory.most }
  for k, v in pairs(settings[way]) do cfg[k] = v end
  return flex.data.superres(cfg)
end

-- A function of (way, first step): seconds a step of some training steps, by the clock and of the processors.
local function trainer(sets, values)
  local model = flex.models.flex({ size = values.model, dropout = 0.0, seed = 1 }, sets.memory)
  local optim = flex.optim.adam(model, { lr = 1e-4 })
  return function(way, first)
    local began, worked = core.sys.time(), os.clock()
    for step = first, first + M.steps - 1 do
      local scope <close> = core.scope()
      optim:step(flex.diffusion.loss(model, sets[way].train:batch(step), step))
      scope:close()
      if core.sys.interrupts() > 0 then error("stopped", 0) end
    end
    return (core.sys.time() - began) / M.steps, (os.clock() - worked) / M.steps
  end
end

local function measure(paths, values, folder)
  local sets, packed = {}, copies(paths, folder, values.size)
  for _, way in ipairs(ways) do sets[way] = set_of(way, way == "memory" and paths or packed, values) end
  local train, result = trainer(sets, values), {}
  for _, way in ipairs(ways) do result[way] = { wall = {}, cpu = {} } end
  for i = 0, values.repeats do   -- the first is left out
    for k = 1, #ways do
      local of = result[ways[(k + i) % #ways + 1]]
      of.wall[i], of.cpu[i] = train(ways[(k + i) % #ways + 1], 1 + i * M.steps)
    end
  end
  for _, set in pairs(sets) do
    for _, file in ipairs(set.opened.train.files) do file.reader:close() end
  end
  return result
end

-- "0.98 (0.97 to 1.01)": memory's seconds over those of a way, within each alternation.
local function ratio(memory, seconds)
  local list = {}
  for i, s in ipairs(seconds) do list[i] = memory[i] / s end
  return ("%.3f (%.3f to %.3f)"):format(stats.median(list), math.min(table.unpack(list)), math.max(table.unpack(list)))
end

local function report(result, values)
  terminal.say(("%s, batch %d of %dx%d, %d threads: %d alternations of %d steps; seconds a step\n"):format(values.model,
    values.batch, values.size, values.size, core.threads(), values.repeats, M.steps))
  local t = flex.table { "read", "clock", "memory's over it", "processors", "memory's over them" }
  for _, way in ipairs(ways) do
    local of, memory = result[way], result.memory
    t:row { way, ("%.4g"):format(stats.median(of.wall)), ratio(memory.wall, of.wall),
      ("%.4g"):format(stats.median(of.cpu)), ratio(memory.cpu, of.cpu) }
  end
  t:print()
end

--- Measures and prints the ways of reading.
---@param values table  data (files), model, size, batch, repeats, json
function M.run(values)
  local folder = os.tmpname()
  os.remove(folder)
  assert(core.sys.mkdirs(folder))
  local paths = data_paths.expand(flex.data.ensure({ file = values.data }).file)
  local ok, result = pcall(measure, paths, values, folder)
  for _, name in ipairs(core.sys.list(folder) or {}) do core.sys.remove(folder .. "/" .. name) end
  core.sys.remove(folder)
  if not ok then error(result, 0) end
  if values.json then
    for _, way in ipairs(ways) do result[way].wall[0], result[way].cpu[0] = nil, nil end
    terminal.json { memory = result.memory, ahead = result.ahead, at_once = result["at once"] }
  else
    report(result, values)
  end
end

return M
