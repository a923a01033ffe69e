--[[
copy_of_tree - a copy of the tree in a folder of its own, for tests that change sources: edited, its changed C files
compiled as the build compiled them, and linked with the build's other objects.

  copies.with({ build =, source =, compiler =, libraries =, folders = { "csrc", "lua" } }, function(copy)
    copy:edit("csrc/model/flex_fields.def", from, to)
    copy:compile(copy:seeing { "model/flex_fields.def" })
    copy:link("lib/flexlab/core.so", "-shared " .. copy:objects(copies.of_core))
  end)
The build folder and the tree are read, never written. The copy is removed in the end, also after an error.
--]]
local core = require "flexlab.core"

local M = {}
local Copy = {}
Copy.__index = Copy

local function run(line, ...)
  line = select("#", ...) > 0 and line:format(...) or line
  if not os.execute(line) then error("failed: " .. line:sub(1, 300), 0) end
end

local function read(path) return assert(core.sys.read(path)) end

local function plain(text) return (text:gsub("%p", "%%%0")) end

function Copy:path(name) return self.folder .. "/" .. name end

function Copy:read(name) return read(self:path(name)) end

function Copy:write(name, text) assert(core.sys.write(self:path(name), text)) end

--- Puts `to` in the only place where a file says `from`.
function Copy:edit(name, from, to)
  local text = self:read(name)
  local first, last = text:find(from, 1, true)
  assert(first and not text:find(from, last, true), ("%s does not say once: %s"):format(name, from))
  self:write(name, text:sub(1, first - 1) .. to .. text:sub(last + 1))
end

--- Runs a shell command in the copy.
function Copy:run(line, ...) run(("cd '%s' && "):format(self.folder) .. line, ...) end

--- Exit code of a shell command in the copy, and what it printed, errors included.
function Copy:ask(line)
  local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; printf '\\n%%d' $?"):format(self.folder, line)))
  local said, code = pipe:read("a"):match("^(.*)\n(%d+)$")
  pipe:close()
  return tonumber(code), said
end

--- A Lua file of the copy with the copy's Lua files and its core.so alone, as a shell command.
function Copy:lua(line)
  local f = self.folder
  return ("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;;' LUA_CPATH='%s/lib/?.so;;' lua5.4 "):format(f, f, f, f)
    .. line
end

-- The C files below csrc that include one of `headers` (names as #include has them), through whatever headers.
local function including(source, headers)
  local texts, found, more = {}, {}, true
  for _, name in ipairs(headers) do found[name] = true end
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

-- What the build compiled of a file that is given by its name in the tree: { command, directory, output }.
local function compilations(build, source)
  local list = {}
  for _, one in ipairs(assert(core.json.decode(read(build .. "/compile_commands.json")))) do
    local name = one.file:match("^" .. plain(source) .. "/(.*%.c)$")
    if name then
      local output = assert(one.command:match " %-o (%S+)", "no output in: " .. one.command)
      list[#list + 1] = { name = name, command = one.command, directory = one.directory,
        output = output:find "^/" and output or one.directory .. "/" .. output }
    end
  end
  assert(#list > 100, "compile_commands.json knows too few files")
  return list
end

-- The command for the copy's file, with `flags` last; its object has the number's name.
function Copy:command(one, number, flags)
  one.object = ("%s/%d.o"):format(self.folder, number)
  local command = one.command:gsub(" %-MD %-MT %S+ %-MF %S+", ""):gsub(" %-o %S+", " " .. flags .. " -o " .. one.object)
  local here = self.folder:gsub("%%", "%%%%")
  for _, folder in ipairs { "csrc", "tests" } do
    command = command:gsub(plain(self.source) .. "/" .. folder, here .. "/" .. folder)
  end
  return ("cd '%s' && %s"):format(one.directory, command)
end

--- Compiles anew the files for which `wanted(name)` is true, side by side, with `flags` after the build's own. Returns
--- how many.
function Copy:compile(wanted, flags)
  local lines = {}
  for i, one in ipairs(self.compilations) do
    if wanted(one.name) then lines[#lines + 1] = self:command(one, i, flags or "") end
  end
  self:write("commands", table.concat(lines, "\n") .. "\n")
  self:run("xargs -P \"$(nproc)\" -d '\\n' -n 1 sh -c <commands")
  return #lines
end

--- The objects of the files for which `wanted(name)` is true, those made anew where there are any, as words.
function Copy:objects(wanted)
  local list = {}
  for _, one in ipairs(self.compilations) do
    if wanted(one.name) then list[#list + 1] = one.object or one.output end
  end
  return table.concat(list, " ")
end

function Copy:link(name, how) self:run("%s -o '%s' %s %s", self.compiler, name, how, self.libraries) end

--- A function that tells whether a file (csrc/ops/shape.c) sees one of these headers.
function Copy:seeing(headers)
  local found = including(self.folder, headers)
  return function(name) return found[name:gsub("^csrc/", "")] or false end
end

--- Whether a file is of core.so; whether it is of it and not of the binding.
function M.of_core(name) return name:find "^csrc/" ~= nil and not name:find "^csrc/cli/" end
function M.of_library(name) return M.of_core(name) and not name:find "^csrc/lua/" end

--- Calls f(copy) with a new copy of the folders of options. Ends the program with 1 and the message if it raises.
function M.with(options, f)
  local copy = setmetatable(options, Copy)
  copy.folder = os.tmpname()
  os.remove(copy.folder)
  local ok, message = pcall(function()
    assert(core.sys.mkdirs(copy:path "lib/flexlab"))
    for _, folder in ipairs(copy.folders) do
      local parent = copy:path(folder:match "^(.*)/" or "")
      assert(core.sys.mkdirs(parent))
      run("cp -r '%s/%s' '%s'", copy.source, folder, parent)
    end
    copy.compilations = compilations(copy.build, copy.source)
    f(copy)
  end)
  os.execute("rm -rf '" .. copy.folder .. "'")
  if not ok then
    print(message)
    os.exit(1)
  end
end

return M
