--[[
lua_layers - who requires whom in lua/flexlab, held against the list of docs/design.md.

  require "tests.lua_layers".check("lua/flexlab", page, fault) -> number of files
The page has a table "| files and folders of lua/flexlab | hold |": its rows are layers, in order; each names folders
and files beside init.lua. A file may require what stands in a row before its own, or in its own row without a circle.
Requires stand at the head of a file. A second table, "| file | looks up |", lists the files that may look something up
by a name while they run; nobody else has a require inside a function, or one with a computed name.
--]]
local M = {}

-- The rows of the table whose header begins with `title`: list of { first cell, .. }.
local function rows_of(page, title)
  local rows, inside = {}, false
  for line in page:gmatch "[^\n]*" do
    if line:find("| " .. title, 1, true) == 1 then
      inside = true
    elseif inside and not line:find "^|" then
      break
    elseif inside and not line:find "^|%-" then
      rows[#rows + 1] = line:match "^| (.-) |"
    end
  end
  return rows
end

-- Name of a file or folder -> the number of its row; the files that may look things up.
local function read(page)
  local rank, may = {}, {}
  for i, cell in ipairs(rows_of(page, "files and folders of lua/flexlab")) do
    for name in cell:gmatch "[%w_]+" do rank[name] = i end
  end
  for _, cell in ipairs(rows_of(page, "file | looks up")) do may[cell] = true end
  return rank, may
end

-- A file's text without comments, line by line.
local function code_of(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  text = text:gsub("%-%-%[(=*)%[.-%]%1%]", function() return "" end)   -- lines are not counted in what follows
  return text:gsub("%-%-[^\n]*", "")
end

-- What a file requires: list of { name = "run.lock" or false where it is computed, inner = boolean }.
local function requires_of(path)
  local list = {}
  for line in code_of(path):gmatch "[^\n]+" do
    local inner = line:find "^%s" ~= nil or line:find "%f[%w_]function%f[^%w_]" ~= nil
    for name in line:gmatch "%f[%w_]require%s*%(?%s*[\"']flexlab([%w_.-]*)[\"']" do
      local computed = name:sub(-1) == "."
      list[#list + 1] = { name = not computed and name:gsub("^%.", "") or false, inner = inner }
    end
  end
  return list
end

local function files_of(root)
  local files, list = {}, {}
  local pipe = assert(io.popen(("find %s -name '*.lua' | sort"):format(root)))
  for path in pipe:lines() do
    local relative = path:sub(#root + 2)
    if relative ~= "init.lua" then
      local name = relative:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
      files[name], list[#list + 1] = { path = path, relative = relative }, name
    else
      files.init, list[#list + 1] = { path = path, relative = relative }, "init"
    end
  end
  pipe:close()
  return files, list
end

-- One circle among files as a sentence, each once.
local function circles(edges, list, fault)
  local state, trail = {}, {}
  local function visit(name)
    state[name] = "open"
    trail[#trail + 1] = name
    for _, other in ipairs(edges[name]) do
      if state[other] == "open" then
        local from = #trail
        while trail[from] ~= other do from = from - 1 end
        fault("files require one another in a circle: %s, %s", table.concat(trail, ", ", from), other)
      elseif not state[other] and edges[other] then
        visit(other)
      end
    end
    trail[#trail] = nil
    state[name] = "done"
  end
  for _, name in ipairs(list) do
    if not state[name] then visit(name) end
  end
end

--- Looks at every file below `root`; calls fault(format, ...) for what breaks the order of the page.
---@param root string    the folder flexlab
---@param page string    the text of docs/design.md
---@param fault function
function M.check(root, page, fault)
  local rank, may = read(page)
  local files, list = files_of(root)
  local edges, used = {}, {}
  for _, name in ipairs(list) do
    local own = name:match "^[^.]+"
    edges[name], used[own] = {}, true
    if not rank[own] then fault("%s: the list of docs/design.md lacks '%s'", files[name].path, own) end
    for _, r in ipairs(requires_of(files[name].path)) do
      local other = r.name == "" and "init" or r.name
      local there = other and other:match "^[^.]+"
      if (r.inner or not other) and not may[files[name].relative] then
        fault("%s: requires %s inside a function; it belongs at the head of the file", files[name].path,
          other and "flexlab." .. other or "a computed name")
      end
      if other and other ~= "core" and not files[other] then
        fault("%s: there is no flexlab.%s", files[name].path, other)
      elseif other and other ~= "core" then
        if (rank[there] or 0) > (rank[own] or 0) then
          fault("%s: %s stands before %s and must not require it", files[name].path, own, other)
        end
        if not r.inner then table.insert(edges[name], other) end
      end
    end
  end
  circles(edges, list, fault)
  for name in pairs(rank) do
    if not used[name] then fault("docs/design.md lists '%s', which is not in %s", name, root) end
  end
  for relative in pairs(may) do
    local name = relative:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    if not files[name] then fault("docs/design.md lets '%s' look things up, which is not in %s", relative, root) end
  end
  return #list
end

return M
