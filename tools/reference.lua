-- Writes docs/reference.md and lua/flexlab.d.lua from the tables of the program, and docs/layers.svg from those of
-- docs/design.md: `make docs`.
-- tests/lua/reference_test.lua holds the written files against the same functions.
local files = {
  ["docs/reference.md"] = require "tools.reference.page",
  ["lua/flexlab.d.lua"] = require "tools.reference.stubs",
  ["docs/layers.svg"] = require "tools.reference.layers",
}

if arg and arg[0] and arg[0]:find "tools/reference%.lua$" then
  for path, make in pairs(files) do
    assert(require("flexlab.core").sys.write(path, make()))
    print(path)
  end
end

return files
