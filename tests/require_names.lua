--[[
require_names - whether a local that holds a module is called what the module is called.

  require "tests.require_names".check({ "lua", "tests" }, fault) -> number of locals
What `require "flexlab.a.b"` gives is called `b` (`_b` without its underscore), or `a_b` where the file has another `b`.
So a reader who meets `b.new` in one file knows it in all of them, and grep finds who uses a module.
--]]
local M = {}

-- Names of their own, each with its reason; lines of sources that tests write are named by the file.
local ALLOWED = {
  ["flexlab"] = { flex = "what every recipe calls it" },
  ["flexlab.run"] = { Run = "a class" },
}
local SOURCES = {
  ["tests/lua/layers_test.lua"] = "requires of a made-up tree",
  ["tests/lua/renamed_test.lua"] = "old names of modules",
}

local function fits(module, name)
  local parts = {}
  for part in module:gmatch "[^.]+" do parts[#parts + 1] = part:gsub("^_", "") end
  local last, folder = parts[#parts], parts[#parts - 1]
  return name == last or #parts > 2 and name == folder .. "_" .. last or (ALLOWED[module] or {})[name] ~= nil
end

-- { name, module } for each local of a line that holds a module of ours and not a part of one.
local function bound(line)
  local names, values = line:match "local ([%w_, ]+)%s=%s(require.*)$"
  local list, at = {}, {}
  for name in (names or ""):gmatch "[%w_]+" do at[#at + 1] = name end
  local i = 0
  for value in ((values or ""):gsub("%-%-.*", "") .. ","):gmatch "([^,]*)," do
    i = i + 1
    local module = value:match '^%s*require%s*%(?"(flexlab[%w_.]*)"%)?%s*$'
    if module and at[i] then list[#list + 1] = { name = at[i], module = module } end
  end
  return list
end

--- Every Lua file of some folders.
---@param folders string[]  "lua", "tests"
---@param fault function    called with a format and its values for each fault
---@return integer  how many locals hold a module
function M.check(folders, fault)
  local count = 0
  local files = assert(io.popen("find " .. table.concat(folders, " ") .. " -name '*.lua' | sort"))
  for path in files:lines() do
    local number = 0
    for line in io.lines(path) do
      number = number + 1
      for _, b in ipairs(SOURCES[path] and {} or bound(line)) do
        count = count + 1
        if not fits(b.module, b.name) then
          fault("%s:%d: %s holds %s: call it %s", path, number, b.name, b.module, b.module:match "[^._][^.]*$")
        end
      end
    end
  end
  files:close()
  return count
end

return M
