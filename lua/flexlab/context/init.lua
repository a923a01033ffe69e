--[[
context - what goes on: the run whose body is being executed, and the data that were made last.

  local run = context.run()      nil outside of runs, at a prompt
  local data = context.data()    the set of that run (flex.data.superres), else the last one that was made
A network asks here for its seed and the shape of its fields, an optimiser for the run that keeps it, a reader for the
run that must know what was read. They stand below runs and know nothing of them: what they get has the methods of
run/init.lua, and that is all. Runs of one process are a stack, since a body may run another recipe.
--]]
local blame = require "flexlab.blame"

local M = {}

local stack, last = {}, nil

--- The run whose body is being executed, or nil.
---@param ... nil  nothing; an argument raises
---@return table|nil
function M.run(...)
  if select("#", ...) > 0 then error("run takes nothing: it is the run whose body is being executed", 2) end
  return stack[#stack]
end

--- The data of the current run, else those made last; nil where there are none.
---@return table|nil
function M.data()
  local run = M.run()
  return run and run.data or last
end

--- A run begins: it is the current one until it leaves.
---@param run table  with the methods of run/init.lua
function M.enter(run) stack[#stack + 1] = run end

--- A run ends.
---@param run table  the one that entered
function M.leave(run)
  for i = #stack, 1, -1 do
    if stack[i] == run then table.remove(stack, i) end
  end
end

--- Makes a set the current data. Returns the run if they are its first: it keeps them.
---@param set table  of data (tasks/init.lua)
---@return table|nil
function M.announce(set)
  local run = M.run()
  last = set
  if not run or run.data then return nil end
  run.data = set
  return run
end

local function among(runs, f, ...)
  local hidden = stack
  stack = runs
  local ok, e = xpcall(f, blame.handler, ...)
  stack = hidden
  if not ok then error(e, 0) end
end

--- f(...) as if no run were going on: what is made in it is watched by none. For what is tried, not trained.
---@param f function  what is called; its results are lost
---@param ... any     its arguments
function M.aside(f, ...) among({}, f, ...) end

--- f(...) as if `run` alone were going on.
---@param run table   the only one that is seen
---@param f function  what is called; its results are lost
---@param ... any     its arguments
function M.within(run, f, ...) among({ run }, f, ...) end

return M
