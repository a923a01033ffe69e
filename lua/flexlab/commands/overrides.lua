--[[
overrides - the settings that --set gives to a recipe, a study or a part: read, and refused as wrong use.
--]]
local arguments = require "flexlab.commands.arguments"
local blame = require "flexlab.blame"
local config = require "flexlab.config"
local latest = require "flexlab.store.latest"

local M = {}

--- "KEY=VALUE" words of the option --set -> { key = value }. `command` is named in messages.
function M.read(command, list)
  local overrides = {}
  for _, setting in ipairs(list or {}) do
    local key = setting:match("^%s*([%w_.]+)%s*=")
    if not key then arguments.wrong("%s: --set wants KEY=VALUE, got '%s'", command, setting) end
    local _, value = config.parse(setting)
    overrides[key] = latest.fixed(value)
  end
  return overrides
end

--- f(...), which takes them up: an unknown key or word, or a wrong type, is wrong use, and found before anything runs;
--- a user's file that cannot be read on the way is not.
function M.taken(f, ...)
  local ok, message = xpcall(f, blame.handler, ...)
  if ok then return message end
  if type(message) ~= "string" or message:find "^[^\n:]+:%d+: " then error(message, 0) end
  arguments.wrong("%s", message)
end

return M
