-- British spelling in our own words: pages, recipes, Lua and C. Names of others (CSS's color, PyTorch's optimizer) stay
-- as they are spelled there; so do the words of the Lua and C API that are named after them.
local lu = require "luaunit"
local core = require "flexlab.core"

local suite = {}
rawset(_G, "TestSpelling", suite)

-- Parts of words, in lower case, that American spelling has.
local AMERICAN = { "normaliz", "parametriz", "parameteriz", "initializ", "optimiz", "regulariz", "discretiz",
  "lineariz", "quantiz", "vectoriz", "organiz", "recogniz", "summariz", "minimiz", "maximiz", "visualiz", "serializ",
  "synchroniz",
  "specializ", "generaliz", "standardiz", "utiliz", "factoriz", "tokeniz", "stabiliz", "equaliz", "realiz", "emphasiz",
  "randomiz", "finaliz", "localiz", "penaliz", "diagonaliz", "symmetriz", "memoriz", "characteriz", "customiz",
  "materializ", "analyz", "color", "behavior", "neighbor", "favor", "honor", "labeled", "labeling", "modeled",
  "modeling", "canceled", "traveling", "signaled", "gray", "fulfill", "artifact", "center", "fiber" }

-- Words, in lower case, that are spelled so elsewhere, or are no American spelling.
local ALLOWED = {
  color = "CSS and SVG", currentcolor = "CSS and SVG", ["color-scheme"] = "CSS",
  optimizer = "PyTorch's word; flex.optimizer", optimizers = "the folder of such choices",
  uninitialized = "gcc's warning", pthread_mutex_initializer = "POSIX", pthread_cond_initializer = "POSIX",
  pthread_recursive_mutex_initializer_np = "POSIX", finalizers = "Lua's manual",
  serialization = "torch/serialization.py",
  realization = "CF's standard name", vectorize = "clang's pragma", wifsignaled = "POSIX", centimeter = "udunits",
  gray = "a name: Gray code, Lavin & Gray, Gray-Scott", artifact_prefix = "libFuzzer's option",
}

-- Whether a word may stand; optimizer may in a longer one, too: fx_optimizer_new.
local function allowed(word) return ALLOWED[word] ~= nil or word:find("optimizer", 1, true) ~= nil end

-- What a line spells as Americans do: words.
local function strays(line)
  local list, low = {}, line:lower()
  for _, root in ipairs(AMERICAN) do
    if low:find(root, 1, true) then
      for word in low:gmatch "[%w_]+" do
        if word:find(root, 1, true) and not allowed(word) then list[#list + 1] = word end
      end
    end
  end
  return list
end

function suite.test_a_stray_is_found()
  lu.assertEquals(strays "Normalizes the colors of a neighbor", { "normalizes", "colors", "neighbor" })
  lu.assertEquals(strays "normalises the colours of a neighbour; flex.optimizer, color: red", {})
end

function suite.test_our_words_are_british()
  local pipe = assert(io.popen("find lua csrc docs recipes *.md \\( -name '*.lua' -o -name '*.[ch]' -o -name '*.def' "
    .. "-o -name '*.md' \\) -type f | sort"))
  local faults, count = {}, 0
  for path in pipe:lines() do
    count = count + 1
    local n = 0
    for line in (core.sys.read(path) .. "\n"):gmatch "(.-)\n" do
      n = n + 1
      for _, word in ipairs(strays(line)) do faults[#faults + 1] = ("%s:%d: %s"):format(path, n, word) end
    end
  end
  pipe:close()
  lu.assertTrue(count > 500, count)
  lu.assertEquals(table.concat(faults, "\n"), "")
end

os.exit(lu.LuaUnit.run())
