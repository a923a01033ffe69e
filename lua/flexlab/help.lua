--[[
help - what a thing is, for people at the prompt.

  help()                        where to begin
  help "conv2d"                 an op: arguments, options, defaults; so does help(flex.conv2d)
  help "losses"                 the words of a kind of choice; so does help(flex.losses)
  help "huber"                  one choice: what it is and its settings
Everything is read from the op table and from the choices themselves, so there is no text here to
grow old. `flexlab ops NAME` prints the same page of an op.
--]]

local choices = require "flexlab.choices"
local core = require "flexlab.core"
local literal = require "flexlab.literal"
local settings = require "flexlab.settings"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local M = {}

local OVERVIEW = [[
flex             the library; TAB after `flex.` shows its parts
help "conv2d"    an op: its arguments and options (`flexlab ops` lists all)
help "encoders"  the words that a recipe may use for a choice; each has its own help
x.shape x.grad   what a tensor knows of itself; TAB after `x:` shows its ops
sr = require "recipes.sr"; sr { train = { steps = 10 } }      a recipe is a function
docs/tutorial.md takes ten minutes.
]]

--- The op called `name`, or nil.
---@param name string  "conv2d"
---@return table|nil  of core.ops
function M.find_op(name)
  for _, op in ipairs(core.ops) do
    if op.name == name then return op end
  end
end

--- The page of an op, as text.
---@param op table  of core.ops
---@return string
function M.op_page(op)
  local t = tabulate { "argument", "kind", "meaning", "default" }
  for _, a in ipairs(op.args) do
    t:row { a.name, a.kind, a.text or "", a.default == nil and "" or tostring(a.default) }
  end
  return ("%s  %s\n\n%s"):format(op.name, op.doc, t:text())
end

local function kind_page(kind)
  local t = tabulate { kind, "what it is" }
  for _, choice in ipairs(choices.described(kind)) do t:row { choice.name, choice.doc } end
  return t:text()
end

local function choice_page(choice)
  local lines = { ("%s (%s)  %s"):format(choice.name, choice.kind, choice.doc) }
  for _, entry in ipairs(settings.entries(choice.defaults)) do
    lines[#lines + 1] = ("  %s = %s"):format(entry.name, literal.line(entry.default))
      .. (entry.doc ~= "" and ("   (%s) %s"):format(settings.takes(entry), entry.doc) or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Pages of all things called `name`: an op, a kind, the choices of every kind.
local function named(name)
  local pages, known = {}, words.keys(choices.kinds)
  local op = M.find_op(name)
  if op then pages[1] = M.op_page(op) end
  if choices.kinds[name] then pages[#pages + 1] = kind_page(name) end
  for kind in pairs(choices.kinds) do
    for _, word in ipairs(choices.registry(kind)()) do
      known[#known + 1] = word
      if word == name then pages[#pages + 1] = choice_page(choices.registry(kind)[word]) end
    end
  end
  for _, entry in ipairs(core.ops) do known[#known + 1] = entry.name end
  if #pages > 0 then
    table.sort(pages)
    return table.concat(pages, "\n")
  end
  error(("help: there is no op or choice '%s'%s"):format(name, words.meant(name, known)), 3)
end

--- The page of a thing, as text: an op or its name, a kind of choice, a choice; else how it prints.
---@param thing any  nil: where to begin
---@return string
function M.page(thing)
  if thing == nil then return OVERVIEW end
  if type(thing) == "string" then return named(thing) end
  for _, op in ipairs(core.ops) do
    if rawequal(core[op.name], thing) then return M.op_page(op) end
  end
  for kind in pairs(choices.kinds) do
    if rawequal(choices.registry(kind), thing) then return kind_page(kind) end
  end
  if type(thing) == "table" and rawget(thing, "kind") and rawget(thing, "doc") then return choice_page(thing) end
  return tostring(thing) .. "\n"
end

return setmetatable(M, { __call = function(_, thing) terminal.write(M.page(thing)) end })
