--[[
settings - those of a recipe's section `train` that runs read themselves, whether or not the body hands them on:
`checkpoint` (run:steps) and `keep` (outcome.lua). They mean the same in a plain table as in flex.settings.train, and
are judged by the same declarations where a configuration is resolved, so that a misspelt word is not read as the
default. `train.from` is none: flex.optimizer reads it.
--]]
local settings = require "flexlab.settings"

local M = {}

M.names = { "checkpoint", "keep" }

-- What a configuration says of one; nil where it is absent, as false is.
local function said(cfg, name)
  local train = type(cfg) == "table" and cfg.train
  return type(train) == "table" and train[name] or nil
end

--- One of these settings of a configuration, or its default.
---@param cfg table    resolved
---@param name string  "checkpoint" or "keep"
---@return any
function M.of(cfg, name)
  local value = said(cfg, name)
  if value == nil then return settings.of("train").defaults[name] end
  return value
end

--- What is wrong with them in a configuration, in a sentence; nil if nothing is.
---@param cfg table  resolved
---@return string|nil
function M.fault(cfg)
  for _, name in ipairs(M.names) do
    local value, entry = said(cfg, name), settings.of("train").entry[name]
    if value ~= nil and settings.check(entry, value) == nil then
      return settings.sentence("train." .. name, entry, value) .. " (every run reads it)"
    end
  end
end

return M
