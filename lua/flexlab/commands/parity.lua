--[[
parity - compare the network or the ops with recorded numbers of the authors' code.
--]]
local commands = require "flexlab.commands"
local flex = require "flexlab"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"

local function compare(path)
  local rows, t, worst = flex.parity.check(path), tabulate { "tensor", "error", "limit", "" }, 0
  local failed = 0
  for _, row in ipairs(rows) do
    if not row.ok then failed = failed + 1 end
    worst = math.max(worst, row.error == row.error and row.error / row.limit or math.huge)
    t:row { row.name, ("%.2e"):format(row.error), ("%.0e"):format(row.limit), row.ok and "ok" or "EXCEEDED" }
  end
  terminal.write(path .. "\n" .. t:text())
  terminal.say(("%s: %d of %d within their limits, the worst at %.2g of its limit\n"):format(path,
    #rows - failed, #rows, worst))
  return failed
end

return {
  name = "parity",
  doc = "compare outputs and gradients with recorded ones",
  arguments = { { name = "file", many = true, takes = { "file" },
    doc = "recorded numbers: .safetensors with param/ in/ out/ grad/" } },
  options = { commands.trust },
  notes = "The error is the largest absolute difference over the largest absolute reference.\n"
    .. "Exit code 1 if an output exceeds 1e-4, a gradient 1e-3, an op 1e-5.",
  run = function(values)
    local failed = 0
    for _, path in ipairs(values.file) do failed = failed + compare(path) end
    return failed > 0 and 1 or 0
  end,
}
