--[[
outcome - the last thing that a run does: result.lua is written when nothing is left to do, so whoever finds it finds
a run that is whole.

With train.keep = "ema" the checkpoint is reduced first (checkpoint/keep.lua). A process killed then would leave weights
that training cannot go on from, and no result; so the result is laid down before as result.lua.part. An attempt that
finds that file does the rest: the body has returned, nothing has to be computed again.
--]]
local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local keep = require "flexlab.checkpoint.keep"
local literal = require "flexlab.literal"
local must = require "flexlab.must"

local M = {}

local PART, RESULT = "/result.lua.part", "/result.lua"

--- Ends what an attempt has begun to end, if one has; the lock must be held.
---@param dir string  the run's folder
---@param lock table  held
function M.finish(dir, lock)
  local result = foreign.table(dir .. PART, "result of a run")
  if not result then return end
  if core.sys.exists(dir .. "/last.h5") then
    local freed, message = keep.reduce(dir)
    if not freed then error("train.keep: " .. message, 0) end
  end
  lock:check()
  must(literal.write(dir .. RESULT, result))
  must(core.sys.remove(dir .. PART))
end

--- Writes down what a run's body returned; `kept` is what train.keep says.
---@param run table     the current one
---@param result table  what its body returned
---@param kept string   "all" or "ema", what train.keep says
function M.write(run, result, kept)
  run.lock:check()
  must(literal.write(run.dir .. (kept == "ema" and PART or RESULT), result))
  M.finish(run.dir, run.lock)
end

return M
