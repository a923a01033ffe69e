-- flexlab export and import: one archive that opens elsewhere, and archives that nobody should open.
local lu = require "luaunit"
local core = require "flexlab.core"
local export = require "flexlab.run.export"
local flex = require "flexlab"
local import = require "flexlab.run.import"
local literal = require "flexlab.literal"
local support = require "tests.lua.support"
local tar = require "flexlab.tar"

local suite = {}
rawset(_G, "TestExport", suite)

support.foldered(suite)

local function study()
  return flex.study("roads", (support.toy_recipe()), { grid = { ["model.road"] = { "none", "both" } }, seeds = "1,2" },
    function(runs) runs:report() end)(nil, { root = suite.folder .. "/runs", quiet = true }).dir
end

local function flexlab(line) return support.flexlab(line, suite.folder .. "/out") end

-- All files below a folder: name -> contents.
local function tree(dir, prefix, list)
  list = list or {}
  for _, name in ipairs(core.sys.list(dir)) do
    local path = dir .. "/" .. name
    if core.sys.readlink(path) then
      list[(prefix or "") .. name] = "-> " .. core.sys.readlink(path)
    elseif core.sys.exists(path) == "folder" then
      tree(path, (prefix or "") .. name .. "/", list)
    else
      list[(prefix or "") .. name] = core.sys.read(path)
    end
  end
  return list
end

function suite.test_a_study_opens_with_tar_and_with_import()
  local dir = study()
  local archive, elsewhere = suite.folder .. "/roads.tar", suite.folder .. "/elsewhere"
  local code, out = flexlab(("export %s/runs/roads --out %s"):format(suite.folder, archive))
  lu.assertEquals(code, 0, out)
  lu.assertStrContains(out, "roads.tar: 4 runs and their study")
  assert(core.sys.mkdirs(elsewhere))
  assert(os.execute(("tar -C %s -xf %s"):format(elsewhere, archive)))
  local unpacked = tree(elsewhere)
  unpacked["export.lua"] = nil
  code, out = flexlab(("import %s --out %s/imported"):format(archive, suite.folder))
  lu.assertEquals(code, 0, out)
  local original, imported = tree(suite.folder .. "/runs"), tree(suite.folder .. "/imported")
  for _, t in ipairs { original, imported } do
    for name in pairs(t) do if name:find "latest$" then t[name] = nil end end
  end
  lu.assertEquals(imported, original)
  lu.assertEquals(unpacked, original)
  for _, root in ipairs { elsewhere, suite.folder .. "/imported" } do
    lu.assertEquals(flexlab("compare " .. root .. "/roads"), 0)
    lu.assertEquals(#flex.runs(root .. "/roads"), 4)
  end
  code, out = flexlab(("import %s --out %s/imported"):format(archive, suite.folder))
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "roads/" .. dir:match "[^/]*$" .. " was there already")
  lu.assertEquals(core.sys.modified(suite.folder .. "/imported/roads/" .. dir:match "[^/]*$" .. "/study.lua") // 1,
    core.sys.modified(dir .. "/study.lua") // 1)
end

function suite.test_a_run_with_its_weights_is_sampled_elsewhere()
  local flow = support.flow(suite.folder .. "/flow.h5")
  local made = flex.recipe("small", { steps = 2 }, function(cfg, run)
    local data = flex.data.superres { file = flow, test = flow, factor = 2, crop = 16, batch = 1, test_tiles = 1 }
    local model = flex.models.flex { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0 }
    local optim = flex.optim.adam(model, { lr = 1e-3 })
    for _, batch in run:steps(data.train, cfg.steps) do optim:step(flex.diffusion.loss(model, batch)) end
    return { rfne = 1 }
  end)({}, { root = suite.folder .. "/runs", quiet = true })
  local archive = suite.folder .. "/one.tar"
  export.write(archive, { made.dir })
  local new = import.read(archive, suite.folder .. "/else")
  lu.assertEquals(#new, 1)
  local dir = suite.folder .. "/else/" .. new[1]
  lu.assertEquals(literal.read(dir .. "/../files.lua")[1].path, flow)
  local first, second = flex.load_model(made.dir):parameters(), flex.load_model(dir):parameters()
  for i = 1, #first do lu.assertEquals(second[i].tensor:totable(), first[i].tensor:totable()) end
  -- another run of the same place, and other data of the same name, are not overwritten
  assert(core.sys.write(dir .. "/result.lua", "return { rfne = 2 }\n"))
  lu.assertErrorMsgContains("is there already, and its result.lua is another", import.read, archive,
    suite.folder .. "/else")
  local data = suite.folder .. "/data"
  assert(core.sys.mkdirs(data .. "/" .. new[1]:match "^(.*)/"))
  assert(literal.write(data .. "/" .. new[1]:match "^(.*)/" .. "/files.lua",
    { { path = flow, bytes = 3, hash = "0123456789abcdef" } }))
  lu.assertErrorMsgContains("have read another '" .. flow .. "'", import.read, archive, data)
  lu.assertNil(core.sys.exists(data .. "/" .. new[1]))
end

-- An archive by hand: entries { name, text, change of its header }; `list` in place of a list of the entries.
local function archive_of(entries, list)
  local path, files = suite.folder .. "/hostile.tar", {}
  for _, e in ipairs(entries) do
    files[#files + 1] = { name = e[1], bytes = #e[2], hash = core.sys.hash(e[2]) }
  end
  local w = tar.writer(path)
  if list ~= false then w:text("export.lua", list or "return " .. literal.encode { files = files } .. "\n") end
  for _, e in ipairs(entries) do w:text(e.as or e[1], e[2]) end
  w:finish()
  return path
end

-- Puts other bytes into the header of the entry at byte `at` and mends its checksum.
local function patched(path, at, offset, bytes)
  local text = core.sys.read(path)
  local header = text:sub(at + 1, at + offset) .. bytes .. text:sub(at + offset + #bytes + 1, at + 512)
  local sum = 0
  for i = 1, 512 do sum = sum + ((i > 148 and i <= 156) and 32 or header:byte(i)) end
  header = header:sub(1, 148) .. ("%06o\0 "):format(sum) .. header:sub(157)
  assert(core.sys.write(path, text:sub(1, at) .. header .. text:sub(at + 513)))
  return path
end

local RUN = "sr/1a2b3c4d/1/"

local function refused(path, text)
  local root = suite.folder .. "/in"
  lu.assertErrorMsgContains(text, import.read, path, root)
  lu.assertNil(core.sys.exists(root))                             -- nothing of it stays
  lu.assertNil(core.sys.exists(suite.folder .. "/evil"))
end

function suite.test_hostile_archives_leave_nothing()
  local good = { { RUN .. "config.lua", "return {}\n" }, { RUN .. "result.lua", "return { rfne = 1 }\n" } }
  lu.assertEquals((import.read(archive_of(good), suite.folder .. "/good")), { "sr/1a2b3c4d/1" })
  for _, name in ipairs { "../evil", "/tmp/evil", "sr/1a2b3c4d/../../../evil", "sr/1a2b3c4d/1/../../../../evil",
    "sr/1a2b3c4d/1/", "evil", "sr/evil", "sr/1a2b3c4d/1//evil", "sr/1a2b3c4d/1/a\nb", "./../evil" } do
    refused(archive_of { good[1], { name, "x" } }, "its list names")
    local said = archive_of { good[1], { RUN .. "x", "x", as = name } }
    lu.assertFalse((pcall(import.read, said, suite.folder .. "/in")), name)
    lu.assertNil(core.sys.exists(suite.folder .. "/evil"))
  end
  -- names that no run writes: locks, files that were being written, code outside of code/
  for name, why in pairs { lock = "is a lock", ["lock.1"] = "is a lock", ["last.h5.tmp.1.2"] = nil,
    ["last.h5.tmp.1.0123abcd"] = "was being written", ["last.h5.tmp.17"] = "was being written",
    ["result.lua.part"] = "was being written", ["flexlab/losses/evil.lua"] = "runs keep in code/ alone",
    ["sub/lock"] = "is a lock", ["evil.so"] = "is code", ["sub/core.so.5"] = "is code", ["code"] = "is no copy",
    ["code/evil.so"] = "is no copy", ["code/.lua"] = "is no copy", ["init.lua"] = "with more than a value",
    ["files.lock"] = "is a lock" } do
    refused(archive_of { good[1], { RUN .. name, "os.execute 'touch evil'\n" } }, ("'%s%s'"):format(RUN, name))
    refused(archive_of { good[1], { RUN .. name, "os.execute 'touch evil'\n" } }, why)
  end
  refused(archive_of { good[1], { RUN .. "last.h5.tmp.1.2", "x" } }, "was being written")
  local saved = { good[1], { RUN .. "scores.csv", "a\n" },
    { RUN .. "spectrum.lua", "-- written by run:record\nreturn {}\n" },
    { RUN .. "pictures/a.png", "x" }, { RUN .. "code/flexlab/losses/mine.lua", "return 1\n" } }
  lu.assertEquals((import.read(archive_of(saved), suite.folder .. "/saved")), { "sr/1a2b3c4d/1" })
  refused(archive_of { { "sr/1a2b3c4d/1/evil.txt", "x" } }, "is no file of a run or a study")
  refused(archive_of { { "sr/1a2b3c4d/evil.txt", "x" } }, "is no file of a run or a study")
  refused(archive_of { good[1], { "sr/1a2b3c4d/study.lua", "return {}\n" } }, "is no file of a run or a study")
  refused(archive_of({ good[1] }, ("return { files = { { name = '%sconfig.lua', bytes = 3, hash = 'x' } } }\n")
    :format(RUN)), "is not as its list says")
  refused(archive_of({ good[1] }, ("return { files = { { name = '%sconfig.lua', bytes = 10, hash = 'x' } } }\n")
    :format(RUN)), "is damaged")
  refused(archive_of({}, ("return { files = { { name = '%sconfig.lua', bytes = 1, hash = 'x' } } }\n"):format(RUN)),
    "is missing")
  refused(archive_of({}, "return {}"), "it is no list of files")
  refused(archive_of({}, "os.execute 'touch evil'"), "its list export.lua cannot be read")
  refused(archive_of(good, false), "was not written by flexlab export")
end

function suite.test_archives_with_other_things_or_cut_off()
  local good = { { RUN .. "config.lua", "return {}\n" } }
  local at = 512 + 512                                            -- behind the list and its header
  for kind, name in pairs { ["1"] = "a hard link", ["2"] = "a link", ["3"] = "a device", ["6"] = "a pipe", L = "GNU",
    x = "pax" } do
    refused(patched(archive_of(good), at, 156, kind), "is no plain file; unpack it with tar")
    lu.assertNotNil(name)
  end
  refused(patched(archive_of(good), at, 124, "77777777777\0"), "is cut off in")
  refused(patched(archive_of(good), at, 124, "-0000000001\0"), "has no size")
  local text = core.sys.read(archive_of(good))
  for _, n in ipairs { 100, 700, 1100, 1540 } do
    assert(core.sys.write(suite.folder .. "/cut.tar", text:sub(1, n)))
    lu.assertFalse((pcall(import.read, suite.folder .. "/cut.tar", suite.folder .. "/in")), n)
    lu.assertNil(core.sys.exists(suite.folder .. "/in"))
  end
  assert(core.sys.write(suite.folder .. "/cut.tar", text:sub(1, at + 20) .. "X" .. text:sub(at + 22)))
  refused(suite.folder .. "/cut.tar", "a header is damaged")
  assert(core.sys.write(suite.folder .. "/cut.tar", ("no tar"):rep(200)))
  refused(suite.folder .. "/cut.tar", "this is no tar archive")
  assert(core.sys.write(suite.folder .. "/cut.tar", ""))
  refused(suite.folder .. "/cut.tar", "it is empty")
end

function suite.test_names_and_sizes_of_archives()
  local folder = "a/" .. ("b"):rep(90) .. "/" .. ("c"):rep(60)
  local path = suite.folder .. "/long.tar"
  local w = tar.writer(path)
  w:text(folder .. "/" .. ("d"):rep(99), "x")
  lu.assertErrorMsgContains("too long for an archive", w.text, w, ("e"):rep(120), "x")
  w:finish()
  local names = {}
  tar.read(path, function(name, size) names[#names + 1] = { name, size } end)
  lu.assertEquals(names, { { folder .. "/" .. ("d"):rep(99), 1 } })
  assert(os.execute(("tar -C %s -xf %s"):format(suite.folder, path)))
  lu.assertEquals(core.sys.read(suite.folder .. "/" .. folder .. "/" .. ("d"):rep(99)), "x")
  -- and what tar itself writes is read
  assert(os.execute(("cd %s && tar --format=ustar -cf mine.tar a"):format(suite.folder)))
  names = {}
  tar.read(suite.folder .. "/mine.tar", function(name, size) names[#names + 1] = { name, size } end)
  lu.assertEquals(names, { { folder .. "/" .. ("d"):rep(99), 1 } })
end

function suite.test_a_running_run_is_not_exported()
  local dir = study()
  local run = flex.runs(dir).tasks[1].dir
  core.sys.remove(run .. "/result.lua")
  local code, out = flexlab("export " .. run .. " --out " .. suite.folder .. "/x.tar")
  lu.assertEquals(code, 0)
  lu.assertStrContains(out, "is not done")
  local lock = assert(require("flexlab.store.locks").take(run))
  code, out = flexlab("export " .. run .. " --out " .. suite.folder .. "/y.tar")
  lock:release()
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "is running; export it when it is done")
  lu.assertNil(core.sys.exists(suite.folder .. "/y.tar"))
  code, out = flexlab("export " .. suite.folder .. "/none")
  lu.assertEquals(code, 1)
  lu.assertStrContains(out, "there is no folder")
end

function suite.test_a_full_disk_names_the_archive()
  local full = assert(io.open("/dev/full", "wb"))
  full:setvbuf "no"
  local writer = tar.writer(suite.folder .. "/full.tar")
  writer.file:close()
  writer.file = full
  lu.assertErrorMsgContains(suite.folder .. "/full.tar: No space left on device", writer.text, writer, "a/b", "text")
  writer:abandon()
  lu.assertNil(core.sys.exists(suite.folder .. "/full.tar"))
end

function suite.test_what_a_killed_or_refused_import_leaves_is_no_run()
  local root, latest = suite.folder .. "/imports", require "flexlab.store.latest"
  assert(core.sys.mkdirs(root .. "/import.tmp.4711/sr/1a2b3c4d/1"))
  assert(core.sys.mkdirs(root .. "/sr"))
  lu.assertEquals(latest.folders(root), { "sr" })
  assert(core.sys.write(suite.folder .. "/none.tar", "no archive"))
  lu.assertFalse(pcall(import.read, suite.folder .. "/none.tar", suite.folder .. "/fresh"))
  lu.assertNil(core.sys.exists(suite.folder .. "/fresh"))
end

os.exit(lu.LuaUnit.run())
