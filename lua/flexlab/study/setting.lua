--[[
setting - what a run of a study was set to.

  setting.of(task, "train.lr")     of its arm, else of the config.lua in its folder; nil where neither says it
--]]
local foreign = require "flexlab.store.foreign"

local M = {}

-- The value of a flat key in nested tables, or nil.
local function at(t, key)
  for part in tostring(key):gmatch("[^.]+") do
    if type(t) ~= "table" then return nil end
    t = t[part]
  end
  return t
end

--- What a run was set to: of its arm, else of its folder's config.lua; `seed` is the seed.
---@param task table  a run
---@param key string  flat: "train.lr"
---@return any
function M.of(task, key)
  if key == "seed" then return task.seed end
  local own = task.arm.settings[key]
  if own ~= nil then return own end
  if task.config == nil then
    task.config = task.dir and foreign.table(task.dir .. "/config.lua", "list of settings") or false
  end
  if task.config then return at(task.config, key) end
end

return M
