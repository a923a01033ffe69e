--[[
place - where a run belongs, and whether it is there already.

  place.of(recipe, set, settings, { root =, seed = }) -> { dir =, hash =, done =, version = }
The folder is runs/<name>/<hash8>/<seed>; hash8 covers settings and code (origin/code.lua), and where data files have
changed, their contents (origin/provenance.lua). `done`: result.lua is there, which is written last. `version` says that
another version made it, in words for people: of a run before its code was kept, which is found under the hash of
that time where that hash says enough, and of one that another FlexLab made (origin/copies.lua). Such a run is done, is
shown and returned, with that remark, and --fresh repeats it.
--]]
local code = require "flexlab.origin.code"
local copies = require "flexlab.origin.copies"
local core = require "flexlab.core"
local own = require "flexlab.store.own"
local provenance = require "flexlab.origin.provenance"

local M = {}

local function at(recipe, hash, o)
  hash = provenance.place(o.root, recipe.name, hash)
  local dir = ("%s/%s/%s/%d"):format(o.root, recipe.name, hash, o.seed)
  return { hash = hash, dir = dir, done = own.path(dir, "result.lua") ~= nil }
end

--- The place of a run; see the head of this file.
---@param o table  root, seed; fresh: what another version made is left aside
function M.of(recipe, set, settings, o)
  local place = at(recipe, code.hash(set, settings), o)
  if place.done then
    place.version = copies.version(place.dir)
    return place
  end
  local old = not o.fresh and not core.sys.exists(place.dir) and code.old_hash(set, settings)
  local older = old and at(recipe, old, o)
  if not (older and older.done) then return place end
  older.version = "by another version"
  return older
end

return M
