--[[
c_functions - who needs whom among the C files, read from their text: no circle, and no function that is not static
and that no other file uses.

A file needs the headers that it includes and the .c files whose functions it calls. A header calls by its inline
functions: one that calls what a .c file of another name defines, while that file includes the header, makes a circle,
too; the half that is needed gets a header of its own. Prototypes call nothing, so several .c files may share a header,
and a macro calls where it is used. No file includes a .c file.

A definition is written `name (arguments) {` at the beginning of a line, a call `name(arguments)` (clang-format sees to
it), so both are found without a compiler. What macros paste together (kernels, ops) is not seen; for those the tables
kernels.def and ops.def say who has what, and the linker that it is there.
--]]
local M = {}

-- Functions that only their own file and a test use, and why they are not static.
local by_themselves = {
  fx_philox = "the random generator has known answers",
  fx_flow_displacement = "the law of smooth walls has known values",
  fx_flow_damping = "what the solids do to a flow is compared with it",
  fx_params_find = "programs in C find a weight by its name",
  fx_status_name = "programs in C show a status by a word",
}

-- Whether a table has the function, by a name that macros make: kernels, ops, the arithmetic of the simulation.
local function of_a_table(name, path)
  return name:find "^fxref_" or name:find "^fxcpu_" or name:find "^fxsim_"
    or path:find "^csrc/ops/" and (name:find "_forward$" or name:find "_backward$")
end

-- A file without comments, texts and the lines that include others.
local function code_of(text)
  text = text:gsub("/%*.-%*/", " "):gsub("\\\n", " "):gsub('\\.', ""):gsub('"[^"\n]*"', '""')
  return "\n" .. text:gsub("\n#include[^\n]*", "\n")
end

-- Names of the functions that a text defines for other files.
local function defined(text)
  local names = {}
  text = text:gsub("\n([%a_][%w_ *]*)\n([%a_][%w_]* %()", "\n%1 %2")   -- a type that has a line of its own
  for head, name in text:gmatch "\n([%a_][%w_ *]-[ *])([%a_][%w_]*) %(" do
    local word = head:match "^%a[%w_]*"
    local hidden = word == "static" or word and word:find "^%u+$"   -- INLINE, a macro: static inline
    if word and not hidden and word ~= "typedef" and word ~= "return" then names[#names + 1] = name end
  end
  return names
end

-- Every word of the bodies of a file, true, or "macro" where macros of a header alone have it: what stands at the
-- beginning of a line is a declaration or a definition.
local function words_of(text, is_header)
  local words = {}
  for line in text:gmatch "\n([^\n]*)" do
    local macro = is_header and line:find "^#"
    if not is_header or macro or line:find "^[ \t]" then
      for word in line:gmatch "[%a_][%w_]*" do
        words[word] = macro and words[word] ~= true and "macro" or true
      end
    end
  end
  return words
end

-- The circles of a graph { name -> { name -> why } }, as lists: strongly connected components [Tarjan 1972].
local function circles(graph)
  local index, low, stack, on, count, found = {}, {}, {}, {}, 0, {}
  local function visit(v)
    count = count + 1
    index[v], low[v], on[v], stack[#stack + 1] = count, count, true, v
    for w in pairs(graph[v]) do
      if not index[w] then visit(w) end
      if on[w] then low[v] = math.min(low[v], low[w]) end
    end
    if low[v] < index[v] then return end
    local list = {}
    repeat
      list[#list + 1] = table.remove(stack)
      on[list[#list]] = nil
    until list[#list] == v
    table.sort(list)
    if #list > 1 then found[#found + 1] = list end
  end
  for v in pairs(graph) do
    if not index[v] then visit(v) end
  end
  return found
end

local function say_circle(graph, list, fault)
  local inside, calls = {}, {}
  for _, path in ipairs(list) do inside[path] = true end
  for _, path in ipairs(list) do
    for other, name in pairs(graph[path]) do
      if inside[other] then calls[#calls + 1] = ("%s needs %s of %s"):format(path, name, other) end
    end
  end
  table.sort(calls)
  fault("a circle of files: %s", table.concat(calls, "; "))
end

-- Every "name" that a text includes.
local function included(text)
  return ("\n" .. text):gmatch '\n#include "([^"\n]*)"'
end

-- Notes that one file needs another, and why. A .c file and the header of its name are one thing.
local function needs(graph, path, other, why)
  if graph[path] and graph[other] and path:match "^[^.]+" ~= other:match "^[^.]+" then
    graph[path][other] = graph[path][other] or why
  end
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

--- Tells fault(format, ...) every circle and every function without a caller among the files of csrc.
---@param paths string[]        all .c, .h and .def files of csrc
---@param programs string[]     C programs that show how the library is used (docs/sample.c)
---@param fault function
---@param text_of function|nil  the text of a path; absent: that of the file
function M.check(paths, programs, fault, text_of)
  text_of = text_of or read
  local owner, words, graph, outside = {}, {}, {}, {}
  for _, path in ipairs(paths) do
    local text = code_of(text_of(path))
    words[path] = words_of(text, not path:find "%.c$")
    graph[path] = {}
    for _, name in ipairs(path:find "%.c$" and defined(text) or {}) do owner[name] = path end
  end
  for _, path in ipairs(programs) do words[path] = words_of(code_of(text_of(path))) end
  for path, set in pairs(words) do
    for word, how in pairs(set) do
      local from = owner[word]
      if from and from ~= path then
        outside[word] = true
        if how ~= "macro" then needs(graph, path, from, word) end
      end
    end
  end
  for _, path in ipairs(paths) do
    for header in included(text_of(path)) do
      if header:find "%.c$" then fault("%s includes %s: only headers are included", path, header) end
      needs(graph, path, "csrc/" .. header, header)
    end
  end
  for _, list in ipairs(circles(graph)) do say_circle(graph, list, fault) end
  for name, path in pairs(owner) do
    if not (outside[name] or by_themselves[name] or name == "main" or of_a_table(name, path)) then
      fault("%s: no other file uses %s: make it static, or take it out", path, name)
    end
  end
  for name in pairs(by_themselves) do
    if not owner[name] or outside[name] then fault("tests/c_functions.lua: %s needs no exception", name) end
  end
end

return M
