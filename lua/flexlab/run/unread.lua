--[[
unread - settings that were given and that nobody read: the result does not depend on them, and must not look as if.

A body gets a view of its configuration that notes which keys are read; a section that is passed on whole
(flex.optimizer(model, cfg.train)) counts as read, since whoever takes it refuses what he does not know. What
differs from the recipe's own defaults was given. If nobody has read it,
  in a section that is declared and read before training (data, model, train: flexlab.settings), the run ends after
    its first step with a sentence, before it costs anything;
  anywhere else, as in eval, which is read last, the result stands: a note says so (notes.lua), now and whenever the
    finished run is found again.
Refused: judging a recipe by its text. A body may hand its configuration on in any way, and reading is what counts.
--]]
local config = require "flexlab.config"
local notes = require "flexlab.context.notes"
local settings = require "flexlab.settings"
local words = require "flexlab.words"

local M = {}

local Watch = {}
Watch.__index = Watch

--- Watches the configuration `plain` of a recipe with these defaults: `watch.cfg` is for its body.
---@param defaults table  the recipe's
---@param plain table     resolved
---@return table
function M.watch(defaults, plain)
  local reads = { ["train.keep"] = true }     -- read by run/outcome.lua, after the body
  local self = setmetatable({ defaults = defaults, reads = reads, given = config.changed(defaults, plain) }, Watch)
  self.cfg = config.readonly(plain, nil, self.reads)
  return self
end

--- The paths of what was given and not read; with `early` of declared sections alone that are read before training.
---@param early boolean|nil  only sections that are read before training
---@return string[]
function Watch:unread(early)
  local list = {}
  for _, path in ipairs(self.given) do
    local opened = settings.opened(self.defaults[path:match "^[^.]+"])
    if not self.reads[path] and (not early or opened and opened.declared.early) then list[#list + 1] = path end
  end
  return list
end

local function sentence(name, list)
  return ("%s %s given, and recipe '%s' does not read %s: the result does not depend on %s"):format(words.list(list),
    #list > 1 and "were" or "was", name, #list > 1 and "them" or "it", #list > 1 and "them" or "it")
end

--- After the first step: raises for what should have been read by then.
---@param name string  of the recipe
function Watch:refuse(name)
  local list = self:unread(true)
  if #list > 0 then error(sentence(name, list) .. "; leave it out, or let the recipe use it", 0) end
end

--- At the end: a note, where something was not read.
---@param name string  of the recipe
function Watch:note(name)
  local list = self:unread()
  if #list > 0 then notes.add(sentence(name, list)) end
end

return M
