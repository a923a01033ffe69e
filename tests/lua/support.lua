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

return M
