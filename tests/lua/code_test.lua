-- The meaning of a Lua file is its tokens; the set of a recipe's files is what it names, at any depth.
local lu = require "luaunit"
local flex = require "flexlab"
local core = flex.core
local library = require "flexlab.origin.library"
local loading = require "flexlab.loading"
local support = require "tests.lua.support"
local tokens = require "flexlab.origin.tokens"

local lexer, sets = {}, {}
rawset(_G, "TestLexer", lexer)
rawset(_G, "TestSets", sets)

function lexer.test_odd_inputs()
  local cases = {
    { "", {} }, { " \t\r\n\v\f", {} }, { "-- only a comment", {} }, { "--[[ long\n]]", {} },
    { "--[==[ ]] ]=] ]==]a", { "a" } },
    { "--[ no long one\nb", { "b" } }, { "--[=x\nb", { "b" } }, { "-- one\r\n-- two\rc", { "c" } },
    { "a--b", { "a" } }, { "a - -b", { "a", "-", "-", "b" } },
    { "#!/usr/bin/lua\nx", { "x" } }, { "# no newline", {} }, { "\xEF\xBB\xBFx", { "x" } },
    { "\xEF\xBB\xBF#!lua\nx", { "x" } },
    { "[[a]]", { "[[a]]" } }, { "[==[ ]] ]=] ]==]..x", { "[==[ ]] ]=] ]==]", "..", "x" } },
    { "a[b[1]]", { "a", "[", "b", "[", "1", "]", "]" } },
    { "t[ [[k]] ]", { "t", "[", "[[k]]", "]" } }, { "[=[\r\n\0]=]", { "[=[\r\n\0]=]" } }, { "a[=", { "a", "[", "=" } },
    { [['it"s' "it's" 'a\'b' "\\" '\\\'']], { [['it"s']], [["it's"]], [['a\'b']], [["\\"]], [['\\\'']] } },
    { '"a\\z  \n  b" c', { '"a\\z  \n  b"', "c" } }, { '"a\\\nb" c', { '"a\\\nb"', "c" } },
    { '"a\\\r\nb" c', { '"a\\\r\nb"', "c" } },
    { '"-- no comment" --[[yes]]d', { '"-- no comment"', "d" } }, { '"\\u{7F}\\x41\\065"', { '"\\u{7F}\\x41\\065"' } },
    { "3 3.0 .5 5. 3e2 3E-2 3e+2 0x.8p-1 0XfFp+2 0xA", { "3", "3.0", ".5", "5.", "3e2", "3E-2", "3e+2", "0x.8p-1",
      "0XfFp+2", "0xA" } },
    { "1..2", { "1..2" } }, { "1 ..2", { "1", "..", "2" } }, { "a...b", { "a", "...", "b" } },
    { "a..b.c", { "a", "..", "b", ".", "c" } }, { "0xep1+1", { "0xep1", "+", "1" } },
    { "a//b<<c>>d~=e==f<=g>=h::i::~j", { "a", "//", "b", "<<", "c", ">>", "d", "~=", "e", "==", "f", "<=", "g",
      ">=", "h", "::", "i", "::", "~", "j" } },
    { "local x <const>, y <close> = 1; goto e", { "local", "x", "<", "const", ">", ",", "y", "<", "close", ">", "=",
      "1", ";", "goto", "e" } },
    { "f{...}'s':m[[x]]", { "f", "{", "...", "}", "'s'", ":", "m", "[[x]]" } },
    { "_ENV._x1=nil", { "_ENV", ".", "_x1", "=", "nil" } },
  }
  for _, case in ipairs(cases) do lu.assertEquals(tokens.of(case[1]), case[2], ("%q"):format(case[1])) end
  for _, text in ipairs { '"open', "'a\nb'", "[[open", "[==[ ]] ]=]", "--[[ open", "x = '\\", '"\\z  ' } do
    lu.assertNil(tokens.of(text), ("%q"):format(text))
    lu.assertNil(load(text))
  end
end

-- What Lua makes of one line is what it makes of its tokens: the same instructions and constants.
function lexer.test_tokens_compile_to_the_same()
  local lines = { [=[return 0x.8p1 --[[c]] + 1e-2 .. [==[]]]==] .. "\z   x" .. '\'' --]=],
    "local a<const> = 1 return a//2 ~ -a",
    "return ({...})[1]--[=[ ]] ]=]+1", "for i=1,#'--',1 do print(i..'')end", "return a.b:c'd'{e=1;f}[ [[g]] ]" }
  for _, line in ipairs(lines) do
    local before, after = load(line), load(table.concat(assert(tokens.of(line)), " "))
    lu.assertEquals(string.dump(assert(after), true), string.dump(assert(before, line), true), line)
  end
end

function lexer.test_every_file_of_ours_is_its_tokens()
  local pipe, n = assert(io.popen "find lua/flexlab recipes tests/lua -name '*.lua'"), 0
  for path in pipe:lines() do
    local list = assert(tokens.of(assert(core.sys.read(path))), path)
    local text = table.concat(list, " ")
    lu.assertTrue(load(text) ~= nil, path)
    lu.assertEquals(tokens.of(text), list, path)
    n = n + 1
  end
  pipe:close()
  lu.assertTrue(n > 200)
end

function lexer.test_meaning()
  local plain = tokens.meaning "local a = 1 return a"
  for _, same in ipairs { "local a=1\n\n-- why\nreturn a --[[ x ]]", "#!lua\nlocal\ta = 1\r\nreturn a",
    "\xEF\xBB\xBFlocal a = 1 return a" } do
    lu.assertEquals(tokens.meaning(same), plain)
  end
  for _, other in ipairs { "local a = 1.0 return a", "local b = 1 return b", "local a = 1 return a;",
    "locala=1 return a", "" } do
    lu.assertNotEquals(tokens.meaning(other), plain, other)
  end
  lu.assertNotEquals(tokens.meaning 'f("a b")', tokens.meaning 'f("a  b")')
  lu.assertNotEquals(tokens.meaning "f('ab')", tokens.meaning "f('a','b')")
  lu.assertNotEquals(tokens.meaning 'x = "open -- one', tokens.meaning 'x = "open -- two')     -- no Lua: its bytes
  local dumped = string.dump(load "return 1")
  lu.assertEquals(tokens.meaning(dumped), core.sys.hash("bytes " .. dumped))
end

function lexer.test_uses()
  local uses = tokens.uses [[
    local a, b = require "one", require("two.three")
    local ok, c = pcall(require, 'four')     -- require "not_this"
    local s = 'require "nor_this"'
    dofile "p/five.lua" assert(loadfile('six.lua'))()
    local l, d = flex.losses.mine, { sampler = "deep+deeper", doc = "words of a text" } ]]
  lu.assertEquals(uses.requires, { "one", "two.three", "four" })
  lu.assertEquals(uses.files, { "p/five.lua", "six.lua" })
  for _, word in ipairs { "mine", "deep", "deeper", "words" } do lu.assertTrue(uses.words[word], word) end
  lu.assertNil(uses.words.not_this)
end

-- A folder of modules on package.path, for one test.
local path, base

function sets.setUp()
  path, base = package.path, support.folder()
  package.path = package.path .. ";" .. base .. "/?.lua"
end

function sets.tearDown()
  package.path = path
  for name in pairs(package.loaded) do
    if name:match "^code_" then package.loaded[name] = nil end
  end
  os.execute("rm -rf '" .. base .. "'")
end

local function write(files)
  for name, text in pairs(files) do
    local full = base .. "/" .. name
    assert(core.sys.mkdirs(full:match "^(.*)/"))
    assert(core.sys.write(full, text))
  end
end

local RECIPE = [[
local flex = require "flexlab"
%s
return flex.recipe("code_r", { loss = "l1", more = {} }, function() return { a = 1 } end)
]]

local LOSS = "loss = function(p, g) return (p - g):mean() end"

local function recipe(text) write { ["r.lua"] = RECIPE:format(text) } return dofile(base .. "/r.lua") end

local function roles(set)
  local list = {}
  for i, entry in ipairs(set.list) do list[i] = entry.role end
  return list
end

function sets.test_files_are_followed_at_any_depth()
  write { ["code_a.lua"] = 'return require("code_b.c")', ["code_b/c.lua"] = "return dofile('" .. base .. "/d.lua')",
    ["d.lua"] = "return 4" }
  local r = recipe 'local a = require "code_a"'
  local _, hash, set = r:resolve()
  lu.assertEquals(roles(set), { "recipe", "module code_a", "module code_b.c", "file " .. base .. "/d.lua" })
  write { ["d.lua"] = "return 5 -- other" }
  local _, other = recipe('local a = require "code_a"'):resolve()
  lu.assertEquals(other, hash)                 -- this process has d.lua as it was: code_b.c is loaded
  package.loaded["code_a"], package.loaded["code_b.c"] = nil, nil
  _, other = recipe('local a = require "code_a"'):resolve()
  lu.assertNotEquals(other, hash)
end

function sets.test_a_project_that_moves_keeps_its_hash()
  write { ["code_a.lua"] = "return 1" }
  local _, hash = recipe('local a = require "code_a"'):resolve()
  assert(core.sys.mkdirs(base .. "/moved"))
  for _, name in ipairs { "r.lua", "code_a.lua" } do assert(core.sys.rename(base .. "/" .. name,
    base .. "/moved/" .. name)) end
  package.loaded.code_a = nil
  package.path = path .. ";" .. base .. "/moved/?.lua"
  local _, again = dofile(base .. "/moved/r.lua"):resolve()
  lu.assertEquals(again, hash)
end

function sets.test_what_main_chunks_load_by_computed_names_counts()
  write { ["code_x1.lua"] = "return 1", ["code_x2.lua"] = "return 2" }
  local r = recipe 'for i = 1, 2 do require("code_x" .. i) end'
  local _, _, set = r:resolve()
  lu.assertEquals(roles(set), { "recipe", "module code_x1", "module code_x2" })
end

function sets.test_words_of_settings_and_texts_name_parts()
  write {
    ["flexlab/losses/code_mine.lua"] = 'return { defaults = { grid = "code_steps" }, ' .. LOSS .. " }",
    ["flexlab/grids/code_steps.lua"] = "return { times = function(n) return {} end }",
    ["flexlab/losses/code_other.lua"] = "error 'this is never run'",
    ["flexlab/formats/code_format.lua"] = "error 'nor is this'",
  }
  local r = recipe ""
  local _, plain, set = r:resolve()
  lu.assertEquals(roles(set), { "recipe", "module flexlab.formats.code_format" })     -- every format may be asked
  local _, hash
  _, hash, set = r:resolve { loss = "code_mine" }
  table.sort(set.list, function(a, b) return a.role < b.role end)
  lu.assertEquals(roles(set), { "module flexlab.formats.code_format", "module flexlab.grids.code_steps",
    "module flexlab.losses.code_mine", "recipe" })
  lu.assertNotEquals(hash, plain)
  _, _, set = r:resolve { more = { deep = { "l1+code_mine" } } }
  lu.assertNotNil(set.by_role["module flexlab.losses.code_mine"])
  _, _, set = recipe("local m = flex.losses.code_mine"):resolve()    -- a text of the recipe, not a setting
  lu.assertNotNil(set.by_role["module flexlab.losses.code_mine"])
end

function sets.test_definitions_of_another_file_count()
  write { ["define.lua"] = ('require("flexlab").losses.define("code_defined", { %s })'):format(LOSS) }
  local r = recipe ""
  dofile(base .. "/define.lua")
  local _, _, set = r:resolve { loss = "code_defined" }
  lu.assertEquals(roles(set), { "recipe", "define losses.code_defined" })
  lu.assertEquals(set.list[2].path, base .. "/define.lua")
  local inside = recipe(('flex.losses.define("code_defined", { %s })'):format(LOSS))
  _, _, set = inside:resolve { loss = "code_defined" }
  lu.assertEquals(roles(set), { "recipe" })
  lu.assertEquals(set.defines, { ["losses.code_defined"] = "recipe" })
  flex.losses.define("code_defined", nil)
end

-- A body that hides what it loads and reads: nothing of it is in the set, all of it is compared at the next call.
function sets.test_what_a_body_loads_and_reads_is_compared_at_the_next_call()
  write { ["code_h1.lua"] = 'return require("code_" .. "h2")', ["code_h2.lua"] = "return 2", ["f.lua"] = "return 3",
    ["n.txt"] = "4" }
  local calls = 0
  local r = flex.recipe("code_hidden", {}, function()
    calls = calls + 1
    local n = require("code_" .. "h1") + dofile(base .. "/" .. "f.lua")
    local file = assert(io.open(base .. "/n.txt"))
    n = n + file:read "n"
    file:close()
    local own = assert(io.open(base .. "/written.txt", "w"))
    own:write(calls)
    own:close()
    for line in io.lines(base .. "/written.txt") do n = n + 0 * tonumber(line) end
    return { n = n }
  end)
  local o = { root = base .. "/runs", quiet = true }
  local first = r({}, o)
  lu.assertEquals(first.n, 9)
  local folder = first.dir:match "^(.*)/"
  local recorded = {}
  for _, entry in ipairs(flex.literal.read(folder .. "/files.lua")) do recorded[entry.path:match "[^/]*$"] = entry end
  lu.assertEquals(require("flexlab.words").keys(recorded), { "code_h1.lua", "code_h2.lua", "f.lua", "n.txt" })
  lu.assertNotNil(recorded["code_h2.lua"].meaning)
  lu.assertEquals(flex.literal.read(first.dir .. "/files.lua"), flex.literal.read(folder .. "/files.lua"))
  lu.assertEquals(core.sys.read(first.dir .. "/code/code_h2.lua"), "return 2")
  lu.assertEquals(r({}, o).dir, first.dir)
  write { ["f.lua"] = "return 3 -- a comment" }
  lu.assertEquals(r({}, o).dir, first.dir)
  for name, text in pairs { ["n.txt"] = "5", ["code_h2.lua"] = "return 20" } do
    write { [name] = text }
    package.loaded.code_h1, package.loaded.code_h2 = nil, nil
    if name:match "lua$" then require("code_" .. "h2") end    -- this process loads it anew
    lu.assertNotEquals(r:folder({}, { root = o.root }), first.dir, name)
  end
  lu.assertEquals(calls, 1)
end

-- Runs in a process that has loaded the hidden module already: the second seed records what the first did.
function sets.test_a_module_that_is_loaded_already_is_recorded_by_every_run()
  write { ["code_k.lua"] = "return 1" }
  local r = flex.recipe("code_again", { a = 1 }, function() return { n = require("code_" .. "k") } end)
  for a = 1, 2 do
    local dir = r({ a = a }, { root = base .. "/runs", quiet = true }).dir
    lu.assertEquals(flex.literal.read(dir .. "/files.lua")[1].path, base .. "/code_k.lua")
  end
end

-- A file of the set that is loaded with another text than the hash covers: an error, not a run under a wrong hash.
function sets.test_a_file_that_changes_before_it_is_loaded_stops_the_run()
  write { ["late.lua"] = "return 1", ["r.lua"] = ('local flex = require "flexlab"\n'
    .. 'return flex.recipe("code_late", {}, function() return { n = dofile "%s/late.lua" } end)\n'):format(base) }
  local r, o = dofile(base .. "/r.lua"), { root = base .. "/runs", quiet = true }
  write { ["late.lua"] = "return 2" }
  lu.assertErrorMsgContains("late.lua has changed since this process looked at it", r, {}, o)
  write { ["late.lua"] = "return 1 -- again" }
  lu.assertEquals(r({}, o).n, 1)
end

function sets.test_an_edited_file_that_is_loaded_already_is_said()
  local said, err = {}, io.stderr
  rawset(io, "stderr", { write = function(_, ...) said[#said + 1] = table.concat { ... } end })
  write { ["code_said.lua"] = "return 1" }
  local r = recipe 'local a = require "code_said"'
  write { ["code_said.lua"] = "return 1 -- a comment" }
  local first = r({}, { root = base .. "/runs" }).dir
  lu.assertEquals(#said, 0)
  write { ["code_said.lua"] = "return 2" }
  local ok, second = pcall(r, {}, { root = base .. "/runs" })
  rawset(io, "stderr", err)
  lu.assertTrue(ok, second)
  lu.assertEquals(second.dir, first)
  lu.assertStrContains(table.concat(said), "code_said.lua has been edited since this process loaded it")
end

function sets.test_data_that_a_body_opens_itself_are_recorded()
  support.flow(base .. "/flow.h5")
  local r = flex.recipe("code_opens", {}, function()
    return { n = flex.frames.open(base .. "/flow.h5").total, rows = flex.fields.open(base .. "/flow.h5").height }
  end)
  local dir = r({}, { root = base .. "/runs", quiet = true }).dir
  lu.assertEquals(flex.literal.read(dir .. "/files.lua")[1].path, base .. "/flow.h5")
end

function sets.test_an_outer_run_depends_on_what_an_inner_one_reads()
  write { ["n.txt"] = "1" }
  local inner = flex.recipe("code_inner", {}, function()
    local file <close> = assert(io.open(base .. "/n.txt"))
    return { n = file:read "n" }
  end)
  local o = { root = base .. "/runs", quiet = true }
  inner({}, o)                                          -- so that the outer one finds it done
  local outer = flex.recipe("code_outer", {}, function() return { n = inner({}, o).n } end)
  local dir = outer({}, o).dir
  write { ["n.txt"] = "2" }
  lu.assertNotEquals(outer:folder({}, { root = o.root }), dir)
  lu.assertEquals(outer({}, o).n, 2)
end

function sets.test_code_of_a_definition_at_the_prompt_counts()
  local function made(scale)
    return assert(load(([[
      local flex = require "flexlab"
      return flex.recipe("code_prompt", { a = 1 }, function() return { n = %d } end)]]):format(scale), "=line"))()
  end
  local _, one = made(1):resolve()
  local _, same = made(1):resolve()
  local _, two = made(2):resolve()
  lu.assertEquals(one, same)
  lu.assertNotEquals(one, two)
end

function sets.test_the_library_is_one_hash()
  local this = library.this()
  lu.assertEquals(this.version, tostring(core.info().version))
  lu.assertStrMatches(this.hash, ("%x"):rep(16))
  lu.assertStrMatches(core.info().sources, ("%x"):rep(16))
  lu.assertTrue(library.is(this))
  lu.assertTrue(library.is { version = this.version, bytes = "comments differ", hash = this.hash })
  lu.assertFalse(library.is { version = this.version, bytes = "0", hash = "0" })
  lu.assertFalse(library.is { version = "0.0.0", bytes = this.bytes, hash = this.hash })
  lu.assertFalse(library.is(nil))
  lu.assertTrue(loading.is_own(loading.own_folder "flexlab.losses" .. "/l1.lua"))
  lu.assertFalse(loading.is_own(base .. "/flexlab/losses/l1.lua"))
  lu.assertFalse(loading.is_own "recipes/sr.lua")
end

os.exit(lu.LuaUnit.run())
