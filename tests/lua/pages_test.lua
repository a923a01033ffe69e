-- Pages are within 120 columns, their links lead to a file and a heading that are there, and nothing in the tree cites
-- what a reader does not have. Help pages are within 100 columns. What pages show is docs_test's.
local lu = require "luaunit"
local core = require "flexlab.core"
local arguments = require "flexlab.commands.arguments"
local commands = require "flexlab.commands"

local suite = {}
rawset(_G, "TestPages", suite)

local PAGE, HELP = 120, 100     -- columns

-- The files below the checkout that match a condition of `find`; what is built or simulated is none of it.
local function files(condition)
  local pipe = assert(io.popen("find . '(' -name .git -o -path ./build -o -path ./runs -o -path './debian/*/*' ')' "
    .. "-prune -o -type f " .. condition .. " -print"))
  local list = {}
  for path in pipe:lines() do list[#list + 1] = path:sub(3) end
  assert(pipe:close())
  table.sort(list)
  return list
end

local pages = files "-name '*.md'"

-- The lines of a page outside its fences and comments, with their numbers.
local function prose(text)
  local list, fenced = {}, false
  local number = 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:find "^%s*```" then
      fenced = not fenced
    elseif not fenced and not line:find "^<!%-%-" then
      list[#list + 1] = { number, line }
    end
  end
  return list
end

-- The anchors of a page's headings, as GitHub makes them.
local function anchors(text)
  local known = {}
  for _, entry in ipairs(prose(text)) do
    local heading = entry[2]:match "^#+%s+(.-)%s*$"
    if heading then
      local word = heading:gsub("%[(.-)%]%b()", "%1"):lower():gsub("[^%w%s_\x80-\xff-]", ""):gsub("%s", "-")
      local name, n = word, 0
      while known[name] do
        n = n + 1
        name = word .. "-" .. n
      end
      known[name] = true
    end
  end
  return known
end

-- What is wrong with the links of a page: a list of sentences. read(path) gives the text of a page.
local function broken(path, text, read)
  local folder, list = path:match "^(.*/)" or "", {}
  for _, entry in ipairs(prose(text)) do
    for target in entry[2]:gsub("`[^`]*`", "`"):gmatch "%]%(([^)%s]+)%)" do
      local file, anchor = target:match "^([^#]*)#?(.*)$"
      if not target:find "^%a+:" then
        local there = file == "" and path or folder .. file
        if core.sys.exists(there) == nil then
          list[#list + 1] = ("%s:%d: there is no %s"):format(path, entry[1], there)
        elseif anchor ~= "" and not anchors(file == "" and text or read(there))[anchor] then
          list[#list + 1] = ("%s:%d: %s has no heading #%s"):format(path, entry[1], there, anchor)
        end
      end
    end
  end
  return list
end

local function too_wide(path, text)
  local list = {}
  for _, entry in ipairs(prose(text)) do
    local width = utf8.len(entry[2]) or #entry[2]
    if width > PAGE then list[#list + 1] = ("%s:%d: %d columns"):format(path, entry[1], width) end
  end
  return list
end

local function add(list, more) table.move(more, 1, #more, #list + 1, list) end

function suite.test_pages_are_within_120_columns()
  local found = {}
  lu.assertTrue(#pages > 15)
  for _, path in ipairs(pages) do
    if path ~= "docs/reference.md" then add(found, too_wide(path, core.sys.read(path))) end   -- made from the tables
  end
  lu.assertEquals(found, {})
end

function suite.test_links_lead_to_a_file_and_a_heading()
  local found = {}
  for _, path in ipairs(pages) do add(found, broken(path, core.sys.read(path), core.sys.read)) end
  lu.assertEquals(found, {})
end

function suite.test_a_bad_page_is_caught()
  local text = "# One thing: `a_b`, twice\n## Two\n## Two\n[x](#one-thing-a_b-twice) [y](#two-1) [z](#three)\n"
    .. "```text\n[not](a-link.md)\n```\n<!-- " .. ("-"):rep(130) .. " -->\n`[nor](this.md)` [nothing](none.md)\n"
    .. ("é"):rep(120) .. "\n" .. ("e"):rep(121) .. "\n"
  lu.assertEquals(broken("README.md", text), { "README.md:4: README.md has no heading #three",
    "README.md:9: there is no none.md" })
  lu.assertEquals(too_wide("README.md", text), { "README.md:11: 121 columns" })
end

-- A document that is not in the tree, faults and threads by their numbers there, and a diary. The patterns are put
-- together here, so that this file does not hold what it looks for.
local absent = { "flex" .. "%-method", "defect" .. " %d", "the_well" .. " 49", "%.%./" .. "shared" }
local diary = "wanted" .. " %d"

function suite.test_nothing_cites_what_a_reader_does_not_have()
  local found = {}
  for _, path in ipairs(files "") do
    local text = core.sys.read(path) or ""
    if not text:find("\0", 1, true) then
      for _, pattern in ipairs(absent) do
        local hit = text:match(pattern)
        if hit then found[#found + 1] = path .. ": " .. hit end
      end
      local hit = (path:find "^docs/" or path:find "^bench/" or path == "README.md") and text:match(diary)
      if hit then found[#found + 1] = path .. ": " .. hit end
    end
  end
  lu.assertEquals(found, {})
end

function suite.test_help_is_within_100_columns()
  for _, name in ipairs(commands.names) do
    for line in arguments.help(commands.find(name)):gmatch "[^\n]+" do
      lu.assertTrue(#line <= HELP, name .. ": " .. line)
    end
  end
end

os.exit(lu.LuaUnit.run())
