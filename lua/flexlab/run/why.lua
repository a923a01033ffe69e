--[[
why - what `flexlab run --dry-run` says of a run: its state, and why it is new.

  why.state(recipe, overrides, { root =, seed = }, memory) -> folder, "new: losses/mine.lua changed"
A new run is compared with the nearest one of its recipe: the fewest differences of settings and of code. Their
differences are the reasons, a setting as "train.steps 300 -> 60", a file as "helper.lua changed"; where settings
and code agree, the data files that have changed. No run is loaded for this: configurations, lists of files and
hashes are read. `memory` is a table that the caller keeps for a list of runs, so that folders are read once.
--]]
local code = require "flexlab.origin.code"
local config = require "flexlab.config"
local copies = require "flexlab.origin.copies"
local latest = require "flexlab.store.latest"
local literal = require "flexlab.literal"
local own = require "flexlab.store.own"
local plain = require "flexlab.plain"
local provenance = require "flexlab.origin.provenance"
local state = require "flexlab.store.state"
local words = require "flexlab.words"

local M = {}

local MOST = 3   -- reasons that are named

--- A file as people know it, by its role among the code of a run.
---@param role string      as of origin/code.lua
---@param path string|nil  of the file
---@return string
function M.named(role, path)
  local kind, word = role:match("^module flexlab%.([%w_]+)%.([%w_]+)$")
  if kind then return kind .. "/" .. word .. ".lua" end
  path = (path or role:match("[^ ]*$")):gsub("^%./", "")
  return path:find "^/" and path:match("[^/]*$") or path
end

-- Settings by flat keys, as texts.
local function texts_of(settings)
  local texts = plain.flat(settings)
  for key, value in pairs(texts) do texts[key] = literal.line(value) end
  return texts
end

-- "train.steps 300 -> 60" for every setting that differs.
local function settings_that_differ(was, now)
  local list, keys = {}, {}
  for _, t in ipairs { was, now } do
    for key in pairs(t) do keys[key] = true end
  end
  for _, key in ipairs(words.keys(keys)) do
    if was[key] ~= now[key] then
      list[#list + 1] = ("%s %s -> %s"):format(key, was[key] or "absent", now[key] or "absent")
    end
  end
  return list
end

-- "helper.lua changed" for every file that differs from what a run kept; of a run that kept none, what its copy of
-- the recipe tells.
local function files_that_differ(candidate, set)
  local list, known = {}, {}
  if not candidate.files then
    local now = set.by_role.recipe
    local same = candidate.recipe and code.meaning(candidate.recipe) == now.meaning
    return { same and "made before code was kept" or M.named("recipe", now.path) .. " changed" }
  end
  for _, file in ipairs(candidate.files) do
    known[file.role] = true
    local entry = set.by_role[file.role]
    if not entry and not file.later then
      list[#list + 1] = M.named(file.role, file.path) .. " is not used any more"
    elseif entry and entry.meaning ~= file.meaning then
      list[#list + 1] = M.named(file.role, entry.path) .. " changed"
    end
  end
  for _, entry in ipairs(set.list) do
    if not known[entry.role] then list[#list + 1] = M.named(entry.role, entry.path) .. " is new" end
  end
  return list
end

-- One run of every configuration of a recipe: { folder =, dir =, settings =, files =, recipe = }.
local function candidates(root, name)
  local list = {}
  for _, hash in ipairs(latest.folders(root .. "/" .. name)) do
    local folder = ("%s/%s/%s"):format(root, name, hash)
    for _, seed in ipairs(latest.folders(folder)) do
      local dir = folder .. "/" .. seed
      local settings = own.try(dir, "config.lua")
      if type(settings) == "table" then
        list[#list + 1] = { folder = folder, dir = dir, settings = texts_of(settings), files = copies.files(dir),
          recipe = own.read(dir, "recipe.lua") }
        break
      end
    end
  end
  return list
end

-- What differs from the nearest run there is; {} where nothing does, nil where there is no run.
local function differences(recipe, overrides, o, memory)
  local cfg, hash, set = recipe:resolve(overrides)
  local key = o.root .. "/" .. recipe.name
  memory[key] = memory[key] or candidates(o.root, recipe.name)
  local now, folder = texts_of(config.plain(cfg)), ("%s/%s"):format(key, hash)
  local nearest, least
  for _, candidate in ipairs(memory[key]) do
    local list = settings_that_differ(candidate.settings, now)
    table.move(files_that_differ(candidate, set), 1, 1e3, #list + 1, list)
    if not least or #list < #least or #list == #least and candidate.folder == folder then
      nearest, least = candidate, list
    end
  end
  if nearest and #least == 0 then
    local _, _, changed = provenance.now(provenance.recorded(nearest.folder))
    for _, path in ipairs(changed) do least[#least + 1] = path .. " changed" end
  end
  return least
end

--- The folder of a run and what there is of it, in words for people.
---@param recipe table         of flex.recipe
---@param overrides table|nil  nested or flat
---@param o table              root, seed
---@param memory table|nil     kept by the caller for further runs
---@return string  folder
---@return string  what there is of it
function M.state(recipe, overrides, o, memory)
  local place = recipe:place(overrides, o)
  local s = state.of(place.dir)
  if s.word == "done" then return place.dir, place.version and "done, " .. place.version or "done" end
  if s.word ~= "new" then return place.dir, state.short(s) end
  local reasons = differences(recipe, overrides, o, memory or {})
  if not reasons or #reasons == 0 then return place.dir, "new" end
  local more = #reasons > MOST and (" and %d more"):format(#reasons - MOST) or ""
  return place.dir, "new: " .. table.concat(reasons, ", ", 1, math.min(#reasons, MOST)) .. more
end

return M
