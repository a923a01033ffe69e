--[[
new_field - a new field of FLEX's configuration takes two edits: a line of csrc/model/flex_fields.def, and the place
that uses it.

  lua5.4 tests/new_field.lua BUILD SOURCE COMPILER "LIBRARIES"
As ctest runs it, with flexlab.core of the build. A copy of the tree gets both edits. The C files that see the list are
compiled as BUILD compiled them, and linked with BUILD's other objects into a core.so, and into a program that reads
checkpoints without Lua. tests/new_field_seen.lua then looks, with the copy's files alone, wherever a field must show.
It takes seconds: four files are compiled.
--]]
local core = require "flexlab.core"

local build, source, compiler, libraries = table.unpack(arg)
assert(libraries, "new_field.lua BUILD SOURCE COMPILER LIBRARIES")
local copy = os.tmpname()
os.remove(copy)

local function run(line, ...)
  line = select("#", ...) > 0 and line:format(...) or line
  if not os.execute(line) then error("failed: " .. line:sub(1, 300), 0) end
end

local function read(path) return assert(core.sys.read(path)) end

-- Puts `to` in the only place where a file of the copy says `from`.
local function edit(path, from, to)
  local text = read(copy .. "/" .. path)
  local first, last = text:find(from, 1, true)
  assert(first and not text:find(from, last, true), ("%s does not say once: %s"):format(path, from))
  assert(core.sys.write(copy .. "/" .. path, text:sub(1, first - 1) .. to .. text:sub(last + 1)))
end

local function make_copy()
  assert(core.sys.mkdirs(copy .. "/lib/flexlab"))
  for _, folder in ipairs { "csrc", "lua", "tools" } do run("cp -r '%s/%s' '%s'", source, folder, copy) end
end

-- Both of them.
local function edit_twice()
  edit("csrc/model/flex_fields.def", "\n#undef SIZE\n",
    '\nFLAG(upside_down, false, 99, "", "turns the sign of the prediction")\n#undef SIZE\n')
  local decode = "    y = fx_flex_decode(&s, m, &encoded, t, re, cond, mode);\n"
  edit("csrc/model/pass.c", decode,
    decode .. "  if (m->config.upside_down)\n    y = FX_DO(&s, affine, .x = y, .scale = -1);\n")
end

-- The files of csrc as the build compiled them: { file = "csrc/model/flex.c", command =, output =, directory = } each.
local function compilations()
  local list = {}
  for _, one in ipairs(assert(core.json.decode(read(build .. "/compile_commands.json")))) do
    local file = one.file:match "(csrc/.*%.c)$"
    if file and not file:find "^csrc/cli/" then
      local object = assert(one.command:match " %-o (%S+)", "no output in: " .. one.command)
      list[#list + 1] = { file = file, command = one.command, output = object, directory = one.directory }
    end
  end
  assert(#list > 100, "compile_commands.json knows too few files of csrc")
  return list
end

-- The files below csrc that include the list, through whatever headers: { ["csrc/model/flex.c"] = true }.
local function seeing()
  local texts, found, more = {}, { ["model/flex_fields.def"] = true }, true
  for path in assert(io.popen(("cd '%s/csrc' && find . -name '*.[ch]'"):format(source))):lines() do
    path = path:sub(3)
    texts[path] = read(source .. "/csrc/" .. path)
  end
  while more do
    more = false
    for path, text in pairs(texts) do
      for header in text:gmatch '#include "([^"]+)"' do
        if found[header] and not found[path] then found[path], more = true, true end
      end
    end
  end
  return found
end

-- Compiles one file of the copy as the build did the one of the tree; returns the object.
local function compile(one, number)
  local object = ("%s/%d.o"):format(copy, number)
  local command = one.command:gsub(" %-MD %-MT %S+ %-MF %S+", ""):gsub(" %-o %S+", " -o " .. object)
  command = command:gsub((source .. "/csrc"):gsub("%p", "%%%0"), ((copy .. "/csrc"):gsub("%%", "%%%%")))
  run(("cd '%s' && "):format(one.directory) .. command)
  return object
end

-- The objects of everything, and of everything but the binding; those that see the list made anew.
local function objects()
  local all, without_lua, compiled, sees = {}, {}, 0, seeing()
  for i, one in ipairs(compilations()) do
    local object = one.output:find "^/" and one.output or one.directory .. "/" .. one.output
    if sees[one.file:sub(#"csrc/" + 1)] then
      object, compiled = compile(one, i), compiled + 1
    end
    all[#all + 1] = object
    if not one.file:find "^csrc/lua/" then without_lua[#without_lua + 1] = object end
  end
  assert(compiled >= 4 and compiled <= 8, ("%d files see the list of fields"):format(compiled))
  return table.concat(all, " "), table.concat(without_lua, " ")
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

local function link()
  local all, without_lua = objects()
  run("%s -shared -o '%s/lib/flexlab/core.so' %s %s -Wl,-z,nodelete", compiler, copy, all, libraries)
  assert(core.sys.write(copy .. "/reader.c", READER))
  run("cd '%s' && %s -std=gnu11 -Icsrc -o reader reader.c %s %s", copy, compiler, without_lua, libraries)
end

local function look()
  run("cd '%s' && LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;;' LUA_CPATH='%s/lib/?.so;;' lua5.4 "
    .. "'%s/tests/new_field_seen.lua' '%s/reader' '%s/docs'", copy, copy, copy, copy, copy, source, copy, source)
end

local ok, message = pcall(function()
  make_copy()
  edit_twice()
  link()
  look()
end)
os.execute("rm -rf '" .. copy .. "'")
if not ok then
  print(message)
  os.exit(1)
end
