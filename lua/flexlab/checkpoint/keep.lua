--[[
keep - what stays of a finished run's checkpoint. last.h5 holds the weights, their moving averages and two moments of
the optimiser: four tensors for each parameter, of which a finished run needs one.

  train.keep = "ema"       the averaged weights alone are kept when the run ends (outcome.lua; default "all")
  flexlab prune PATH...    the same of finished runs
What stays: ema/<name> of all that has an average, model/<name> of all that has none (buffers, or every weight of a run
without averages), all texts, and `kept` = "ema", which says why the rest is missing. Sampling, evaluation, C programs
and train.from read such a file as before; what needs the rest (training on, --raw) finds no tensor and says so.

A run whose last.h5 another run has read (train.from) is left as it is: its contents are in that run's files.lua, and
a changed file would make the other run a new one.
--]]
local core = require "flexlab.core"
local latest = require "flexlab.store.latest"
local locks = require "flexlab.store.locks"
local checkpoint_settings = require "flexlab.checkpoint.settings"
local provenance = require "flexlab.origin.provenance"
local state = require "flexlab.store.state"
local weights = require "flexlab.checkpoint.weights"

local M = {}

local MOMENTS = 4     -- tensors for each parameter: weight, average, two moments

--- Bytes of the tensors of a run's last.h5, and of those that would stay; nil, message where there is none.
---@param dir string  the run's folder
---@return integer|nil  bytes now
---@return integer|string  bytes that stay, or the message
function M.sizes(dir)
  local path = dir .. "/last.h5"
  if core.sys.exists(path) ~= "file" then return nil, "it has no last.h5" end
  local file, message = core.io.container(path)
  if not file then return nil, message end
  local names, bytes, now, after = {}, {}, 0, 0
  for _, v in ipairs(file:variables()) do
    local name, size = v.path:gsub("^/", ""), math.tointeger(tonumber(v.dtype:match "%d+$")) or 4
    for _, n in ipairs(v.shape) do size = size * n end
    names[#names + 1], bytes[name], now = name, size, now + size
  end
  file:close()
  for _, name in ipairs(weights.staying(names)) do after = after + bytes[name] end
  return now, after
end

--- How many bytes a run's last.h5 has, or had before it was reduced: what another run like it will need. 0 without one.
---@param dir string  the run's folder
---@return integer
function M.whole_bytes(dir)
  local path = dir .. "/last.h5"
  local file = core.sys.exists(path) == "file" and core.io.container(path)
  if not file then return core.sys.size(path) or 0 end
  local text = file:attributes ""
  file:close()
  local size = core.sys.size(path) or 0
  if not text.kept then return size end
  return math.tointeger(tonumber(text.whole_bytes)) or MOMENTS * size     -- of versions that did not write it down
end

--- Writes last.h5 anew with what stays; the bytes of tensors that this freed, as M.sizes counts them (0: nothing was
--- left to free), or nil, message.
---@param dir string  the run's folder
---@return integer|nil
---@return string|nil
function M.reduce(dir)
  local path = dir .. "/last.h5"
  local before, fault = M.sizes(dir)
  if not before then return nil, fault end
  local file, message = core.io.load(path)
  if not file then return nil, message end
  if file.text.kind ~= "flexlab checkpoint" then return nil, path .. " is not a FlexLab checkpoint" end
  local names, tensors = weights.staying(file.names), {}
  if #names == #file.names then return 0 end
  for _, name in ipairs(names) do tensors[name] = file.tensors[name] end
  file.text.kept, file.text.whole_bytes = "ema", tostring(core.sys.size(path))
  local ok
  ok, message = core.io.save(path, { names = names, tensors = tensors, text = file.text })
  if not ok then return nil, message end
  local now = M.sizes(dir)
  return now and before - now or nil, not now and path .. " cannot be read again" or nil
end

--- What train.keep of a run's settings says.
---@param cfg table  resolved
---@return string  "all" or "ema"
function M.wanted(cfg) return checkpoint_settings.of(cfg, "keep") end

--- The runs (as places: sr/1a2b3c4d/1) whose last.h5 runs below a folder have read, and by whom.
---@param root string  the folder of all runs
---@return table  { [place] = folder }
function M.read_by_others(root)
  local readers = {}
  for _, name in ipairs(latest.folders(root)) do
    for _, hash in ipairs(latest.folders(root .. "/" .. name)) do
      local folder = ("%s/%s/%s"):format(root, name, hash)
      for _, file in ipairs(provenance.recorded(folder)) do
        local run = type(file.path) == "string" and file.path:match "^(.*)/last%.h5$"
        if run then readers[latest.place(run)] = folder end
      end
    end
  end
  return readers
end

--- Why a run is not reduced, in a few words; nil for one that can be.
---@param dir string     the run's folder
---@param readers table  of M.read_by_others
---@return string|nil
function M.obstacle(dir, readers)
  local s = state.of(dir)
  if s.word ~= "done" then return s.word == "running" and "it is running" or ("it is not done (%s)"):format(s.word) end
  local reader = readers[latest.place(dir)]
  if reader then return ("%s has read its last.h5 (train.from)"):format(latest.place(reader)) end
end

--- M.reduce while nobody else has the run.
---@param dir string  the run's folder
---@return integer|nil  as of M.reduce
---@return any  why not
function M.locked(dir)
  local lock, owner, message = locks.take(dir)
  if not lock then return nil, owner and locks.busy(dir, owner) or message end
  local ok, freed, why = pcall(M.reduce, dir)
  lock:release()
  if not ok then return nil, freed end
  return freed, why
end

return M
