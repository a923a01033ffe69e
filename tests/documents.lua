--[[
documents - a Markdown page as something that runs: its fenced blocks, in order, in one scratch folder.

  sh      run by `sh -eu`, with flexlab and lua5.4 at hand, the recipes in ./recipes, small files in ./cases
  text    right behind a sh block: what that block prints
  repl    a session of `flexlab repl`: lines that begin with "> " or ">> " are typed, the others are
          what it prints; a page is one session, of which each block is a further part
  lua     whose first line is "-- NAME.lua": written to that file, which a later sh block must use;
          another one is run, a recipe by `flexlab run`, anything else by lua5.4
Other languages (c, json ...) are only looked at. A fence without a language is refused.

HTML comments on the lines before a block say what is different about it, sparingly:
  <!-- test: skip: REASON -->       it is not run (make demo)
  <!-- test: first: COMMAND -->     a shell command is run before it
  <!-- test: A -> B; C -> D -->     it is run with B in place of A: smaller settings
  <!-- test: numbers vary -->       numbers are not compared: they come from smaller files, or are times

In what a page shows, "..." stands for any text, with the spaces around it, and a line "..." for any
lines; runs of spaces and of dashes are one. A number with a point may differ by 1 in 100, because
processors round differently and training carries that on; other numbers may not. After A -> B numbers
are free, for they are those of the block as it stands; so is the mark "(least)" of a p.
--]]
local core = require "flexlab.core"

local M = {}

M.tolerance = 0.01

local function fail(page, line, form, ...)
  error(("%s:%d: "):format(page.path, line) .. form:format(...), 0)
end

-- Adds what a marker says to { skip =, first =, free =, replace = { {A, B} } }.
local function read_marker(page, line, text, mark)
  local skip, first = text:match("^skip:%s*(.+)$"), text:match("^first:%s*(.+)$")
  mark.skip = skip or mark.skip
  mark.first = first and (mark.first and mark.first .. " && " .. first or first) or mark.first
  mark.free = mark.free or text == "numbers vary"
  if skip or first or text == "numbers vary" then return end
  for part in (text .. ";"):gmatch("%s*(.-)%s*;") do
    local old, new = part:match("^(.-)%s*%->%s*(.*)$")
    if not old or old == "" then fail(page, line, "the marker '%s' is not understood", text) end
    table.insert(mark.replace, { old, new })
    mark.free = true
  end
end

--- The fenced blocks of a text: list of { language, body, line, marker }.
function M.blocks(path, text)
  local page, blocks, open, mark, number = { path = path }, {}, nil, nil, 0
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local fence = line:match("^```(.*)$")
    if open and fence then
      open.body = #open.lines > 0 and table.concat(open.lines, "\n") .. "\n" or ""
      blocks[#blocks + 1], open = open, nil
    elseif open then
      table.insert(open.lines, line)
    elseif fence then
      if not fence:match("^%w+$") then fail(page, number, "a fence must name its language, got '%s'", fence) end
      open, mark = { language = fence, line = number, lines = {}, marker = mark or { replace = {} } }, nil
    else
      local comment = line:match("^<!%-%- test: (.*) %-%->$")
      if mark and not comment then fail(page, number, "the marker above is not followed by a block") end
      if comment then
        mark = mark or { replace = {} }
        read_marker(page, number, comment, mark)
      end
    end
  end
  if open then fail(page, open.line, "the block is not closed") end
  return blocks
end

-- The number at position i of a text, if a number begins there: text, value, whether it has a point.
local function number_at(text, i)
  local s = text:match("^%-?%d+%.?%d*[eE][+-]?%d+", i) or text:match("^%-?%d+%.?%d*", i)
  if s then return s, tonumber(s), s:find("[.eE]") ~= nil end
end

local function close(expected, got, loose, free)
  if free then return true end
  if not loose then return expected == got end
  return math.abs(expected - got) <= M.tolerance * math.max(math.abs(expected), math.abs(got))
end

-- Whether `got` from j on reads as `expected` from i on.
local function reads(expected, i, got, j, free)
  while i <= #expected do
    if expected:sub(i, i + 2) == "..." then
      for k = j, #got + 1 do
        if reads(expected, i + 3, got, k, free) then return true end
      end
      return false
    end
    local e, e_value, loose = number_at(expected, i)
    local g, g_value = number_at(got, j)
    if e and g then
      if not close(e_value, g_value, loose, free) then return false end
      i, j = i + #e, j + #g
    elseif expected:sub(i, i) == got:sub(j, j) then
      i, j = i + 1, j + 1
    else
      return false
    end
  end
  return j == #got + 1
end

local function lines_of(text, free)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    if free then line = line:gsub("%(least[^)]*%)", "") end
    line = line:gsub("%s*%.%.%.%s*", "..."):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
      :gsub("%-%-%-+", "---")
    if line ~= "" then lines[#lines + 1] = line end
  end
  return lines
end

local function match_lines(expected, i, got, j, free)
  if i > #expected then return j > #got end
  if expected[i] == "..." then
    for k = j, #got + 1 do
      if match_lines(expected, i + 1, got, k, free) then return true end
    end
    return false
  end
  return j <= #got and reads(expected[i], 1, got[j], 1, free) and match_lines(expected, i + 1, got, j + 1, free)
end

--- Whether a text reads as a page says it does.
function M.same(expected, got, free)
  return match_lines(lines_of(expected, free), 1, lines_of(got, free), 1, free or false)
end

local Page = {}
Page.__index = Page

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- Runs a shell command in the scratch folder; returns whether it succeeded and what it printed.
function Page:shell(command)
  local out = self.folder .. "/.out"
  local ok = os.execute(("cd %s && PATH=%s/.bin:$PATH; export PATH; { %s; } >.out 2>&1 </dev/null")
    :format(quoted(self.folder), quoted(self.folder), command))
  return ok == true, core.sys.read(out) or ""
end

function Page:write(name, text)
  local folder = name:match("^(.*)/")
  if folder then assert(core.sys.mkdirs(self.folder .. "/" .. folder)) end
  assert(core.sys.write(self.folder .. "/" .. name, text))
end

-- The body with the marker's replacements; each must find something to replace.
function Page:body(block)
  local body = block.body
  for _, pair in ipairs(block.marker.replace) do
    local first, last = body:find(pair[1], 1, true)
    if not first then fail(self, block.line, "there is no '%s' to replace", pair[1]) end
    while first do
      body = body:sub(1, first - 1) .. pair[2] .. body:sub(last + 1)
      first, last = body:find(pair[1], first + #pair[2], true)
    end
  end
  return body
end

local function demand(page, block, ok, out)
  if not ok then fail(page, block.line, "the block failed:\n%s", out) end
end

local function compare(page, block, out, free)
  if M.same(block.body, out, free) then return end
  fail(page, block.line, "the page shows\n%s--- and the program prints\n%s", block.body, out)
end

local run = {}

function run.sh(page, block, following)
  page:write(".block.sh", page:body(block))
  local ok, out = page:shell "sh -eu .block.sh"
  demand(page, block, ok, out)
  if following and following.language == "text" then
    compare(page, following, out, block.marker.free or following.marker.free)
  end
end

-- Whether a later sh block speaks of a file, by the last part of its name, with or without .lua.
local function used(page, block, name)
  local word = name:match("[^/]*$"):gsub("%.lua$", "")
  for _, other in ipairs(page.blocks) do
    if other.language == "sh" and other.line > block.line and other.body:find(word, 1, true) then
      return true
    end
  end
end

function run.lua(page, block)
  local body = page:body(block)
  local name = body:match("^%-%- ([%w_/]+%.lua)%f[^%w]")
  page:write(name or "block.lua", body)
  if name then
    if not used(page, block, name) then fail(page, block.line, "no later block uses %s", name) end
    return demand(page, block, loadfile(page.folder .. "/" .. name, "t"))
  end
  local recipe = body:find("return flex.recipe", 1, true) or body:find("return flex.study", 1, true)
  demand(page, block, page:shell(recipe and "flexlab run block.lua" or "lua5.4 block.lua"))
end

-- The session so far is typed again, and what it prints behind the mark is this block's.
function run.repl(page, block)
  local typed, shown = {}, {}
  for line in page:body(block):gmatch("(.-)\n") do
    local input = line:match("^>>? (.*)$")
    table.insert(input and typed or shown, input or line)
  end
  local input = table.concat(typed, "\n") .. "\n"
  page:write(".session", page.session .. "io.write('\\1\\n');\n" .. input)
  page.session = page.session .. input
  local _, out = page:shell "flexlab repl < .session"
  local printed = out:match("\1\n(.*)$")
  if not printed then fail(page, block.line, "the session ended early:\n%s", out) end
  compare(page, { line = block.line, body = table.concat(shown, "\n") .. "\n" }, printed,
    block.marker.free)
end

--- Runs every block of a page; raises "page:line: what is wrong". Returns the number of blocks run.
---@param path string     the page
---@param folder string   an empty scratch folder
---@param places table    { program = path of flexlab, recipes = path of the recipes' folder, cases = of small files }
function M.run(path, folder, places)
  local text = assert(core.sys.read(path))
  local page = setmetatable({ path = path, folder = folder, session = "", blocks = M.blocks(path, text) }, Page)
  assert(core.sys.mkdirs(folder .. "/.bin"))
  assert(os.execute(("ln -s %s %s/.bin/flexlab && cp -r %s %s/recipes"):format(quoted(places.program),
    quoted(folder), quoted(places.recipes), quoted(folder))))
  if places.cases then assert(os.execute(("cp -r %s %s/cases"):format(quoted(places.cases), quoted(folder)))) end
  local count = 0
  for i, block in ipairs(page.blocks) do
    if run[block.language] and not block.marker.skip then
      if block.marker.first then demand(page, block, page:shell(block.marker.first)) end
      run[block.language](page, block, page.blocks[i + 1])
      count = count + 1
    end
  end
  return count
end

return M
