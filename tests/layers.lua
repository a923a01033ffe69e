-- Dependencies point one way: a C file includes only headers of its own folder and of folders above
-- it in the list of docs/design.md, and no circle of .c files calls itself (tests/c_functions.lua).
-- Also: no source file grows past the size its folder allows; and Lua files require what stands before them in the
-- second list of that page (tests/lua_layers.lua), and call what they require by its name
-- (tests/require_names.lua).
package.path = "?.lua;" .. package.path
local rank, layers = {}, 0
for line in io.lines "docs/design.md" do
  local folder = line:match "^| csrc/(%w+) |"
  if folder then
    layers = layers + 1
    rank[folder] = layers
  end
end
assert(layers > 8, "docs/design.md has no list of layers")

local faults = {}
local function fault(...) faults[#faults + 1] = string.format(...) end

local function check_file(path)
  local folder = path:match("^csrc/([^/]+)/")
  if folder and not rank[folder] then fault("%s: the list of docs/design.md lacks csrc/%s", path, folder) end
  local lines = 0
  for line in io.lines(path) do
    lines = lines + 1
    local header = line:match('^#include "([^"]+)"')
    local from = header and header:match("^([^/]+)/")
    if from and not rank[from] then fault("%s:%d: csrc/%s is no layer", path, lines, from) end
    if from and folder and (rank[from] or 0) > (rank[folder] or 0) then
      fault("%s:%d: %s must not know %s", path, lines, folder, from)
    end
  end
  if lines > 800 then fault("%s has %d lines: split it by noun (at most 800)", path, lines) end
end

local files = assert(io.popen("find csrc -name '*.[ch]' | sort"))
local count, sources = 0, { "csrc/ops.def", "csrc/kernels.def" }
for path in files:lines() do
  check_file(path)
  count = count + 1
  sources[#sources + 1] = path
end
files:close()
require "tests.c_functions".check(sources, { "docs/sample.c" }, fault)
local named = require "tests.require_names".check({ "lua", "recipes", "tests", "tools" }, fault)
local page = assert(io.open "docs/design.md")
local lua_count = require "tests.lua_layers".check("lua/flexlab", page:read "a", fault)
page:close()
assert(lua_count > 100, "the files of lua/flexlab were not found")
assert(named > 500, "the requires of the Lua files were not found")
assert(count > 50, "the C sources were not found: run this from the root of the project")
for _, text in ipairs(faults) do print(text) end
print(("%d files of C, %d of Lua, %d faults"):format(count, lua_count, #faults))
os.exit(#faults == 0 and 0 or 1)
