--[[
machines - whether runs that are compared were made by the same arithmetic. Same seed, same bits holds for one
instruction set and one device; runs of another differ in the last bits of each sum, which training enlarges. A study
that several hosts worked on may mix them, so its table says so (each run's env.txt has both words).
--]]
local own = require "flexlab.store.own"
local words = require "flexlab.words"

local M = {}

-- "avx2" or "avx2 on ref": what a run was computed with; nil if it does not say.
local function of(dir)
  local env = own.read(dir, "env.txt") or ""
  local isa, device = env:match "\nisa%s+(%S+)", env:match "\ndevice%s+(%S+)"
  return isa and (device and device ~= "cpu" and ("%s on %s"):format(isa, device) or isa)
end

--- A sentence where finished runs were made with several instruction sets or devices, else nil.
---@param tasks table[]  runs
---@return string|nil
function M.remark(tasks)
  local count = {}
  for _, task in ipairs(tasks) do
    local name = task.result and task.dir and of(task.dir)
    if name then count[name] = (count[name] or 0) + 1 end
  end
  local names = words.keys(count)
  if #names < 2 then return nil end
  for i, name in ipairs(names) do names[i] = ("%s (%d runs)"):format(name, count[name]) end
  return ("the runs were computed with several instruction sets or devices, so equal seeds do not mean equal bits: %s")
    :format(words.list(names))
end

return M
