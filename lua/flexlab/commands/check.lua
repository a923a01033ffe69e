--[[
check - whether a part of one's own, or the parts that a recipe names, keep the contracts of their kinds.
--]]
local arguments = require "flexlab.commands.arguments"
local blame = require "flexlab.blame"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local contracts = require "flexlab.contracts"
local config = require "flexlab.config"
local core = require "flexlab.core"
local commands_overrides = require "flexlab.commands.overrides"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

-- The folder in which a file lies names its kind.
local function kind_of(values)
  if values.kind then return values.kind end
  local folder = values.file:match("([%w_]+)/[^/]*$")
  return choices.kinds[folder] and folder or nil
end

local function report(choice, kept)
  terminal.say(("%s '%s' (%s)"):format(choice.kind, choice.name, choice.where))
  for _, line in ipairs(kept) do terminal.say("  kept  " .. line) end
  if #kept == 0 then terminal.say("  not tried: it asks for more than a made-up batch has") end
end

local function check_part(path, overrides, kind)
  local name = path:match("([^/]+)%.lua$")
  if not name or name:find "[^%w_]" then
    arguments.wrong("check: '%s' is not named like a choice (letters, digits and _, .lua)", path)
  end
  local choice = choices.load(kind, name, path)
  local what = ("%s '%s'"):format(kind, name)
  local settings = commands_overrides.taken(config.options, what, choice.defaults, overrides, nil, -1)
  report(choice, contracts.check(choice, settings, true))
end

-- What a recipe's file defines, and every word of its configuration and its arms.
local function check_recipe(path, overrides)
  local ok, subject = xpcall(commands.recipe, blame.handler, path)
  if not ok then
    local part = tostring(subject):find("does not return a recipe", 1, true)
    error(part and subject .. "; if it is a choice, --kind says of which kind" or subject, 0)
  end
  commands_overrides.taken(subject.resolve, subject, overrides)
  for _, kind in ipairs(words.keys(choices.kinds)) do
    for _, choice in ipairs(choices.defined(kind)) do report(choice, contracts.check(choice, nil, true)) end
  end
  subject:check(overrides)
  terminal.say(("%s: the words of its configuration keep their contracts"):format(path))
end

return {
  name = "check",
  doc = "try your own part, or the parts of a recipe, on tiny tensors",
  arguments = { { name = "file", takes = { "file" }, doc = "file of a part (.../losses/mine.lua) or of a recipe" } },
  options = {
    { name = "kind", value = "WORD", kind = "words", words = words.keys(choices.kinds),
      doc = "kind of the part, if its folder does not say it" },
    { name = "set", value = "KEY=VALUE", many = true, doc = "value of a setting of the part, or of the recipe" },
    commands.parts, commands.device, commands.threads,
  },
  notes = "The file's code is run. What each kind promises: docs/extending.md.",
  run = function(values)
    commands.setup(values)
    local kind = kind_of(values)
    if core.sys.exists(values.file) ~= "file" and kind then error(("there is no file '%s'"):format(values.file), 0) end
    return (kind and check_part or check_recipe)(values.file, commands_overrides.read("check", values.set), kind)
  end,
}
