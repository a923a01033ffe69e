--[[
unread - settings that were given and that nobody read: the result does not depend on them, and must not look as if.

A body gets a view of its configuration that notes which keys are read; a section that is passed on whole
(flex.optimizer(model, cfg.train)) counts as read, since whoever takes it refuses what he does not know. What
differs from the recipe's own defaults was given. If nobody has read it,
  in a section that is declared and read before training (data, model, train: flexlab.settings), the run ends after
    its first step with a sentence, before it costs anything;
  anywhere else, as in eval, which is read last, the result stands: a note says so, now and whenever the finished
    run is found again, and unread.lua in its folder lists the settings.
Refused: judging a recipe by its text. A body may hand its configuration on in any way, and reading is what counts.
--]]
local config = require "flexlab.config"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local notes = require "flexlab.run.notes"
local settings = require "flexlab.settings"
local text = require "flexlab.text"

local M = {}

local Watch = {}
Watch.__index = Watch

--- Watches the configuration `plain` of a recipe with these defaults: `watch.cfg` is for its body.
function M.watch(defaults, plain)
  local reads = { ["train.keep"] = true }     -- read by run/keep.lua, after the body
  local self = setmetatable({ defaults = defaults, reads = reads, given = config.changed(defaults, plain) }, Watch)
  self.cfg = config.readonly(plain, nil, self.reads)
  return self
end

--- The paths of what was given and not read; with `early` of declared sections alone that are read before training.
function Watch:unread(early)
  local list = {}
  for _, path in ipairs(self.given) do
    local opened = settings.opened(self.defaults[path:match "^[^.]+"])
    if not self.reads[path] and (not early or opened and opened.declared.early) then list[#list + 1] = path end
  end
  return list
end

local function sentence(name, list)
  return ("%s %s given, and recipe '%s' does not read %s: the result does not depend on %s"):format(text.list(list),
    #list > 1 and "were" or "was", name, #list > 1 and "them" or "it", #list > 1 and "them" or "it")
end

--- After the first step: raises for what should have been read by then.
function Watch:refuse(name)
  local list = self:unread(true)
  if #list > 0 then error(sentence(name, list) .. "; leave it out, or let the recipe use it", 0) end
end

local FILE = "/unread.lua"

--- At the end: a note, also in the run's report, and unread.lua in its folder, where something was not read. It is
--- said of a quiet run too.
function Watch:note(name, dir, quiet)
  local list = self:unread()
  if #list == 0 then return end
  assert(literal.write(dir .. FILE, list))
  notes.add(sentence(name, list))
  if quiet then io.stderr:write("note: ", sentence(name, list), "\n") end
end

--- Of a finished run: the same note; whether there is one.
function M.remind(name, dir)
  local list = core.sys.exists(dir .. FILE) and literal.read(dir .. FILE)
  if type(list) ~= "table" or #list == 0 then return false end
  io.stderr:write("note: ", sentence(name, list), "\n")
  return true
end

return M
