--[[
same_parts - whether the parts that a checkpoint is loaded with are those that its run was made with.

  same_parts.demand(path, said)     said: what the checkpoint says of its network and its data
A checkpoint holds weights and words. What a word means may have been edited since: the weights then go through other
code, and where shapes still fit nothing shows it but a wrong number. The run knows the meaning (tokens.lua) of every
file in the copies beside its checkpoint (copies.lua), so every file of the user's that the words mean now must have a
meaning that one of the copies has. A checkpoint that was moved away from its run has the words alone; then it is
said that nothing could be compared.
--]]
local choices = require "flexlab.choices"
local code = require "flexlab.origin.code"
local context = require "flexlab.context"
local copies = require "flexlab.origin.copies"
local own = require "flexlab.store.own"
local terminal = require "flexlab.terminal"

local M = {}

-- The meanings of a run's copies: { meaning = true }.
local function meanings(dir, files)
  local known = {}
  for _, file in ipairs(files) do
    local text = own.read(dir, "code/" .. file.copy)
    known[text and code.meaning(text) or file.meaning] = true
  end
  return known
end

-- A file as a sentence names it: 'blurs' (parts/flexlab/encoders/blurs.lua).
local function named(entry)
  local word = entry.role:match "^module flexlab%.[%w_]+%.([%w_]+)$" or entry.role:match "^define [%w_]+%.([%w_]+)"
  if word and entry.path then return ("'%s' (%s)"):format(word, entry.path) end
  return ("'%s'"):format(word or entry.path or entry.role)
end

-- A part of the run's whose word is now one of FlexLab's own: as a sentence names it.
local function taken_over(files, set, words)
  for _, file in ipairs(files) do
    local kind, word = file.role:match "^module flexlab%.([%w_]+)%.([%w_]+)$"
    if words[word] and choices.kinds[kind] and not set.by_role[file.role] and choices.has(kind, word) then
      return ("'%s' (now FlexLab's own)"):format(word)
    end
  end
end

local noted = {}

local function note(path, set)
  local run = context.run()
  if #set.list == 0 or noted[path] or run and run.quiet then return end
  noted[path] = true
  terminal.note(("%s lies apart from its run's folder `code`: whether %s is what it was made with cannot be "
    .. "compared"):format(path, named(set.list[1])))
end

--- Raises where a part that the words mean has changed since the run.
---@param path string  the checkpoint
---@param said table   values in which the words stand, at any depth
---@return nil
function M.demand(path, said)
  local dir = path:match "^(.*)/[^/]*$" or "."
  local files = copies.files(dir)
  local set, words = code.parts(said)
  if not files then return note(path, set) end
  local known, changed = meanings(dir, files), taken_over(files, set, words)
  for _, entry in ipairs(set.list) do
    if not (changed or known[entry.meaning]) then changed = named(entry) end
  end
  if changed then
    error(("%s has changed since this run, so its weights belong to other code; trust = '%s' loads the copies that the "
      .. "run kept (flex.load_model's trust, --trust)"):format(changed, dir), 0)
  end
end

return M
