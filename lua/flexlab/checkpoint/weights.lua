--[[
weights - which tensors of a checkpoint are a network's: the one place that knows it, for all who read one.

  local path = weights.path("runs/sr/1a2b3c4d/1")         a run's folder means its last.h5
  local names = weights.names(file)                       of every parameter and buffer: "encoder.norm.weight", ...
  local tensor, entry = weights.find(file, name, true)    the averaged one where there is an average, and its entry
  weights.demand(file, path, averaged)                    raises where the last weights are asked for and are not there
  weights.staying(file.names)                             what a reduced file keeps (keep.lua)
A whole file has model/<name> of everything and ema/<name> of what is averaged. A reduced one (its text `kept`) has
ema/<name> alone of what is averaged and model/<name> of the rest: whoever walks model/ only sees the buffers. C has
the same rules in csrc/io/checkpoint.c. A second network of a run stands below 2/ and is a network of its own.
--]]
local core = require "flexlab.core"

local M = {}

--- The checkpoint that a path means: itself, or the last.h5 of a folder.
---@param path string  a file or a folder
---@return string
function M.path(path)
  return core.sys.exists(path) == "folder" and path .. "/last.h5" or path
end

--- Names of the network's tensors, without model/ or ema/, in the file's order.
---@param file table  of core.io.load
---@return string[]
function M.names(file)
  local list, seen = {}, {}
  for _, entry in ipairs(file.names) do
    local name = entry:match "^model/(.+)$" or entry:match "^ema/(.+)$"
    if name and not seen[name] then seen[name], list[#list + 1] = true, name end
  end
  return list
end

--- The tensor of a name and its entry in the file; with `averaged` the average where there is one. Nil, entry of one
--- that is not there.
---@param file table            of core.io.load
---@param name string           without model/ or ema/
---@param averaged boolean|nil  the average, where there is one
---@return flexlab.Tensor|nil
---@return string
function M.find(file, name, averaged)
  local average, last = "ema/" .. name, "model/" .. name
  if averaged and file.tensors[average] then return file.tensors[average], average end
  return file.tensors[last], last
end

--- Whether any tensor has an average.
---@param file table  of core.io.load
---@return boolean
function M.has_averages(file)
  for _, entry in ipairs(file.names) do
    if entry:find "^ema/" then return true end
  end
  return false
end

--- How many further networks the file has (below 2/, 3/, ...).
---@param file table  of core.io.load
---@return integer
function M.others(file)
  local most = 1
  for _, entry in ipairs(file.names) do most = math.max(most, tonumber(entry:match "^(%d+)/") or 1) end
  return most - 1
end

--- Raises where the last weights are wanted of a file that holds the averaged ones alone.
---@param file table            of core.io.load
---@param path string           of the file, for messages
---@param averaged boolean|nil  whether averages do
---@param hint string|nil       what to do, in words
function M.demand(file, path, averaged, hint)
  if averaged or not file.text.kept or not M.has_averages(file) then return end
  error(("%s holds the averaged weights alone (train.keep, flexlab prune), not the last ones%s"):format(path,
    hint and ": " .. hint or ""), 0)
end

--- Names of a checkpoint's tensors that stay in a reduced one, in its order.
---@param names string[]  in the file's order
---@return string[]
function M.staying(names)
  local there, list = {}, {}
  for _, name in ipairs(names) do there[name] = true end
  for _, name in ipairs(names) do
    local prefix, part, rest = name:match "^(%d*/?)(%l+)/(.*)$"
    local keep = part == "ema" or part == "model" and not there[prefix .. "ema/" .. rest]
    if keep or part ~= "model" and part ~= "optim" then list[#list + 1] = name end
  end
  return list
end

return M
