std = "lua54"
max_line_length = 120
self = false              -- a method need not use its object
files["tests/lua"] = { ignore = { "111", "112", "113" } }   -- LuaUnit finds test classes among globals
exclude_files = { "build/**", "runs/**", "lua/flexlab.d.lua" }
