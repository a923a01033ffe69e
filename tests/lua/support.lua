-- support - what the tests of flexlab.core share. Tests start at the root of the checkout.
local lu = require "luaunit"
local core = require "flexlab.core"

local M = {}

M.KEY = { seed = 7 }

-- Fails unless f raises a message that holds `text`; returns the message.
function M.raises(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "no error, expected: " .. text)
  lu.assertStrContains(tostring(message), text)
  return message
end

function M.close(a, b, tolerance)
  lu.assertAlmostEquals(a, b, tolerance or 1e-6)
end

-- Normal numbers, and normal(shape) and positive(shape) with the sizes as arguments.
function M.normal(shape, sample) return core.normal(shape, { seed = 3, sample = sample or 0 }) end
function M.t(...) return M.normal { ... } end
function M.positive(...) return core.uniform({ ... }, M.KEY, { low = 0.5, high = 2 }) end

--- A folder of its own for a test file, made; and a function from a name to a path in it.
function M.folder()
  local folder = os.tmpname()
  os.remove(folder)
  core.sys.mkdirs(folder)
  return folder, function(name) return folder .. "/" .. name end
end

--- Largest difference of two tensors.
function M.largest(a, b) return (a - b):abs():summary().max end

--- Exit code of a shell command in a folder, and what it printed, errors included.
function M.shell(folder, command)
  local pipe = assert(io.popen(("cd %s && { %s; } 2>&1; printf '\\n%%d' $?"):format(folder, command)))
  local body, code = pipe:read("a"):match("^(.*)\n(%d+)$")
  pipe:close()
  return tonumber(code), body
end

--- Gives a suite a folder, made, of its own for each test, as suite.folder.
function M.foldered(suite)
  function suite.setUp() suite.folder = M.folder() end
  function suite.tearDown() os.execute("rm -rf '" .. suite.folder .. "'") end
end

--- Gives a suite a root of runs of its own for each test, as suite.root.
function M.rooted(suite)
  function suite.setUp()
    suite.root = os.tmpname()
    os.remove(suite.root)
  end
  function suite.tearDown() os.execute("rm -rf '" .. suite.root .. "'") end
end

--- Runs `flexlab LINE` in a process of its own; returns its exit code and what it printed, by way of `file`.
function M.flexlab(line, file)
  local program = require("flexlab.study.workers").program()
  local _, _, code = os.execute(("{ %s %s; } >%s 2>&1"):format(program, line, file))
  local out = core.sys.read(file)
  os.remove(file)
  return code, out
end

--- A recipe that takes no time: rfne is known from its settings and seed. calls() counts its bodies.
function M.toy_recipe()
  local flex, count = require "flexlab", 0
  local defaults = { model = { road = "weak", width = 1 }, lr = 0.5 }
  local recipe = flex.recipe("toy", defaults, function(cfg, run)
    count = count + 1
    local level = ({ none = 3, weak = 2, both = 1 })[cfg.model.road]
    return { rfne = level + run.seed / 100 + cfg.model.width / 10, road = cfg.model.road }
  end)
  return recipe, function() return count end
end

--- Eight frames of turbulence, 32x32, written to path; returns it.
function M.flow(path)
  require("flexlab").generate("turbulence", { re = 300, size = 32, frames = 8, seed = 1, k0 = 4.0, out = path,
    quiet = true })
  return path
end

--- The smallest network of two levels: settings, with `more` over them.
function M.smallest(more)
  local cfg = { channels = { 32, 32 }, res_blocks = { 1, 1 }, depth = 1, heads = 2, dropout = 0.0, seed = 1 }
  for k, v in pairs(more or {}) do cfg[k] = v end
  return cfg
end

return M
