-- flexlab.report and flexlab.html: one file, nothing outside it, nothing unescaped.
local lu = require "luaunit"
local core = require "flexlab.core"
local flex = require "flexlab"
local html = require "flexlab.html"

local suite = {}
rawset(_G, "TestReport", suite)

local root

function suite.setUp()
  root = os.tmpname()
  os.remove(root)
  assert(core.sys.mkdirs(root))
end

function suite.tearDown() os.execute("rm -rf '" .. root .. "'") end

function suite.test_base64()
  lu.assertEquals(html.base64 "", "")
  lu.assertEquals(html.base64 "f", "Zg==")
  lu.assertEquals(html.base64 "fo", "Zm8=")
  lu.assertEquals(html.base64 "foobar", "Zm9vYmFy")
  lu.assertEquals(html.base64 "\0\255\16", "AP8Q")
end

-- Tags that need closing are closed in order.
local function check_page(page)
  local open = {}
  local void = { meta = true, img = true, ["!DOCTYPE"] = true }
  for slash, name, rest in page:gmatch("<(/?)([%w!]+)([^<>]*)>") do
    if slash == "/" then
      lu.assertEquals(table.remove(open), name)
    elseif not void[name] and rest:sub(-1) ~= "/" then
      open[#open + 1] = name
    end
  end
  lu.assertEquals(open, {})
  lu.assertNil(page:find("https?://[^w]"))
  lu.assertNil(page:find("<script", 1, true))
  lu.assertNil(page:find(' src="[^d]'))
end

local function recipe(parts)
  return flex.recipe("toy", { note = "<b>&" }, function(_, run)
    for step in run:steps(nil, 5) do run:log(step, { loss = 1 / step }) end
    return { rfne = 0.5, path = flex.report(run, parts) }
  end)
end

function suite.test_report_of_a_run()
  local t = flex.table { "method", "RFNE" }
  t:row { "a < b", 0.5 }
  local picture = flex.picture.panel { { label = "w", map = "diverging",
    columns = { { { "x", core.normal({ 16, 16 }, { seed = 1, stream = "data" }) } } } } }
  local result = recipe({ { title = "Result", text = "1 < 2", table = t, note = "n" },
    { title = "Picture", picture = picture } })(nil, { root = root, quiet = true })
  local page = core.sys.read(result.path)
  check_page(page)
  for _, text in ipairs { "1 &lt; 2", "a &lt; b", "data:image/png;base64,iVBOR", "Configuration",
    "Provenance", "version", "recipe.lua" } do
    lu.assertStrContains(page, text)
  end
end

function suite.test_report_of_a_folder()
  local result = recipe({})(nil, { root = root, quiet = true })
  flex.plot.lines({ { name = "a", x = { 1, 2 }, y = { 1, 2 } } }):save(result.dir .. "/chart.svg")
  local page = core.sys.read(flex.report(result.dir))
  check_page(page)
  lu.assertStrContains(page, "rfne")
  lu.assertStrContains(page, "0.5")
  lu.assertEquals(select(2, page:gsub("<svg", "")), 2)
end

function suite.test_report_names_the_data_and_their_hashes()
  local file = root .. "/flow.h5"
  flex.generate("turbulence", { re = 500, size = 32, frames = 2, k0 = 4.0, out = file, quiet = true })
  local result = flex.recipe("with_data", {}, function(_, run)
    flex.data.superres { file = file, factor = 2, crop = 16, batch = 1, split = 0.5 }
    return { path = flex.report(run, {}) }
  end)(nil, { root = root, quiet = true })
  local page = core.sys.read(result.path)
  check_page(page)
  lu.assertStrContains(page, "train " .. file)
  lu.assertStrContains(page, "2 frames of 32x32, Re 500")
  lu.assertStrContains(page, core.sys.hash(core.sys.read(file)))
end

function suite.test_links_out_of_a_folder_are_left_out()
  recipe()({}, { root = root, quiet = true })
  local dir = assert(io.popen("echo " .. root .. "/toy/*/1")):read "l"
  local secret = root .. "/secret"
  assert(core.sys.write(secret, "step 1 TOP-SECRET\tnot yours\n"))
  for _, name in ipairs { "recipe.lua", "config.lua", "env.txt", "data.txt", "metrics.jsonl", "chart.svg",
    "field.png" } do
    assert(core.sys.symlink(secret, dir .. "/" .. name))
  end
  local page = core.sys.read(flex.report(dir))
  lu.assertNil(page:find("TOP-SECRET", 1, true))
  lu.assertNil(page:find(html.base64 "step 1 TOP", 1, true))
  lu.assertStrContains(page, "rfne")
  local command = ("'%s' report '%s' 2>&1 >'%s/out'"):format(os.getenv "FLEXLAB_PROGRAM", dir, root)
  local said = assert(io.popen(command)):read "a"
  lu.assertStrContains(said, "/recipe.lua is a link: left out")
  lu.assertNil(core.sys.read(dir .. "/report.html"):find("TOP-SECRET", 1, true))
end

function suite.test_wrong_use()
  lu.assertErrorMsgContains("is not the folder of a run", flex.report, root .. "/nothing")
  lu.assertErrorMsgContains("nearest is 'title'", flex.report, root, { { titel = "x" } })
end

function suite.test_a_study_says_that_its_charts_show_some_of_its_arms()
  local function page_of(count)
    local tasks = {}
    for i = 1, count do
      local dir = ("%s/toy/1a2b3c4d/%d"):format(root, 100 * count + i)
      assert(core.sys.mkdirs(dir))
      assert(core.sys.write(dir .. "/metrics.jsonl", '{"step":1,"loss":2}\n{"step":2,"loss":1}\n'))
      tasks[i] = { arm = { label = "a=" .. i, settings = { a = i } }, seed = 1, dir = dir, result = { rfne = i } }
    end
    local runs = require("flexlab.study.runs").new { name = "toy", tasks = tasks, dir = root }
    return assert(core.sys.read(runs:report { metric = "rfne", better = "lower" }))
  end
  lu.assertStrContains(page_of(9), "Training loss (running mean), the first 8 of 9 arms")
  lu.assertNotStrContains(page_of(8), "the first 8")
end

os.exit(lu.LuaUnit.run())
