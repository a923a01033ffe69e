--[[
capture - the recipes that a chunk makes, without running one: a recipe's file may go on to call it, as a script does.

  local recipe = capture.of(chunk, "sr")     the recipe of that name; the call of a recipe ends the chunk
run/recipe.lua says what is made and asks before it runs anything.
--]]
local M = {}

local capturing   -- while copies of a recipe's file are loaded: { made = {}, stop = object }

--- Runs a chunk that makes a recipe and may go on to call it, as a script does: the call ends it. Returns the recipe
--- of that name.
---@param chunk function   the loaded file
---@param name string|nil  of the recipe
---@return table|nil
function M.of(chunk, name)
  local before, mine = capturing, { made = {}, stop = setmetatable({}, { __name = "flexlab.Stop" }) }
  capturing = mine
  local ok, e = pcall(chunk)
  capturing = before
  if not ok and not rawequal(e, mine.stop) then error(e, 0) end
  return mine.made[name]
end

--- A recipe was made.
---@param name string   of the recipe
---@param recipe table  what flex.recipe returns
function M.made(name, recipe)
  if capturing then capturing.made[name] = recipe end
end

--- A recipe is about to run: ends the chunk that is captured, if one is.
function M.stop()
  if capturing then error(capturing.stop, 0) end
end

return M
