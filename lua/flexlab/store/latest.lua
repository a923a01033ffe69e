--[[
latest - runs/<name>/latest: a symbolic link to the run, or the study, that was begun last; and how folders of runs
are walked.

The link is relative ("1a2b3c4d/3" of a run, "1a2b3c4d" of a study), so a folder of runs can be moved, and it
appears under its name at once (core.sys.symlink).

One rule for links: a path that a user names is followed when it is a link, whatever its name (M.resolve); whoever walks
folders of runs passes links by (M.folders), so that no run is counted twice and no walk leaves the folder.
--]]
local core = require "flexlab.core"

local M = {}

--- Makes runs/<name>/latest lead to `target`, a path relative to runs/<name>; a message where that cannot be.
--- (A file system without links, or something else of that name, is no reason to stop a run.)
---@param root string    the folder of all runs
---@param name string    of the recipe or study
---@param target string  "1a2b3c4d/3"
---@return string|nil
function M.point(root, name, target)
  local path = ("%s/%s/latest"):format(root, name)
  if core.sys.readlink(path) == target then return end
  local ok, message = core.sys.mkdirs(("%s/%s"):format(root, name))
  if ok then ok, message = core.sys.symlink(target, path) end
  if not ok then return ("%s: no link to the latest run (%s)"):format(path, tostring(message)) end
end

local MOST_LINKS = 40     -- one behind the other, as Linux follows them

--- Where a link leads, seen from where it lies; nil for what is none.
---@param path string  of the link
---@return string|nil  path
---@return string|nil  the text of the link
function M.target(path)
  local text = path ~= "" and core.sys.readlink(path)
  if text then return (text:match "^/" and "" or path:match "^(.*/)" or "") .. text, text end
end

--- The path at the end of a chain of links; nil where it is a circle.
---@param path string    that a user named
---@param next function  path -> the next one, or nil: M.target
---@return string|nil
function M.follow(path, next)
  for _ = 1, MOST_LINKS do
    local after = next(path)
    if not after then return path end
    path = after
  end
end

local function bare(path) return (path:gsub("(.)/+$", "%1")) end

-- The next of a chain of links to a run. `latest`, which FlexLab makes, leads nowhere out of its folder: a folder may
-- be of others.
local function next_of_run(path)
  local target, text = M.target(path)
  if not target then return nil end
  local outside = text:match "^/" or ("/" .. text .. "/"):find("/../", 1, true)
  if outside and path:match "[^/]*$" == "latest" then
    error(("%s leads to '%s', out of its folder; it is not followed"):format(path, text), 0)
  end
  return bare(target)
end

--- A path that a user named, without its last links: runs/sr/latest -> runs/sr/1a2b3c4d/3, mine -> what it leads to.
--- Other paths are returned as they are. A link `latest` that leads out of its folder raises.
---@param path string  of a run, a study, or a link to one
---@return string
function M.resolve(path)
  return M.follow(bare(path), next_of_run) or error(("%s: its links lead in a circle"):format(path), 0)
end

-- A text with a link `latest` in it, and the same with the folder that it leads to; nil for any other value.
local function through_link(text)
  if type(text) ~= "string" or not text:find "/latest" then return nil end
  local link, rest = text:match "^(.*/latest)(/.*)$"
  link, rest = link or text:match "^.*/latest$", rest or ""
  return link and core.sys.readlink(link) and M.resolve(link) .. rest or nil
end

--- A setting as it is meant when it is typed: what leads through a link `latest` names the run itself.
---@param value any  a setting, or a table of settings
---@return any
function M.fixed(value)
  if type(value) ~= "table" then return through_link(value) or value end
  local copy = {}
  for k, v in pairs(value) do copy[k] = M.fixed(v) end
  return copy
end

--- One sentence on a setting that leads through a link `latest`, nil if none does. The link moves when the run begins
--- (train.from = "runs/sr/latest" would then be the run itself), so a configuration must name what it means.
---@param settings table     of a configuration
---@param prefix string|nil  what stands before the names: "train."
---@return string|nil
function M.moving(settings, prefix)
  for key, value in pairs(settings) do
    local name = (prefix or "") .. tostring(key)
    local meant = through_link(value)
    if meant then
      return ("%s = '%s' is a link that moves with every run; name the run itself (now '%s')"):format(name, value,
        meant)
    end
    local fault = type(value) == "table" and M.moving(value, name .. ".")
    if fault then return fault end
  end
end

--- Where a run (sr/1a2b3c4d/3) or a study (conditioning/1a2b3c4d) lies among all runs, wherever those lie.
---@param dir string  its folder
---@return string
function M.place(dir)
  local hash = ("%x"):rep(8)
  return dir:match("([^/]+/" .. hash .. "/%d+)/*$") or dir:match("([^/]+/" .. hash .. ")/*$")
    or dir:match "[^/]+$" or dir
end

--- Names of the folders in a folder, sorted, numbers by their size; links, and what an import unpacks, are none of
--- them.
---@param path string  of a folder
---@return string[]
function M.folders(path)
  local names, kept = core.sys.list(path) or {}, {}
  for _, name in ipairs(names) do
    local full = path .. "/" .. name
    local passing = name:find "%.tmp%.%d+$" or core.sys.readlink(full)
    if not passing and core.sys.exists(full) == "folder" then kept[#kept + 1] = name end
  end
  table.sort(kept, function(a, b)
    local x, y = a:match "^%d+$", b:match "^%d+$"      -- whole numbers first, by their size
    if x and y and #x ~= #y then return #x < #y end
    if (x == nil) ~= (y == nil) then return x ~= nil end
    return a < b
  end)
  return kept
end

return M
