--[[
new_field - a new field of FLEX's configuration takes two edits: a line of csrc/model/flex_fields.def, and the place
that uses it.

  lua5.4 tests/new_field.lua BUILD SOURCE COMPILER "LIBRARIES"
As ctest runs it, with flexlab.core of the build. A copy of the tree gets both edits. The C files that see the list are
compiled as BUILD compiled them, and linked with BUILD's other objects into a core.so, and into a program that reads
checkpoints without Lua. tests/new_field_seen.lua then looks, with the copy's files alone, wherever a field must show.
It takes seconds: four files are compiled.
--]]
local copies = require "tests.copy_of_tree"

local build, source, compiler, libraries = table.unpack(arg)
assert(libraries, "new_field.lua BUILD SOURCE COMPILER LIBRARIES")

-- Both of them.
local function edit_twice(copy)
  copy:edit("csrc/model/flex_fields.def", "\n#undef SIZE\n",
    '\nFLAG(upside_down, false, 99, "", "turns the sign of the prediction")\n#undef SIZE\n')
  local decode = "    y = fx_flex_decode(&s, m, &encoded, t, re, cond, mode);\n"
  copy:edit("csrc/model/pass.c", decode,
    decode .. "  if (m->config.upside_down)\n    y = FX_DO(&s, affine, .x = y, .scale = -1);\n")
end

-- Reads checkpoints as a C program does.
local READER = [[
#include <stdio.h>
#include "io/checkpoint.h"
int main (int argc, char **argv) {
  fx_checkpoint c = { 0 };
  if (argc != 2 || fx_checkpoint_load(argv[1], true, &c) != FX_OK) {
    printf("%s\n", fx_errmsg());
    return 1;
  }
  printf("upside_down %d\n", fx_flex_config_of(c.net)->upside_down);
  fx_checkpoint_free(&c);
  return 0;
}
]]

local function link(copy)
  copy:link("lib/flexlab/core.so", "-shared -Wl,-z,nodelete " .. copy:objects(copies.of_core))
  copy:write("reader.c", READER)
  copy:link("reader", "-std=gnu11 -Icsrc reader.c " .. copy:objects(copies.of_library))
end

copies.with({ build = build, source = source, compiler = compiler, libraries = libraries,
  folders = { "csrc", "lua", "tools" } }, function(copy)
  edit_twice(copy)
  local compiled = copy:compile(copy:seeing { "model/flex_fields.def" })
  assert(compiled >= 4 and compiled <= 8, ("%d files see the list of fields"):format(compiled))
  link(copy)
  copy:run(copy:lua("'%s/tests/new_field_seen.lua' '%s' '%s/docs'"), source, copy:path "reader", source)
end)
