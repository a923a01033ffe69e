--[[
place - where a run belongs, and whether it is there already.

  place.of(recipe, set, settings, { root =, seed = }) -> { dir =, hash =, done =, version = }
The folder is runs/<name>/<hash8>/<seed>; hash8 covers settings and code (origin/code.lua), and where data files have
changed, their contents (origin/provenance.lua). `done`: result.lua is there, which is written last. `version` says that
another version made it, in words for people: of one whose settings had words that are called otherwise now
(renamed.lua), found under the hash of these; of a run before its code was kept, which is found under the hash of that
time where that hash says enough; and of one that another FlexLab made (origin/copies.lua). Such a run is done, is
shown and returned, with that remark, and --fresh repeats it.
--]]
local code = require "flexlab.origin.code"
local config = require "flexlab.config"
local copies = require "flexlab.origin.copies"
local core = require "flexlab.core"
local own = require "flexlab.store.own"
local provenance = require "flexlab.origin.provenance"
local renamed = require "flexlab.renamed"

local M = {}

local function at(recipe, hash, o)
  hash = provenance.place(o.root, recipe.name, hash)
  local dir = ("%s/%s/%s/%d"):format(o.root, recipe.name, hash, o.seed)
  return { hash = hash, dir = dir, done = own.path(dir, "result.lua") ~= nil }
end

-- Present words of choices -> those of before.
local former_words = {}
for _, words in pairs(renamed.words) do
  for old, now in pairs(words) do former_words[now] = old end
end

-- Settings with the words of before in place of the present ones, or nil where they have none.
local function former(value)
  if former_words[value] then return former_words[value], true end
  if type(value) ~= "table" then return value, false end
  local copy, some = {}, false
  for k, v in pairs(value) do
    local is
    copy[k], is = former(v)
    some = some or is
  end
  return copy, some
end

--- The place of a run; see the head of this file.
---@param recipe table    of flex.recipe
---@param set table       of code.set
---@param settings table  resolved
---@param o table         root, seed; fresh: what another version made is left aside
---@return table
function M.of(recipe, set, settings, o)
  local place = at(recipe, code.hash(set, settings), o)
  if place.done then
    place.version = copies.version(place.dir)
    return place
  end
  if o.fresh or core.sys.exists(place.dir) then return place end
  local before, differs = former(config.plain(settings))
  local named = differs and at(recipe, code.hash(set, before), o)
  if named and named.done then
    named.version = copies.version(named.dir)
    return named
  end
  local old = code.old_hash(set, settings)
  local older = old and at(recipe, old, o)
  if not (older and older.done) then return place end
  older.version = "by another version"
  return older
end

return M
